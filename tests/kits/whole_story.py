"""One whole story over real sockets, for what must hold after all of it: every kind of secret comes up in it.

It goes by pages and by what the outside services send, so bridge may be in this process or in others.
"""

import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from types import SimpleNamespace
from typing import Any

import aiohttp

from bridge.connections.intents import Intent, Intents
from bridge.core.security.encryption import Vault
from scripts.sandbox.browse import Browser, Page
from scripts.sandbox.faults import Fault
from tests.conftest import FLOW, REPOSITORY, House, eventually
from tests.kits import hygiene
from tests.kits.accounts import USERS, link
from tests.kits.connecting import COMPONENT_ID, signed_in
from tests.kits.handover import link_of
from tests.kits.handover import signed_in as signed_in_at_github
from tests.kits.personal import sign_in

THREAD = "github:component:pr:1"
SETUP = "/flowdock/setup"


@dataclass
class Answer:
    """One answer of bridge's to a browser, redirects too."""

    url: str
    status: int
    headers: Mapping[str, str]
    text: str = ""


@dataclass
class Seen:
    """All that browsers were answered."""

    answers: list[Answer] = field(default_factory=list)


class Watched(Browser):
    """A browser whose every answer from bridge is written down, and whose cookies are known secrets."""

    def __init__(self, bridge: str, seen: Seen) -> None:
        super().__init__()
        self._bridge, self._seen = bridge, seen
        trace = aiohttp.TraceConfig()
        trace.on_request_redirect.append(self._redirected)
        trace.freeze()
        self.session.trace_configs.append(trace)

    async def _redirected(
        self, _s: Any, _c: SimpleNamespace, params: aiohttp.TraceRequestRedirectParams
    ) -> None:
        self._note(Answer(str(params.url), params.response.status, params.response.headers))

    async def open(self, url: str) -> Page:
        return self._page(await super().open(url))

    async def submit(self, page: Page, form: Any, data: dict[str, str]) -> Page:
        return self._page(await super().submit(page, form, data))

    def _page(self, page: Page) -> Page:
        self._note(Answer(page.url, page.status, page.headers, page.text))
        return page

    def _note(self, answer: Answer) -> None:
        for cookie in self.session.cookie_jar:
            hygiene.know(cookie.value, f"cookie {cookie.key}")
        if answer.url.startswith(self._bridge):
            self._seen.answers.append(answer)


@dataclass
class Told:
    """The state that the story leaves behind, to go on with."""

    house: House
    seen: Seen
    cy: Watched
    """Signed in, linked, and has connected the repository."""
    ann: Watched
    """The same, for another flow; an administrator was asked to."""
    half: Watched
    """Half through linking: the page that names both people is open."""
    confirm: Page
    claim: str
    """The link of a challenge that nobody has opened yet."""


@asynccontextmanager
async def told(house: House) -> AsyncIterator[Told]:
    """The story of a bridge with an OAuth App; a worker must be at work."""
    seen = Seen()
    async with AsyncExitStack() as closing:
        watched = [await closing.enter_async_context(Watched(house.bridge, seen)) for _ in range(4)]
        cy, ann, half, admin = watched
        await _handed_over(house, admin, await _set_up(house, ann, "ann", "acme:ops"))
        connected = await _set_up(house, cy, "cy", "acme:main")
        assert "Main is connected" in connected.text, connected.text
        await house.act("ann-gh", "open", title="Fix bug in thread API", body="", head="fix", base="main")
        await eventually(house.threads)
        await _linked_from_a_click(house, half)
        await _renewed(house)
        await _dead_letter(house)
        await _intent(house)
        link = await challenge(house, "bob", "Approve")
        page = await half.press(await half.open(link), USERS["bob"])
        confirm = await half.press(page, "bob-gh")
        await _all_pages(house, cy)
        yield Told(house, seen, cy, ann, half, confirm, await challenge(house, "bob", "Close"))


async def challenge(house: House, who: str, action: str = "Assign to me") -> str:
    """A click of somebody who is not linked; the link that answers it, a known secret."""
    outcome = await house.click(who, THREAD, action)
    assert outcome["status"] == 401, outcome
    link: str = outcome["challenge"]
    hygiene.know(link.partition("claim=")[2], "a claim")
    return link


async def _set_up(house: House, browser: Watched, who: str, flow: str) -> Page:
    """Sign in, link and choose a repository, all on pages."""
    await sign_in(house, browser, who)
    page = await browser.open(f"{house.bridge}/account/link?then={SETUP}")
    page = await browser.press(await browser.press(page, f"{who}-gh"), "Link accounts")
    return await _choose(browser, await browser.open(f"{house.bridge}{SETUP}?flow={flow}"))


async def _handed_over(house: House, admin: Watched, result: Page) -> None:
    """Somebody who administers the repository opens the link of a set-up's page, and says yes."""
    url = link_of(result)
    hygiene.know(url.rpartition("/")[2], "a link to hand on")
    await admin.open(url)
    page = await admin.press(await signed_in_at_github(house, admin, url), "Connect")
    assert "connected it" in page.text, page.text


async def _choose(browser: Watched, page: Page) -> Page:
    [form] = [form for form in page.forms if "flow" in form.fields and form.method == "post"]
    held = {name: value for name, value in form.fields.items() if name != "shown"}
    chosen = {"preset": "everything", "repository": str(COMPONENT_ID)}
    return await browser.submit(page, form, held | chosen)


async def _linked_from_a_click(house: House, bob: Watched) -> None:
    """From a click through all pages to what was clicked; and unlinked again, to be challenged anew."""
    page = await bob.press(await bob.open(await challenge(house, "bob")), USERS["bob"])
    page = await bob.press(await bob.press(page, "bob-gh"), "Link accounts")
    page = await bob.press(page, "Do it now")
    assert "acme/component#1" in page.text
    page = await sign_in(house, bob, "bob")
    await bob.press(page, "Unlink @bob-gh")
    assert await house.services.account_store.get(USERS["bob"]) is None


async def _renewed(house: House) -> None:
    """A token that expires is renewed by a click."""
    before = await link(house, "cy", expires_in=0)
    outcome = await house.click("cy", THREAD, "Assign to me")
    assert outcome["status"] == 200, outcome
    after = await house.services.account_store.get(USERS["cy"])
    assert after is not None
    assert after.token.access != before.token.access


async def _dead_letter(house: House) -> None:
    """Flowdock refuses a message for good, and says what it was sent; it is kept with the reason."""
    token = (await house.services.connections.all())[0].flow_token
    answer = json.dumps({"message": "not valid", "errors": {"flow_token": [f"{token} is odd"]}})
    house.flowdock_journal.faults.append(Fault(path="/messages", body=token, status=400, answer=answer))
    await house.act("ann-gh", "edit", number=1, title="Fix the bug")
    await eventually(house.services.queue.dead_letters)


async def _intent(house: House) -> None:
    """A connecting that a crash cut short."""
    intent = Intent(
        id="0badcafe",
        user=USERS["cy"],
        access_token=await signed_in(house, "cy"),
        flow=FLOW,
        repository=REPOSITORY,
        repository_id=COMPONENT_ID,
        url=f"{house.github}/{REPOSITORY}",
        sources_before=(),
        makes_hook=False,
        look_until=int(time.time()) + 3600,
    )
    await Intents(house.redis, Vault(house.services.settings.encryption_keys)).note(intent)


async def _all_pages(house: House, browser: Watched) -> None:
    """Every page that links lead to, from the home page on, as somebody signed in."""
    todo, done = ["/", "/account", "/nowhere", "/authorization?claim=odd", SETUP], set()
    while todo:
        path = todo.pop()
        if path in done or path.startswith(("/static/", "/account/link", "/signin")):
            continue
        done.add(path)
        page = await browser.open(house.bridge + path)
        todo += [unescape(found) for found in re.findall(r'href="(/[^/"][^"#]*)', page.text)]
    connections = [one for one in done if one.startswith("/connections/")]
    assert any("/deliveries/" in one for one in connections), done
