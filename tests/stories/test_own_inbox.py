"""A team works with bridge alone: its own inbox, GitHub's sign-in, and no Flowdock anywhere."""

import json
import os
import re
import signal
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Page as BrowserPage
from playwright.async_api import expect

from bridge.inbox.context import INBOX
from bridge.inbox.deletion import FlowDeletion
from bridge.inbox.flows.flows import FlowStore
from bridge.inbox.flows.sources import SourceStore
from bridge.inbox.people.sessions import COOKIE, SESSIONS
from bridge.inbox.threads.messages import MessageStore
from bridge.storage import embedded
from bridge.storage.client import close_redis, connect_redis
from scripts.sandbox.browse import Browser, Page
from scripts.sandbox.house import House as Processes
from scripts.sandbox.house import free_port
from scripts.sandbox.process import Process
from tests.conftest import House, eventually
from tests.inbox.threads.test_messages import content
from tests.kits.connecting import COMPONENT_ID
from tests.kits.inbox import FLOWDOCK, open_apart, open_inbox, put, sign_in


async def test_in_an_inbox_apart_from_the_first_sign_in_to_a_pull_request_merged_by_a_click(
    redis_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with (
        open_apart(redis_url, tmp_path) as (house, people, inbox),
        Browser() as cys,
        Browser() as anns,
    ):
        await put(people, "cy", owner=True)
        ann = await put(people, "ann")
        house.start_worker()
        page = await cys.press(await _signing_in(cys, house, inbox), "cy-gh")
        assert page.url == f"{house.bridge}/account", "GitHub's sign-in leads back to where it began"
        # By itself, the inbox is at the root, too.
        page = await cys.open(inbox)
        flow = await cys.press(page, "Create flow", name="Main")
        assert flow.url == f"{inbox}/inbox/flows/team/main"
        settings = await cys.open(f"{flow.url}/settings")
        await cys.press(settings, "Add", person=str(ann.id))

        page = await _connected(cys, house, flow)
        assert "acme/component" in page.text
        assert "acme/component" in (await cys.open(f"{flow.url}/settings")).text

        await house.act("ann-gh", "open", title="Fix it", body="**Soon**", head="fix", base="main")
        page = await _shows(cys, flow.url, "Fix it")
        assert house.flowdock_journal.calls == []
        thread = await cys.open(inbox + _link(page, "/inbox/flows/team/main/threads/"))
        assert "<strong>Soon</strong>" in thread.text
        page = await cys.press(thread, "Assign to me")
        assert 'role="status"' in page.text
        assert 'role="status"' not in (await cys.open(page.url)).text, "a reload does not say it again"

        # Ann, whose accounts are not linked, is asked to link them, and what she clicked is done then.
        await sign_in(house, anns, "ann", at=f"{inbox}/inbox/sign-in/github?then=/inbox/people")
        page = await anns.press(await anns.open(thread.url), "Merge")
        page = await anns.press(page, "Merge")
        page = await anns.open(_link(page, f"{house.bridge}/authorization"))
        page = await anns.press(page, "ann-gh")
        page = await anns.press(page, "Link accounts")
        await anns.press(page, "Do it now")
        await _shows(anns, thread.url, ">merged<")
        assert "Fix it" not in (await anns.open(flow.url)).text

        page = await anns.press(await anns.open(thread.url), "Reply", content="Done, @cy-gh.")
        assert "mentions you" in (await cys.open(thread.url)).text
    _one_id_leads_through_both_logs((tmp_path / "inbox.log").read_text(), capfd.readouterr().out)


def _one_id_leads_through_both_logs(of_inbox: str, of_bridge: str) -> None:
    """From GitHub's delivery to the post in the inbox, and from the page to the click at bridge."""
    lines = [json.loads(line) for line in of_inbox.splitlines() if line.startswith("{")]
    posts = [one["caller"] for one in lines if one.get("path") == "/inbox/api/messages"]
    clicks = [one["request_id"] for one in lines if one.get("path", "").endswith("/actions")]
    of_bridge = re.sub(r"\x1b\[\d*m", "", of_bridge)
    came = re.findall(r"delivery=(\S+) .*path=/github/webhook/\* .*status=202", of_bridge)
    assert set(posts) == set(re.findall(r"message_posted .*delivery=(\S+)", of_bridge))
    assert set(posts) & set(came)
    assert set() < set(re.findall(r"caller=(\w+) .*path=/repos/", of_bridge)) <= set(clicks)


async def test_open_pages_show_what_happens_without_a_reload(redis_url: str, page: BrowserPage) -> None:
    async with open_inbox(redis_url) as (house, admission):
        app = house.web_half.app if house.web_half else web.Application()
        inbox = app[INBOX]
        ann = await put(admission.people, "ann")
        flow = await inbox.flows.make(organization="team", slug="main", name="Main", owner=ann.id)
        assert flow
        source, _ = await inbox.sources.make(
            flow.id, name="x", external_url="", client_id=inbox.client_id, creator=ann.id
        )
        cookie = await app[SESSIONS].begin(ann.id, browser="")
        await page.context.add_cookies([{"name": COOKIE, "value": str(cookie), "url": house.bridge}])
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text))

        await page.goto(f"{house.bridge}/inbox/flows/team/main")
        await inbox.messages.post(flow.id, source.id, content(1))
        await page.get_by_text("Pull 1").click()
        await inbox.messages.post(flow.id, source.id, content(1, title="pushed twice"))
        await expect(page.get_by_text("pushed twice")).to_be_visible()
        await inbox.messages.post(flow.id, source.id, content(1, status="merged"))
        await expect(page.locator("#head .pill")).to_have_text("merged")
        await page.get_by_label("Reply in this thread").fill("Well done!")
        async with page.expect_navigation():
            await page.get_by_role("button", name="Reply").click()
        await expect(page.get_by_text("Well done!")).to_be_visible()
        await page.goto(f"{house.bridge}/inbox/flows/team/main?show=all")
        await inbox.messages.post(flow.id, source.id, content(2))
        await expect(page.locator(".thread-row")).to_have_count(2)
        await expect(page.locator(".thread-row").first).to_contain_text("Pull 2")
        assert errors == []


async def test_messages_and_clicks_under_way_survive_a_kill_of_bridge_and_redis(tmp_path: Path) -> None:
    bridge = f"http://127.0.0.1:{free_port()}"
    others = dict.fromkeys(FLOWDOCK, "")
    with (tmp_path / "log").open("wb") as log:
        async with aiohttp.ClientSession() as http:
            house = Processes(
                data=tmp_path,
                bridge=bridge,
                flowdock="",
                github="http://127.0.0.1:9",
                http=http,
                output=log,
                settings={**others, "XDG_STATE_HOME": str(tmp_path)},
            )
            try:
                first = await _serving(house)
                with embedded.running(tmp_path / "bridge/redis") as url:
                    redis: Any = connect_redis(url)
                    flow = await FlowStore(redis).make(
                        organization="team", slug="main", name="Main", owner=1001
                    )
                    assert flow
                    _, flow_token = await SourceStore(redis).make(
                        flow.id, name="x", external_url="", client_id="", creator=1001
                    )
                    doomed_token = await _doomed(redis)
                    body = content(1, flow_token=flow_token, uuid="one")
                    async with http.post(f"{bridge}/inbox/api/messages", json=body) as response:
                        assert response.status == 202
                    server = (await redis.info())["process_id"]
                    first.kill()
                    os.kill(server, signal.SIGKILL)
                    first.wait()
                    await close_redis(redis)
                await _serving(house)
                wait = {"X-flowdock-wait-for-message": "1"}
                async with http.post(f"{bridge}/inbox/api/messages", json=body, headers=wait) as response:
                    found = await response.json()
                assert (found["id"], found["thread"]["activities"]) == (2, 1), (
                    "it was kept, and is no second one"
                )

                async def is_gone() -> bool:
                    late = {**body, "flow_token": doomed_token}
                    async with http.post(f"{bridge}/inbox/api/messages", json=late) as response:
                        return response.status == 401

                await eventually(is_gone)
            finally:
                house.stop()


async def _doomed(redis: Any) -> str:
    """A flow whose deletion was begun when everything is killed; a source's token there."""
    flow = await FlowStore(redis).make(organization="team", slug="old", name="Old", owner=1001)
    assert flow
    _, token = await SourceStore(redis).make(flow.id, name="x", external_url="", client_id="", creator=1001)
    messages = MessageStore(redis=redis)
    await messages.post(flow.id, 2, content(1))
    await FlowDeletion(redis=redis, messages=messages, connections=NoConnections()).begin(flow, by=1001)
    return token


class NoConnections:
    """None to end: this process only begins the deletion."""

    async def end(self, flow_path: str, person_id: int) -> None:
        raise AssertionError(flow_path, person_id)


async def _serving(house: Processes) -> Process:
    process = house.start("bridge", "serve")
    await house.answers(f"{house.bridge}/readyz")
    return process


async def _signing_in(browser: Browser, house: House, inbox: str) -> Page:
    """Ask for a page of bridge's own, as somebody who is signed in nowhere."""
    page = await browser.open(f"{house.bridge}/signin?then=/account")
    assert page.url.startswith(f"{inbox}/inbox/sign-in")
    return await browser.open(inbox + _link(page, "/inbox/sign-in/github"))


async def _connected(browser: Browser, house: House, flow: Page) -> Page:
    """Connect the repository by the flow's button; the person has no linked account yet."""
    page = await browser.open(_link(flow, f"{house.bridge}/flowdock/setup"))
    page = await browser.open(house.bridge + _link(page, "/account/link"))
    page = await browser.press(page, "cy-gh")
    page = await browser.press(page, "Link accounts")
    return await browser.press(page, "Connect", repository=str(COMPONENT_ID))


async def _shows(browser: Browser, url: str, text: str) -> Page:
    """Wait until a page shows a text."""

    async def shown() -> Page | None:
        page = await browser.open(url)
        return page if text in page.text else None

    page: Page = await eventually(shown)
    return page


def _link(page: Page, beginning: str) -> str:
    """The first address on a page that begins so."""
    found = re.search(rf'<a [^>]*href="({re.escape(beginning)}[^"]*)"', page.text)
    assert found, page.text
    return unescape(found[1])
