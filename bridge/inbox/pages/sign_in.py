"""Sign-in with GitHub, by the application that bridge has anyway.

GitHub answers at bridge's one registered address; the state's prefix leads from there to `signed_in`. Until
GitHub has said who it is, nothing is stored: state, PKCE verifier and invitation travel in a sealed cookie.
"""

import secrets

import structlog
from aiohttp import web

from bridge.core.errors import RequestRefused
from bridge.inbox.admission import ADMISSION, Stranger
from bridge.inbox.pages.render import render
from bridge.inbox.people import sessions
from bridge.inbox.people.invitations import OPERATOR
from bridge.inbox.people.sessions import SESSIONS
from bridge.inbox.people.user_agents import browser_name
from bridge.web.http import cookies, sealed_cookies
from bridge.web.render import redirect

COOKIE = "bridge_inbox_signin"
STATE = "inbox."
"""The prefix of this sign-in's states."""

_INVITATION = "/inbox/invitation/{secret:[A-Za-z0-9_-]{32}}"

log = structlog.get_logger()
routes = web.RouteTableDef()


class SignInAborted(RequestRefused):
    """GitHub's answer does not complete a sign-in of this browser."""

    status = 403
    advice = "Open your inbox and sign in again."


@routes.get("/inbox/sign-in")
async def sign_in(request: web.Request) -> web.Response:
    """Show the button that signs in."""
    then = sessions.way_back(request.query.get("then", ""))
    if await sessions.signed_in(request):
        return redirect(then)
    organizations = request.app[ADMISSION].memberships.organizations
    return render(request, "sign_in.html", person=None, then=then, organizations=organizations)


@routes.get("/inbox/sign-in/github")
async def to_github(request: web.Request) -> web.Response:
    """Send the browser to GitHub."""
    return await _to_github(request, then=sessions.way_back(request.query.get("then", "")))


@routes.get(_INVITATION)
async def invitation(request: web.Request) -> web.Response:
    """Show whose invitation it is; only the sign-in uses it up."""
    admission = request.app[ADMISSION]
    found = await admission.invitation(request.match_info["secret"])
    inviter = None if found.by == OPERATOR else await admission.people.get(found.by)
    person = await sessions.signed_in(request)
    return render(
        request,
        "invitation.html",
        person=person,
        invitation=found,
        inviter=inviter,
        path=request.path,
        set_up_at=await admission.github.set_up_at(),
    )


@routes.get(f"{_INVITATION}/sign-in")
async def accept(request: web.Request) -> web.Response:
    """Send the browser to GitHub, with the invitation in its sealed cookie."""
    secret = request.match_info["secret"]
    await request.app[ADMISSION].invitation(secret)
    return await _to_github(request, then="/inbox", secret=secret)


async def _to_github(request: web.Request, *, then: str, secret: str = "") -> web.Response:
    admission = request.app[ADMISSION]
    state, verifier = STATE + secrets.token_urlsafe(24), secrets.token_urlsafe(32)
    response = redirect(await admission.github.authorize_url(state=state, verifier=verifier))
    begun = {"state": state, "verifier": verifier, "then": then, "secret": secret}
    sealed_cookies.keep(request, response, admission.vault, COOKIE, begun)
    return response


async def signed_in(request: web.Request) -> web.Response:
    """Take GitHub's answer: a new session for a person who may come in, else a page that says what to do."""
    admission, store = request.app[ADMISSION], request.app[SESSIONS]
    # It serves once, whatever comes of it.
    request[cookies.SPENT] = COOKIE
    begun = sealed_cookies.answered(request, admission.vault, COOKIE)
    if begun is None:
        raise SignInAborted(sealed_cookies.NOT_BEGUN)
    account, token = await admission.github.sign_in(_code(request), verifier=begun["verifier"])
    try:
        person = await admission.admit(account, token, secret=begun["secret"])
        await admission.keep_token(person, token)
    except BaseException as error:
        await admission.github.give_back(token)
        if isinstance(error, Stranger):
            organizations = admission.memberships.organizations
            return render(
                request,
                "stranger.html",
                person=None,
                status=403,
                login=error.login,
                organizations=organizations,
            )
        raise
    # A new secret each time: a cookie that somebody planted before never becomes a session.
    cookie = await store.begin(person.id, browser=browser_name(request.headers.get("User-Agent", "")))
    if old := sessions.cookie_of(request):
        await store.replace(old, cookie)
    log.info("inbox_signed_in", person=person.id, login=person.nick)
    response = redirect(begun["then"])
    sessions.keep(request, response, cookie)
    return response


def _code(request: web.Request) -> str:
    if request.query.get("error") == "access_denied":
        raise SignInAborted("You declined on GitHub. Nobody was signed in.")
    code = request.query.get("code", "")
    if not code or len(code) > 512:
        raise SignInAborted("GitHub sent you back without a code.")
    return code


@routes.post("/inbox/sign-out")
async def sign_out(request: web.Request) -> web.Response:
    """End the session of this browser."""
    await sessions.posted(request)
    if cookie := sessions.cookie_of(request):
        await request.app[SESSIONS].end(cookie)
    response = redirect("/inbox/sign-in")
    cookies.forget(request, response, sessions.COOKIE)
    return response
