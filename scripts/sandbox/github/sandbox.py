"""Drive the stand-in from a test or a demo: JSON routes below `/_sandbox/`.

Their calls are not recorded, and faults do not break them.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from .changes import open_pull
from .deeds import perform
from .installations import installation_event
from .payloads import Json, full_repo_payload
from .pull_payloads import pull_payload
from .refusals import Refused, not_found
from .repositories import REPO_DEEDS, perform_on_repo
from .sandbox_apps import change_installation, find_app, make_app, withdraw
from .sandbox_people import add_account, make_repos, repo_of, set_team, set_user, user_of
from .sandbox_views import pull_view
from .sandbox_webhooks import (
    idle,
    make_hook,
    release,
    replay,
    set_webhooks,
    show_deliveries,
    show_webhooks,
)
from .services import SERVICES, Services
from .tokens import split_scopes

Run = Callable[[Services, web.Request, Json], Awaitable[Any]]


def install(router: web.UrlDispatcher) -> None:
    """Add the driver routes to `router`."""
    routes: list[tuple[str, str, Run]] = [
        ("POST", "/tokens", make_token),
        ("DELETE", "/tokens", revoke_tokens),
        ("POST", "/hooks", make_hook),
        ("POST", "/act", act),
        ("POST", "/apps", register),
        ("POST", "/installations", install_app),
        ("GET", "/pulls/{owner}/{repo}/{number:[0-9]+}", show_pull),
        ("POST", "/users", add_account),
        ("POST", "/users/{login}", set_user),
        ("POST", "/teams/{slug}", set_team),
        ("POST", "/repositories", make_repos),
        ("GET", "/webhooks", show_webhooks),
        ("POST", "/webhooks", set_webhooks),
        ("POST", "/webhooks/release", release),
        ("GET", "/webhooks/idle", idle),
        ("GET", "/webhooks/deliveries", show_deliveries),
        ("POST", "/webhooks/replay", replay),
        ("POST", "/clock", set_clock),
        ("POST", "/reset", reset),
    ]
    for method, path, run in routes:
        router.add_route(method, "/_sandbox" + path, _handler(run))


def _handler(run: Run) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            body = await request.json() if request.can_read_body else {}
            answer = await run(request.app[SERVICES], request, body)
        except Refused as refused:
            refusal = {"message": str(refused), "errors": refused.errors}
            return web.json_response(refusal, status=refused.status)
        except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
            return web.json_response({"message": f"bad request: {error!r}"}, status=400)
        return web.json_response(answer)

    return handle


async def make_token(services: Services, _request: web.Request, body: Json) -> Json:
    """`{"user", "scopes"}`: a token as if the user had agreed; `{"expiring": true}` adds a refresh token.

    `{"user", "app": slug}` makes one for a GitHub App.
    """
    if "app" in body:
        app = find_app(services, body["app"])
        given = services.vault.issue(user_of(services, body["user"]), (), expiring=True, app_id=app.id)
        return {"token": given.access, "refresh_token": given.refresh, "scopes": []}
    scopes = split_scopes(body.get("scopes", "repo"))
    expiring = bool(body.get("expiring", services.config.expiring_tokens))
    token = services.vault.issue(user_of(services, body["user"]), scopes, expiring=expiring)
    return {"token": token.access, "refresh_token": token.refresh, "scopes": list(token.scopes)}


async def revoke_tokens(services: Services, request: web.Request, _body: Json) -> Json:
    """`?user=`: all tokens of that user are revoked, as if by the user."""
    return {"revoked": withdraw(services, user_of(services, request.query["user"]))}


async def act(services: Services, _request: web.Request, body: Json) -> Json:
    """`{"as", "repo", "do", "number", ...}`: somebody does something; returns the pull request.

    README.md lists all that can be done.
    """
    actor, repo = user_of(services, body["as"]), repo_of(services, body.get("repo", "acme/component"))
    change, name = services.change(actor, repo), body["do"]
    if name in REPO_DEEDS:
        perform_on_repo(change, name, body)
        return full_repo_payload(services.world, repo, actor)
    if name == "open":
        pull = open_pull(change, body)
    elif found := repo.pulls.get(int(body["number"])):
        pull = found
        perform(change, name, pull, body)
    else:
        raise not_found()
    return pull_payload(services.world, repo, pull)


async def show_pull(services: Services, request: web.Request, _body: Json) -> Json:
    """Return a pull request's parts with their numbers and states."""
    match = request.match_info
    repo = repo_of(services, f"{match['owner']}/{match['repo']}")
    if (pull := repo.pulls.get(int(match["number"]))) is None:
        raise not_found()
    return pull_view(repo, pull)


async def register(services: Services, _request: web.Request, body: Json) -> Json:
    """`{"manifest", "name", "owner", "as", "installed_on": [full names]}`: a GitHub App, installed there."""
    actor, owner = user_of(services, body.get("as", "cy-gh")), user_of(services, body.get("owner", "acme"))
    repos = [repo_of(services, name) for name in body.get("installed_on", [])]
    return make_app(services, actor, owner, body, repos)


async def install_app(services: Services, _request: web.Request, body: Json) -> Json:
    """`{"app": slug, "action", "as", "repos"}`: what happens to an App's installation; its webhook hears.

    Without an `app` it only tells the webhooks made with `"app": true`.
    """
    repos = [repo_of(services, name) for name in body.get("repos", ["acme/component"])]
    sender = user_of(services, body.get("as", "cy-gh"))
    if "app" in body:
        return change_installation(services, find_app(services, body["app"]), body["action"], sender, repos)
    event, payload = installation_event(services.world, body["action"], sender, repos)
    hooks = [hook for hook in services.hookshot.hooks.values() if hook.app]
    services.hookshot.send(event, payload, hooks)
    return {"event": event, "hooks": len(hooks)}


async def set_clock(services: Services, _request: web.Request, body: Json) -> Json:
    """`{"advance": seconds, "tick": true|false, "freeze": true|false}`; returns the time."""
    clock = services.world.clock
    clock.tick = bool(body.get("tick", clock.tick))
    clock.freeze(frozen=bool(body.get("freeze", clock.frozen)))
    clock.advance(float(body.get("advance", 0)))
    return {"now": clock.now().isoformat(), "tick": clock.tick, "frozen": clock.frozen}


async def reset(services: Services, _request: web.Request, _body: Json) -> Json:
    """Forget everything and seed again."""
    await services.reset()
    return {}
