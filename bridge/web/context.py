"""The keys of the application and of a request."""

from dataclasses import dataclass, field

from aiohttp import web

from bridge.core.model import FlowdockUser
from bridge.services import Services


@dataclass(frozen=True, kw_only=True)
class Session:
    """A signed-in user; `csrf` is the token that their forms must carry."""

    user: FlowdockUser
    access_token: str = field(repr=False)
    csrf: str = field(repr=False)


SERVICES = web.AppKey("services", Services)
LOG = web.RequestKey("log", dict[str, str])
"""Fields to add to the request's line in the log."""
UNLOGGED: dict[str, str] = {}
"""The value at LOG that suppresses the request's line: a client over its limit must not fill the log."""
REQUEST_ID = web.RequestKey("request_id", str)
"""The id that a request's log lines and its error carry; a delivery has GitHub's instead."""
FOR_MACHINES = web.AppKey("for_machines", bool)
"""True for an application without pages."""
SESSION = web.RequestKey("session", Session)
"""The session, once a handler has asked for it (`bridge.web.auth.sessions.current`)."""
UNSENT = web.RequestKey("unsent", str)
"""The words in a form that was refused: the refusal shows them, so that they are not lost."""
FORM_TARGET = web.RequestKey("form_target", str)
"""The one other origin that a page's forms may post to, if a handler allows one."""
