"""The pull request as bridge knows it, gathered from deliveries in whatever order they come.

Every delivery tells a part (`bridge.core.told`), and parts are merged value by value: the newest word on
each stands. Merging is commutative, associative and idempotent, so the order of deliveries, and how often
each comes, make no difference in the end.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from bridge.core.packing import pack, unpack
from bridge.core.pull import (
    Branch,
    Changes,
    Check,
    Link,
    Person,
    PullRequest,
    Rendered,
    Reviewer,
    ReviewState,
)
from bridge.core.registers import Members, Register, merge_all

MAX_KEPT = 200
"""Reviews and conversations that are kept of a pull request: the newest."""

SWITCHES: dict[str, Any] = {"state": [0, "open"], "queued": False}
"""Values that go to and fro, and what each is when a pull request is born."""

_DECISIVE: dict[str, ReviewState] = {"approved": "approved", "changes_requested": "changes requested"}


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All that was told: single values, sets, reviews and conversations by GitHub's id.

    Two are not GitHub's but ours, and take no part in merging: `said`, what the thread's messages said last,
    so that it is not said again; `rendered`, the HTML that was made of the description.
    """

    values: Mapping[str, Register] = field(default_factory=dict)
    sets: Mapping[str, Members] = field(default_factory=dict)
    reviews: Mapping[str, Register] = field(default_factory=dict)
    conversations: Mapping[str, Register] = field(default_factory=dict)
    said: Mapping[str, Any] = field(default_factory=dict)
    rendered: Rendered | None = None

    def merge(self, other: "Snapshot") -> "Snapshot":
        """Both together."""
        sets = {
            name: self.sets[name].merge(other.sets[name])
            if name in self.sets and name in other.sets
            else self.sets.get(name) or other.sets[name]
            for name in {**self.sets, **other.sets}
        }
        return Snapshot(
            values=merge_all(self.values, other.values),
            sets=sets,
            reviews=_newest(merge_all(self.reviews, other.reviews)),
            conversations=_newest(merge_all(self.conversations, other.conversations)),
            said=self.said,
            rendered=self.rendered,
        )

    def saying(self, **said: Any) -> "Snapshot":
        """The same, with what is said now noted."""
        return replace(self, said={**self.said, **said})

    def value(self, name: str) -> Any:
        """The newest word on a value, None if nothing was told."""
        register = self.values.get(name)
        return register.settled(SWITCHES.get(name)) if register else None

    @property
    def is_known(self) -> bool:
        """Whether enough was told to draw a thread."""
        return all(name in self.values for name in ("number", "title", "url", "state"))

    @property
    def head_sha(self) -> str:
        """The head commit, empty if it was not told."""
        head = self.value("head")
        return str(head["sha"]) if head else ""


def _newest(registers: dict[str, Register]) -> dict[str, Register]:
    if len(registers) <= MAX_KEPT:
        return registers
    kept = sorted(registers, key=lambda name: (registers[name].at, name))[-MAX_KEPT:]
    return {name: registers[name] for name in kept}


def view(snapshot: Snapshot, checks: tuple[Check, ...] = ()) -> PullRequest:
    """What a thread is drawn from; `snapshot.is_known` must hold. `checks` are the head commit's."""
    head, base, milestone = (snapshot.value(name) for name in ("head", "base", "milestone"))
    changes, repository = snapshot.value("changes"), snapshot.value("repository")
    return PullRequest(
        repository=repository["name"],
        repository_url=repository["url"],
        number=snapshot.value("number"),
        url=snapshot.value("url"),
        title=snapshot.value("title"),
        body=snapshot.value("body") or "",
        state=snapshot.value("state")[1],
        draft=bool(snapshot.value("draft")),
        author=Person(**(snapshot.value("author") or {"login": "ghost"})),
        head=Branch(**head) if head else None,
        base=Branch(**base) if base else None,
        assignees=tuple(Person(**user) for user in _members(snapshot, "assignees")),
        labels=tuple(Link(**label) for label in _members(snapshot, "labels")),
        milestone=Link(**milestone) if milestone else None,
        reviewers=_reviewers(snapshot),
        changes=Changes(**changes) if changes else None,
        auto_merge=bool(snapshot.value("auto_merge")),
        queued=bool(snapshot.value("queued")),
        mergeable=snapshot.value("mergeable"),
        merge_methods=tuple(snapshot.value("merge_methods") or ()),
        unresolved=_unresolved(snapshot),
        checks=checks,
        rendered=snapshot.rendered,
    )


def _members(snapshot: Snapshot, name: str) -> list[Mapping[str, Any]]:
    members = snapshot.sets.get(name)
    return members.items() if members else []


def _reviewers(snapshot: Snapshot) -> tuple[Reviewer, ...]:
    """Those asked, and those whose latest review decides; who was asked again has to decide again."""
    requested = {str(asked["name"]): asked for asked in _members(snapshot, "requested")}
    latest: dict[str, Any] = {}
    for _, review in sorted(snapshot.reviews.items(), key=lambda item: (item[1].at, int(item[0]))):
        latest[review.value["login"]] = review.value
    decided = [
        Reviewer(name=login, url=review["url"], state=_DECISIVE[review["state"]])
        for login, review in sorted(latest.items())
        if review["state"] in _DECISIVE and login not in requested
    ]
    asked = [
        Reviewer(name=name, url=one["url"], state="requested", is_team=one["is_team"])
        for name, one in requested.items()
    ]
    return (*decided, *asked)


def _unresolved(snapshot: Snapshot) -> tuple[str, ...]:
    standing = sorted(snapshot.conversations.items(), key=lambda item: int(item[0]))
    return tuple(one.value["url"] for _, one in standing if one.value["state"] == "unresolved")


def dump(snapshot: Snapshot) -> bytes:
    """The snapshot as JSON, packed."""
    parts = {
        "values": snapshot.values,
        "sets": snapshot.sets,
        "reviews": snapshot.reviews,
        "conversations": snapshot.conversations,
        "said": snapshot.said,
        "rendered": snapshot.rendered,
    }
    return pack(orjson.dumps(parts, default=tuple), to_keep=True)


def load(data: bytes | None) -> Snapshot:
    """The snapshot that `dump` wrote, now or before it packed and kept HTML; an empty one for None.

    Raises `ValueError` where it is broken.
    """
    if data is None:
        return Snapshot()
    parts = orjson.loads(unpack(data))
    rendered = parts.get("rendered")
    return Snapshot(
        values=_registers(parts["values"]),
        sets={name: Members(*fields) for name, fields in parts["sets"].items()},
        reviews=_registers(parts["reviews"]),
        conversations=_registers(parts["conversations"]),
        said=parts["said"],
        rendered=Rendered(*rendered) if rendered else None,
    )


def _registers(fields: Mapping[str, Any]) -> dict[str, Register]:
    return {name: _register(*field_values) for name, field_values in fields.items()}


def _register(at: str, weight: int, value: Any, switched: Iterable[Iterable[Any]] = ()) -> Register:
    return Register(at, weight, value, tuple((second, said) for second, said in switched))
