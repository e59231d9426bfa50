"""Find the connections of a delivery's repository, and the name that may stand in their messages.

Buttons lead where names say. So a name is believed only if the operator's secret signed it and no other
repository has it. Otherwise the name that bridge knows stands, and the monitor asks GitHub.
"""

from collections.abc import Iterable, Sequence

import structlog

from bridge.core import names
from bridge.core.messages import translate
from bridge.core.model import Connection, Delivery
from bridge.core.pulls.lww import moment
from bridge.queue.entries import InboxEntry
from bridge.storage.checkups import Checkups
from bridge.storage.connections import ConnectionStore, RepoKey
from bridge.storage.pulls import PullRequestStore
from bridge.worker.connection_cache import ConnectionCache
from bridge.worker.repository_names import RepositoryNames

log = structlog.get_logger()

Connections = dict[RepoKey, list[Connection]]


class ConnectionLookup:
    """Looks up connections, and binds those made by name to the repository's id."""

    def __init__(self, connections: ConnectionStore, pulls: PullRequestStore, checkups: Checkups) -> None:
        self._connections = connections
        self._pulls = pulls
        self._checkups = checkups
        self._cache = ConnectionCache(connections)
        self._names = RepositoryNames(connections, pulls)

    async def prefetch(self, entries: Iterable[InboxEntry]) -> Connections:
        """Read the connections of deliveries' repositories, under the names used last, at once."""
        repository_ids = {entry.repository_id for entry in entries}
        return await self._cache.of(
            (one, name) for one in repository_ids if (name := self._names.last_used(one)) is not None
        )

    async def find(
        self, entry: InboxEntry, delivery: Delivery, prefetched: Connections
    ) -> Sequence[Connection]:
        """Return the connections of the delivery's repository; its payload then shows a believed name."""
        repository = delivery.payload["repository"]
        claimed, known = names.full_name(repository["full_name"]), None
        if entry.signer == "repository":
            known = await self._names.present(entry.repository_id, claimed=claimed)
            if known is None:
                return []
        full_name = known or claimed
        connections = await self._bound(entry, delivery, full_name, prefetched)
        if not connections or (full_name == claimed and await self._may_be_called(entry, delivery, claimed)):
            return connections
        log.warning(
            "repository_name_rejected",
            delivery=delivery.id,
            repository_id=entry.repository_id,
            claimed=claimed,
        )
        await self._checkups.schedule(connections, hint="heard")
        known = known or await self._names.present(entry.repository_id)
        repository["full_name"] = known
        return connections if known else []

    async def _bound(
        self, entry: InboxEntry, delivery: Delivery, full_name: str, prefetched: Connections
    ) -> Sequence[Connection]:
        """Return the repository's connections, after binding those that were made by one of its names."""
        repository = entry.repository_id, full_name
        former_names = translate.former_names(delivery) if entry.signer == "operator" else []
        for former in former_names:
            # Connected by the name it had before its first delivery.
            await self._bind(entry.repository_id, former)
        if former_names or repository not in prefetched:
            prefetched[repository] = await self._bind(*repository)
        self._names.use(*repository)
        return prefetched[repository]

    async def _bind(self, repository_id: int, full_name: str) -> list[Connection]:
        if await self._pulls.may_be_called(repository_id, full_name):
            return await self._connections.of_repository(repository_id, full_name)
        return await self._connections.by_repository_id(repository_id)

    async def _may_be_called(self, entry: InboxEntry, delivery: Delivery, full_name: str) -> bool:
        """Tell whether to believe a delivery's name; it is noted if the operator's secret signed it."""
        if entry.signer == "repository":
            return True
        return await self._names.note(
            entry.repository_id,
            full_name,
            at=moment(delivery.payload["repository"].get("updated_at")),
            former=translate.former_names(delivery),
        )
