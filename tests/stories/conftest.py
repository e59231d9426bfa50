"""All stories of a process share a browser and its event loop: each has a context of its own in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests import conftest
from tests.conftest import House
from tests.stories import documents

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    documents.writes = config.getoption("--write-docs")
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser."""
    async with conftest.open_browser() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page that knows nothing of other stories."""
    async with conftest.open_page(browser) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def redis_url(redis_server: str) -> str:
    """The Redis, emptied."""
    return await conftest.emptied(redis_server)


@pytest_asyncio.fixture(loop_scope="session")
async def house(redis_url: str) -> AsyncIterator[House]:
    """As everywhere, in the loop of the stories."""
    async with conftest.open_house(redis_url) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def working(house: House) -> House:
    """The same."""
    return await conftest.set_to_work(house)
