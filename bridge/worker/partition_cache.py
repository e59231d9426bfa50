"""Cache state that a partition's owner need not read from Redis again.

Only the owner's own commits change pull requests, so the last commit left the newest state of those it is
about to post about. Anybody may change a connection, so a connection counts for a moment only.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import orjson

from bridge.core.model import Connection
from bridge.core.pulls.model import PullKey, PullRequest
from bridge.core.pulls.snapshot import Snapshot
from bridge.queue.entries import OutboxMessage
from bridge.storage.connections import CONNECTION_SECONDS

NO_SNAPSHOTS: Mapping[PullKey, Snapshot] = MappingProxyType({})

MAX_SNAPSHOTS = 16
"""Of a partition: some 10 kB each."""

Render = Callable[[PullRequest], orjson.Fragment]


class _CachedPull:
    """A pull request, kept while it has messages to post."""

    __slots__ = ("messages", "pull", "rendered", "snapshot")

    def __init__(self) -> None:
        self.messages = 0
        self.pull: PullRequest | None = None
        self.snapshot: Snapshot | None = None
        self.rendered: orjson.Fragment | None = None


class PartitionCache:
    """Keeps each pull request that has messages to post, in its newest state, until the last is posted."""

    def __init__(self) -> None:
        self._pulls: dict[PullKey, _CachedPull] = {}
        self._connections: dict[str, tuple[float, Connection]] = {}

    def update(
        self,
        pulls: Mapping[PullKey, PullRequest],
        messages: Iterable[OutboxMessage],
        connections: Iterable[Connection] = (),
        read_at: float = 0,
        snapshots: Mapping[PullKey, Snapshot] = NO_SNAPSHOTS,
    ) -> None:
        """Take in a commit: the pull requests it left, the messages it wrote, the connections it was for.

        The connections were `read_at`, by the monotonic clock.
        """
        for message in messages:
            key = message.repository_id, message.number
            if (cached := self._pulls.get(key)) is None:
                cached = self._pulls[key] = _CachedPull()
            cached.messages += 1
        for key, pull in pulls.items():
            if cached := self._pulls.get(key):
                cached.pull, cached.rendered = pull, None
        room = MAX_SNAPSHOTS - sum(cached.snapshot is not None for cached in self._pulls.values())
        for key, snapshot in snapshots.items():
            if (cached := self._pulls.get(key)) and (cached.snapshot is not None or room > 0):
                room -= cached.snapshot is None
                cached.snapshot = snapshot
        now = time.monotonic()
        self._connections = {
            name: read for name, read in self._connections.items() if _is_fresh(read[0], now)
        }
        for connection in connections:
            self.keep_connection(connection, read_at)

    def pull(self, message: OutboxMessage) -> PullRequest | None:
        """Return the pull request that a message's thread shows; None: ask Redis."""
        cached = self._pulls.get((message.repository_id, message.number))
        return cached.pull if cached else None

    def snapshot(self, key: PullKey) -> Snapshot | None:
        """Return a pull request's snapshot in Redis; None: ask Redis."""
        cached = self._pulls.get(key)
        return cached.snapshot if cached else None

    def rendered(self, message: OutboxMessage, pull: PullRequest, render: Render) -> orjson.Fragment:
        """Return the thread of `pull` in JSON, rendered once for all messages that show the same."""
        cached = self._pulls.get((message.repository_id, message.number))
        if cached is None or cached.pull is not pull:
            return render(pull)
        if cached.messages == 1:
            return cached.rendered or render(pull)
        if cached.rendered is None:
            cached.rendered = render(pull)
        return cached.rendered

    def connection(self, connection_id: str) -> Connection | None:
        """Return a connection that was read a moment ago; None: ask Redis."""
        at, connection = self._connections.get(connection_id, (0, None))
        return connection if _is_fresh(at, time.monotonic()) else None

    def keep_connection(self, connection: Connection, read_at: float) -> None:
        """Keep a connection that was `read_at`, by the monotonic clock."""
        self._connections[connection.id] = read_at, connection

    def forget_connection(self, connection_id: str) -> None:
        """Drop a connection that was removed."""
        self._connections.pop(connection_id, None)

    def forget_snapshots(self) -> None:
        """Drop all snapshots, when nobody knows whether the last commit took effect."""
        for cached in self._pulls.values():
            cached.snapshot = None

    def release(self, message: OutboxMessage) -> None:
        """Drop what was kept for a message, which is posted or given up."""
        key = message.repository_id, message.number
        if cached := self._pulls.get(key):
            cached.messages -= 1
            if cached.messages <= 0:
                del self._pulls[key]


def _is_fresh(read_at: float, now: float) -> bool:
    return now - read_at < CONNECTION_SECONDS
