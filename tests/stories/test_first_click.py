"""The story bridge exists for, in a real browser: from an opened pull request to a click that just works."""

import re
from pathlib import Path

from playwright.async_api import Page, expect

from tests.conftest import House

SHOTS = Path(__file__).parents[2] / "artefacts"
"""Screenshots of the last run: to be looked at; the README's come from here."""

BODY = """The thread API **forgot** the status of a thread.

| state | before | now |
| --- | --- | --- |
| merged | grey | purple |

- [x] a test that fails without it
- [ ] a note in the changelog
"""


async def shot(page: Page, name: str) -> None:
    SHOTS.mkdir(exist_ok=True)
    await page.screenshot(path=SHOTS / f"{name}.png", animations="disabled")


async def open_pull_request(house: House, page: Page) -> None:
    await page.goto(f"{house.github}/acme/component/pulls")
    await page.get_by_test_id("new-pull").click()
    await page.get_by_test_id("pull-title").fill("Fix bug in thread API")
    await page.get_by_test_id("pull-body").fill(BODY)
    await page.get_by_test_id("create-pull").click()
    await expect(page.get_by_test_id("pull-state")).to_have_text(re.compile("open", re.I))


async def choose(inbox: Page, action: str) -> None:
    await inbox.get_by_test_id("actions-menu").click()
    await inbox.get_by_test_id(f"action-{action}").click()


async def test_from_an_opened_pull_request_to_a_click_that_just_works(working: House, page: Page) -> None:
    house, inbox = working, page
    complaints: list[str] = []
    inbox.on("pageerror", lambda error: complaints.append(str(error)))
    await inbox.goto(f"{house.flowdock}/app/acme/main")
    await expect(inbox.get_by_test_id("empty")).to_be_visible()

    github = await inbox.context.new_page()
    await open_pull_request(house, github)
    await shot(github, "github-pull-request")

    await expect(inbox.get_by_test_id("thread-row")).to_contain_text("Fix bug in thread API")
    await inbox.get_by_test_id("thread-row").click()
    await expect(inbox.get_by_test_id("thread-status")).to_have_text("open")

    await choose(inbox, "assign-to-me")
    await expect(inbox.get_by_test_id("challenge")).to_be_visible()
    await shot(inbox, "inbox-challenge")
    async with inbox.context.expect_page() as opening:
        await inbox.get_by_test_id("challenge-link").click()
    linking = await opening.value
    await link(linking)

    await expect(inbox.get_by_test_id("thread-fields")).to_contain_text("ann-gh")
    await expect(inbox.get_by_test_id("activity").last).to_contain_text("elf-assigned")
    await expect(github.get_by_test_id("assignees")).to_contain_text("ann-gh")
    await inbox.bring_to_front()
    if await inbox.get_by_test_id("challenge").is_visible():
        await inbox.keyboard.press("Escape")
    await inbox.get_by_test_id("actions-menu").click()
    await shot(inbox, "inbox")
    await inbox.get_by_test_id("action-close").click()
    await expect(inbox.get_by_test_id("toast")).to_contain_text("Closed acme/component#1.")
    await expect(inbox.get_by_test_id("thread-status")).to_have_text("closed")
    await expect(github.get_by_test_id("pull-state")).to_have_text(re.compile("closed", re.I))
    await choose(inbox, "reopen")
    await expect(inbox.get_by_test_id("thread-status")).to_have_text("open")
    await shot(inbox, "inbox-reopened")
    assert complaints == []


async def link(page: Page) -> None:
    """Through both sign-ins to the click that was meant."""
    await shot(page, "sign-in-flowdock")
    await page.get_by_role("button", name="Sign in as Ann Ames").click()
    await shot(page, "sign-in-github")
    await page.get_by_test_id("signin-ann-gh").click()
    await expect(page.locator(".lead")).to_have_text("Flowdock ann will act on GitHub as @ann-gh.")
    await shot(page, "confirm")
    await page.get_by_role("button", name="Link them").click()
    await expect(page.get_by_role("heading", name="Linked")).to_be_visible()
    await shot(page, "linked")
    await page.get_by_role("button", name="Do it now").click()
    await expect(page.locator(".lead")).to_have_text("Assigned acme/component#1 to @ann-gh.")
    await shot(page, "done")


async def test_a_refusal_is_a_page_that_says_what_to_do(house: House, page: Page) -> None:
    await page.emulate_media(color_scheme="dark")
    await page.set_viewport_size({"width": 390, "height": 700})
    await page.goto(f"{house.bridge}/authorization?claim=damaged")
    await expect(page.get_by_role("heading")).to_have_text("This cannot go on")
    await expect(page.locator("main")).to_contain_text("Go back to Flowdock and click the button again")
    await shot(page, "refused-phone-dark")
    await page.goto(house.bridge)
    await shot(page, "home-phone-dark")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 1280, "height": 900})
    await page.goto(house.bridge)
    await shot(page, "home")
