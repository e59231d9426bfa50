"""A day of pull requests in the inbox: by the keyboard alone, and without any script."""

import re
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, Page, expect

from bridge.inbox.context import INBOX, Inbox
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.people.sessions import COOKIE, SESSIONS
from tests.conftest import House, open_page
from tests.inbox.threads.test_messages import a_pull, content
from tests.kits.inbox import IDS, open_inbox, put
from tests.stories.looks import looks

ANN, BOB = IDS["ann"], IDS["bob"]
REPOSITORIES = ("acme/api", "acme/web", "acme/docs")


@dataclass(kw_only=True)
class Day:
    """Ann's inbox, with one flow, into which three repositories post."""

    house: House
    inbox: Inbox
    flow: TeamFlow
    cookie: str

    async def post(self, number: int, title: str = "", *, kind: str = "review", **fields: Any) -> None:
        """Post an event of a pull request: it is Ann's turn to do something of a kind, or nobody's."""
        holders = () if kind == "waiting" else (ANN,)
        said = a_pull(
            *holders, number=number, author=BOB if kind == "review" else ANN, involved=(ANN, BOB), kind=kind
        )
        thread = {
            "title": title or f"Pull {number}",
            "status": {"color": "green", "value": "open"},
            "bridge": said | {"repository": REPOSITORIES[number % 3]},
        }
        body = content(number, thread=thread, author={"name": "bob"}, **fields)
        await self.inbox.messages.post(self.flow.id, 1, body)

    async def enter(self, page: Page) -> None:
        await page.context.add_cookies([{"name": COOKIE, "value": self.cookie, "url": self.house.bridge}])
        await page.goto(f"{self.house.bridge}/inbox")


async def _begun(house: House, admission: Any) -> Day:
    assert house.web_half
    app = house.web_half.app
    inbox, ann = app[INBOX], await put(admission.people, "ann")
    flow = await inbox.flows.make(organization="team", slug="main", name="Main", owner=ann.id)
    assert flow
    await inbox.sources.make(flow.id, name="acme", external_url="", client_id=inbox.client_id, creator=ann.id)
    return Day(house=house, inbox=inbox, flow=flow, cookie=str(await app[SESSIONS].begin(ann.id, browser="")))


async def test_a_day_of_twenty_events_by_the_keyboard_alone(redis_url: str, page: Page) -> None:
    async with open_inbox(redis_url) as (house, admission):
        day = await _begun(house, admission)
        for number in range(1, 13):
            await day.post(number, kind=("review", "author", "ready")[number % 3])
        await day.enter(page)
        rows, toast = page.locator(".thread-row"), page.locator("#toast")

        async def press(key: str) -> None:
            # What is shown already may not listen yet.
            await page.wait_for_load_state()
            await page.keyboard.press(key)

        focused = page.locator(":focus")
        await expect(rows).to_have_count(12)
        await expect(page).to_have_title("(12) My turn · bridge inbox")

        await press("?")
        await expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
        await press("j")
        await press("Escape")
        await press("j")
        await expect(focused).to_contain_text("Pull 12")
        await press("j")
        await press("k")
        await press("k")
        await expect(focused).to_contain_text("Pull 12")

        # The first is done, and taken back, and done.
        await press("e")
        await expect(toast).to_contain_text("#12 is done.")
        await expect(focused).to_contain_text("Pull 9")
        await press("z")
        await expect(rows.filter(has_text="Pull 12")).to_have_count(1)
        await expect(page.get_by_text("#12 is back in the inbox.")).to_be_visible()
        await press("j")
        for number in (12, 9):
            await press("e")
            await expect(toast).to_contain_text(f"#{number} is done.")
        await press("s")
        await expect(focused).to_have_text("Later today")
        await press("Tab")
        await press("Enter")
        await expect(toast).to_contain_text("#6 is snoozed until")
        await expect(focused).to_contain_text("Pull 3")
        await looks(page, "own-inbox-triage")

        # One is opened, answered, and done; keys are letters in the box.
        await press("o")
        await expect(page).to_have_url(re.compile("/threads/"))
        await press("r")
        await page.keyboard.type("Good, jokes aside.")
        await press("Tab")
        async with page.expect_navigation():
            await press("Enter")
        await expect(page.get_by_text("Good, jokes aside.")).to_be_visible()
        await press("e")
        await expect(page.get_by_text("#3 is done.")).to_be_visible()
        await press("z")
        await expect(page.get_by_text("#3 is back in the inbox.")).to_be_visible()
        await press("j")
        await expect(focused).to_contain_text("Pull 3")
        await press("e")
        await expect(toast).to_contain_text("#3 is done.")
        async with page.expect_navigation():
            await press("g")
        await expect(page.get_by_role("heading", name="Needs your review")).to_be_visible()

        # Eight more events come, while she looks.
        for number in (12, 1, 2, 4, 5, 7, 8, 10):
            await day.post(number, kind="waiting", title=f"Now {number}")
        await expect(
            page.locator("section", has_text="Waiting for others").locator(".thread-row")
        ).to_have_count(8)
        await expect(
            page.locator("section", has_text="Returned to you").locator(".thread-row")
        ).to_have_count(0)
        await expect(page).to_have_title("(9) My turn · bridge inbox")

        await page.locator("ul.flows a").first.focus()
        async with page.expect_navigation():
            await press("Enter")
        await expect(page.get_by_role("heading", name="Main")).to_be_visible()
        await press("/")
        await page.keyboard.type("acme/api now")
        await press("Enter")
        await expect(rows).to_have_count(1)
        await expect(rows).to_contain_text("Now 12")
        await looks(page, "own-inbox-search")


async def test_without_a_script_a_thread_is_snoozed_until_activity(redis_url: str, browser: Browser) -> None:
    async with open_page(browser, scripts=False) as page, open_inbox(redis_url) as (house, admission):
        day = await _begun(house, admission)
        await day.post(1)
        await day.post(2)
        await day.enter(page)
        review = page.locator("section", has_text="Needs your review").locator(".thread-row")
        await page.get_by_label("Done with #2").click()
        await expect(page.get_by_text("#2 is done.")).to_be_visible()
        await page.get_by_role("button", name="Undo").click()
        await expect(review).to_have_count(2)
        row = review.filter(has_text="Pull 1")
        await row.locator("summary").click()
        await row.get_by_role("button", name="Until activity").click()
        await expect(page.get_by_text("#1 is snoozed until there is activity.")).to_be_visible()
        await expect(review).to_have_count(1)
        await day.post(1)
        await page.goto(f"{house.bridge}/inbox")
        await expect(review.first).to_contain_text("Pull 1")
        await expect(review.first.locator(".count")).to_contain_text("2")
        await page.get_by_label("Mute #1").click()
        await expect(review.first.locator(".tag")).to_have_text("muted")
