"""Shared by the tests of handovers: the asker, their link, and the person who opens it."""

import re
from html import unescape

from bridge.connections.handover_requests import Handover
from scripts.sandbox.browse import Browser, Page
from tests.conftest import House
from tests.kits.connecting import COMPONENT_ID
from tests.kits.personal import sign_in

SETUP = "/flowdock/setup"


async def chosen(house: House, browser: Browser, nick: str = "ann", flow: str = "acme:main") -> Page:
    """Somebody who is linked signs in and chooses the repository; the page that tells what became of it."""
    page = await sign_in(house, browser, nick, f"{SETUP}%3Fflow={flow}")
    [form] = [form for form in page.forms if "flow" in form.fields and form.method == "post"]
    held = {name: value for name, value in form.fields.items() if name != "shown"}
    return await browser.submit(page, form, held | {"preset": "everything", "repository": str(COMPONENT_ID)})


def link_of(page: Page) -> str:
    """The link to hand on that a page shows."""
    [found] = re.findall(r'<code class="copy">([^<]+)</code>', page.text)
    return unescape(found)


async def asked(house: House, browser: Browser, nick: str = "ann", flow: str = "acme:main") -> str:
    """The link that somebody without the right is given."""
    return link_of(await chosen(house, browser, nick, flow))


async def signed_in(house: House, browser: Browser, url: str, login: str = "cy-gh") -> Page:
    """The link opened, and signed in on GitHub as somebody."""
    await browser.open(url)
    return await browser.press(await browser.open(f"{url}/sign-in"), login)


async def kept(house: House, url: str) -> Handover:
    """The stored state of a link."""
    found = await house.services.handovers.find(url.rpartition("/")[2])
    assert found is not None
    return found


def lent(house: House) -> list[str]:
    """The calls by which tokens were given back to GitHub."""
    return [
        call.method
        for call in house.github_journal.calls
        if call.method == "DELETE" and call.path.endswith("/applications/github-client/token")
    ]
