"""No page is a dead end: each leads on, and to help, which answers even while Redis is away."""

import re
from collections.abc import Iterator

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from scripts.sandbox.browse import Browser
from tests.conftest import House
from tests.kits.personal import sign_in
from tests.texts import templates


def pages() -> Iterator[tuple[str, str]]:
    """The main part of each template that is a whole page."""
    for path, text in templates():
        main = re.search(r"\{% block main %\}(.*)\{% endblock %\}", text, re.DOTALL)
        if main and path.startswith("bridge/web/"):
            yield path, main[1]


@pytest.mark.parametrize(("path", "main"), [pytest.param(*page, id=page[0]) for page in pages()])
def test_every_page_leads_on(path: str, main: str) -> None:
    assert path.endswith("base.html") or re.search(r"<a [^>]*href=|<button", main)


def test_the_pages_are_looked_at() -> None:
    assert len(list(pages())) > 15


async def test_help_is_in_the_head_of_each_page_for_everybody(house: House, browser: Browser) -> None:
    for path in ("/", "/help", "/nowhere", "/authorization?claim=x"):
        page = await browser.open(house.bridge + path)
        assert f'href="{house.bridge}/help"' in page.text or 'href="/help"' in page.text, path
    assert "Sign out" not in page.text
    await sign_in(house, browser)
    assert "Sign out" in (await browser.open(f"{house.bridge}/help")).text


async def test_help_is_there_while_redis_is_away(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(house, browser)

    async def away(*_: object, **__: object) -> None:
        raise RedisConnectionError

    monkeypatch.setattr(house.redis, "execute_command", away)
    page = await browser.open(f"{house.bridge}/help")
    assert (page.status, "A pull request does not appear" in page.text) == (200, True)


async def test_a_page_that_needs_redis_asks_to_try_again_and_its_line_names_the_error(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await sign_in(house, browser)

    async def away(*_: object, **__: object) -> None:
        raise RedisConnectionError

    monkeypatch.setattr(house.redis, "execute_command", away)
    capsys.readouterr()
    page = await browser.open(f"{house.bridge}/account")
    assert (page.status, "bridge cannot reach Redis: try again in a moment" in page.text) == (503, True)
    (line,) = [one for one in capsys.readouterr().out.splitlines() if "path=/account" in one]
    assert "error=ConnectionError" in line
