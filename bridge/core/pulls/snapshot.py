"""The pull request as bridge knows it, merged from deliveries in any order.

Every delivery brings a part (`bridge.core.pulls.extract`), and parts are merged value by value: the newest
wins. Merging is commutative, associative and idempotent, so the order and repetition of deliveries make no
difference in the end.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from bridge.core.compression import pack, unpack
from bridge.core.model import Payload
from bridge.core.pulls import conversations
from bridge.core.pulls.gathering import Gathering, Parts
from bridge.core.pulls.kept import bounded, deciding
from bridge.core.pulls.lww import Item, LwwRegister, LwwSet, merge_all
from bridge.core.pulls.model import (
    Branch,
    Changes,
    Check,
    Link,
    Person,
    Place,
    PullRequest,
    Rendered,
    Reviewer,
    ReviewState,
    Stack,
)
from bridge.core.pulls.rules import BranchRules

T = TypeVar("T")

SWITCHES: dict[str, Any] = {"state": [0, "open"], "queued": False}
"""Values that switch back and forth, each with its value in a new pull request."""

_NEEDED = frozenset({"number", "title", "url", "state"})
_DECISIVE: dict[str, ReviewState] = {"approved": "approved", "changes_requested": "changes requested"}


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All that was told: single values, sets, reviews and conversations by GitHub's id.

    Three are ours, and take no part in merging: `said`, what the thread's messages said last, so that it is
    not said again; `gathering`, the reviews whose parts still come in, by their ids; `rendered`, the HTML
    of the description.
    """

    values: Mapping[str, LwwRegister] = msgspec.field(default_factory=dict)
    sets: Mapping[str, LwwSet] = msgspec.field(default_factory=dict)
    reviews: Mapping[str, LwwRegister] = msgspec.field(default_factory=dict)
    conversations: Mapping[str, LwwRegister] = msgspec.field(default_factory=dict)
    said: Mapping[str, Any] = msgspec.field(default_factory=dict)
    gathering: Mapping[str, Gathering] = msgspec.field(default_factory=dict)
    rendered: Rendered | None = None

    def merge(self, other: "Snapshot") -> "Snapshot":
        """Merge another snapshot of the pull request into this one."""
        sets = dict(self.sets)
        for name, members in other.sets.items():
            sets[name] = sets[name].merge(members) if name in sets else members
        return Snapshot(
            values=merge_all(self.values, other.values),
            sets=sets,
            reviews=bounded(self.reviews, other.reviews, deciding),
            conversations=bounded(self.conversations, other.conversations, conversations.counting),
            said=self.said,
            gathering=self.gathering,
            rendered=self.rendered,
        )

    def saying(self, **said: Any) -> "Snapshot":
        """Return the snapshot with the message's state recorded."""
        if said.items() <= self.said.items():
            return self
        return replace(self, said={**self.said, **said})

    def gathers(self, review_id: str, parts: Parts, due: Payload) -> "Snapshot":
        """Return the snapshot with a review's parts added; `due` is the payload that posts it."""
        gathering = self.gathering.get(review_id, Gathering()).add(parts, due)
        return replace(self, gathering={**self.gathering, review_id: gathering})

    def gathered(self, review_id: str) -> "Snapshot":
        """Return the snapshot after a review was told."""
        return replace(self, gathering={key: one for key, one in self.gathering.items() if key != review_id})

    def value(self, name: str) -> Any:
        """Return the newest value of a field, None without any."""
        one = self.values.get(name)
        if one is None:
            return None
        return one.settled(SWITCHES.get(name)) if one.switched else one.value

    def settled(self) -> dict[str, Any]:
        """Return the newest value of each known field."""
        return {name: self.value(name) if one.switched else one.value for name, one in self.values.items()}

    @property
    def is_known(self) -> bool:
        """True once there is enough to draw a thread."""
        return self.values.keys() >= _NEEDED

    @property
    def is_open(self) -> bool:
        """Neither closed nor merged, as far as was told."""
        return bool((self.value("state") or SWITCHES["state"])[1] == "open")

    @property
    def target(self) -> str:
        """The branch that it merges into: that of its stack, or else its base; empty if it was not told."""
        stack, base = self.value("stack"), self.value("base")
        return str(stack["base"]) if stack else str(base["ref"]) if base else ""

    @property
    def queued_since(self) -> str:
        """The time when it entered the merge queue that it is in; empty if it is in none."""
        return self.values["queued"].at if self.value("queued") else ""

    @property
    def place(self) -> Place:
        """The place in the merge queue and its checks, as far as they were told since it entered."""
        told, (since, checks) = self.value("place"), self.said.get("in_queue") or ("", "")
        number = int(told["number"]) if told and told["since"] == self.queued_since else 0
        return Place(number, checks if since == self.queued_since else "")

    @property
    def head_sha(self) -> str:
        """The head commit, empty if it was not told."""
        head = self.value("head")
        return str(head["sha"]) if head else ""

    @property
    def heads(self) -> frozenset[str]:
        """The head commit, and the commits to which noted pushes moved the branch."""
        return frozenset({self.head_sha, *(after for _, after, *_ in self.said.get("pushes", ()))} - {""})


def view(snapshot: Snapshot, checks: tuple[Check, ...] = ()) -> PullRequest:
    """Build the pull request that a thread shows, with its head's `checks`; needs `snapshot.is_known`."""
    told = snapshot.settled()
    repository, people, rules = told["repository"], _people(snapshot), rules_of(snapshot)
    known = snapshot.conversations
    return PullRequest(
        repository=repository["name"],
        repository_url=repository["url"],
        number=told["number"],
        url=told["url"],
        title=told["title"],
        body=told.get("body") or "",
        state=told["state"][1],
        draft=bool(told.get("draft")),
        author=_person(told.get("author") or {"login": "ghost"}, people),
        head=_built(Branch, told.get("head")),
        base=_built(Branch, told.get("base")),
        pusher=_person(told["pusher"], people) if told.get("pusher") else None,
        stack=_built(Stack, told.get("stack")),
        assignees=tuple(_person(user, people) for user in _members(snapshot, "assignees")),
        labels=_each(Link, _members(snapshot, "labels")),
        milestone=_built(Link, told.get("milestone")),
        reviewers=_reviewers(snapshot, people),
        named=_each(Person, people.values()),
        changes=_built(Changes, told.get("changes")),
        auto_merge=bool(told.get("auto_merge")),
        queued=bool(told.get("queued")),
        place=snapshot.place,
        mergeable=told.get("mergeable"),
        mergeable_state=told.get("mergeable_state") or "",
        merge_methods=_methods(told.get("merge_methods") or (), rules),
        allows=tuple(told.get("allows") or ()),
        unresolved=conversations.links(known, repository["url"]),
        more_unresolved=conversations.MORE in known,
        rules=rules,
        checks=tuple(check for check in checks if not check.is_deployment),
        deployments=tuple(check for check in checks if check.is_deployment),
        turn_since=snapshot.said.get("since") or {},
        rendered=snapshot.rendered,
    )


def _built(kind: type[T], told: Item | None) -> T | None:
    return msgspec.convert(told, kind) if told else None


def _each(kind: type[T], told: Iterable[Item]) -> tuple[T, ...]:
    # One by one: to read the type of a tuple each time takes longer than to read what is in it.
    return tuple(msgspec.convert(one, kind) for one in told)


def rules_of(snapshot: Snapshot) -> BranchRules | None:
    """Return the rules that were read of the base branch; None if none were, or the base is another now."""
    rules = _built(BranchRules, snapshot.value("rules"))
    return rules if rules and rules.branch == snapshot.target else None


def _methods(allowed: Iterable[str], rules: BranchRules | None) -> tuple[str, ...]:
    return tuple(name for name in allowed if not (rules and rules.methods) or name in rules.methods)


def _members(snapshot: Snapshot, name: str) -> list[Item]:
    members = snapshot.sets.get(name)
    items = members.items() if members else ()
    return sorted(items, key=lambda one: str(one.get("login") or one["name"]).lower())


def _people(snapshot: Snapshot) -> dict[int, Item]:
    """Return each person by id, with the login that was told last: people rename themselves.

    The last of those with one login has it now.
    """
    author = snapshot.values.get("author")
    told = [(author.at, author.value)] if author else []
    told += [
        (members.at, {"login": one.get("login") or one["name"], **one})
        for members in (snapshot.sets.get("assignees"), snapshot.sets.get("requested"))
        if members
        for one in members.items()
        if not one.get("is_team")
    ]
    told += [(review.at, review.value) for review in snapshot.reviews.values()]
    told.sort(key=lambda one: (one[0], one[1]["login"]))
    found: dict[int, Item] = {}
    for _, one in told:
        if one["id"]:
            found.pop(one["id"], None)
            found[one["id"]] = one
    return found


def _renamed(person: Item, people: Mapping[int, Item]) -> Item:
    return people.get(person.get("id", 0), person)


def _person(told: Item, people: Mapping[int, Item]) -> Person:
    return msgspec.convert(_renamed(told, people), Person)


def _reviewers(snapshot: Snapshot, people: Mapping[int, Item]) -> tuple[Reviewer, ...]:
    """Return the requested reviewers, and those whose latest review counts until they are asked again."""
    asked = _members(snapshot, "requested")
    if not snapshot.reviews and not asked:
        return ()
    requested = {one["id"] for one in asked if not one["is_team"]}
    latest = (snapshot.reviews[name].value for name in deciding(snapshot.reviews))
    decided = [
        _reviewer(_renamed(review, people), _DECISIVE[review["state"]])
        for review in latest
        if review["state"] in _DECISIVE and review["id"] not in requested
    ]
    waiting = [
        _reviewer(
            one if one["is_team"] else _renamed(one, people),
            "requested",
            is_team=one["is_team"],
            members=_members_of(snapshot, one) if one["is_team"] else (),
        )
        for one in asked
    ]
    return (*sorted(decided, key=lambda one: one.name.lower()), *waiting)


def _members_of(snapshot: Snapshot, team: Item) -> list[Item]:
    """Return a team's members who may review: all but the author."""
    author = (snapshot.value("author") or {}).get("id")
    return [one for one in snapshot.value(f"team {team['id']}") or () if one["id"] != author]


def _reviewer(
    one: Item, state: ReviewState, *, is_team: bool = False, members: Sequence[Item] = ()
) -> Reviewer:
    name = one.get("login") or one["name"]
    bot = bool(one.get("bot"))
    return Reviewer(
        name=name,
        url=one["url"],
        state=state,
        is_team=is_team,
        members=_each(Person, members),
        id=one["id"],
        bot=bot,
    )


def dump(snapshot: Snapshot) -> bytes:
    """Encode the snapshot in MessagePack, compressed."""
    return pack(_ENCODER.encode(snapshot), to_keep=True)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Snapshot)


def load(data: bytes | None) -> Snapshot:
    """Read the snapshot that `dump` wrote, an empty one from None.

    Raises `ValueError` or msgspec's errors where it is broken.
    """
    return Snapshot() if data is None else _DECODER.decode(unpack(data))
