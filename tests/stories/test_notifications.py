"""Somebody turns notifications on in a browser, and is shown what needs them while another site is open."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import Page, expect

from bridge.inbox.pages.notifications import NOTIFIER
from bridge.inbox.people.sessions import COOKIE
from scripts.sandbox.push_service import SubscribedBrowser
from tests.conftest import WHOLE_BROWSERS, open_browser, open_page
from tests.inbox.conftest import Team, open_team
from tests.inbox.threads.test_messages import content
from tests.kits.push import push_service
from tests.stories.looks import looks

SUBSCRIBING = """
const made = %s, kept = "subscribed";
const one = (key) => ({
  endpoint: made.endpoint,
  options: { applicationServerKey: Uint8Array.from(key.split(",")).buffer },
  toJSON: () => ({ endpoint: made.endpoint, keys: { p256dh: made.p256dh, auth: made.auth } }),
  unsubscribe: async () => { localStorage.removeItem(kept); return true; },
});
PushManager.prototype.getSubscription = async () => localStorage[kept] ? one(localStorage[kept]) : null;
PushManager.prototype.subscribe = async (options) => {
  localStorage[kept] = [...options.applicationServerKey].join();
  return one(localStorage[kept]);
};
"""
"""Chromium's own push service is Google's, which no test reaches: the stand-in is in its place."""

MAIL = {"SMTP_URL": "smtp://127.0.0.1:9", "MAIL_FROM": "bridge@example.com"}
SHOWN = """async () => {
  const shown = await (await navigator.serviceWorker.ready).getNotifications();
  return shown.length ? shown.map(({ title, body, tag }) => ({ title, body, tag })) : null;
}"""


async def test_a_browser_shows_what_needs_a_person(redis_url: str) -> None:
    async with (
        push_service() as (service, outside),
        open_team(redis_url, outside=outside, more=MAIL) as team,
        open_browser(WHOLE_BROWSERS) as browser,
        open_page(browser) as page,
    ):
        notifier = team.app[NOTIFIER]
        subscribed = service.subscribe(await notifier.web_push.vapid.public_key())
        await _signed_in(page, team, subscribed)
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text))

        await page.goto(f"{team.url}/inbox/settings")
        state = page.locator("#this-browser [role=status]")
        await expect(state).to_have_text("Notifications are off in this browser.")
        await page.get_by_role("button", name="Turn on in this browser").click()
        await expect(state).to_have_text("Notifications are on in this browser.")
        await expect(page.get_by_role("button", name="Turn on in this browser")).to_be_hidden()
        await expect(page.get_by_label("Time zone")).not_to_have_value("")
        # Far from now, or they would hold back what comes next.
        quiet = [f"{(datetime.now(UTC) + timedelta(hours=12, minutes=more)):%H:%M}" for more in (0, 1)]
        for label, at in zip(("From", "Until"), quiet, strict=True):
            await page.get_by_label(label).fill(at)
        async with page.expect_navigation():
            await page.get_by_role("button", name="Save").nth(1).click()
        await expect(page.get_by_label("From")).to_have_value(quiet[0])
        await looks(page, "notifications")

        await team.source()
        await team.inbox.messages.post(team.flow.id, 1, content(1, tags=[":user:1002"], body="Look, @bob"))
        while await notifier.deliver_due():
            pass
        [pushed] = subscribed.shown
        [shown] = await _pushed(page, team.url, pushed)
        assert shown == {"title": "Pull 1", "body": "Ann mentions you\nLook, @bob", "tag": pushed["tag"]}

        await page.get_by_role("button", name="Turn off in this browser").click()
        await expect(state).to_have_text("Notifications are off in this browser.")
        assert await notifier.browsers.of(1002) == []
        assert errors == []


async def _signed_in(page: Page, team: Team, browser: SubscribedBrowser) -> None:
    cookie = await team.app_sessions.begin(1002, browser="")
    context = page.context
    await context.add_cookies([{"name": COOKIE, "value": str(cookie), "url": team.url}])
    await context.grant_permissions(["notifications"], origin=team.url)
    await page.add_init_script(SUBSCRIBING % json.dumps(browser.form))


async def _pushed(page: Page, url: str, message: dict[str, Any]) -> Any:
    """Have Chromium take a message as one of its push service's; returns the notifications that it shows."""
    devtools = await page.context.new_cdp_session(page)
    registered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def note(event: dict[str, Any]) -> None:
        for one in event["registrations"]:
            if not registered.done():
                registered.set_result(one["registrationId"])

    devtools.on("ServiceWorker.workerRegistrationUpdated", note)
    await devtools.send("ServiceWorker.enable")
    target = {"origin": url, "registrationId": await registered, "data": json.dumps(message)}
    await devtools.send("ServiceWorker.deliverPushMessage", target)
    return await (await page.wait_for_function(SHOWN)).json_value()
