"""bridge cannot be reached: what is shown stays, and no click ends on the browser's error page."""

import re

from playwright.async_api import Page, expect

from bridge.inbox import keys
from bridge.inbox.context import INBOX
from bridge.inbox.sessions import COOKIE, SESSIONS
from tests.inbox.test_messages import content
from tests.kits.inbox import open_inbox, put

CONTROLLED = "navigator.serviceWorker.ready.then(() => caches.match('/inbox/away')).then(Boolean)"

KEPT = """caches.open("/inbox/away").then((all) => all.keys())
  .then((kept) => kept.map(({ url }) => new URL(url).pathname))"""
"""What the browser stores: after a sign-out it belongs to the next one who uses it."""


async def test_a_click_is_done_or_said_to_be_undone_once_bridge_answers(redis_url: str, page: Page) -> None:
    async with open_inbox(redis_url) as (house, door):
        assert house.web_half
        app = house.web_half.app
        inbox, ann = app[INBOX], await put(door.people, "ann")
        flow = await inbox.flows.make(organization="team", slug="main", name="Main", owner=ann.id)
        assert flow
        await inbox.messages.post(flow.id, 1, content(1))
        cookie = await app[SESSIONS].begin(ann.id, browser="")
        await page.context.add_cookies([{"name": COOKIE, "value": str(cookie), "url": house.bridge}])
        await page.goto(f"{house.bridge}/inbox/flows/team/main")
        assert await page.evaluate(CONTROLLED)
        kept = await page.evaluate(KEPT)
        assert [path for path in kept if not path.startswith("/static/")] == ["/inbox/away"]
        away, row = page.locator("#away"), page.get_by_role("link", name="Pull 1")

        await house.go_down()
        await expect(away).to_contain_text("bridge cannot be reached.")
        await row.click()
        await expect(away).to_contain_text("opens once bridge answers")
        await expect(row).to_be_visible()
        await page.get_by_role("button", name="Search").click()
        await expect(away).to_contain_text("“Search” was not done.")
        await row.click()
        await house.come_up()
        await expect(page).to_have_url(re.compile("/threads/"))

        await page.get_by_label("Reply to the flow").fill("Well done!")
        await house.go_down()
        await page.get_by_role("button", name="Reply").click()
        await expect(away).to_contain_text("“Reply” was not done.")
        await house.come_up()
        await expect(away).to_contain_text("bridge answers again. “Reply” was not done: press it again.")
        async with page.expect_navigation():
            await page.get_by_role("button", name="Reply").click()
        await expect(page.get_by_role("listitem").filter(has_text="Well done!")).to_be_visible()

        await page.get_by_label("Reply to the flow").fill("Said once")
        async with page.expect_navigation():
            await page.get_by_role("button", name="Reply").dblclick()
        await expect(page.get_by_role("listitem").filter(has_text="Said once")).to_have_count(1)
        [thread] = await inbox.messages.find(keys.threads(flow.id), limit=2)
        assert thread.comments == 2, "a double click is one click"

        # What is opened anew, as the app on a phone is, shows a page of the browser's own store.
        await house.go_down()
        await page.goto(f"{house.bridge}/inbox/people")
        await expect(page.get_by_role("heading", name="bridge cannot be reached")).to_be_visible()
        await house.come_up()
        await expect(page.get_by_role("heading", name="People")).to_be_visible()
