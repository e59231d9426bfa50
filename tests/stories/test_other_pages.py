"""The inbox's pages that no other story comes by: each fits a phone, and keeps nobody out."""

from playwright.async_api import Page, expect

from bridge.inbox.admission import ADMISSION
from bridge.inbox.notifications.digest import DigestPlan
from bridge.inbox.pages.mail import CONFIRM, DIGESTS, UNSUBSCRIBE
from bridge.inbox.people.sessions import COOKIE
from bridge.inbox.replies import post_reply
from bridge.inbox.threads.messages import thread_id
from tests.inbox.conftest import Team, open_team
from tests.inbox.threads.test_messages import a_pull, content
from tests.stories.looks import looks

MAIL = {"SMTP_URL": "smtp://127.0.0.1:9", "MAIL_FROM": "bridge@example.com"}
FLOW = "/inbox/flows/team/main"
THREAD = f"{FLOW}/threads/{thread_id(1, 'pr:1')}"
EMPTY = "/inbox/flows/team/empty"


async def _filled(team: Team) -> str:
    """Ann owns the inbox, her flow has a thread, and she waits for a digest; returns the end of its link."""
    ann, inbox = team.people["ann"], team.inbox
    await inbox.people.make_owner(ann.id)
    await inbox.flows.make(organization="team", slug="empty", name="W" * 60, owner=ann.id)
    await team.source()
    pull = a_pull(ann.id, involved=(ann.id,))
    thread = {"title": "Pull 1", "fields": [{"label": "Turn", "value": "ann (draft)"}], "bridge": pull}
    await inbox.messages.post(team.flow.id, 1, content(1, thread=thread))
    await post_reply(inbox, ann, team.flow, thread_id(1, "pr:1"), "Look, @bob")
    digests, plan = team.app[DIGESTS], DigestPlan(address="ann@example.com", hour="08:00")
    await digests.store.keep(ann.id, plan)
    return digests.store.link(ann.id, plan)


async def test_each_page_fits_a_phone_and_keeps_nobody_out(redis_url: str, page: Page) -> None:
    async with open_team(redis_url, more=MAIL) as team:
        link = await _filled(team)
        invitation = await team.app[ADMISSION].invitations.invite(by=1001, login="dee-gh")
        for path, heading in (
            ("/inbox/sign-in", "Sign in to the inbox"),
            (f"/inbox/invitation/{invitation}", "You are invited"),
            (f"/inbox/invitation/{'x' * 32}", "continue here"),
            (UNSUBSCRIBE.format(link=link), "Stop the daily digest?"),
            ("/inbox/away", "bridge cannot be reached"),
            ("/nowhere", "Not found"),
        ):
            await _look(page, team, path, heading)

        cookie = await team.app_sessions.begin(1001, browser="")
        await page.context.add_cookies([{"name": COOKIE, "value": str(cookie), "url": team.url}])
        for path, heading in (
            ("/inbox", "My turn"),
            ("/inbox/people", "People"),
            ("/inbox/people/1002/remove", "Remove @bob?"),
            ("/inbox/settings", "Settings"),
            ("/inbox/settings/delete", "Leave this inbox?"),
            ("/inbox/search?q=nothing", "Search all flows"),
            (EMPTY, "W" * 60),
            (f"{EMPTY}?q=nothing", "W" * 60),
            (f"{FLOW}/settings", "Flow settings"),
            (f"{THREAD}/messages/2", "Edit your message"),
            (f"{THREAD}x", "Not found"),
            (CONFIRM.format(link=link), "Send your digest to ann@example.com?"),
        ):
            await _look(page, team, path, heading)
        for button, heading in (
            ("Remove acme", "Remove acme"),
            ("Remove @bob", "Remove @bob"),
            ("Delete", ""),
        ):
            await page.goto(f"{team.url}{FLOW}/settings")
            async with page.expect_navigation():
                await page.get_by_role("button", name=button).click()
            await _look(page, team, "", heading or "Delete Main?")

        await team.inbox.flows.change(team.flow.id, repository_id=1, repository="acme/secret")
        await _look(page, team, FLOW, "continue here")


async def _look(page: Page, team: Team, path: str, heading: str) -> None:
    if path:
        await page.goto(team.url + path)
    await expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
    await looks(page, f"other-{heading.lower().replace(' ', '-')}", only="-phone-dark")
