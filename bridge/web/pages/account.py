"""`/account`: a Flowdock user's linked GitHub account, the actions done with it, and its unlinking."""

import re
from functools import partial

from aiohttp import web
from redis.exceptions import LockError

from bridge.clients import github
from bridge.core.errors import BridgeError, GitHubFailing
from bridge.services import Services
from bridge.web import render
from bridge.web.auth import sessions
from bridge.web.context import SERVICES
from bridge.web.http import notices

_RIGHTS = {
    "offline_access": "Stay linked: bridge renews its token without asking again",
    "repo": "Read and change repositories, including private ones: pull requests, checks, webhooks",
    "public_repo": "Read and change public repositories",
    "admin:repo_hook": "Create, change and remove webhooks",
    "write:repo_hook": "Create and change webhooks",
    "read:repo_hook": "See webhooks",
    "repo:status": "Read and set commit statuses",
    "read:org": "See your organizations and teams",
    "read:user": "Read your profile",
    "user:email": "Read your email addresses",
    "workflow": "Change GitHub Actions workflows",
}
"""https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps"""

_PULL = re.compile(r"([\w.-]+/[\w.-]+)#([0-9]+)", re.ASCII)

routes = web.RouteTableDef()


class TokenBusy(BridgeError):
    """The account's token is being renewed at this moment."""

    status = 503
    advice = "Go back to your account and try again in half a minute. Nothing was changed."


@routes.get("/account")
async def show(request: web.Request) -> web.Response:
    """Show the linked account and its rights, or explain linking."""
    services = request.app[SERVICES]
    session = await sessions.required(request)
    account = await services.account_store.get(session.user.id)
    return render.page(
        request,
        "account.html",
        account=account,
        rights=[_RIGHTS.get(scope, scope) for scope in account.token.scopes] if account else [],
        of_app=account is not None and github.is_apps(account.token.access),
        acts=await services.account_store.audit_log(session.user.id),
        connections=[one for one in await services.connections.all() if one.installer == session.user.id],
        grant_url=await _grant_url(services),
        pull_url=partial(_pull_url, services.settings.github_url),
        notice=notices.pop(request),
    )


@routes.post("/account/unlink")
async def unlink(request: web.Request) -> web.Response:
    """Remove the link, here and on GitHub."""
    services = request.app[SERVICES]
    session, _ = await sessions.posted(request)
    try:
        await services.accounts.unlink(session.user.id)
    except LockError:
        raise TokenBusy("Your GitHub token is being renewed right now.") from None
    except GitHubFailing:
        return notices.redirect(request, "/account", "unlinked-here")
    return notices.redirect(request, "/account", "unlinked")


def _pull_url(github_url: str, on: str) -> str:
    """Return the address of the pull request in an audit entry's `on`; empty if it names none."""
    found = _PULL.fullmatch(on)
    return f"{github_url}/{found[1]}/pull/{found[2]}" if found else ""


async def _grant_url(services: Services) -> str:
    """Return the address of GitHub's page about the grant to bridge."""
    page = f"{services.settings.github_url}/settings/connections/applications"
    try:
        return f"{page}/{(await services.credentials.current()).client_id}"
    except BridgeError:
        return page
