"""Which connections repositories have, read once for as long as no connection changes.

Each delivery asks for them, and they change a few times a day. So Redis counts the changes, and is asked for
that number only.
"""

from collections.abc import Iterable

from bridge.core.model import Connection
from bridge.storage.connections import ConnectionStore, RepoKey

MAX_KEPT = 4096
"""Repositories."""


class ConnectionCache:
    """Reads through a `ConnectionStore` and remembers."""

    def __init__(self, connections: ConnectionStore) -> None:
        self._connections = connections
        self._known: dict[RepoKey, list[Connection]] = {}
        self._changes: bytes | None = None

    async def of(self, repositories: Iterable[RepoKey]) -> dict[RepoKey, list[Connection]]:
        """The connections of several repositories, as the store reads them: some may be missing."""
        wanted = set(repositories)
        if not wanted:
            return {}
        changes = await self._connections.version()
        if changes != self._changes or len(self._known) > MAX_KEPT:
            # Not emptied: who reads still, as of before the change, is not to write into the new one.
            self._known, self._changes = {}, changes
        known = self._known
        if missing := [one for one in wanted if one not in known]:
            known |= await self._connections.of_repositories(missing)
        return {one: known[one] for one in wanted if one in known}
