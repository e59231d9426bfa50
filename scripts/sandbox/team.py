"""Make a team in bridge's own inbox, by its pages: people, a flow, and a connected repository."""

import re
from dataclasses import dataclass
from html import unescape

from scripts.sandbox.browse import Browser, Page
from scripts.sandbox.house import REPOSITORY, Broken, House, until

IDS = {"ann-gh": 1001, "bob-gh": 1002}
FLOW_PATH = "/inbox/flows/team/main"
REPOSITORY_FIELD = re.compile(
    rf'name="repository" value="(\d+)"[^<]*>(?:\s*<[^>]*>)*\s*{re.escape(REPOSITORY)}'
)


@dataclass(kw_only=True)
class Visitor:
    """Somebody's browser at the inbox."""

    house: House
    browser: Browser
    login: str

    async def open(self, path: str) -> Page:
        """Open a page of bridge's; raises `Broken` unless it is one for this person."""
        return expect(await self.browser.open(self.house.bridge + path))

    async def press(self, page: Page, text: str, **fields: str) -> Page:
        """Press a button; raises `Broken` if the page has none, or something goes wrong."""
        try:
            return expect(await self.browser.press(page, text, **fields))
        except LookupError as missing:
            raise Broken(str(missing)) from None

    async def sign_in(self, then: str) -> Page:
        """Sign in with GitHub, and come to a page."""
        return await self.press(await self.open(f"/inbox/sign-in/github?then={then}"), self.login)

    async def link(self) -> None:
        """Link the GitHub account to the person."""
        await self.open("/signin?then=/account")
        page = await self.press(await self.open("/account/link?then=/account"), self.login)
        await self.press(page, "Link accounts")

    async def connect(self) -> None:
        """Connect the repository by the flow's button."""
        page = await self.open(link_on(await self.open(FLOW_PATH), "/flowdock/setup", self.house))
        found = REPOSITORY_FIELD.search(page.text)
        if not found:
            raise Broken(f"{REPOSITORY} cannot be chosen at {page.url}")
        await self.press(page, "Connect", repository=found[1], preset="everything", shown="")

    async def thread(self, title: str) -> Page:
        """Wait until the flow shows a thread, and open it."""

        async def shown() -> Page | None:
            page = await self.open(FLOW_PATH)
            return page if title in page.text else None

        page: Page = await until(shown, f"no thread {title!r} appears in the inbox")
        return await self.open(link_on(page, f"{FLOW_PATH}/threads/", self.house))


def expect(page: Page) -> Page:
    """Return a page; raises `Broken` if it is a refusal."""
    if page.status != 200:
        raise Broken(f"{page.url} answers {page.status}: {re.sub('<[^>]*>', ' ', page.text)[-400:]}")
    return page


def link_on(page: Page, beginning: str, house: House) -> str:
    """Return the path of the first link on a page that begins so."""
    found = re.search(rf'href="(?:{re.escape(house.bridge)})?({re.escape(beginning)}[^"]*)"', page.text)
    if not found:
        raise Broken(f"{page.url} leads to no {beginning}")
    return unescape(found[1])


async def gather(house: House) -> None:
    """Make Cy the owner, who connects the repository to a flow and lets Ann and Bob in; link Ann and Cy."""
    await house.command("inbox", "owner", "cy-gh")
    async with Browser() as cys, Browser() as anns, Browser() as bobs:
        cy = Visitor(house=house, browser=cys, login="cy-gh")
        ann = Visitor(house=house, browser=anns, login="ann-gh")
        await cy.press(await cy.sign_in("/inbox"), "Create flow", name="Main")
        await cy.link()
        await cy.connect()
        await ann.sign_in("/inbox")
        await ann.link()
        await Visitor(house=house, browser=bobs, login="bob-gh").sign_in("/inbox")
        for person in IDS.values():
            await cy.press(await cy.open(f"{FLOW_PATH}/settings"), "Add", person=str(person))
