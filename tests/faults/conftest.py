"""Shared by the tests of faults: a Redis of their own, and loads on real processes."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import table
from tests.faults.load import Load
from tests.faults.processes import open_load
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
async def calm_load(tmp_path: Path, server: RedisServer) -> AsyncIterator[Load]:
    """For faults that take no lease away: no post of a slow machine is given up and repeated."""
    async with open_load(tmp_path, server.url, lease_seconds=12) as opened:
        yield opened
