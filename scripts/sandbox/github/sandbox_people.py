"""The driver routes of people, of what they may do, and of repositories."""

from datetime import timedelta

from aiohttp import web

from .label_payloads import team_payload
from .model import Permission, Repo
from .payloads import Json, organization_payload, user_payload
from .records import User
from .repositories import create
from .seed import ACME, FOUNDED, add_repo
from .services import Services

KINDS = {"User", "Organization", "Bot"}


async def add_account(services: Services, _request: web.Request, body: Json) -> Json:
    """`{"login", "name", "kind": "User|Organization|Bot"}`: somebody new; a bot may write, others nothing."""
    world, login, kind = services.world, str(body["login"]), body.get("kind", "User")
    if not login.replace("-", "").isalnum() or not login.isascii():
        raise ValueError("a login consists of letters, digits and hyphens")
    if world.user(login):
        raise ValueError(f"somebody is called {login} already")
    if kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(sorted(KINDS))}")
    user = User(id=world.new_id(), login=login, name=str(body.get("name") or login), kind=kind)
    world.add_user(user)
    return {"login": user.login, "id": user.id, "type": user.kind}


async def set_user(services: Services, request: web.Request, body: Json) -> Json:
    """`{"permission", "repo", "rate_remaining", "login", "member", "busy"}`, each optional.

    `permission` is none, read, write or admin; `member` whether they are in acme; `busy` whether their
    status says so.

    A `login` is a new one: GitHub tells no webhook that somebody renamed themselves. `"sign_on": false` ends
    their single sign-on with all organizations.

    Without a `repo` the permission holds in all of acme's.
    """
    user = user_of(services, request.match_info["login"])
    if "login" in body:
        services.world.rename_user(user, str(body["login"]))
    if "sign_on" in body:
        without = services.world.without_sign_on
        without.discard(user.id) if body["sign_on"] else without.add(user.id)
    if "busy" in body:
        (services.world.busy.add if body["busy"] else services.world.busy.discard)(user.id)
    if "member" in body:
        members = services.world.members[ACME.id]
        (members.add if body["member"] else members.discard)(user.id)
    if "rate_remaining" in body:
        services.limits.leave(user.id, int(body["rate_remaining"]))
    if "permission" in body:
        permission = Permission[body["permission"].upper()]
        named = [repo_of(services, body["repo"])] if body.get("repo") else None
        for repo in named or [one for one in services.world.repos.values() if one.owner == ACME]:
            _permit(repo, user, permission)
    return {"login": user.login, "id": user.id}


async def set_team(services: Services, request: web.Request, body: Json) -> Json:
    """`{"add": login, "remove": login, "as"}`: who is in a team of acme's; Apps hear of it.

    https://docs.github.com/webhooks/webhook-events-and-payloads#membership
    """
    world, slug = services.world, request.match_info["slug"]
    for name, action in (("add", "added"), ("remove", "removed")):
        if name in body:
            user, team = user_of(services, body[name]), world.teams[slug]
            others = tuple(one for one in team.members if one != user.id)
            team.members = (*others, user.id) if name == "add" else others
            payload = {
                "action": action,
                "scope": "team",
                "member": user_payload(world, user),
                "team": team_payload(world, ACME, team),
                "organization": organization_payload(world, ACME),
                "sender": user_payload(world, user_of(services, body.get("as", "cy-gh"))),
            }
            hooks = [hook for hook in services.hookshot.every_hook() if hook.app]
            services.hookshot.send("membership", payload, hooks)
    return {"members": list(world.teams[slug].members)}


async def make_repos(services: Services, _request: web.Request, body: Json) -> Json:
    """`{"owner", "prefix", "count", "permissions": {login: permission}, "private"}`: repositories.

    `repo-001`, `repo-002` and so on, each made a minute after the one before; returns their full names.
    With a `name` it is one of that name, which may be the former name of another repository.
    """
    world, owner = services.world, user_of(services, body.get("owner", "acme"))
    held = {
        user_of(services, login).login: Permission[level.upper()]
        for login, level in body.get("permissions", {}).items()
    }
    if "name" in body:
        repo = create(world, owner, body)
        repo.permissions |= held
        return {"repositories": [repo.full_name], "id": repo.id}
    prefix, count = str(body.get("prefix", "repo")), int(body.get("count", 1))
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


def user_of(services: Services, login: str) -> User:
    """Return the user of that login; raises ValueError if there is none."""
    if user := services.world.user(login):
        return user
    raise ValueError(f"nobody is called {login}")


def repo_of(services: Services, full_name: str) -> Repo:
    """Return the repository of that full name; raises ValueError if there is none."""
    if repo := services.world.repo(full_name):
        return repo
    raise ValueError(f"no repository is called {full_name}")


def _permit(repo: Repo, user: User, permission: Permission) -> None:
    if permission:
        repo.permissions[user.login] = permission
    else:
        repo.permissions.pop(user.login, None)
