"""Calls of Flowdock's API that the inbox leaves out: each gets a sentence."""

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.inbox.api.requests import ApiRefusal, caller
from bridge.inbox.api.threads import FLOW
from bridge.inbox.context import API

_FLOWS = "Flows are created and changed on the inbox's pages."
_PEOPLE = "People are invited and removed on the inbox's pages."
_USERS = "Names and pictures come from GitHub: change them there."
_ORGANIZATIONS = "The inbox has no organizations: it belongs to one team."
_PRIVATE = "The inbox has no private messages."
_FILES = "The inbox stores no files."

LEFT_OUT = (
    ("POST", f"{API}/flows/{{org}}", _FLOWS),
    ("PUT", FLOW, _FLOWS),
    ("POST", f"{FLOW}/users", _PEOPLE),
    ("PUT", f"{FLOW}/users/{{id}}", _PEOPLE),
    ("*", f"{FLOW}/invitations{{rest:.*}}", _PEOPLE),
    ("PUT", f"{API}/users/{{id}}", _USERS),
    ("*", f"{API}/organizations{{rest:.*}}", _ORGANIZATIONS),
    ("*", f"{API}/private{{rest:.*}}", _PRIVATE),
    ("*", f"{API}/files{{rest:.*}}", _FILES),
)


def _refusing(sentence: str) -> Handler:
    async def refuse(request: web.Request) -> web.StreamResponse:
        await caller(request)
        raise ApiRefusal(404, sentence)

    return refuse


routes = [web.route(method, path, _refusing(sentence)) for method, path, sentence in LEFT_OUT]
