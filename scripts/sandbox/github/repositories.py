"""Change a repository itself: rename, transfer, settings, archive.

https://docs.github.com/rest/repos/repos#update-a-repository
"""

import re
from collections.abc import Callable
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from typing import Any

from .branch_rules import protection_payload, ruleset_payload
from .deeds import Change, Fields
from .installing import owned_by
from .merging import push_base
from .model import Permission, Repo, World
from .payloads import MERGE_SETTINGS, Json, organization_payload, user_payload
from .records import Rules, User
from .refusals import Refused, invalid
from .seed import add_repo

LONGEST_NAME = 100
NOT_YOURS = "You don't have the permission to create repositories on {account}"
RepoDeed = Callable[[Change, Fields], None]


def rename(change: Change, fields: Fields) -> None:
    """Call the repository `name`; its former name leads here from then on."""
    change.require_admin()
    repo, former = change.repo, change.repo.name
    name = _allowed(fields.get("name"))
    if name == former:
        return
    _refuse_taken(change.world, repo.owner, name)
    change.world.rename(repo, repo.owner, name)
    _tell(change, "renamed", changes={"repository": {"name": {"from": former}}})


def transfer(change: Change, fields: Fields) -> None:
    """Give the repository to the user or organization `to`; its webhooks go with it.

    Another user accepts at once; into an organization only an owner of it brings one.
    https://docs.github.com/rest/repos/repos#transfer-a-repository
    """
    change.require_admin()
    repo, former = change.repo, change.repo.owner
    owner = change.world.user(str(fields.get("to") or fields.get("new_owner") or ""))
    if owner is None or owner == former:
        raise Refused(422, "Validation Failed")
    if owner.kind == "Organization" and not owned_by(change.world, change.actor, owner):
        raise Refused(422, "Validation Failed", [NOT_YOURS.format(account=owner.login)])
    _refuse_taken(change.world, owner, repo.name)
    change.world.rename(repo, owner, repo.name)
    if former.kind == "Organization":
        was = {"organization": organization_payload(change.world, former)}
    else:
        was = {"user": user_payload(change.world, former)}
    _tell(change, "transferred", changes={"owner": {"from": was}})


def create(world: World, owner: User, fields: Fields) -> Repo:
    """Make a repository; a name that another has given up is its own from now on.

    https://docs.github.com/rest/repos/repos#create-a-repository-for-the-authenticated-user
    """
    name = _allowed(fields.get("name"))
    _refuse_taken(world, owner, name)
    return add_repo(
        world,
        world.new_id(),
        owner,
        name,
        private=bool(fields.get("private")),
        description=str(fields.get("description") or ""),
        permissions={owner.login: Permission.ADMIN} if owner.kind == "User" else {},
        created_at=world.clock.change(),
    )


def archive(change: Change, fields: Fields) -> None:  # noqa: ARG001 - a deed's signature
    """Nobody can write to it."""
    _set_archived(change, archived=True)


def unarchive(change: Change, fields: Fields) -> None:  # noqa: ARG001 - a deed's signature
    """People can write to it again."""
    _set_archived(change, archived=False)


def settings(change: Change, fields: Fields) -> None:
    """Set the allowed merge methods, of which no event tells, and the branches' classic protection."""
    change.require_admin()
    repo = change.repo
    repo.merge_settings |= {name: bool(fields[name]) for name in MERGE_SETTINGS if _is_flag(fields, name)}
    before = repo.required_approvals, repo.required_checks
    repo.required_approvals = int(fields.get("required_approvals", repo.required_approvals))
    repo.required_checks = tuple(fields.get("required_checks", repo.required_checks))
    if before != (repo.required_approvals, repo.required_checks) and change.emit_aside:
        payload = {"action": "edited", "rule": protection_payload(repo), "changes": {}}
        change.emit_aside(repo, "branch_protection_rule", payload | change.sender())
    repo.pull_requests = str(fields.get("pull_requests", repo.pull_requests))
    repo.holds_merges = bool(fields.get("holds_merges", repo.holds_merges))


def ruleset(change: Change, fields: Fields) -> None:
    """Set the rules of a `branch` (the default one), named as in `records.Rules`."""
    change.require_admin()
    ref = str(fields.get("branch") or change.repo.default_branch)
    given = {one.name: fields[one.name] for one in dataclass_fields(Rules) if one.name in fields}
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    change.repo.rules[ref] = replace(change.repo.rules.get(ref, Rules()), **given)
    payload = {"action": "edited", "repository_ruleset": ruleset_payload(change.repo), "changes": {}}
    change.emit(change.repo, "repository_ruleset", payload | change.sender())


def push(change: Change, fields: Fields) -> None:
    """Push a commit (`message`) to the `branch`."""
    ref = str(fields.get("branch") or change.repo.default_branch)
    push_base(change, ref, str(fields.get("message") or f"Move {ref} on"))


REPO_DEEDS: dict[str, RepoDeed] = {
    "rename": rename,
    "transfer": transfer,
    "archive": archive,
    "unarchive": unarchive,
    "settings": settings,
    "ruleset": ruleset,
    "push_base": push,
}


def perform_on_repo(change: Change, name: str, fields: Fields) -> None:
    """Do what is registered as `name` to the repository; raises `Refused` as GitHub would refuse."""
    if name != "unarchive":
        change.require_writable()
    REPO_DEEDS[name](change, fields)


def _is_flag(fields: Fields, name: str) -> bool:
    return name in fields and isinstance(MERGE_SETTINGS[name], bool)


def _set_archived(change: Change, *, archived: bool) -> None:
    change.require_admin()
    if change.repo.archived != archived:
        change.repo.archived = archived
        _tell(change, "archived" if archived else "unarchived")


def _allowed(wished: Any) -> str:
    """Return a name as GitHub stores it: characters it does not allow become hyphens."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", str(wished or ""))
    if not name:
        raise invalid("Repository", "name", "missing_field")
    if name in {".", ".."}:
        raise invalid("Repository", "name", "custom", f"name {name} is reserved")
    if len(name) > LONGEST_NAME:
        message = f"name is too long (maximum is {LONGEST_NAME} characters)"
        raise invalid("Repository", "name", "custom", message)
    return name


def _refuse_taken(world: World, owner: User, name: str) -> None:
    if world.repo(f"{owner.login}/{name}"):
        raise invalid("Repository", "name", "custom", "name already exists on this account")


def _tell(change: Change, action: str, **extra: Any) -> None:
    change.repo.changed_at = change.world.clock.change()
    payload: Json = {"action": action, **extra}
    change.emit(change.repo, "repository", payload | change.sender())
