"""Know repositories by their full names, and note the names that deliveries tell."""

import math
import time
from collections.abc import Iterable
from typing import NamedTuple

from bridge.storage.connections import ConnectionStore
from bridge.storage.pulls import PullRequestStore

MAX_NAMES = 10_000

MAX_AGE_SECONDS = 60
"""Seconds that a name from Redis counts: another process may have learned a newer one."""


class _Name(NamedTuple):
    full_name: str
    noted: str | None = None
    """The `moment` as of which Redis was last told this name."""
    read_at: float = -math.inf
    """The time when Redis last gave this name, by the monotonic clock."""


class RepositoryNames:
    """Caches for each repository the name that was used last, and whether Redis has it."""

    def __init__(self, connections: ConnectionStore, pulls: PullRequestStore) -> None:
        self._connections = connections
        self._pulls = pulls
        self._names: dict[int, _Name] = {}

    def last_used(self, repository_id: int) -> str | None:
        """Return the name that the last delivery was translated with. It is only a guess."""
        name = self._names.get(repository_id)
        return name.full_name if name else None

    def use(self, repository_id: int, full_name: str) -> _Name:
        """Remember the name that a delivery is translated with."""
        name = self._names.get(repository_id)
        if name is None or name.full_name != full_name:
            if len(self._names) >= MAX_NAMES:
                self._names.clear()
            name = self._names[repository_id] = _Name(full_name)
        return name

    async def present(self, repository_id: int, *, claimed: str = "") -> str | None:
        """Return the name that bridge knows a repository by; None if it knows none.

        Redis is asked at once if a delivery claimed another name.
        """
        name, now = self._names.get(repository_id), time.monotonic()
        is_fresh = name is not None and now - name.read_at <= MAX_AGE_SECONDS
        if name is not None and is_fresh and claimed in ("", name.full_name):
            return name.full_name
        full_name = await self._pulls.repository_name(repository_id)
        if full_name is None and (connected := await self._connections.by_repository_id(repository_id)):
            full_name = connected[0].repository
        if full_name is not None:
            self._names[repository_id] = self.use(repository_id, full_name)._replace(read_at=now)
        return full_name

    async def note(self, repository_id: int, full_name: str, *, at: str, former: Iterable[str]) -> bool:
        """Note a name as of a `moment`; False if another repository has it.

        Only for a delivery that may tell names: what it says is believed.
        """
        if self.use(repository_id, full_name).noted == at:
            return True
        noted = await self._pulls.name_repository(repository_id, full_name, at=at, former=former)
        if noted:
            self._names[repository_id] = self.use(repository_id, full_name)._replace(noted=at)
        return noted
