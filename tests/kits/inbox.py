"""The inbox's people in tests: a house with the inbox, and how somebody gets in."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bridge.inbox.door import DOOR, Door
from bridge.inbox.people import InboxPerson, PeopleStore
from scripts.sandbox.browse import Browser, Page
from tests.conftest import House, open_house

IDS = {"ann": 1001, "bob": 1002, "cy": 1003, "dee": 1004}
"""Those of their GitHub accounts; Dee alone is not in acme."""


@asynccontextmanager
async def open_inbox(redis_url: str, **changes: Any) -> AsyncIterator[tuple[House, Door]]:
    """A house whose web half has the inbox; `changes` are settings that differ."""
    async with open_house(redis_url, inbox=True, **changes) as house:
        assert house.web_half is not None
        app = house.web_half.app
        yield house, app[DOOR]


async def put(store: PeopleStore, nick: str, *, owner: bool = False) -> InboxPerson:
    """Somebody who was invited, without the pages."""
    person = await store.put(IDS[nick], nick=f"{nick}-gh", name="", avatar="", admitted_by="invitation")
    if owner:
        await store.make_owner(person.id)
    return person


async def sign_in(house: House, browser: Browser, nick: str, *, at: str = "") -> Page:
    """Through GitHub's sign-in, to the people's page; `at` is where the way begins, such as an invitation."""
    begin = at or f"{house.bridge}/inbox/sign-in/github?then=/inbox/people"
    page = await browser.open(begin)
    assert page.url.startswith(house.github), (page.url, page.text)
    return await browser.press(page, f"{nick}-gh")


async def is_in(house: House, browser: Browser) -> bool:
    """Tell whether this browser gets to see the people."""
    page = await browser.open(f"{house.bridge}/inbox/people")
    return page.status == 200 and page.url == f"{house.bridge}/inbox/people"


def link_on(page: Page, *, begins: str = "http") -> str:
    """The invitation's link that a page shows, or another secret with this beginning."""
    found = re.search(
        rf"<code>({re.escape(begins)}[^<]+/invitation/[^<]+|{re.escape(begins)}[\w-]+)</code>", page.text
    )
    assert found, page.text
    return html.unescape(found[1])
