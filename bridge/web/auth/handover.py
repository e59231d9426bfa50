"""`/handover/{id}`: an administrator of a repository connects it, at the request of a member of a flow.

The link shows the request to anybody. Signing in with GitHub stores nothing, as its state is in a sealed
cookie. GitHub then confirms the administrator. A page names all parties, and only a POST from it, bound to
this browser, connects or declines.
"""

import secrets
from typing import Any

import structlog
from aiohttp import web

from bridge.clients import oauth
from bridge.clients.github import TokenRevoked
from bridge.connections.handover import SignInAgain
from bridge.connections.handover_requests import Answered, Handover, NoSuchHandover
from bridge.core.errors import ClaimRefused, Malformed, OAuthFailed, RequestRefused
from bridge.core.model import Administrator
from bridge.core.security import signing
from bridge.services import Services
from bridge.storage.keys import hash_of
from bridge.web import render
from bridge.web.auth import oauth_callback
from bridge.web.context import SERVICES
from bridge.web.http import cookies, once, sealed_cookies

COOKIE = "bridge_handover"
SECONDS = 15 * 60
"""The time limit for the answer after the sign-in on GitHub."""

STATE = "handover."
"""The prefix of this sign-in's states: linking has the same callback address."""

_PATH = "/handover/{id:[A-Za-z0-9_-]{32}}"
_KIND = "handing-over"

log = structlog.get_logger()
routes = web.RouteTableDef()


class NotThisBrowser(RequestRefused):
    """The step does not follow one that this browser took."""

    status = 403
    advice = "Open the link you were sent again. Nothing was connected."


@routes.get(_PATH)
async def show(request: web.Request) -> web.Response:
    """Show the request and its state."""
    services = request.app[SERVICES]
    return render.page(
        request,
        "handover.html",
        handover=await _found(services, request.match_info["id"]),
        github_app=await services.hooks.app(),
        github_url=services.settings.github_url,
        path=request.path,
    )


@routes.get(_PATH + "/sign-in")
async def sign_in(request: web.Request) -> web.Response:
    """Redirect to GitHub; nothing is stored."""
    services = request.app[SERVICES]
    handover = await _still_open(services, request.match_info["id"])
    state, verifier = STATE + secrets.token_urlsafe(24), oauth.code_verifier()
    response = render.redirect(await services.github.authorize_url(state=state, verifier=verifier))
    begun = {"id": handover.id, "state": state, "verifier": verifier}
    sealed_cookies.keep(request, response, services.vault, COOKIE, begun)
    return response


async def signed_in(request: web.Request) -> web.Response:
    """Take GitHub's callback, and check that the user administers the repository; if not, keep nothing."""
    services = request.app[SERVICES]
    begun = sealed_cookies.answered(request, services.vault, COOKIE)
    if begun is None:
        raise NotThisBrowser(sealed_cookies.NOT_BEGUN)
    administrator = await _administrator(request, begun["verifier"])
    try:
        handover = await _still_open(services, begun["id"])
        repository = await services.handover_service.administered(handover, administrator)
        browser = secrets.token_urlsafe(24)
        step = {
            "id": handover.id,
            "state": secrets.token_urlsafe(24),
            "login": administrator.login,
            "token": administrator.token,
            "full_name": repository.full_name,
            "private": repository.private,
        }
        await services.one_time.put(_KIND, hash_of(browser), step, seconds=SECONDS)
    except BaseException:
        await services.accounts.give_back_lent(administrator)
        raise
    response = render.redirect(f"/handover/{handover.id}/confirm")
    cookies.keep(request, response, COOKIE, browser, seconds=SECONDS)
    return response


@routes.get(_PATH + "/confirm")
async def confirm(request: web.Request) -> web.Response:
    """Ask for confirmation, naming all parties; only the POST changes anything."""
    step = await _step(request)
    handover = await _still_open(request.app[SERVICES], step["id"])
    return render.page(request, "handover_confirm.html", handover=handover, step=step)


@routes.post(_PATH + "/confirm")
async def answer(request: web.Request) -> web.Response:
    """Connect or decline, and redirect to the link's page, which shows the result."""
    services = request.app[SERVICES]
    form = await request.post()
    wish = form.get("answer")
    if wish not in ("connect", "decline"):
        raise Malformed("choose Connect or Decline")
    step = await _step(request)
    if not signing.equal(str(form.get("state", "")), step["state"]):
        raise NotThisBrowser("This form does not belong to this browser's sign-in.")
    await once.claim(request)
    if await services.one_time.pop(_KIND, hash_of(cookies.read(request, COOKIE))) is None:
        raise NotThisBrowser("This form was already sent.")
    administrator = Administrator(login=step["login"], token=step["token"])
    if wish == "connect":
        await services.handover_service.connect(step["id"], administrator, shown=step["full_name"])
    else:
        await services.handover_service.decline(step["id"], administrator)
    response = render.redirect(f"/handover/{step['id']}")
    cookies.forget(request, response, COOKIE)
    return response


async def _administrator(request: web.Request, verifier: str) -> Administrator:
    """Return the GitHub user who signed in; their rights are not checked yet."""
    services = request.app[SERVICES]
    try:
        code = oauth_callback.code(request, "GitHub")
        token = await services.github.exchange(code, verifier=verifier)
    except ClaimRefused:
        raise NotThisBrowser("You declined on GitHub.") from None
    except OAuthFailed as error:
        raise SignInAgain(str(error)) from None
    lent = Administrator(login="", token=token.access)
    try:
        user = await services.github.user(token)
    except TokenRevoked:
        raise SignInAgain("GitHub no longer accepts your sign-in") from None
    except BaseException:
        await services.accounts.give_back_lent(lent)
        raise
    return Administrator(login=user.login, token=token.access)


async def _step(request: web.Request) -> dict[str, Any]:
    """Return this browser's step after its sign-in, for the link in the address."""
    cookie = cookies.read(request, COOKIE)
    step = await request.app[SERVICES].one_time.peek(_KIND, hash_of(cookie)) if cookie else None
    if step is None or step["id"] != request.match_info["id"]:
        raise NotThisBrowser("You are not signed in for this link. A sign-in lasts 15 minutes.")
    return step


async def _found(services: Services, handover_id: str) -> Handover:
    handover = await services.handovers.find(handover_id)
    if handover is None:
        raise NoSuchHandover("this link does not exist or has expired")
    return handover


async def _still_open(services: Services, handover_id: str) -> Handover:
    handover = await _found(services, handover_id)
    if handover.state != "open":
        raise Answered("this request was already answered")
    return handover
