"""The inbox's people in tests: a house with the inbox or beside it, and how somebody gets in."""

import asyncio
import html
import re
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bridge.cli import env_files
from bridge.inbox.admission import ADMISSION, Admission
from bridge.inbox.people.people import InboxPerson, PeopleStore
from bridge.storage.client import connect_redis
from scripts.sandbox.browse import Browser, Page
from scripts.sandbox.house import free_port
from tests.conftest import House, eventually, open_house
from tests.kits import loaded
from tests.kits.commands import environ_of

FLOWDOCK = ("FLOWDOCK_CLIENT_ID", "FLOWDOCK_CLIENT_SECRET", "FLOWDOCK_API_URL")
"""The settings without which there is an inbox."""

IDS = {"ann": 1001, "bob": 1002, "cy": 1003, "dee": 1004}
"""Those of their GitHub accounts; Dee alone is not in acme."""


@asynccontextmanager
async def open_inbox(redis_url: str, **changes: Any) -> AsyncIterator[tuple[House, Admission]]:
    """A house whose web half has the inbox; `changes` are settings that differ."""
    async with open_house(redis_url, inbox=True, **changes) as house:
        assert house.web_half is not None
        app = house.web_half.app
        yield house, app[ADMISSION]


@asynccontextmanager
async def open_apart(redis_url: str, folder: Path) -> AsyncIterator[tuple[House, PeopleStore, str]]:
    """A house whose inbox is a process of its own, on another Redis; yields the inbox's address, too."""
    url, its_redis = f"http://127.0.0.1:{free_port()}", f"{redis_url}?db=1"
    environ = {
        "REDIS_URL": its_redis,
        "WEB_URL": url,
        "PORT": url.rpartition(":")[2],
        "COOKIE_SECRET": secrets.token_hex(16),
        "ENCRYPTION_KEY": secrets.token_hex(16),
        "PAGE_LIMIT": "0",
    }
    told = await asyncio.to_thread(loaded.run, folder, "inbox", "application", environ=environ)
    registered = {name.lower(): value for name, value in env_files.parse(told.stdout, where="it").items()}
    github = {"redirect_uris": (f"{url}/auth/github/callback",)}
    async with (
        open_house(redis_url, github_config=github, **registered) as house,
        aclosing(connect_redis(its_redis)) as redis,
    ):
        environ["INBOX_APPLICATION_URL"] = house.bridge
        with (folder / "inbox.log").open("wb") as log:
            process = loaded.Process(
                [sys.executable, "-m", "bridge", "inbox"],
                cwd=folder,
                env=environ_of(house, "", **dict.fromkeys(FLOWDOCK, "")) | environ,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                await eventually(lambda: _answers(house, url))
                yield house, PeopleStore(redis), url
            finally:
                process.terminate()
                process.wait()


async def _answers(house: House, url: str) -> bool:
    try:
        async with house.http.get(f"{url}/readyz") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


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
