"""Linking: from a challenge's claim to a linked account, in one pass through both OAuth services.

The claim names the user who clicked. The browser that opens it gets a secret of its own (a cookie), and Redis
keeps its progress under that secret alone: no step can be handed to another browser. Flowdock must name the
claim's user, and GitHub an account. A page then shows both, and only a POST links them.
"""

import secrets
import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import msgspec
import structlog
from aiohttp import web

from bridge.clients import github, oauth
from bridge.core import actions
from bridge.core.errors import ClaimRefused, GitHubRefused, NotLinked
from bridge.core.model import FlowdockUser, GitHubToken, GitHubUser, LinkedAccount, Target
from bridge.core.security import claims, signing
from bridge.services import Services
from bridge.storage.keys import hash_of
from bridge.web import render
from bridge.web.auth import oauth_callback, sessions
from bridge.web.context import SERVICES
from bridge.web.http import cookies, notices, once
from bridge.web.http.paths import local_path

COOKIE = "bridge_linking"
FLOWDOCK_SCOPE = "flow profile"
"""`flow` lets bridge list the user's flows: there they are tagged."""

_OUT_OF_ORDER = "This step is already done, or another one comes first."

Step = Literal["flowdock", "github", "confirm", "finish"]

log = structlog.get_logger()
routes = web.RouteTableDef()


class AccountLender:
    """Lends linking the GitHub accounts that bridge knows already; without an inbox it knows none."""

    async def lend(self, user_id: str) -> tuple[GitHubUser, GitHubToken] | None:  # noqa: ARG002
        """Return a user's own account with a token that may act; None if linking must ask at GitHub."""
        return None

    async def take_back(self, user_id: str, token: GitHubToken) -> bool:  # noqa: ARG002
        """Tell whether a token that was not linked is needed elsewhere; if not, linking revokes it."""
        return False


LENDER = web.AppKey("lender", AccountLender)


@dataclass(frozen=True, kw_only=True)
class Linking:
    """The progress of a browser; `state` is the one-time value that the next step must bring."""

    claim_id: str
    user: str
    target: Target | None
    """The click that began it, if any."""
    step: Step
    then: str = ""
    """The page to go to afterwards, if no click began it."""
    scope: str = github.LINKING_SCOPE
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    verifier: str = field(default_factory=oauth.code_verifier, repr=False)
    flowdock: FlowdockUser | None = None
    github: GitHubUser | None = None
    token: GitHubToken | None = None

    def to(self, step: Step, **changes: Any) -> "Linking":
        """Return the next step, with a one-time value of its own."""
        return replace(self, step=step, state=secrets.token_urlsafe(24), **changes)


@routes.get("/authorization")
async def begin(request: web.Request) -> web.Response:
    """Take the claim and send the browser to Flowdock."""
    services = request.app[SERVICES]
    claim = claims.read(request.query.get("claim", ""), secrets=services.settings.cookie_secrets)
    linking = await _resumed(request, claim.id)
    browser = cookies.read(request, COOKIE)
    if linking is None:
        value = await services.one_time.pop("claim", claim.id)
        if value is None or value["user"] != claim.user:
            raise ClaimRefused("This link was already used. It works once.")
        linking = Linking(
            claim_id=claim.id,
            user=claim.user,
            target=msgspec.convert(value["target"], Target),
            step="flowdock",
        )
        browser = secrets.token_urlsafe(24)
    await _keep(services, browser, linking)
    url = services.flowdock_oauth.authorize_url(state=linking.state, scope=FLOWDOCK_SCOPE)
    response = render.redirect(url)
    cookies.keep(request, response, COOKIE, browser, seconds=claims.LIFETIME)
    return response


@routes.get("/account/link")
async def begin_signed_in(request: web.Request) -> web.Response:
    """Begin for a user who is signed in with Flowdock already: redirect to GitHub."""
    session = await sessions.required(request)
    linking = Linking(
        claim_id="",
        user=session.user.id,
        target=None,
        step="github",
        then=local_path(request.query.get("then", "/account")),
        flowdock=session.user,
    )
    browser = secrets.token_urlsafe(24)
    response = await _to_account(request, browser, linking)
    cookies.keep(request, response, COOKIE, browser, seconds=claims.LIFETIME)
    return response


async def _to_account(request: web.Request, browser: str, linking: Linking) -> web.Response:
    """Redirect to GitHub, or straight to the confirmation if the user's account can be lent."""
    services = request.app[SERVICES]
    if lent := await request.app[LENDER].lend(linking.user):
        user, token = lent
        await _keep(services, browser, linking.to("confirm", github=user, token=token))
        return render.redirect("/authorization/confirm")
    return await _to_github(services, browser, linking)


async def _to_github(services: Services, browser: str, linking: Linking) -> web.Response:
    await _keep(services, browser, linking)
    url = await services.github.authorize_url(
        state=linking.state, verifier=linking.verifier, scope=linking.scope
    )
    return render.redirect(url)


@routes.get("/auth/flowdock/callback")
async def flowdock_callback(request: web.Request) -> web.Response:
    """Check that the Flowdock user is the one who clicked, and go on to GitHub."""
    if request.query.get("state", "").startswith(sessions.STATE):
        return await sessions.signed_in(request)
    services = request.app[SERVICES]
    browser, linking = await _advance(request, "flowdock", request.query.get("state", ""))
    code = oauth_callback.code(request, services.settings.chat)
    access_token = await services.flowdock_oauth.exchange(code)
    user = await services.flowdock_oauth.user(access_token)
    if user.id != linking.user:
        log.warning("claim_user_mismatch", claim_user=linking.user, signed_in=user.id)
        raise ClaimRefused(
            f"You are signed in as {user.nick}, but someone else clicked the button.",
            advice="Sign in as the person who clicked, then click the button again.",
        )
    await sessions.note_flows(services, user, access_token)
    return await _to_account(request, browser, linking.to("github", flowdock=user))


async def signed_in_at_github(request: web.Request) -> web.Response:
    """Take the GitHub account; nothing is linked before both accounts are confirmed."""
    services = request.app[SERVICES]
    browser, linking = await _advance(request, "github", request.query.get("state", ""))
    if request.query.get("error") == "invalid_scope" and linking.scope != github.SCOPE:
        # This Enterprise Server has no tokens that can be renewed.
        return await _to_github(services, browser, linking.to("github", scope=github.SCOPE))
    code = oauth_callback.code(request, "GitHub")
    token = await services.github.exchange(code, verifier=linking.verifier)
    if not github.can_act(token):
        await services.accounts.give_back(token)
        raise ClaimRefused(
            "GitHub did not give bridge permission to act on pull requests (scope repo or public_repo)."
        )
    user = await services.github.user(token)
    await _keep(services, browser, linking.to("confirm", github=user, token=token))
    return render.redirect("/authorization/confirm")


@routes.get("/authorization/confirm")
async def confirm(request: web.Request) -> web.Response:
    """Ask for confirmation, naming both accounts; only the POST links them."""
    _, linking = await _standing(request, "confirm")
    return render.page(request, "confirm.html", linking=linking)


@routes.post("/authorization/confirm")
async def link(request: web.Request) -> web.Response:
    """Link the two accounts, or cancel."""
    services, form = request.app[SERVICES], await request.post()
    browser, linking = await _advance(request, "confirm", str(form.get("state", "")))
    if not (linking.flowdock and linking.github and linking.token):
        raise ClaimRefused(_OUT_OF_ORDER)
    if form.get("answer") != "link":
        if not await request.app[LENDER].take_back(linking.user, linking.token):
            await services.accounts.give_back(linking.token)
        return render.page(request, "cancelled.html")
    account = LinkedAccount(
        flowdock=linking.flowdock, github=linking.github, token=linking.token, linked_at=int(time.time())
    )
    await services.accounts.link(account)
    log.info("linked", flowdock_user=linking.user, login=linking.github.login)
    if linking.target is None:
        return notices.redirect(request, linking.then, "linked")
    await _keep(services, browser, linking.to("finish", token=None))
    return render.redirect("/authorization/linked")


@routes.get("/authorization/linked")
async def linked(request: web.Request) -> web.Response:
    """Report the link, and offer to finish the click."""
    _, linking = await _standing(request, "finish")
    target = _clicked(linking)
    action = actions.find(target.action)
    return render.page(
        request, "linked.html", linking=linking, action=action, pull_url=_pull_url(request, target)
    )


@routes.post("/authorization/linked")
async def finish(request: web.Request) -> web.Response:
    """Do the action that was clicked, as the account that was just linked."""
    services = request.app[SERVICES]
    form = await request.post()
    _, linking = await _advance(request, "finish", str(form.get("state", "")))
    target = _clicked(linking)
    status = 200
    try:
        sentence = await services.accounts.act(linking.user, actions.find(target.action), target)
    except NotLinked as error:
        raise ClaimRefused(f"GitHub refused it: {error}.") from None
    except GitHubRefused as refusal:
        status, sentence = refusal.status, str(refusal)
    return render.page(
        request,
        "finished.html",
        status=status,
        is_done=status == 200,
        sentence=sentence,
        target=target,
        pull_url=_pull_url(request, target),
    )


def _pull_url(request: web.Request, target: Target) -> str:
    github_url = request.app[SERVICES].settings.github_url
    return f"{github_url}/{target.owner}/{target.repo}/pull/{target.number}"


def _clicked(linking: Linking) -> Target:
    if linking.target is None:
        raise ClaimRefused(_OUT_OF_ORDER)
    return linking.target


async def _resumed(request: web.Request, claim_id: str) -> Linking | None:
    """Return this browser's linking by this claim, from the start: for a reload or a second click."""
    browser = cookies.read(request, COOKIE)
    linking = await _look(request.app[SERVICES], browser) if browser else None
    if linking is None or linking.claim_id != claim_id or linking.step == "finish":
        return None
    return linking.to("flowdock", flowdock=None, github=None, token=None)


async def _standing(request: web.Request, step: Step) -> tuple[str, Linking]:
    """Return the browser's secret and its linking, which must be at `step`."""
    browser = cookies.read(request, COOKIE)
    if not browser:
        raise ClaimRefused(f"You have finished linking already, or the link has expired. {cookies.NEEDED}")
    linking = await _look(request.app[SERVICES], browser)
    if linking is None:
        raise ClaimRefused("You have finished linking already, or the link has expired.")
    if linking.step != step:
        raise ClaimRefused(_OUT_OF_ORDER)
    return browser, linking


async def _advance(request: web.Request, step: Step, state: str) -> tuple[str, Linking]:
    """Return the same as `_standing`, and use up the step: its one-time value must match."""
    browser, linking = await _standing(request, step)
    if not signing.equal(state, linking.state):
        raise ClaimRefused("This answer does not belong to this browser's sign-in.")
    await once.claim(request)
    if await request.app[SERVICES].one_time.pop("linking", hash_of(browser)) is None:
        raise ClaimRefused("This step is already done.")
    return browser, linking


async def _keep(services: Services, browser: str, linking: Linking) -> None:
    await services.one_time.put("linking", hash_of(browser), asdict(linking), seconds=claims.LIFETIME)


async def _look(services: Services, browser: str) -> Linking | None:
    value = await services.one_time.peek("linking", hash_of(browser))
    return msgspec.convert(value, Linking | None)
