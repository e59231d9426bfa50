"""Messages about auto-merge and the merge queue."""

import msgspec

from bridge.core.messages.events.table import Happening, Said, on
from bridge.core.messages.html import escape
from bridge.core.pulls.model import Person
from bridge.core.pulls.own_events import MERGE_FAILED, MERGEABLE

EVENT = "pull_request"
MAX_REASON = 300

_WHY = {
    "CI_FAILURE": "checks failed",
    "CI_TIMEOUT": "checks took too long",
    "MERGE_CONFLICT": "it conflicts with the base branch",
    "QUEUE_CLEARED": "the queue was cleared",
    "ROLL_BACK": "the queue was rolled back",
    "BRANCH_PROTECTIONS": "the branch's protection refuses it",
    "GIT_TREE_INVALID": "its tree is invalid",
    "INVALID_MERGE_COMMIT": "its merge commit is invalid",
}
"""Reasons for leaving the queue: GitHub's GraphQL `PullRequest` removed-from-merge-queue reasons."""

_MERGED = frozenset({"MERGE", "ALREADY_MERGED"})


@on(MERGEABLE, "")
def mergeable(happening: Happening) -> Said | None:
    """Report conflicts once, and their end once."""
    base = escape(happening.pull.base.ref) if happening.pull.base else "its base branch"
    was_told = bool(happening.known.said.get("conflict"))
    if happening.pull.mergeable is False and not was_told:
        return Said(title=f"Found conflicts with {base}", group="merging")
    if happening.pull.mergeable and was_told:
        return Said(title=f"No more conflicts with {base}", group="merging")
    return None


@on(MERGE_FAILED, "")
def merge_failed(happening: Happening) -> Said | None:
    """Report to the person who clicked that GitHub did not merge after all."""
    if not happening.pull.is_open:
        return None
    reason = escape(" ".join(str(happening.payload["message"]).split())[:MAX_REASON])
    asker = msgspec.convert(happening.payload["user"], Person)
    return Said(title=f"Could not merge: {reason}", group="merging", people=(asker,))


@on(EVENT, "dequeued")
def dequeued(happening: Happening) -> Said | None:
    """Report leaving the merge queue, unless merged: the close reports that."""
    reason = str(happening.payload.get("reason") or "")
    if reason in _MERGED:
        return None
    why = _WHY.get(reason, "")
    return Said(title=f"Removed from the merge queue{f': {why}' if why else ''}", group="merging")
