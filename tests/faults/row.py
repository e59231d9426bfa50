"""A line of the table of faults, and how large the load is that it tells of."""

from dataclasses import dataclass

REPOSITORIES, PULLS, STEPS = 10, 2, 6
TOTAL = REPOSITORIES * PULLS * STEPS
"""Deliveries of one load: six of each of twenty pull requests, two in each of ten repositories."""

AT = (TOTAL // 5, TOTAL * 3 // 5)
"""The progress of a load, in messages posted or deliveries accepted, at each break."""

THREADS = REPOSITORIES * PULLS
"""Each has one post under way at most: what a worker that is killed may have posted without its note."""


@dataclass
class Row:
    """A line of the table: what came of a load under a fault."""

    fault: str
    left: tuple[int, ...] = ()
    """The rest of the load at each fault."""
    deliveries: int = 0
    lost: int = 0
    repeated: int = 0
    out_of_order: int = 0
    stale: int = 0
    """Threads that do not show the newest state in the end."""
    dead: int = 0
    """Dead letters, each with its reason."""
    skipped: int = 0
    """Messages to a source that its flow had removed, each with its reason in the journal or the log."""
