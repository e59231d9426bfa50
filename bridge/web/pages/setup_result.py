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


@dataclass(frozen=True, kw_only=True)
class SetUpResult:
    """The results of a whole set-up."""

    setup: SetUp
    lines: tuple[LineResult, ...]

    @property
    def connected(self) -> int:
        """The number of connected ones."""
        return sum(one.is_connected for one in self.lines)

    @property
    def asked(self) -> int:
        """The number that wait for an administrator."""
        return sum(one.is_open for one in self.lines)

    @property
    def settled(self) -> int:
        """The number that are done, well or not."""
        return sum(one.line.state != "waiting" for one in self.lines)

    @property
    def may_change(self) -> bool:
        """Whether anything may change by itself within moments."""
        return self.setup.is_running or any(one.is_awaited for one in self.lines)


async def awaited(services: Services, setup: SetUp) -> SetUpResult:
    """Return the result once nothing changes by itself, or after `HOLD_SECONDS`.

    A page that reloads itself would disturb its reader (https://www.w3.org/WAI/WCAG22/Techniques/failures/F41).
    """
    until = time.monotonic() + HOLD_SECONDS
    result = await read(services, setup)
    while result.may_change and time.monotonic() < until:
        await asyncio.sleep(LOOK_SECONDS)
        result = await read(services, await services.bulk_connect.find(setup.id, user=setup.user) or setup)
    return result


async def read(services: Services, setup: SetUp) -> SetUpResult:
    """Return a set-up's present result, for its user alone: it may show links to pass on."""
    return SetUpResult(setup=setup, lines=tuple([await _line(services, line) for line in setup.lines]))


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
