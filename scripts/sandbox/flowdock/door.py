"""The stand-in's open door: a button signs in as a person, anew at each authorization."""

from pathlib import Path

import jinja2
from aiohttp import web
from yarl import URL

from bridge.inbox.api.requests import AUTHORIZE
from bridge.inbox.people.memberships import MembershipStore
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.people.sessions import COOKIE, SESSIONS, keep, way_back
from bridge.web.http import cookies
from scripts.sandbox.faults import Handler
from scripts.sandbox.flowdock.people import PEOPLE

SIGN_IN = "/inbox/sign-in"
PAGE = jinja2.Template((Path(__file__).parent / "sign_in.html").read_text(), autoescape=True)

routes = web.RouteTableDef()


class NoMemberships(MembershipStore):
    """Nobody is in by an organization."""

    def __init__(self) -> None:
        """Take nothing: nothing is kept, and GitHub is not asked."""

    async def holds(self, person: InboxPerson) -> bool:  # noqa: ARG002
        """Tell that a person may still use the inbox."""
        return True


@routes.get(SIGN_IN)
async def ask(request: web.Request) -> web.Response:
    """Ask who signs in."""
    page = PAGE.render(people=PEOPLE, then=way_back(request.query.get("then", "")))
    return web.Response(text=page, content_type="text/html")


@routes.post(SIGN_IN)
async def sign_in(request: web.Request) -> web.Response:
    """Sign `person` in and go to where the sign-in began, or deny the application its consent."""
    form = await request.post()
    then = URL(way_back(str(form.get("then", ""))))
    if "deny" in form:
        answer = {"error": "access_denied", "state": then.query.get("state", "")}
        return _to(URL(then.query["redirect_uri"]).extend_query(answer))
    response = _to(then)
    keep(request, response, await request.app[SESSIONS].begin(int(str(form["person"])), browser=""))
    return response


@web.middleware
async def forget(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Have the browser forget who authorized: the session itself lives on, as the tokens end with it."""
    response = await handler(request)
    if request.path == AUTHORIZE:
        cookies.forget(request, response, COOKIE)
    return response


def _to(url: URL) -> web.Response:
    return web.Response(status=303, headers={"Location": str(url)})
