"""A worker's clock jumps, forward and back, in the middle of a load (by libfaketime)."""

import asyncio
import os
import subprocess
import time
from pathlib import Path

import pytest

from bridge.storage.delivery_log import DeliveryLog
from tests.faults.load import Load
from tests.faults.row import AT, TOTAL
from tests.faults.table import check

YEAR = 365 * 24 * 3600

JUMPS = ("+400d", "-400d", "+0")
"""From the true time: farther than any lifetime, back beyond the beginning of the load, and right again."""


@pytest.fixture
def faketime() -> str:
    """The library that moves a process's clock. Without it the test is skipped, under CI it fails."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        missing = "there is no libfaketime here: apt-get install faketime"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    return str(found[0])


async def test_a_worker_whose_clock_jumps_loses_nothing(
    calm_load: Load, faketime: str, tmp_path: Path
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("+0")
    # What is loaded already takes no other library.
    calm_load.house.popen = subprocess.Popen
    calm_load.house.start(
        "bridge",
        "worker",
        LD_PRELOAD=faketime,
        FAKETIME_TIMESTAMP_FILE=str(clock),
        FAKETIME_NO_CACHE="1",
        # What time passes is true; only what time it is said to be jumps, as when a clock is set.
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
    sending = asyncio.create_task(calm_load.send())
    left = []
    for mark, jump in zip((*AT, TOTAL * 4 // 5), JUMPS, strict=True):
        await calm_load.posted(mark)
        clock.write_text(jump)
        left.append(await calm_load.not_posted())
    await sending

    assert await _jumped(calm_load), "the worker's clock stayed"
    check(await calm_load.finished("the worker's clock jumps 400 days ahead and back", left))


async def _jumped(load: Load) -> bool:
    """Tell whether the worker's clock jumped, both ways, by its notes in the delivery log."""
    off = [
        line.at - time.time()
        for repository, connection in load.connections.items()
        for line in await DeliveryLog(load.redis).notes(5000 + repository, connection.id)
    ]
    return min(off) < -YEAR and max(off) > YEAR
