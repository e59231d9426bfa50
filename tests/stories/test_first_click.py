"""The story bridge exists for, in a real browser: from an opened pull request to a click that just works."""

import re

from playwright.async_api import Page, expect

from tests.conftest import House, eventually
from tests.stories.looks import looks, shot

THREAD = "github:component:pr:1"
BODY = """The thread API **forgot** the status of a thread.

| state | before | now |
| --- | --- | --- |
| merged | grey | purple |

- [x] a test that fails without it
- [ ] a note in the changelog
"""


async def open_pull_request(house: House, page: Page) -> None:
    await page.goto(f"{house.github}/acme/component/pulls")
    await page.get_by_test_id("new-pull").click()
    await page.get_by_test_id("pull-title").fill("Fix bug in thread API")
    await page.get_by_test_id("pull-body").fill(BODY)
    await page.get_by_test_id("create-pull").click()
    await expect(page.get_by_test_id("pull-state")).to_have_text(re.compile("open", re.I))


async def test_from_an_opened_pull_request_to_a_click_that_just_works(working: House, page: Page) -> None:
    house, github = working, await page.context.new_page()
    await open_pull_request(house, github)
    await shot(github, "github-pull-request")

    [thread] = await eventually(house.threads)
    assert (thread["external_thread_id"], thread["status"]["value"]) == (THREAD, "open")
    outcome = await house.click("ann", THREAD, "Assign to me")
    await page.bring_to_front()
    await page.goto(outcome["challenge"])
    await link(page)

    await eventually(lambda: shown(house, "self-assigned"))
    await expect(github.get_by_test_id("assignees")).to_contain_text("ann-gh")
    outcome = await house.click("ann", THREAD, "Close")
    assert outcome["message"] == "Closed acme/component#1."
    await expect(github.get_by_test_id("pull-state")).to_have_text(re.compile("closed", re.I))
    await eventually(lambda: shown(house, "closed"))
    await house.click("ann", THREAD, "Reopen")
    await expect(github.get_by_test_id("pull-state")).to_have_text(re.compile("open", re.I))


async def shown(house: House, word: str) -> bool:
    """Whether a message of the flow has this word in its title."""
    return any(word in message["title"].lower() for message in await house.messages())


async def link(page: Page) -> None:
    """Through both sign-ins to the click that was meant."""
    await expect(page.get_by_role("button", name="Sign in as Ann Ames")).to_be_visible()
    await shot(page, "sign-in-flowdock")
    await page.get_by_role("button", name="Sign in as Ann Ames").click()
    await expect(page.get_by_test_id("signin-ann-gh")).to_be_visible()
    await shot(page, "sign-in-github")
    await page.get_by_test_id("signin-ann-gh").click()
    await expect(page.locator(".lead")).to_have_text("ann in Flowdock will act as @ann-gh on GitHub.")
    await looks(page, "confirm")
    await page.get_by_role("button", name="Link accounts").click()
    await expect(page.get_by_role("heading", name="Linked")).to_be_visible()
    await looks(page, "linked")
    await page.get_by_role("button", name="Do it now").click()
    await expect(page.locator(".lead")).to_have_text("Assigned acme/component#1 to @ann-gh.")
    await looks(page, "done")


async def test_a_refusal_is_a_page_that_says_what_to_do(house: House, page: Page) -> None:
    await page.goto(f"{house.bridge}/authorization?claim=damaged")
    await expect(page.get_by_role("heading", level=1)).to_have_text("You can’t continue here")
    await expect(page.locator("main")).to_contain_text("click the button again")
    await looks(page, "refused")


async def test_a_person_who_declines_reads_that_nothing_was_linked(working: House, page: Page) -> None:
    await working.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
    await eventually(working.threads)
    outcome = await working.click("ann", THREAD, "Assign to me")
    await page.goto(outcome["challenge"])
    await page.get_by_role("button", name="Sign in as Ann Ames").click()
    await expect(page.get_by_test_id("signin-ann-gh")).to_be_visible()
    await page.get_by_test_id("signin-ann-gh").click()
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Nothing was linked")
    await looks(page, "cancelled")
