"""Keep from a `push` the details that the `synchronize` beside it lacks, if the `push` comes first."""

from typing import NamedTuple

from bridge.core.model import Delivery
from bridge.core.pulls.snapshot import Snapshot

MAX_LISTED = 2048
"""Commits that GitHub lists of one push."""


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
    def noted(cls, known: Snapshot) -> "Push | None":
        """Return the push that was noted last with a pull request."""
        found = known.said.get("push")
        return cls(*found) if found else None

    def note(self, known: Snapshot) -> Snapshot:
        """Note it with a pull request, if that still shows the commit before."""
        return known.saying(push=list(self)) if known.head_sha == self.before else known
