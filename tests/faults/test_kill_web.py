"""Kill the web process beside its worker, in the middle of a day in bridge's own inbox."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bridge.inbox.flows.flows import FlowStore
from bridge.inbox.threads.messages import MessageStore
from bridge.storage import keys
from bridge.storage.client import connect_redis
from scripts.sandbox.browse import Browser
from scripts.sandbox.demo import WITH_TEAM
from scripts.sandbox.house import House, free_port
from scripts.sandbox.team import FLOW_PATH, Visitor, gather
from tests.conftest import eventually
from tests.faults.wire import Wire, open_wire
from tests.kits import loaded


@asynccontextmanager
async def _working(redis_url: str, folder: Path) -> AsyncIterator[tuple[House, Wire]]:
    """A stand-in GitHub and a worker; all that is said to the web process goes by a wire."""
    port = free_port()
    settings = WITH_TEAM | {"PORT": str(port), "REDIS_URL": redis_url}
    async with open_wire(f"http://127.0.0.1:{port}") as wire, aiohttp.ClientSession() as http:
        with (folder / "log").open("wb") as log:
            house = House(
                data=folder,
                bridge=wire.url,
                flowdock="",
                github=f"http://127.0.0.1:{free_port()}",
                http=http,
                output=log,
                settings=settings,
                popen=loaded.Process,
            )
            try:
                house.start_github()
                house.start("bridge", "worker")
                await house.answers(f"{house.github}/_sandbox/webhooks")
                yield house, wire
            finally:
                house.stop()


@asynccontextmanager
async def _news(browser: Browser, house: House, *, after: int = 0) -> AsyncIterator[AsyncIterator[int]]:
    """The ids of the flow's messages, as the page's stream tells of them."""
    headers = {"Last-Event-ID": str(after)}
    async with browser.session.get(f"{house.bridge}{FLOW_PATH}/events", headers=headers) as response:
        assert response.status == 200

        async def ids() -> AsyncIterator[int]:
            async for line in response.content:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])["message"]

        yield ids()


async def test_work_under_way_is_done_once_after_the_web_process_was_killed(
    redis_url: str, tmp_path: Path
) -> None:
    async with (
        _working(redis_url, tmp_path) as (house, wire),
        aclosing(connect_redis(redis_url)) as redis,
        Browser() as browser,
    ):
        web = house.start("bridge", "web")
        await house.answers(f"{house.bridge}/readyz")
        await gather(house)
        cy = Visitor(house=house, browser=browser, login="cy-gh")
        await cy.sign_in("/inbox")
        await house.act("ann-gh", "open", title="Fix it", head="fix", base="main")
        thread = await cy.thread("Fix it")
        sure = await cy.press(thread, "Close")

        async with _news(browser, house) as news:
            seen = [await anext(news)]
            # GitHub closes it, and the worker's post of that is stored; neither answer comes back.
            wire.hold("coming", b'"status": "done"')
            wire.hold("coming", b"\r\n\r\n{}")
            click = asyncio.create_task(cy.press(sure, "Close"))
            await wire.held(2)
            web.kill()
            web.wait()
            with pytest.raises(aiohttp.ClientError):
                seen += [one async for one in news]
        with pytest.raises(aiohttp.ClientError):
            await click
        wire.drop()

        house.start("bridge", "web")
        await house.answers(f"{house.bridge}/readyz")
        # The session lives on, and the stream goes on where it ended.
        page = await cy.open(thread.url.removeprefix(house.bridge))
        assert ">closed<" in page.text
        await cy.press(page, "Reply", content="Good riddance")
        flow = await FlowStore(redis).at("team/main")
        assert flow

        async def posted_again() -> bool:
            waiting = [await redis.xlen(keys.outbox(partition)) for partition in range(keys.PARTITIONS)]
            return "attempt_failed" in (tmp_path / "log").read_text() and not any(waiting)

        await eventually(posted_again)
        messages = await MessageStore(redis=redis).flow_messages(flow.id, after=0, limit=100, newest=False)
        async with _news(browser, house, after=seen[-1]) as news:
            while seen[-1] != messages[-1].id:
                seen.append(await anext(news))
        assert seen == [one.id for one in messages]
        assert [one.content.get("title") for one in messages] == [
            "Opened pull request",
            "Closed pull request",
            None,
        ]
