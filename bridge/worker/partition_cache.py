"""What the holder of a partition need not ask Redis for.

All that changes pull requests goes through the holder's own commits, so what the last commit left of those it
is about to post about is the newest. A connection may be changed by anybody: what was read of it counts for a
moment only.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import orjson

from bridge.core.model import Connection
from bridge.core.pulls.model import PullKey, PullRequest
from bridge.core.pulls.snapshot import Snapshot
from bridge.queue.entries import OutboxMessage

CONNECTION_SECONDS = 1
"""How long what was read of a connection counts: who pauses or removes it does not wait for more."""

NOTHING: Mapping[PullKey, Snapshot] = MappingProxyType({})

SNAPSHOTS_KEPT = 16
"""Of a partition: some 10 kB each."""

Drawing = Callable[[PullRequest], orjson.Fragment]


class _Kept:
    """What is kept of a pull request while it has messages to post."""

    __slots__ = ("drawn", "messages", "pull", "snapshot")

    def __init__(self) -> None:
        self.messages = 0
        self.pull: PullRequest | None = None
        self.snapshot: Snapshot | None = None
        self.drawn: orjson.Fragment | None = None


class PartitionCache:
    """The newest state of each pull request that has messages to post, until the last of them is done."""

    def __init__(self) -> None:
        self._kept: dict[PullKey, _Kept] = {}
        self._connections: dict[str, tuple[float, Connection]] = {}

    def committed(
        self,
        pulls: Mapping[PullKey, PullRequest],
        messages: Iterable[OutboxMessage],
        connections: Iterable[Connection] = (),
        read_at: float = 0,
        snapshots: Mapping[PullKey, Snapshot] = NOTHING,
    ) -> None:
        """Note what a commit left, the messages it wrote, and the connections it was made for.

        Those were `read_at`, by the monotonic clock.
        """
        for message in messages:
            thread = message.repository_id, message.number
            if (kept := self._kept.get(thread)) is None:
                kept = self._kept[thread] = _Kept()
            kept.messages += 1
        for thread, pull in pulls.items():
            if kept := self._kept.get(thread):
                kept.pull, kept.drawn = pull, None
        room = SNAPSHOTS_KEPT - sum(kept.snapshot is not None for kept in self._kept.values())
        for thread, snapshot in snapshots.items():
            if (kept := self._kept.get(thread)) and (kept.snapshot is not None or room > 0):
                room -= kept.snapshot is None
                kept.snapshot = snapshot
        now = time.monotonic()
        self._connections = {
            name: read for name, read in self._connections.items() if _is_fresh(read[0], now)
        }
        self._connections.update((connection.id, (read_at, connection)) for connection in connections)

    def of(self, message: OutboxMessage) -> PullRequest | None:
        """What a message's thread shows; None: Redis knows."""
        kept = self._kept.get((message.repository_id, message.number))
        return kept.pull if kept else None

    def snapshot(self, thread: PullKey) -> Snapshot | None:
        """What Redis holds of a pull request; None: it must be asked."""
        kept = self._kept.get(thread)
        return kept.snapshot if kept else None

    def drawn(self, message: OutboxMessage, pull: PullRequest, draw: Drawing) -> orjson.Fragment:
        """The thread of `pull` in JSON, drawn once for all messages that show the same."""
        kept = self._kept.get((message.repository_id, message.number))
        if kept is None or kept.pull is not pull:
            return draw(pull)
        if kept.messages == 1:
            return kept.drawn or draw(pull)
        if kept.drawn is None:
            kept.drawn = draw(pull)
        return kept.drawn

    def connection(self, connection_id: str) -> Connection | None:
        """A connection that was read just now; None: Redis knows."""
        at, connection = self._connections.get(connection_id, (0, None))
        return connection if _is_fresh(at, time.monotonic()) else None

    def forget(self, connection_id: str) -> None:
        """A connection is not what it was."""
        self._connections.pop(connection_id, None)

    def doubt(self) -> None:
        """Whether the last commit took effect is not known: Redis is asked again."""
        for kept in self._kept.values():
            kept.snapshot = None

    def done(self, message: OutboxMessage) -> None:
        """A message is posted, or given up."""
        thread = message.repository_id, message.number
        if kept := self._kept.get(thread):
            kept.messages -= 1
            if kept.messages <= 0:
                del self._kept[thread]


def _is_fresh(read_at: float, now: float) -> bool:
    return now - read_at < CONNECTION_SECONDS
