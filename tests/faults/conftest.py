"""What the fault tests share: a Redis of their own, and loads on real processes."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import table
from tests.faults.load import Load, open_load
from tests.faults.server import RedisServer, redis_server


@pytest.fixture(autouse=True)
def in_the_table(record_property: Callable[[str, object], None]) -> Iterator[None]:
    """The test's report carries its rows of the table of faults (see `tests.conftest`)."""
    table.ROWS.clear()
    yield
    for row in table.ROWS:
        record_property(table.PROPERTY, row)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis for one load."""
    with redis_server(tmp_path / "redis") as running:
        yield running


@pytest.fixture
async def load(tmp_path: Path, server: RedisServer) -> AsyncIterator[Load]:
    """Short leases, since a worker that is killed keeps its partitions for that long."""
    async with open_load(tmp_path, server.url, lease_seconds=1.5) as opened:
        yield opened


@pytest.fixture
async def calm_load(tmp_path: Path, server: RedisServer) -> AsyncIterator[Load]:
    """For faults that take no lease away: no post of a slow machine is given up and repeated."""
    async with open_load(tmp_path, server.url, lease_seconds=12) as opened:
        yield opened


@pytest.fixture
async def wide_load(tmp_path: Path, server: RedisServer) -> AsyncIterator[Load]:
    """Two web processes and two workers."""
    async with open_load(tmp_path, server.url, lease_seconds=6, more_webs=1) as opened:
        for _ in range(2):
            # Their log tells of deliveries for which there was no connection any more.
            opened.house.start("bridge", "worker", LOG_LEVEL="info")
        yield opened
