"""Connecting a flow in a real browser: from the address that Flowdock opens to messages in the flow."""

import re

import pytest
from playwright.async_api import Page, expect

from scripts.sandbox.faults import Fault
from tests.conftest import FLOW, House, eventually
from tests.kits.accounts import link
from tests.stories.documents import picture
from tests.stories.looks import looks, setup_url, sign_in
from tests.stories.test_connection import pinged


async def test_from_the_setup_address_to_a_thread_in_the_flow(house: House, page: Page) -> None:
    house.start_worker()
    await page.goto(setup_url(house))
    await page.get_by_role("button", name="Sign in as Cy Chen").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("First, link your GitHub account")
    await looks(page, "setup-link")
    await page.get_by_role("link", name="Link my GitHub account").click()
    await page.get_by_test_id("signin-cy-gh").click()
    await page.get_by_role("button", name="Link accounts").click()

    await expect(page.get_by_role("heading", level=1)).to_have_text("Connect repositories to Main")
    await page.get_by_label("acme/component").check()
    await looks(page, "setup-choose")
    await picture(page, "install/setup.png")
    await page.get_by_text("All options").click()
    await looks(page, "setup-options")
    await page.get_by_role("button", name="Connect").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Main is connected")
    await expect(page.locator("main")).to_contain_text("GitHub’s ping arrived")
    await looks(page, "setup-connected")

    await house.act("ann-gh", "open", title="Fix bug in thread API", body="", head="fix", base="main")
    [thread] = await eventually(house.threads)
    assert "Fix bug in thread API" in thread["title"]
    flow = page.get_by_role("link", name="Main", exact=True)
    await expect(flow).to_have_attribute("href", f"{house.flowdock}/inbox/flows/{FLOW}")
    await page.goto(setup_url(house))
    await expect(page.locator("main")).to_contain_text("Connected to this flow.")


async def test_by_keyboard_alone(house: House, page: Page) -> None:
    await link(house, "cy")
    await page.goto(setup_url(house))
    await page.get_by_role("button", name="Sign in as Cy Chen").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Connect repositories to Main")
    await press_to(page, "Find a repository")
    await page.keyboard.type("gadg")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("acme/component")).to_have_count(0)
    await press_to(page, "acme/gadgets")
    await page.keyboard.press("Space")
    await press_to(page, "Quiet")
    await page.keyboard.press("ArrowUp")
    await press_to(page, "Connect")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Main is connected")
    [connection] = await house.services.connections.all()
    assert (connection.repository, connection.options.drafts) == ("acme/gadgets", "all")
    assert connection.options.labels


async def press_to(page: Page, name: str) -> None:
    """Tab until what has the focus is named so, as somebody without a mouse does."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        named = await page.evaluate(
            "() => { const e = document.activeElement;"
            " return (e.labels && e.labels[0] || e).textContent.trim() }"
        )
        if named.startswith(name):
            return
    raise AssertionError(f"{name} is not reached by Tab")


async def test_one_fails_and_is_tried_again(house: House, page: Page) -> None:
    await link(house, "cy")
    house.github_journal.faults.append(Fault(path=".*/gadgets/hooks", method="POST", cut="after"))
    await sign_in(page, house, "/flowdock/setup%3Fflow=acme:main", "Cy Chen")
    await page.get_by_label("acme/component").check()
    await page.get_by_label("acme/gadgets").check()
    await page.get_by_role("button", name="Connect").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("1 of 2 connected")
    await expect(page.locator("main")).to_contain_text("Not connected: GitHub cannot be reached")
    await looks(page, "setup-one-failed")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Main is connected")
    found = await house.services.connections.all()
    assert sorted(one.repository for one in found) == ["acme/component", "acme/gadgets"]


async def test_no_ping_comes_at_first(house: House, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.web.pages.setup_result.HOLD_SECONDS", 0.5)
    await link(house, "cy")
    async with house.http.post(f"{house.github}/_sandbox/webhooks", json={"mode": "hold"}):
        pass
    await sign_in(page, house, "/flowdock/setup%3Fflow=acme:main", "Cy Chen")
    await page.get_by_label("acme/component").check()
    await page.get_by_role("button", name="Connect").click()
    await expect(page.locator("main")).to_contain_text("Waiting for GitHub’s ping")
    await looks(page, "setup-waiting")
    async with house.http.post(f"{house.github}/_sandbox/webhooks", json={"mode": "send"}):
        pass
    async with house.http.post(f"{house.github}/_sandbox/webhooks/release", json={}):
        pass
    [connection] = await house.services.connections.all()
    await eventually(lambda: pinged(house, connection))
    await page.get_by_role("link", name=re.compile("Check again")).click()
    await expect(page.locator("main")).to_contain_text("GitHub’s ping arrived")
