"""Cache the connections of repositories until any connection changes.

Every delivery needs them, and they change a few times a day. Redis counts the changes, so that one small
read shows whether the cache still holds.
"""

import time
from collections.abc import Iterable

from bridge.core.model import Connection
from bridge.storage.connections import ConnectionStore, RepoKey

MAX_CACHED = 4096
"""Repositories."""

MAX_AGE_SECONDS = 60
"""A failover of Redis may lose a change, and count the next one under the same number."""


class ConnectionCache:
    """Reads connections through a `ConnectionStore`, and keeps them."""

    def __init__(self, connections: ConnectionStore) -> None:
        self._connections = connections
        self._cached: dict[RepoKey, list[Connection]] = {}
        self._changes: bytes | None = None
        self._cached_at = 0.0

    async def of(self, repositories: Iterable[RepoKey]) -> dict[RepoKey, list[Connection]]:
        """Return the connections of repositories; may leave out some, as `of_repositories` does."""
        wanted = set(repositories)
        if not wanted:
            return {}
        changes, now = await self._connections.version(), time.monotonic()
        is_old = now - self._cached_at > MAX_AGE_SECONDS
        if changes != self._changes or is_old or len(self._cached) > MAX_CACHED:
            # A new dict: a read that is still under way must not write stale connections into this one.
            self._cached, self._changes, self._cached_at = {}, changes, now
        cached = self._cached
        if missing := [one for one in wanted if one not in cached]:
            cached |= await self._connections.of_repositories(missing)
        return {one: cached[one] for one in wanted if one in cached}
