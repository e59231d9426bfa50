"""Byte budgets of the queue and of the dead letters: in all, and for each repository.

While the total is over its budget, a repository with little waiting is still served.
"""

from dataclasses import dataclass
from typing import NamedTuple

QUEUE_BYTES = 256 * 2**20
REPOSITORY_BYTES = 32 * 2**20

SMALL_SHARE = 32
"""The divisor of a repository's own budget while the total is over budget."""

LARGEST_DEAD = 64 * 1024
"""Bytes of a compressed payload: of a larger one, a dead letter keeps only the header."""

DELIVERY_BYTES = 512
"""Bytes that bridge keeps of a finished delivery for four days, rounded up."""

LEAST_A_DAY = 1000

MAX_REASON = 1000
MAX_DETAIL = 10_000
"""Characters kept of the reason why an entry was given up."""

MAX_MESSAGE = 64 * 1024
MAX_VALUE = 256 * 1024
"""Bytes of a message, and of a value that a delivery writes: several times GitHub's largest."""

OWN_DEAD = 100
ALL_DEAD = 1000
"""Dead letters kept for a repository, and for a partition."""


@dataclass(frozen=True, kw_only=True)
class InboxBounds:
    """The bounds of a flow of the inbox; the threads longest without a message go first."""

    size: int = 256 * 2**20
    """Bytes."""
    threads: int = 20_000
    days: int = 400
    """Days without a message."""
    thread_messages: int = 2_000
    """Messages of a thread."""


@dataclass(frozen=True, kw_only=True)
class Budgets:
    """Bytes that may wait in total, and for each repository; 0: no limit."""

    queue: int = QUEUE_BYTES
    repository: int = REPOSITORY_BYTES

    def room(self, *, is_over: bool) -> int:
        """Return the bytes that may wait for a repository; fewer if the total is over budget. 0: no limit."""
        if not is_over:
            return self.repository
        return max(1, (self.repository or REPOSITORY_BYTES) // SMALL_SHARE)

    @property
    def most(self) -> int:
        """Return the bytes of messages that may wait for a repository; 0: no limit."""
        return 2 * self.repository

    @property
    def a_day(self) -> int:
        """Deliveries that a repository may send in a day; their ids are kept for four. 0: no limit."""
        return max(LEAST_A_DAY, self.repository // DELIVERY_BYTES) if self.repository else 0

    @property
    def kept(self) -> int:
        """Bytes kept of a repository's pull requests, and as many of its commits; 0: no limit."""
        return self.repository

    def dead(self, *, partitions: int) -> "DeadBounds":
        """Return the bounds of one partition's dead letters."""
        own_bytes = (self.repository or REPOSITORY_BYTES) // 16
        all_bytes = (self.queue or QUEUE_BYTES) // (2 * partitions)
        return DeadBounds(LARGEST_DEAD, OWN_DEAD, own_bytes, ALL_DEAD, all_bytes)


class DeadBounds(NamedTuple):
    """The largest payload kept; how many dead letters, and bytes, of a repository and of a partition."""

    largest: int
    own_number: int
    own_bytes: int
    all_number: int
    all_bytes: int


DEFAULT = Budgets()
