"""What the routes find in the application and in a request."""

from dataclasses import dataclass, field

from aiohttp import web

from bridge.core.model import FlowdockUser
from bridge.services import Services


@dataclass(frozen=True, kw_only=True)
class Session:
    """Somebody signed in; `csrf` is what each of their forms must bring."""

    user: FlowdockUser
    access_token: str = field(repr=False)
    csrf: str = field(repr=False)


SERVICES = web.AppKey("services", Services)
LOG = web.RequestKey("log", dict[str, str])
"""What the request's line in the log says besides."""
UNLOGGED: dict[str, str] = {}
"""This very value at LOG: the request has no line, for whoever asks too often must not fill the log."""
SESSION = web.RequestKey("session", Session)
"""Who is signed in, once a handler has asked (`bridge.web.auth.sessions.current`)."""
FORM_TARGET = web.RequestKey("form_target", str)
"""The one other origin that a page's forms may post to, where a handler allows it."""
SPENT = web.RequestKey("spent", str)
"""The cookie that has served with this request, however it is answered."""
