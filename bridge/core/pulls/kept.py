"""Bound the reviews and conversations that are kept of a pull request."""

from collections.abc import Callable, Iterable

from bridge.core.pulls import conversations
from bridge.core.pulls.conversations import Registers
from bridge.core.pulls.lww import LwwRegister, merge_all

MAX_KEPT = 200
"""Reviews, and conversations, that are kept of a pull request, unless more of them count."""

MAX_COUNTING = 1000
"""Those that are kept in any case. Of more unresolved conversations there is only a note."""


def bounded(known: Registers, told: Registers, counting: Callable[[Registers], Iterable[str]]) -> Registers:
    """Merge, and drop the oldest of those that no longer count where there are too many."""
    registers = merge_all(known, told) if told else known
    if len(registers) <= MAX_KEPT:
        return registers
    counts = set(counting(registers))
    by_age = sorted(registers, key=lambda name: (name in counts, registers[name].at, int(name)))
    newest = by_age[-min(max(MAX_KEPT, len(counts)), MAX_COUNTING) :]
    left = {name: registers[name] for name in newest}
    if len(counts) > MAX_COUNTING and counting is conversations.counting:
        left[conversations.MORE] = LwwRegister("", 0, {"url": "", "state": "more"})
    return left


def deciding(reviews: Registers) -> list[str]:
    """Return the latest review of each person, by the time of their first."""
    latest: dict[int | str, str] = {}
    for name in sorted(reviews, key=lambda name: (reviews[name].at, int(name))):
        # Nobody can tell which deleted account it was: each of their reviews stands for itself.
        latest[reviews[name].value["id"] or name] = name
    return list(latest.values())
