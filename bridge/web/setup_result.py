"""What a set-up's page tells of each repository: connected or not, and whether GitHub's ping arrived."""

import asyncio
import time
from dataclasses import dataclass

from bridge.services import Services
from bridge.setting_up import Line, SetUp
from bridge.web import by_hand

PING_SECONDS = 30
"""How long a ping is waited for; GitHub sends it at once."""

HOLD_SECONDS = 10
LOOK_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class Told:
    """One repository; `by_hand` is what to enter at GitHub where bridge could not make the webhook."""

    line: Line
    pinged: bool
    is_awaited: bool
    """A ping may still come by itself."""
    by_hand: by_hand.ByHand | None


@dataclass(frozen=True, kw_only=True)
class Telling:
    """A whole set-up."""

    setup: SetUp
    told: tuple[Told, ...]

    @property
    def connected(self) -> int:
        """How many are connected."""
        return sum(one.line.state == "connected" for one in self.told)

    @property
    def settled(self) -> int:
        """How many are done, well or not."""
        return sum(one.line.state != "waiting" for one in self.told)

    @property
    def by_hand(self) -> int:
        """How many wait for a webhook that somebody adds."""
        return sum(one.by_hand is not None and not one.pinged for one in self.told)

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
        telling = await tell(services, await services.setting_up.find(setup.id, user=setup.user) or setup)
    return telling


async def tell(services: Services, setup: SetUp) -> Telling:
    """How a set-up stands; for a member of its flow, as it may show secrets for single repositories."""
    return Telling(setup=setup, told=tuple([await _told(services, line) for line in setup.lines]))


async def _told(services: Services, line: Line) -> Told:
    pinged = await _pinged(services, line)
    expects = line.state == "connected" and line.hook in ("made", "mended")
    return Told(
        line=line,
        pinged=pinged,
        is_awaited=expects and not pinged and time.time() - line.since < PING_SECONDS,
        by_hand=(
            await by_hand.instructions(services, repository_id=line.repository_id, url=line.url)
            if line.hook == "by hand"
            else None
        ),
    )


async def _pinged(services: Services, line: Line) -> bool:
    if line.hook == "by hand":
        return await services.connecting.pinged_by_hand(line.repository_id, line.since)
    return line.hook_id is not None and await services.connecting.pinged(
        line.repository_id, line.hook_id, line.since
    )
