"""The web's way into the queue: deliveries that come at the same time are written to Redis together.

One write is under way at a time; what arrives meanwhile goes with the next. So a single delivery waits for
nobody, and under load each round trip and each sync of Redis's file serves many (a group commit).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge import keys
from bridge.core.model import Envelope
from bridge.deliveries import Deliveries, Incoming

MAX_GROUP = 128
"""Deliveries written together at most."""

SECONDS = 4.5
"""The bound of one write. Whoever comes while one hangs waits for two: GitHub gives up after ten seconds."""


@dataclass(kw_only=True)
class Intake:
    """Takes deliveries for good."""

    deliveries: Deliveries
    seconds: float = SECONDS
    _waiting: list[tuple[Incoming, asyncio.Future[bool]]] = field(default_factory=list)
    _writing: asyncio.Task[None] | None = None

    async def take(self, envelope: Envelope, *, repository_id: int, number: int) -> bool:
        """Take a delivery for good; False if its id was taken before.

        Raises redis-py's errors, and `TimeoutError`: then the delivery may have been taken, or may yet be.
        """
        taken: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((Incoming.of(envelope, repository_id=repository_id, number=number), taken))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await taken

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
                await self._write(group)
        finally:
            self._writing = None

    async def _write(self, group: Sequence[tuple[Incoming, asyncio.Future[bool]]]) -> None:
        try:
            async with asyncio.timeout(self.seconds):
                answers = await self.deliveries.enqueue([incoming for incoming, _ in group])
        except Exception as error:
            for _, taken in group:
                if not taken.done():
                    taken.set_exception(error)
            return
        for (_, taken), answer in zip(group, answers, strict=True):
            # Whoever waited may have gone.
            if not taken.done():
                taken.set_result(answer)


@dataclass(kw_only=True)
class PartedIntake(Intake):
    """The same on a cluster: what goes to different partitions lies in different slots, and is written apart.

    So a node that is away keeps out only what belongs to it.
    """

    _parts: dict[int, Intake] = field(default_factory=dict)

    async def take(self, envelope: Envelope, *, repository_id: int, number: int) -> bool:
        """As `Intake.take`."""
        partition = keys.partition_of(repository_id)
        if partition not in self._parts:
            self._parts[partition] = Intake(deliveries=self.deliveries, seconds=self.seconds)
        return await self._parts[partition].take(envelope, repository_id=repository_id, number=number)
