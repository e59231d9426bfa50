"""bridge cannot be reached: what is shown stays, and no click ends on the browser's error page."""

from playwright.async_api import Page, expect

from bridge.inbox import keys
from bridge.inbox.context import INBOX
from bridge.inbox.people.sessions import COOKIE, SESSIONS
from tests.inbox.threads.test_messages import content
from tests.kits.inbox import open_inbox, put

CONTROLLED = "navigator.serviceWorker.ready.then(() => caches.match('/inbox/away')).then(Boolean)"

KEPT = """caches.open("/inbox/away").then((all) => all.keys())
  .then((kept) => kept.map(({ url }) => new URL(url).pathname))"""
"""What the browser stores: after a sign-out it belongs to the next one who uses it."""


async def test_a_click_is_done_or_said_to_be_undone_once_bridge_answers(redis_url: str, page: Page) -> None:
    async with open_inbox(redis_url) as (house, admission):
        assert house.web_half
        app = house.web_half.app
        inbox, ann = app[INBOX], await put(admission.people, "ann")
        flow = await inbox.flows.make(organization="team", slug="main", name="Main", owner=ann.id)
        assert flow
        for number in (1, 2):
            await inbox.messages.post(flow.id, 1, content(number))
        [snoozed, _] = await inbox.messages.find(keys.threads(flow.id), limit=2)
        await inbox.lists.move(ann.id, snoozed, "snooze", until=2e9)
        cookie = await app[SESSIONS].begin(ann.id, browser="")
        await page.context.add_cookies([{"name": COOKIE, "value": str(cookie), "url": house.bridge}])
        await page.goto(f"{house.bridge}/inbox/flows/team/main")
        assert await page.evaluate(CONTROLLED)
        kept = await page.evaluate(KEPT)
        assert [path for path in kept if not path.startswith("/static/")] == ["/inbox/away"]
        away, snoozing = page.locator("#away"), page.get_by_text("snoozed, returns")
        await expect(snoozing).to_be_visible()

        # A snoozed thread whose time comes meanwhile is back afterwards, without a reload.
        await house.go_down()
        await expect(away).to_contain_text("bridge cannot be reached.")
        await page.get_by_role("button", name="Search").click()
        await expect(away).to_contain_text("“Search” was not done.")
        await inbox.lists.move(ann.id, snoozed, "snooze", until=1)
        await house.come_up()
        await expect(away).to_contain_text("bridge answers again. “Search” was not done: press it again.")
        await expect(snoozing).to_be_hidden()

        await page.get_by_role("link", name="Pull 1").click()
        await page.get_by_label("Reply in this thread").fill("Well done!")
        await house.go_down()
        await page.get_by_role("button", name="Reply").click()
        await expect(away).to_contain_text("“Reply” was not done.")
        await page.get_by_role("link", name="Main").click()
        await expect(away).to_contain_text("opens once bridge answers")
        await house.come_up()
        await page.get_by_role("link", name="Pull 1").click()
        await page.get_by_label("Reply in this thread").fill("Said once")
        async with page.expect_navigation():
            await page.get_by_role("button", name="Reply").dblclick()
        await expect(page.get_by_role("listitem").filter(has_text="Said once")).to_have_count(1)
        [thread, _] = await inbox.messages.find(keys.threads(flow.id), limit=2)
        assert thread.comments == 1, "a double click is one click"

        # bridge's own pages do the same.
        await page.goto(f"{house.bridge}/signin?then=/account")
        await expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        await house.go_down()
        await page.get_by_role("button", name="Sign out").click()
        await expect(away).to_contain_text("“Sign out” was not done.")
        # What is opened anew, as the app on a phone is, shows a page of the browser's own store.
        await page.goto(f"{house.bridge}/inbox/people")
        await expect(page.get_by_role("heading", name="bridge cannot be reached")).to_be_visible()
        await house.come_up()
        await expect(page.get_by_role("heading", name="People")).to_be_visible()
