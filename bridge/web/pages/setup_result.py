"""What a set-up's page tells of each repository: connected or not, and whether GitHub's ping arrived."""

import asyncio
import time
from dataclasses import dataclass

from bridge.connections.bulk_connect import Line, SetUp
from bridge.connections.handover_requests import Handover
from bridge.services import Services

PING_SECONDS = 30
"""How long a ping is waited for; GitHub sends it at once."""

HOLD_SECONDS = 10
LOOK_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class Told:
    """One repository; `handover` is how it stands with what an administrator is asked for, if it still is."""

    line: Line
    pinged: bool = False
    is_awaited: bool = False
    """A ping may still come by itself."""
    handover: Handover | None = None

    @property
    def is_connected(self) -> bool:
        """By whoever chose it, or by the administrator that they asked."""
        return self.line.state == "connected" or bool(self.handover and self.handover.state == "done")

    @property
    def is_open(self) -> bool:
        """Whether an administrator may still be handed the link."""
        return bool(self.handover and self.handover.state == "open")


@dataclass(frozen=True, kw_only=True)
class Telling:
    """A whole set-up."""

    setup: SetUp
    told: tuple[Told, ...]

    @property
    def connected(self) -> int:
        """How many are connected."""
        return sum(one.is_connected for one in self.told)

    @property
    def asked(self) -> int:
        """How many wait for an administrator."""
        return sum(one.is_open for one in self.told)

    @property
    def settled(self) -> int:
        """How many are done, well or not."""
        return sum(one.line.state != "waiting" for one in self.told)

    @property
    def may_change(self) -> bool:
        """Whether something will change by itself within moments."""
        return self.setup.is_running or any(one.is_awaited for one in self.told)


async def awaited(services: Services, setup: SetUp) -> Telling:
    """As `tell`, once nothing changes by itself any more, or after `HOLD_SECONDS`.

    The page waits here, not in the browser: one that loads itself anew takes it from under whoever reads
    it (https://www.w3.org/WAI/WCAG22/Techniques/failures/F41).
    """
    until = time.monotonic() + HOLD_SECONDS
    telling = await tell(services, setup)
    while telling.may_change and time.monotonic() < until:
        await asyncio.sleep(LOOK_SECONDS)
        telling = await tell(services, await services.bulk_connect.find(setup.id, user=setup.user) or setup)
    return telling


async def tell(services: Services, setup: SetUp) -> Telling:
    """How a set-up stands; for whoever began it, as it may show links to hand on."""
    return Telling(setup=setup, told=tuple([await _told(services, line) for line in setup.lines]))


async def _told(services: Services, line: Line) -> Told:
    if line.state == "asked":
        return Told(line=line, handover=await services.handovers.find(line.handover))
    pinged = await _pinged(services, line)
    expects = line.state == "connected" and line.hook in ("made", "mended")
    return Told(
        line=line,
        pinged=pinged,
        is_awaited=expects and not pinged and time.time() - line.since < PING_SECONDS,
    )


async def _pinged(services: Services, line: Line) -> bool:
    return line.hook_id is not None and await services.webhook_keys.pinged(
        line.repository_id, line.hook_id, line.since
    )
