"""What people do to a repository itself: its name, its owner, its settings, and putting it away.

https://docs.github.com/rest/repos/repos#update-a-repository
"""

from collections.abc import Callable
from typing import Any

from .deeds import Change, Fields
from .merging import push_base
from .payloads import MERGE_SETTINGS, Json, organization_payload, user_payload
from .refusals import Refused, invalid

RepoDeed = Callable[[Change, Fields], None]


def rename(change: Change, fields: Fields) -> None:
    """Call the repository `name`; its former name leads here from then on."""
    change.require_admin()
    repo, former = change.repo, change.repo.name
    name = str(fields.get("name") or "")
    if not name or "/" in name:
        raise invalid("Repository", "name", "missing_field")
    if name == former:
        return
    _refuse_taken(change, f"{repo.owner.login}/{name}")
    change.world.rename(repo, repo.owner, name)
    _tell(change, "renamed", changes={"repository": {"name": {"from": former}}})


def transfer(change: Change, fields: Fields) -> None:
    """Give the repository to the user or organization `to`; its webhooks go with it.

    https://docs.github.com/rest/repos/repos#transfer-a-repository
    """
    change.require_admin()
    repo, former = change.repo, change.repo.owner
    owner = change.world.user(str(fields.get("to") or fields.get("new_owner") or ""))
    if owner is None or owner == former:
        raise Refused(422, "Validation Failed")
    _refuse_taken(change, f"{owner.login}/{repo.name}")
    change.world.rename(repo, owner, repo.name)
    if former.kind == "Organization":
        was = {"organization": organization_payload(change.world, former)}
    else:
        was = {"user": user_payload(change.world, former)}
    _tell(change, "transferred", changes={"owner": {"from": was}})


def archive(change: Change, fields: Fields) -> None:  # noqa: ARG001 - a deed's signature
    """Nobody can write to it any more."""
    _set_archived(change, archived=True)


def unarchive(change: Change, fields: Fields) -> None:  # noqa: ARG001 - a deed's signature
    """People can write to it again."""
    _set_archived(change, archived=False)


def settings(change: Change, fields: Fields) -> None:
    """Which ways of merging are allowed, and what the default branch's protection demands; sends nothing."""
    change.require_admin()
    repo = change.repo
    repo.merge_settings |= {name: bool(fields[name]) for name in MERGE_SETTINGS if _is_flag(fields, name)}
    repo.required_approvals = int(fields.get("required_approvals", repo.required_approvals))
    repo.required_checks = tuple(fields.get("required_checks", repo.required_checks))


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


def _refuse_taken(change: Change, full_name: str) -> None:
    if change.world.repo(full_name):
        raise invalid("Repository", "name", "custom", "name already exists on this account")


def _tell(change: Change, action: str, **extra: Any) -> None:
    payload: Json = {"action": action, **extra}
    change.emit(change.repo, "repository", payload | change.sender())
