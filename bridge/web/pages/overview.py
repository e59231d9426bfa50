"""The home page's view: the state of this installation, and of the connections of some flows."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError

from bridge.core.model import Connection, Flow
from bridge.queue.inspect import DeadLetterSummary
from bridge.services import Services
from bridge.storage.delivery_log import Counts, Digest

REDIS_SECONDS = 3
"""Seconds that a page waits for Redis's answer."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """The state of this installation, without anything about a team.

    `workers` are alive. `received_at` is the last delivery's time (Unix seconds), None if none came within
    four days.
    """

    redis_answers: bool
    workers: int = 0
    received_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class ConnectionState:
    """The summary of a connection.

    `repository` is its present name; `digest` is None until a first delivery brings the repository's id.
    """

    connection: Connection
    repository: str
    digest: Digest | None
    dead: Sequence[DeadLetterSummary] = ()
    """Dead letters, the newest first."""

    @property
    def counts(self) -> Counts | None:
        """The last day's counts; None without any."""
        return self.digest.counts if self.digest and self.digest.counts.total else None


@dataclass(frozen=True, kw_only=True)
class FlowState:
    """A flow and what is connected to it."""

    flow: Flow
    connections: tuple[ConnectionState, ...]


class Overview:
    """Reads the summaries from Redis, in as few round trips for many connections as for one."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def installation(self) -> Installation:
        """Return the installation's state, also while Redis is away."""
        try:
            async with asyncio.timeout(REDIS_SECONDS):
                return await self._installation()
        except (RedisError, OSError):
            return Installation(redis_answers=False)

    async def _installation(self) -> Installation:
        workers, received_at = await self._services.queue_view.vitals()
        return Installation(redis_answers=True, workers=workers, received_at=received_at)

    async def flows(self, flows: Iterable[Flow]) -> list[FlowState]:
        """Return these flows with their connections, sorted by name."""
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
        """Return the summaries of these connections, sorted by their repositories' names."""
        chosen = list(connections)
        known = [(one.repository_id, one.id) for one in chosen if one.repository_id is not None]
        digests = await self._services.delivery_log.digests(known)
        dead = await self._services.queue_view.dead_letters_of(known)
        names = await self._services.pulls.repository_names(repository_id for repository_id, _ in known)
        states = [
            ConnectionState(
                connection=one,
                repository=names.get(one.repository_id or 0, one.repository),
                digest=digests.get(one.id),
                dead=dead.get(one.id, ()),
            )
            for one in chosen
        ]
        return sorted(states, key=lambda state: state.repository.lower())
