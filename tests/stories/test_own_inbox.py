"""A team works with bridge alone: its own inbox, GitHub's sign-in, and no Flowdock anywhere."""

import re
from html import unescape

from scripts.sandbox.browse import Browser, Page
from tests.conftest import House, eventually
from tests.kits.connecting import COMPONENT_ID
from tests.kits.inbox import open_inbox, put, sign_in


async def test_from_the_first_sign_in_to_a_pull_request_closed_by_a_click(redis_url: str) -> None:
    async with open_inbox(redis_url) as (house, door), Browser() as cys, Browser() as anns:
        await put(door.people, "cy", owner=True)
        ann = await put(door.people, "ann")
        house.start_worker()
        page = await cys.press(await _signing_in(cys, house), "cy-gh")
        assert page.url == f"{house.bridge}/account", "GitHub's sign-in leads back to where it began"
        page = await cys.open(f"{house.bridge}/inbox")
        flow = await cys.press(page, "Make it", name="Main")
        assert flow.url == f"{house.bridge}/inbox/flows/team/main"
        settings = await cys.open(f"{flow.url}/settings")
        await cys.press(settings, "Let in", person=str(ann.id))

        page = await _connected(cys, house, flow)
        assert "acme/component" in page.text
        assert "acme/component" in (await cys.open(f"{flow.url}/settings")).text

        await house.act("ann-gh", "open", title="Fix it", body="**Soon**", head="fix", base="main")
        page = await _shows(cys, flow.url, "Fix it")
        assert house.flowdock_journal.calls == []
        thread = await cys.open(house.bridge + _link(page, "/inbox/flows/team/main/threads/"))
        assert "<strong>Soon</strong>" in thread.text
        page = await cys.press(thread, "Assign to me")
        assert 'role="status"' in page.text
        assert 'role="status"' not in (await cys.open(page.url)).text, "a reload does not say it again"

        # Ann, whose accounts are not linked, is asked to link them, and what she clicked is done then.
        await sign_in(house, anns, "ann")
        page = await anns.press(await anns.open(thread.url), "Close")
        page = await anns.press(page, "Close")
        page = await anns.open(_link(page, f"{house.bridge}/authorization"))
        page = await anns.press(page, "ann-gh")
        page = await anns.press(page, "Link accounts")
        await anns.press(page, "Do it now")
        await _shows(anns, thread.url, ">closed<")
        assert "Fix it" not in (await anns.open(flow.url)).text

        page = await anns.press(await anns.open(thread.url), "Reply", content="Done, @cy-gh.")
        assert "for you" in (await cys.open(thread.url)).text


async def _signing_in(browser: Browser, house: House) -> Page:
    """Ask for a page of bridge's own, as somebody who is signed in nowhere."""
    page = await browser.open(f"{house.bridge}/signin?then=/account")
    assert page.url.startswith(f"{house.bridge}/inbox/sign-in")
    return await browser.open(house.bridge + _link(page, "/inbox/sign-in/github"))


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
