"""Deeds: everything a user can do to a pull request, by name.

Each deed is registered under the name a driver uses (`close`), obeys GitHub's permissions and
refusals, and causes the webhooks GitHub sends for it: none if nothing changed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .commits import push_payload
from .model import Permission, Pull, Repo, World
from .payloads import Json, user_payload
from .pull_payloads import pull_payload
from .records import Entry, User
from .refusals import Refused, forbidden, not_found

ARCHIVED = "Repository was archived so is read-only."
# Actions that Enterprise Server 3.19 does not know.
NEW = {"enqueued", "dequeued", "stacked"}
# After these, GitHub computes mergeability again.
UNCOMPUTED = {"opened", "reopened", "synchronize"}


class Emit(Protocol):
    """Sends an event to the webhooks of a repository."""

    def __call__(self, repo: Repo, event: str, payload: Json) -> None:
        """Returns at once."""


@dataclass(frozen=True)
class Change:
    """Somebody at work in a repository."""

    world: World
    emit: Emit
    actor: User
    repo: Repo
    # Events that only go to webhooks subscribed by name.
    emit_aside: Emit | None = None

    @property
    def may_push(self) -> bool:
        """Whether the actor has write access."""
        return self.repo.permission(self.actor) >= Permission.WRITE

    def require_push(self) -> None:
        """Refuse unless the actor has write access."""
        if not self.may_push:
            raise forbidden()

    def require_writable(self) -> None:
        """Refuse if the actor does not see the repository, or it is archived."""
        if self.repo.permission(self.actor) < Permission.READ:
            raise not_found()
        if self.repo.archived:
            raise Refused(403, ARCHIVED)

    def require_admin(self) -> None:
        """Refuse unless the actor administers the repository."""
        if self.repo.permission(self.actor) < Permission.ADMIN:
            raise forbidden()

    def require_author_or_push(self, pull: Pull) -> None:
        """Refuse unless the actor opened it, or has write access."""
        if pull.author != self.actor:
            self.require_push()

    def note(self, pull: Pull, kind: str, what: str, body: str = "") -> None:
        """Write a line into the timeline; the pull request counts as updated now."""
        pull.updated_at = self.world.clock.change()
        pull.timeline.append(Entry(at=pull.updated_at, actor=self.actor, kind=kind, what=what, body=body))

    def tell(self, pull: Pull, action: str, instead: Json | None = None, **extra: object) -> None:
        """Send the pull_request event of that action; it says other values `instead`, or none for None."""
        pull.computed = action not in UNCOMPUTED
        if action in NEW and self.world.config.ghes:
            return
        shown = pull_payload(self.world, self.repo, pull, computed=pull.computed)
        said = {**shown, **(instead or {})}
        shown = {
            name: value for name, value in said.items() if value is not None or name not in (instead or {})
        }
        payload = {"action": action, "number": pull.number, "pull_request": shown, **extra}
        self.emit(self.repo, "pull_request", payload | self.sender())

    def tell_push(self, ref: str, before: str, after: str, *, forced: bool = False, aside: bool) -> None:
        """Send the push event of a branch; `aside`: only to webhooks subscribed by name."""
        emit = self.emit_aside if aside else self.emit
        if emit:
            pushed = push_payload(self.world, self.repo, self.actor, ref, before, after, forced=forced)
            emit(self.repo, "push", pushed | self.sender())

    def sender(self) -> Json:
        """Return the part of a payload that names the actor."""
        return {"sender": user_payload(self.world, self.actor)}


Fields = Mapping[str, Any]
Deed = Callable[[Change, Pull, Fields], None]
DEEDS: dict[str, Deed] = {}


def deed(name: str) -> Callable[[Deed], Deed]:
    """Register a change under a name."""

    def register(function: Deed) -> Deed:
        if name in DEEDS:
            raise ValueError(f"{name} is registered twice")
        DEEDS[name] = function
        return function

    return register


def perform(change: Change, name: str, pull: Pull, fields: Fields | None = None) -> None:
    """Do what is registered as `name` to `pull`; raises `Refused` as GitHub would refuse."""
    if name not in DEEDS:
        raise Refused(422, f"{name} is none of: open, {', '.join(sorted(DEEDS))}")
    change.require_writable()
    DEEDS[name](change, pull, fields or {})
