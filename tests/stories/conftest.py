"""All stories of a process share a browser, its page and its event loop."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from bridge.web.pages import setup_result
from tests import conftest
from tests.conftest import House
from tests.stories import documents

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    documents.writes = config.getoption("--write-docs")
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(autouse=True)
def _pages_wait_as_long_as_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that waits for GitHub's ping gives up after a person's patience, a story after its own."""
    for name in ("HOLD_SECONDS", "PING_SECONDS"):
        monkeypatch.setattr(setup_result, name, conftest.PATIENCE)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser."""
    async with conftest.open_browser() as opened:
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def tab(browser: Browser) -> AsyncIterator[Page]:
    """The page of all stories: to open one takes longer than most stories."""
    async with conftest.open_page(browser) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def page(tab: Page) -> Page:
    """A page that knows nothing of other stories, for what keeps cookies alone in its browser.

    A story that keeps more, or adds scripts of its own, opens another.
    """
    for other in tab.context.pages:
        if other is not tab:
            await other.close()
    await tab.goto("about:blank")
    await tab.context.clear_cookies()
    await tab.emulate_media(color_scheme="light")
    await tab.set_viewport_size(conftest.SCREEN)
    return tab


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
