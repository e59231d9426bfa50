"""Match a `push` with the `synchronize` beside it, which lacks its details; either may come first."""

from typing import NamedTuple

from bridge.core.model import Delivery
from bridge.core.pulls.snapshot import Snapshot

MAX_LISTED = 2048
"""Commits that GitHub lists of one push."""

MAX_NOTED = 10
"""Pushes that are noted with a pull request."""


class Push(NamedTuple):
    """A branch moved `before` → `after`; `commits` is 0 where there are too many to count."""

    before: str
    after: str
    forced: bool
    commits: int

    @classmethod
    def read(cls, delivery: Delivery) -> "Push | None":
        """Return what a push delivery tells; None if it lacks anything."""
        payload = delivery.payload
        before, after, forced = (payload.get(name) for name in ("before", "after", "forced"))
        if not (isinstance(before, str) and isinstance(after, str) and isinstance(forced, bool)):
            return None
        commits = len(payload.get("commits") or ())
        return cls(before, after, forced, commits if commits < MAX_LISTED else 0)

    @classmethod
    def noted(cls, known: Snapshot, before: str, after: str) -> "Push | None":
        """Return the push that was noted with a pull request as moving its branch so."""
        pushes = map(cls._make, reversed(known.said.get("pushes", ())))
        return next((push for push in pushes if (push.before, push.after) == (before, after)), None)

    @classmethod
    def expected(cls, known: Snapshot, delivery: Delivery) -> Snapshot:
        """Note that a `synchronize` was told without its push, which may still come."""
        before, after = (str(delivery.payload.get(name)) for name in ("before", "after"))
        if after != known.head_sha:
            # An earlier one that comes late: the push of the last may still come.
            return known
        sender = delivery.payload.get("sender") or {}
        kept = {name: sender.get(name) for name in ("id", "login", "type", "html_url", "avatar_url")}
        return known.saying(moved=[] if cls.noted(known, before, after) else [before, after, kept])

    def is_late(self, known: Snapshot) -> bool:
        """Tell whether the last `synchronize` of an open pull request was told without this push."""
        is_last = known.is_open and known.head_sha == self.after
        return is_last and known.said.get("moved", ())[:2] == [self.before, self.after]

    def note(self, known: Snapshot) -> Snapshot:
        """Note it with a pull request that shows the commit before, or will after a push noted earlier."""
        if self.before not in known.heads:
            return known
        return known.saying(pushes=[*known.said.get("pushes", ()), list(self)][-MAX_NOTED:])
