"""What a test or a demo drives the stand-in with: JSON routes below `/_sandbox/`.

Their calls are not recorded, and faults do not break them.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from aiohttp import web

from .changes import open_pull
from .deeds import perform
from .hooks import Delivery, hook_payload
from .installations import installation_event
from .model import Permission, Repo
from .payloads import Json, full_repo_payload
from .pull_payloads import pull_payload
from .records import User
from .refusals import Refused, not_found
from .repositories import REPO_DEEDS, perform_on_repo
from .sandbox_apps import change_installation, find_app, make_app, withdraw
from .sandbox_views import pull_view
from .seed import ACME, FOUNDED, add_repo
from .services import SERVICES, Services
from .tokens import split_scopes
from .webhooks import add_hook

IDLE_SECONDS = 10.0
Run = Callable[[Services, web.Request, Json], Awaitable[Any]]


def install(app: web.Application) -> None:
    """Add the driver routes to `app`."""
    routes: list[tuple[str, str, Run]] = [
        ("POST", "/tokens", make_token),
        ("DELETE", "/tokens", revoke_tokens),
        ("POST", "/hooks", make_hook),
        ("POST", "/act", act),
        ("POST", "/apps", register),
        ("POST", "/installations", install_app),
        ("GET", "/pulls/{owner}/{repo}/{number:[0-9]+}", show_pull),
        ("POST", "/users/{login}", set_user),
        ("POST", "/repositories", make_repos),
        ("GET", "/webhooks", show_webhooks),
        ("POST", "/webhooks", set_webhooks),
        ("POST", "/webhooks/release", release),
        ("GET", "/webhooks/idle", idle),
        ("POST", "/clock", set_clock),
        ("POST", "/reset", reset),
    ]
    for method, path, run in routes:
        app.router.add_route(method, "/_sandbox" + path, _handler(run))


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
        given = services.vault.issue(_user(services, body["user"]), (), expiring=True, app_id=app.id)
        return {"token": given.access, "refresh_token": given.refresh, "scopes": []}
    scopes = split_scopes(body.get("scopes", "repo"))
    expiring = bool(body.get("expiring", services.config.expiring_tokens))
    token = services.vault.issue(_user(services, body["user"]), scopes, expiring=expiring)
    return {"token": token.access, "refresh_token": token.refresh, "scopes": list(token.scopes)}


async def revoke_tokens(services: Services, request: web.Request, _body: Json) -> Json:
    """`?user=`: all tokens of that user are no good any more, as if they had withdrawn them."""
    return {"revoked": withdraw(services, _user(services, request.query["user"]))}


async def make_hook(services: Services, _request: web.Request, body: Json) -> Json:
    """`{"repo", "url", "secret", "content_type", "events"}`: a webhook, which gets a ping."""
    hook = add_hook(
        services,
        _repo(services, body["repo"]),
        _user(services, "cy-gh"),
        url=body["url"],
        secret=body.get("secret", ""),
        content_type=body.get("content_type", "json"),
        events=body.get("events", ["*"]),
        app=bool(body.get("app")),
    )
    return hook_payload(services.world, hook)


async def act(services: Services, _request: web.Request, body: Json) -> Json:
    """`{"as", "repo", "do", "number", ...}`: somebody does something; returns the pull request.

    README.md lists all that can be done.
    """
    actor, repo = _user(services, body["as"]), _repo(services, body.get("repo", "acme/component"))
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
    """The numbers and states of what hangs on a pull request."""
    match = request.match_info
    repo = _repo(services, f"{match['owner']}/{match['repo']}")
    if (pull := repo.pulls.get(int(match["number"]))) is None:
        raise not_found()
    return pull_view(repo, pull)


async def register(services: Services, _request: web.Request, body: Json) -> Json:
    """`{"manifest", "name", "owner", "as", "installed_on": [full names]}`: a GitHub App, installed there."""
    actor, owner = _user(services, body.get("as", "cy-gh")), _user(services, body.get("owner", "acme"))
    repos = [_repo(services, name) for name in body.get("installed_on", [])]
    return make_app(services, actor, owner, body, repos)


async def install_app(services: Services, _request: web.Request, body: Json) -> Json:
    """`{"app": slug, "action", "as", "repos"}`: what happens to an App's installation; its webhook hears.

    Without an `app` it only tells the webhooks made with `"app": true`.
    """
    repos = [_repo(services, name) for name in body.get("repos", ["acme/component"])]
    sender = _user(services, body.get("as", "cy-gh"))
    if "app" in body:
        return change_installation(services, find_app(services, body["app"]), body["action"], sender, repos)
    event, payload = installation_event(services.world, body["action"], sender, repos)
    hooks = [hook for hook in services.hookshot.hooks.values() if hook.app]
    services.hookshot.send(event, payload, hooks)
    return {"event": event, "hooks": len(hooks)}


async def set_user(services: Services, request: web.Request, body: Json) -> Json:
    """`{"permission": "none|read|write|admin", "repo", "rate_remaining"}`, each optional but one.

    Without a `repo` the permission holds in all of acme's.
    """
    user = _user(services, request.match_info["login"])
    if "rate_remaining" in body:
        services.limits.leave(user.id, int(body["rate_remaining"]))
    if "permission" in body:
        permission = Permission[body["permission"].upper()]
        named = [_repo(services, body["repo"])] if body.get("repo") else None
        for repo in named or [one for one in services.world.repos.values() if one.owner == ACME]:
            _permit(repo, user, permission)
    return {"login": user.login, "id": user.id}


async def make_repos(services: Services, _request: web.Request, body: Json) -> Json:
    """`{"owner", "prefix", "count", "permissions": {login: permission}, "private"}`: repositories.

    `repo-001`, `repo-002` and so on, each made a minute after the one before; returns their full names.
    """
    world, owner = services.world, _user(services, body.get("owner", "acme"))
    prefix, count = str(body.get("prefix", "repo")), int(body.get("count", 1))
    held = {
        _user(services, login).login: Permission[level.upper()]
        for login, level in body.get("permissions", {}).items()
    }
    names = [f"{prefix}-{number:03}" for number in range(1, count + 1)]
    if taken := [name for name in names if world.repo(f"{owner.login}/{name}")]:
        raise ValueError(f"{owner.login} has a repository {taken[0]} already")
    made = [
        add_repo(
            world,
            world.new_id(),
            owner,
            name,
            private=bool(body.get("private")),
            description=f"Number {number} of many",
            permissions=dict(held),
            created_at=FOUNDED + timedelta(minutes=number),
        )
        for number, name in enumerate(names, 1)
    ]
    return {"repositories": [repo.full_name for repo in made]}


async def show_webhooks(services: Services, _request: web.Request, _body: Json) -> Json:
    """The mode, and what is held."""
    held = [
        {
            "guid": shot.guid,
            "event": shot.event,
            "action": shot.action,
            "hook_id": shot.hook.id,
            "payload": shot.payload,
        }
        for shot in services.hookshot.held
    ]
    return {"mode": services.hookshot.mode, "held": held}


async def set_webhooks(services: Services, request: web.Request, body: Json) -> Json:
    """`{"mode": "send|hold", "timeout": seconds}`; going over to `send` sends what is held."""
    if "timeout" in body:
        services.hookshot.timeout = float(body["timeout"])
    if "mode" in body:
        if body["mode"] not in {"send", "hold"}:
            raise ValueError("mode is send or hold")
        services.hookshot.set_mode(body["mode"])
    return await show_webhooks(services, request, body)


async def release(services: Services, _request: web.Request, body: Json) -> list[Json]:
    """`{"order": [...], "drop": true}`: send held ones in that order and wait for the answers.

    A position may come up more than once (the same delivery twice); those left out stay held,
    unless `drop` forgets them.
    """
    delivered = await services.hookshot.release(body.get("order"))
    if body.get("drop"):
        services.hookshot.held.clear()
    return [_outcome(delivery) for delivery in delivered]


async def idle(services: Services, _request: web.Request, _body: Json) -> Json:
    """Wait until nothing is on its way, ten seconds at most; says whether it is so."""
    return {"idle": await services.hookshot.idle(IDLE_SECONDS)}


async def set_clock(services: Services, _request: web.Request, body: Json) -> Json:
    """`{"advance": seconds, "tick": true|false}`; returns the time."""
    clock = services.world.clock
    clock.tick = bool(body.get("tick", clock.tick))
    clock.advance(float(body.get("advance", 0)))
    return {"now": clock.now().isoformat(), "tick": clock.tick}


async def reset(services: Services, _request: web.Request, _body: Json) -> Json:
    """Forget everything and seed again."""
    await services.reset()
    return {}


def _user(services: Services, login: str) -> User:
    if user := services.world.user(login):
        return user
    raise ValueError(f"nobody is called {login}")


def _repo(services: Services, full_name: str) -> Repo:
    if repo := services.world.repo(full_name):
        return repo
    raise ValueError(f"no repository is called {full_name}")


def _permit(repo: Repo, user: User, permission: Permission) -> None:
    if permission:
        repo.permissions[user.login] = permission
    else:
        repo.permissions.pop(user.login, None)


def _outcome(delivery: Delivery) -> Json:
    shot = delivery.shot
    return {
        "guid": shot.guid,
        "event": shot.event,
        "action": shot.action,
        "status": delivery.status_code,
        "answer": delivery.response_body,
    }
