"""The view of a set-up's result: each repository's state, and whether GitHub's ping arrived."""

import asyncio
import time
from dataclasses import dataclass

from bridge.connections.bulk_connect import Line, SetUp
from bridge.connections.handover_requests import Handover
from bridge.services import Services

PING_SECONDS = 30
"""Seconds to wait for a ping; GitHub sends it at once."""

HOLD_SECONDS = 10
LOOK_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class LineResult:
    """The result for one repository; `handover` is the link for an administrator, if it still exists."""

    line: Line
    pinged: bool = False
    is_awaited: bool = False
    """A ping may still come by itself."""
    handover: Handover | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the user, or the administrator that they asked, connected it."""
        return self.line.state == "connected" or bool(self.handover and self.handover.state == "done")

    @property
    def is_open(self) -> bool:
        """Whether its link still waits for an administrator."""
        return bool(self.handover and self.handover.state == "open")


async def awaited(services: Services, setup: SetUp) -> tuple[SetUp, list[LineResult]]:
    """Return a set-up and its results once nothing changes by itself, or after `HOLD_SECONDS`.

    They are for the user who began it, since they may show links to pass on. A page that reloads itself would
    disturb its reader (https://www.w3.org/WAI/WCAG22/Techniques/failures/F41).
    """
    until = time.monotonic() + HOLD_SECONDS
    while True:
        lines = [await _line(services, line) for line in setup.lines]
        may_change = setup.is_running or any(one.is_awaited for one in lines)
        if not may_change or time.monotonic() >= until:
            return setup, lines
        await asyncio.sleep(LOOK_SECONDS)
        setup = await services.bulk_connect.find(setup.id, user=setup.user) or setup


async def _line(services: Services, line: Line) -> LineResult:
    if line.state == "asked":
        return LineResult(line=line, handover=await services.handovers.find(line.handover))
    pinged = line.hook_id is not None and await services.webhook_keys.pinged(
        line.repository_id, line.hook_id, line.since
    )
    expects = line.state == "connected" and line.hook in ("made", "mended")
    return LineResult(
        line=line,
        pinged=pinged,
        is_awaited=expects and not pinged and time.time() - line.since < PING_SECONDS,
    )
