"""Words for the place with the threads: no page of a bridge with its own inbox names Flowdock."""

import re
from urllib.parse import urljoin

from scripts.sandbox.browse import Browser, Page
from tests.conftest import House
from tests.kits.connecting import COMPONENT_ID
from tests.kits.inbox import open_inbox, put, sign_in
from tests.kits.personal import text

LINK = re.compile(r'<a [^>]*href="([^"#]*)"')
NO_PAGE = ("/inbox/sign-in", "/account/link", "/static/", "/signin", "/inbox/flows/team/main/export")
"""Addresses that lead elsewhere, or to a file."""

REFUSED = (
    "/nothing",
    "/flowdock/setup",
    "/flowdock/setup?flow=none",
    "/flowdock/configure?source=1",
    "/connections/none",
    "/handover/none",
    "/authorization",
    "/authorization/confirm",
    "/authorization?claim=none",
    "/auth/flowdock/callback?error=access_denied",
    "/auth/flowdock/callback?state=signin.x",
    "/auth/github/callback",
)


async def walk(house: House, browser: Browser, begin: tuple[str, ...]) -> set[str]:
    """Open what the pages lead to, and hold each to its words; return the paths."""
    seen: set[str] = set()
    ahead = [house.bridge + path for path in begin]
    while ahead:
        url = ahead.pop()
        path = url.removeprefix(house.bridge).partition("?")[0]
        if path in seen or not url.startswith(house.bridge) or path.startswith(NO_PAGE):
            continue
        seen.add(path)
        page = await browser.open(url)
        speaks_of_the_inbox(page)
        ahead += [urljoin(page.url, link.replace("&amp;", "&")) for link in LINK.findall(page.text)]
    return seen


def speaks_of_the_inbox(page: Page) -> None:
    assert "Flowdock" not in page.text, (page.url, text(page))


async def test_no_page_names_flowdock_where_the_inbox_serves(redis_url: str) -> None:
    async with open_inbox(redis_url) as (house, admission), Browser() as browser:
        await put(admission.people, "cy", owner=True)
        await walk(house, browser, ("/", *REFUSED))
        await sign_in(house, browser, "cy")
        await browser.press(await browser.open(f"{house.bridge}/inbox"), "Create flow", name="Main")
        page = await browser.open(f"{house.bridge}/signin?then=/account")
        speaks_of_the_inbox(page)
        assert "cy-gh in the inbox is not linked to a GitHub account" in text(page)
        page = await browser.open(f"{house.bridge}/account/link?then=/account")
        page = await browser.press(page, "cy-gh")
        speaks_of_the_inbox(page)
        assert "Let bridge act as @cy-gh?" in text(page)
        await browser.press(page, "Link accounts")
        page = await browser.open(f"{house.bridge}/flowdock/setup")
        page = await browser.open(house.bridge + LINK.findall(page.text.partition("<main")[2])[0])
        page = await browser.press(page, "Connect", repository=str(COMPONENT_ID))
        speaks_of_the_inbox(page)
        assert "acme/component" in text(page)
        seen = await walk(house, browser, ("/", "/account", "/inbox", *REFUSED))
        assert {"/", "/account", "/inbox", "/inbox/flows/team/main", "/flowdock/setup"} <= seen
        assert any(re.fullmatch(r"/connections/[\w-]+/deliveries", path) for path in seen), seen
