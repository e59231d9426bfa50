"""A small model of GitHub: one pull request that people work on, and the deliveries about it.

Times are whole seconds, and as many things as one likes happen within one. `truth` is what is so in the
end, kept apart from the payloads. A deed that cannot be done, or that is `careful` not to speak of a value
twice within a second, does nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.kits.core import samples
from tests.kits.core.samples import Payload

PEOPLE = ("bob", "cy", "dee")
NAMES = ("bug", "docs", "wip")
REFS = ("main", "stable", "next")
VERDICTS = ("approved", "changes_requested", "commented")
CHECKS = ("build", "lint", "test")

Told = tuple[str, Payload]
AUTO_MERGE = {
    "enabled_by": samples.user("ann"),
    "merge_method": "squash",
    "commit_title": "x",
    "commit_message": "",
}
_BASE = samples.pull()
_TWICE = {"state": 2, "queued": 2}
"""Values that may change twice within a second: there and back can be told, once more cannot."""


@dataclass
class Truth:
    """The true values by name, in the words of the core's own view."""

    title: str = "Fix bug"
    body: str = "Why"
    state: str = "open"
    draft: bool = False
    base: str = "main"
    head: str = samples.SHA
    milestone: str = ""
    auto_merge: bool = False
    queued: bool = False
    labels: set[str] = field(default_factory=set)
    assignees: set[str] = field(default_factory=set)
    requested: set[str] = field(default_factory=set)
    reviews: dict[str, str] = field(default_factory=dict)
    open_talks: set[int] = field(default_factory=set)
    checks: dict[tuple[str, str], str] = field(default_factory=dict)
    pushes: int = 0

    @property
    def additions(self) -> int:
        """By the base and the head; ever fewer, so that of two equals the newer is not the greater."""
        return 9000 - 1000 * REFS.index(self.base) - self.pushes


DEEDS: dict[str, Callable[["Life", int], None]] = {}
"""The deeds by name; see `tests.kits.core.life_deeds`."""


class Life:
    """The pull request, from its opening on; `careful` keeps to what whole seconds can tell apart."""

    def __init__(self, *, careful: bool = False, timed: bool = True) -> None:
        self.careful = careful
        self.timed = timed
        self.truth = Truth()
        self.sent: list[Told] = []
        self.second = 0
        self.spoken: Counter[str] = Counter()
        self._count = 0
        self.talks: list[list[Payload]] = []
        self.given: list[Payload] = []
        self.running: dict[tuple[str, str], str] = {}
        self.tell("opened")

    @property
    def at(self) -> str:
        return f"2026-03-10T12:{self.second // 60:02}:{self.second % 60:02}Z"

    def tick(self) -> None:
        """A second passes."""
        self.second += 1
        self.spoken.clear()

    def do(self, deed: str, which: int) -> None:
        """Somebody does something; `which` chooses whom or what it is about."""
        DEEDS[deed](self, which % 3)

    def play(self, plan: Iterable[tuple[str, int, bool]]) -> "Life":
        """Deeds one after the other; before each, a second passes or not."""
        for name, which, later in plan:
            if later:
                self.tick()
            self.do(name, which)
        return self

    # Payloads

    def pull(self) -> Payload:
        """The pull request as GitHub would show it now."""
        now, base = self.truth, _BASE
        closed = now.state != "open"
        return base | {
            **{"title": now.title, "body": now.body, "draft": now.draft, "updated_at": self.at},
            **{"state": "closed" if closed else "open", "merged": now.state == "merged"},
            "merged_at": self.at if now.state == "merged" else None,
            "closed_at": self.at if closed else None,
            "head": {**base["head"], "sha": now.head},
            "base": {**base["base"], "ref": now.base},
            "milestone": samples.milestone(now.milestone) if now.milestone else None,
            "auto_merge": AUTO_MERGE if now.auto_merge else None,
            "labels": [samples.label(name) for name in sorted(now.labels)],
            "assignees": [samples.user(login) for login in sorted(now.assignees)],
            "requested_reviewers": [samples.user(login) for login in sorted(now.requested)],
            "additions": now.additions,
            "mergeable": None if closed or "head" in self.spoken else True,
        }

    def tell(self, action: str, **extra: Any) -> None:
        self.send("pull_request", samples.on_pull(action, self.pull(), **extra))

    def send(self, event: str, payload: Payload) -> None:
        self.sent.append((event, payload))

    def new(self) -> int:
        self._count += 1
        return 1000 + self._count

    def may(self, *values: str, when: bool = True) -> bool:
        """Tell whether a deed can be done; the values that it is about then count as changed."""
        if not when or (self.careful and any(self.spoken[value] >= _TWICE.get(value, 1) for value in values)):
            return False
        self.spoken.update(values)
        return True
