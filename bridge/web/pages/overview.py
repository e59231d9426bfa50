"""What the home page shows: how this installation is doing, and how the connections of some flows are."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from redis.exceptions import RedisError

from bridge.core.model import Connection, Flow
from bridge.services import Services
from bridge.storage.delivery_log import Counts, Digest

REDIS_SECONDS = 3
"""How long a page waits to learn whether Redis answers."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """How this installation is doing; nothing of it is about any team.

    `workers` live now. `received_at`: when the last delivery was taken (Unix seconds), None if none was
    within four days.
    """

    redis_answers: bool
    workers: int = 0
    received_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class ConnectionState:
    """A connection as a glance shows it; `repository` is its present name, `digest` None before the first
    delivery has told bridge the repository's id."""

    connection: Connection
    repository: str
    digest: Digest | None

    @property
    def counts(self) -> Counts | None:
        """The last day's; None if nothing came in it."""
        return self.digest.counts if self.digest and self.digest.counts.total else None


@dataclass(frozen=True, kw_only=True)
class FlowState:
    """A flow and what is connected to it."""

    flow: Flow
    connections: tuple[ConnectionState, ...]


class Overview:
    """Gathers it from Redis, in as few round trips for many connections as for one."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def installation(self) -> Installation:
        """How this installation is doing; Redis being away is part of the answer."""
        try:
            async with asyncio.timeout(REDIS_SECONDS):
                return await self._installation()
        except (RedisError, OSError):
            return Installation(redis_answers=False)

    async def _installation(self) -> Installation:
        workers, received_at = await self._services.queue_view.vitals()
        return Installation(redis_answers=True, workers=workers, received_at=received_at)

    async def flows(self, flows: Iterable[Flow]) -> list[FlowState]:
        """These flows with their connections, by name."""
        ordered = sorted(flows, key=lambda flow: flow.name.lower())
        wanted = {flow.path.lower() for flow in ordered}
        states = await self.states(
            one for one in await self._services.connections.all() if one.flow and one.flow.lower() in wanted
        )
        return [
            FlowState(
                flow=flow,
                connections=tuple(one for one in states if one.connection.flow.lower() == flow.path.lower()),
            )
            for flow in ordered
        ]

    async def states(self, connections: Iterable[Connection]) -> list[ConnectionState]:
        """These connections as they are, by their repositories' names."""
        chosen = list(connections)
        known = [(one.repository_id, one.id) for one in chosen if one.repository_id is not None]
        digests = await self._services.delivery_log.digests(known)
        names = await self._services.pulls.repository_names(repository_id for repository_id, _ in known)
        states = [
            ConnectionState(
                connection=one,
                repository=names.get(one.repository_id or 0, one.repository),
                digest=digests.get(one.id),
            )
            for one in chosen
        ]
        return sorted(states, key=lambda state: state.repository.lower())
