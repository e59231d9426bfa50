"""Sessions: a Flowdock user stays signed in at a browser for eight hours.

Signing in uses Flowdock's OAuth with a state that this browser keeps sealed: Redis keeps nothing before
Flowdock's answer. The session lies encrypted in Redis under the hash of the cookie. With its access token,
bridge asks Flowdock each time what the user may see and change. Every form carries a token made from the
session.
"""

import secrets
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

import msgspec
import structlog
from aiohttp import web

from bridge.core.errors import BridgeError, RequestRefused
from bridge.core.model import FlowdockUser
from bridge.core.security import signing
from bridge.services import Services
from bridge.storage.keys import hash_of
from bridge.web import render
from bridge.web.auth import oauth_callback
from bridge.web.context import SERVICES, SESSION, Session
from bridge.web.http import cookies, once, sealed_cookies
from bridge.web.http.forms import FormRefused, csrf_of_page, is_csrf
from bridge.web.http.paths import local_path

COOKIE = "bridge_session"
SIGNING_IN = "bridge_signin"
SECONDS = 8 * 3600
SCOPE = "flow integration profile"
"""`integration` lets bridge make sources, `flow` lets it list the user's flows."""

STATE = "signin."
"""The prefix of this sign-in's states: linking has the same callback address."""

log = structlog.get_logger()
routes = web.RouteTableDef()


class SignInNeeded(RequestRefused):
    """This page needs a signed-in user."""

    status = 401
    advice = "Sign in, then try again. Nothing was changed."


class SignInFailed(RequestRefused):
    """Flowdock's answer does not belong to a sign-in of this browser."""

    status = 403
    advice = "Sign in again from bridge's home page."


class FlowdockSignIn:
    """The sign-in at Flowdock that a session here came from; bridge's own inbox ends the two together."""

    async def is_signed_in(self, request: web.Request, user: str) -> bool:  # noqa: ARG002
        """Tell whether a user is still signed in there, at this browser."""
        return True

    async def note_visitor(self, request: web.Request) -> None:
        """Note the user who is signed in there, for the header of a browser without a session here."""

    async def end(self, request: web.Request, response: web.Response) -> None:
        """Sign this browser out there too."""

    def known_user(self, request: web.Request) -> str:  # noqa: ARG002
        """Return the user who was signed in there once, from the browser's cookie alone; empty if nobody."""
        return ""


FLOWDOCK_SIGN_IN = web.AppKey("flowdock_sign_in", FlowdockSignIn)


async def current(request: web.Request) -> Session | None:
    """Return this browser's session, None if nobody is signed in."""
    services = request.app[SERVICES]
    cookie = cookies.read(request, COOKIE)
    value = await services.one_time.peek("session", hash_of(cookie)) if cookie else None
    if value is None:
        await request.app[FLOWDOCK_SIGN_IN].note_visitor(request)
        return None
    if not await request.app[FLOWDOCK_SIGN_IN].is_signed_in(request, value["user"]["id"]):
        await _end(request)
        return None
    request[SESSION] = session = Session(
        user=msgspec.convert(value["user"], FlowdockUser),
        access_token=value["access_token"],
        csrf=csrf_of_page(_csrf(services, cookie)[0]),
    )
    return session


async def required(request: web.Request) -> Session:
    """Return the session; raises `SignInNeeded`, which a page answers with the sign-in."""
    session = await current(request)
    if session is None:
        raise SignInNeeded("You are not signed in. A session lasts 8 hours.")
    return session


async def posted(request: web.Request) -> tuple[Session, Any]:
    """Return the session and the fields of its own form; raises `SignInNeeded` or `FormRefused`."""
    session = await required(request)
    form = await request.post()
    given = str(form.get("csrf", ""))
    good = _csrf(request.app[SERVICES], cookies.read(request, COOKIE))
    if not any(is_csrf(given, one) for one in good):
        raise FormRefused("This form does not belong to your session.")
    await once.claim(request)
    return session, form


def sign_in_url(then: str) -> str:
    """Return the address to sign in at; it leads back to `then`, a path of bridge's own."""
    return f"/signin?{urlencode({'then': then})}"


@routes.get("/signin")
async def sign_in(request: web.Request) -> web.Response:
    """Send the browser to Flowdock."""
    services = request.app[SERVICES]
    state = STATE + secrets.token_urlsafe(24)
    begun = {"state": state, "then": local_path(request.query.get("then", ""))}
    response = render.redirect(services.flowdock_oauth.authorize_url(state=state, scope=SCOPE))
    sealed_cookies.keep(request, response, services.vault, SIGNING_IN, begun)
    return response


async def signed_in(request: web.Request) -> web.Response:
    """Take Flowdock's callback: start a new session, and return to the page where the sign-in began."""
    services = request.app[SERVICES]
    # It works once, even if the sign-in then fails.
    request[cookies.SPENT] = SIGNING_IN
    begun = sealed_cookies.answered(request, services.vault, SIGNING_IN)
    if begun is None:
        raise SignInFailed(sealed_cookies.NOT_BEGUN)
    code = oauth_callback.code(request, services.settings.chat)
    access_token = await services.flowdock_oauth.exchange(code)
    user = await services.flowdock_oauth.user(access_token)
    await note_flows(services, user, access_token)
    await _end(request)
    # The secret is new each time: a planted cookie never becomes a session.
    cookie = _signed(services, secrets.token_urlsafe(32))[0]
    session = {"user": asdict(user), "access_token": access_token}
    await services.one_time.put("session", hash_of(cookie), session, seconds=SECONDS)
    log.info("signed_in", flowdock_user=user.id)
    response = render.redirect(begun["then"])
    cookies.keep(request, response, COOKIE, cookie, seconds=SECONDS)
    return response


async def note_flows(services: Services, user: FlowdockUser, access_token: str) -> None:
    """Record the user's flows, so that they are tagged there; Flowdock may also tell them later."""
    try:
        await services.members.joined(user.id, await services.flowdock.flows(access_token))
    except BridgeError as error:
        log.warning("flows_unavailable", flowdock_user=user.id, reason=str(error))


@routes.post("/signout")
async def sign_out(request: web.Request) -> web.Response:
    """End the session here and in Redis."""
    await posted(request)
    await _end(request)
    response = render.redirect("/")
    cookies.forget(request, response, COOKIE)
    await request.app[FLOWDOCK_SIGN_IN].end(request, response)
    return response


async def answer(request: web.Request, error: BridgeError) -> web.Response:
    """Answer a request without a valid session: redirect to the sign-in, which leads back; refuse forms."""
    await _end(request)
    if request.method in ("GET", "HEAD"):
        return render.redirect(sign_in_url(request.path_qs))
    return render.error(request, status=401, sentence=str(error), advice=SignInNeeded.advice)


async def _end(request: web.Request) -> None:
    if cookie := cookies.read(request, COOKIE):
        await request.app[SERVICES].one_time.pop("session", hash_of(cookie))


def is_of_a_session(request: web.Request) -> bool:
    """Tell from the cookies alone whether this browser was signed in once; good for rate limits only."""
    if request.app[FLOWDOCK_SIGN_IN].known_user(request):
        return True
    cookie = cookies.read(request, COOKIE)
    made = _signed(request.app[SERVICES], cookie.partition(".")[0])
    return any(signing.equal(cookie, one) for one in made)


def _signed(services: Services, secret: str) -> list[str]:
    """Return the cookie with this secret, signed by each COOKIE_SECRET; browsers get the first."""
    made = signing.signatures(f"session:{secret}", services.settings.cookie_secrets)
    return [f"{secret}.{one}" for one in made]


def _csrf(services: Services, cookie: str) -> list[str]:
    """Return the tokens that this session's forms may carry, by each COOKIE_SECRET; forms get the first."""
    return signing.signatures(f"csrf:{cookie}", services.settings.cookie_secrets)
