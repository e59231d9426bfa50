"""A stack of three, with a merge queue and two required approvals: from opened to merged by clicks alone."""

from dataclasses import dataclass

import pytest
from aiohttp import web
from playwright.async_api import Page, expect

from bridge.core.messages import updates
from bridge.inbox.context import INBOX, Inbox
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.people.sessions import COOKIE, SESSIONS
from tests.conftest import REPOSITORY, House
from tests.kits import accounts
from tests.kits.inbox import open_inbox, put
from tests.kits.life import drive
from tests.kits.monitor import poll

TITLES = {1: "Split the parser", 2: "Parse ranges", 3: "Show ranges"}
STACK = {
    1: "1 of 3 into main, above",
    2: "2 of 3 into main, below, above",
    3: "3 of 3 into main, below",
}


@dataclass
class Team:
    """Ann, Bob and Cy at one screen, in turn; all are linked, in the flow, and may push."""

    house: House
    page: Page
    people: dict[str, InboxPerson]
    flow: str

    async def sit_down(self, nick: str) -> None:
        """Have the next person use the screen, at the flow."""
        assert self.house.web_half is not None
        cookie = await self.house.web_half.app[SESSIONS].begin(self.people[nick].id, browser="")
        await self.page.context.clear_cookies()
        await self.page.context.add_cookies(
            [{"name": COOKIE, "value": str(cookie), "url": self.house.bridge}]
        )
        await self.page.goto(self.flow)

    async def open(self, number: int) -> None:
        """Open the thread of a pull request, from the flow."""
        await self.page.locator(".thread-row").filter(has_text=TITLES[number]).click()
        await expect(self.page.get_by_role("heading", level=1)).to_contain_text(TITLES[number])

    async def back(self) -> None:
        """Go back to the flow."""
        await self.page.get_by_role("link", name="Main", exact=True).first.click()

    async def click(self, button: str) -> None:
        """Click a button of the thread."""
        await self.page.get_by_role("button", name=button, exact=True).click()

    async def reads(self, label: str, value: str) -> None:
        """Wait until the open page shows a field so, without a reload."""
        found = self.page.locator(f"dt:text-is('{label}') + dd")
        await expect(found).to_have_text(value)


async def _gather(house: House, page: Page) -> Team:
    assert house.web_half is not None
    app: web.Application = house.web_half.app
    inbox: Inbox = app[INBOX]
    people = {nick: await put(inbox.people, nick, owner=nick == "cy") for nick in ("ann", "bob", "cy")}
    owner = people["cy"]
    flow = await inbox.flows.make(organization="team", slug="main", name="Main", owner=owner.id)
    assert flow
    for nick, person in people.items():
        await inbox.flows.join(flow.id, person.id)
        await accounts.link(house, nick)
    source, token = await inbox.sources.make(
        flow.id, name=REPOSITORY, external_url="", client_id=inbox.client_id, creator=owner.id
    )
    assert source
    await house.services.connections.connect(REPOSITORY, flow_token=token, name=REPOSITORY)
    await drive(house, "users/bob-gh", {"permission": "write"})
    return Team(house, page, people, f"{house.bridge}/inbox/flows/team/main")


async def test_a_stack_is_merged_through_the_queue_by_clicks_alone(
    redis_url: str, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updates, "SECONDS", 0)
    async with open_inbox(redis_url) as (house, _):
        team = await _gather(house, page)
        await house.act("cy-gh", "ruleset", approvals=2, queue=True)
        await poll(house, monkeypatch)
        await team.sit_down("bob")
        for number, title in TITLES.items():
            await house.act("ann-gh", "open", title=title, head=title.lower().replace(" ", "-"))
            await expect(page.locator(".thread-row")).to_have_count(number)
        await house.act("ann-gh", "stack", number=3, below=[1, 2])

        for nick, given in (("bob", 1), ("cy", 2)):
            await team.sit_down(nick)
            for number in TITLES:
                await team.open(number)
                await team.reads("Stack", STACK[number])
                await team.click("Approve")
                await expect(page.get_by_role("status")).to_have_text(f"Approved {REPOSITORY}#{number}.")
                await team.reads("To merge", "1 of 2 approvals" if given == 1 else "✓ nothing missing")
                await team.back()

        await team.sit_down("ann")
        await team.open(3)
        await team.reads("Turn", "ready to merge you")
        await team.click("Add to merge queue")
        await expect(page.get_by_role("status")).to_have_text(
            f"Added {REPOSITORY}#3, with #1, #2 below it in its stack, to the merge queue, at position 3."
        )
        await expect(page.locator("#head .pill")).to_have_text("queued")
        for number in TITLES:
            await house.act("ann-gh", "dequeue", number=number, reason="MERGE")
        await expect(page.locator("#head .pill")).to_have_text("merged")
        await page.goto(f"{team.flow}?show=all")
        await expect(page.locator(".thread-row .pill")).to_have_text(["merged"] * 3)
