"""What GitHub and Flowdock call things is text on bridge's own pages, and never an element more."""

import ast
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest

from bridge.core.model import AuditEntry, Connection
from bridge.storage import keys
from bridge.web.auth import sessions
from scripts.sandbox.browse import Browser
from scripts.sandbox.faults import Fault
from tests.conftest import FLOW, House
from tests.kits.accounts import link
from tests.kits.core.evasions import EVASIONS
from tests.kits.personal import connection, noted
from tests.texts import modules

PLAIN = "plain"

# One that got through would show among others too.
WORDS = [" ".join(EVASIONS[first : first + 6]) for first in range(0, len(EVASIONS), 6)]
LONGEST_FILTER = 100
"""What is longer is cut, and so finds nothing."""

# Addresses that a browser goes to, or runs.
ADDRESSES = ("href", "src", "action", "formaction", "data", "srcset")


class Skeleton(HTMLParser):
    """The elements of a page with their attributes' names, and where its addresses lead."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.addresses += [(value or "").strip().lower() for name, value in attrs if name in ADDRESSES]

    def handle_comment(self, data: str) -> None:  # noqa: ARG002  (the parser calls it so)
        self.elements.append(("comment", ()))

    def handle_decl(self, decl: str) -> None:
        self.elements.append((decl.lower(), ()))

    def unknown_decl(self, data: str) -> None:  # noqa: ARG002
        self.elements.append(("unknown", ()))

    def handle_pi(self, data: str) -> None:  # noqa: ARG002
        self.elements.append(("instruction", ()))


def skeleton(markup: str) -> Skeleton:
    parsed = Skeleton()
    parsed.feed(markup)
    parsed.close()
    return parsed


@dataclass
class Scene:
    """Somebody signed in, to whom everything can be called anything."""

    house: House
    browser: Browser
    kept: Connection
    known: dict[str, str]

    async def call_all(self, word: str) -> None:
        """Give everything that comes from outside this name."""
        services = self.house.services
        flow = {
            "id": "1",
            "name": word,
            "parameterized_name": FLOW.partition("/")[2],
            "web_url": word,
            "joined": True,
            "organization": {"parameterized_name": FLOW.partition("/")[0], "name": word},
        }
        repository = {
            "id": 77,
            "full_name": "acme/odd",
            "html_url": word,
            "description": word,
            "permissions": {"admin": True},
        }
        self.house.flowdock_journal.faults[:] = [
            Fault(path="/flows/.*", times=999, status=200, answer=json.dumps(flow)),
            Fault(path="/flows", times=999, status=200, answer=json.dumps([flow])),
        ]
        headers = {"Content-Type": "application/json"}
        self.house.github_journal.faults[:] = [
            Fault(path=".*/repos", times=999, status=200, headers=headers, answer=json.dumps([repository]))
        ]
        user = {"id": "1001", "nick": word, "name": word, "avatar": word}
        await services.one_time.put(
            "session", keys.hash_of("c"), {"user": user, "access_token": "t"}, seconds=600
        )
        account = await services.account_store.get("1001")
        assert account is not None
        github = replace(account.github, login=word, avatar=word)
        token = replace(account.token, scopes=("repo", word))
        await services.account_store.link(replace(account, github=github, token=token))
        redis: Any = services.redis
        for pattern in ("bridge:acts:*", "bridge:*:journal:*", "bridge:*:counts:*"):
            for key in await redis.keys(pattern):
                await redis.delete(key)
        act = AuditEntry(at=int(time.time()), action=word, on=word, outcome=word, done=False)
        await services.account_store.add_audit_entry("1001", act)
        await services.connections.change(self.kept.id, repository=word, name=word)
        for outcome in ("dead", "posted", "skipped"):
            await noted(
                self.house,
                self.kept,
                outcome,
                delivery=outcome,
                event=word,
                action=word,
                reason=word,
                sender=word,
            )


PAGES: dict[str, str] = {
    "home": "/",
    "account": "/account",
    "flows to set up": "/flowdock/setup",
    "setup": "/flowdock/setup?flow=acme:main&reload=1&q=",
    "setup, searched": "/flowdock/setup?flow=acme:main&q=WORD",
    "configure": "/connections/ID",
    "disconnect": "/connections/ID/disconnect",
    "deliveries": "/connections/ID/deliveries",
    "deliveries, filtered": "/connections/ID/deliveries?event=WORD&number=WORD&outcome=WORD",
    "delivery": "/connections/ID/deliveries/dead",
    "refused by Flowdock": "/auth/flowdock/callback?state=signin.x&error=WORD&error_description=WORD",
    "refused by GitHub": "/auth/github/callback?state=WORD&error=WORD&error_description=WORD",
    "an address that is none": "/WORD",
}


NAMING = set(PAGES) - {"refused by Flowdock", "refused by GitHub", "an address that is none"}


@pytest.fixture
async def scene(house: House) -> AsyncIterator[Scene]:
    await link(house, "ann")
    kept = await connection(house, installer="1001")
    async with Browser() as browser:
        yield Scene(house, browser, kept, {"Cookie": f"{sessions.COOKIE}=c"})


async def shown(scene: Scene, page: str, word: str) -> tuple[int, str]:
    path = PAGES[page].replace("ID", scene.kept.id).replace("WORD", quote(word, safe=""))
    async with scene.house.http.get(
        scene.house.bridge + path, headers=scene.known, allow_redirects=False
    ) as response:
        return response.status, await response.text()


@pytest.mark.parametrize("page", PAGES)
async def test_a_name_is_never_markup(scene: Scene, page: str) -> None:
    await scene.call_all(PLAIN)
    status, text = await shown(scene, page, PLAIN)
    usual = skeleton(text)
    assert len(usual.elements) > 10, text
    for word in (words[:LONGEST_FILTER] for words in WORDS) if "filtered" in page else WORDS:
        await scene.call_all(word)
        found, text = await shown(scene, page, word)
        told = skeleton(text)
        assert found == status, (word, text)
        assert told.elements == usual.elements, word
        assert not [one for one in told.addresses if one.startswith(("javascript:", "vbscript:"))], word


RENDER = {"render_template", "render_string"}
HIDDEN = "ann\u200b\u202eb\u2067"


@pytest.mark.parametrize("page", PAGES)
async def test_no_name_hides_or_reverses_text(scene: Scene, page: str) -> None:
    await scene.call_all(HIDDEN)
    _, text = await shown(scene, page, HIDDEN)
    assert not set("\u200b\u202e\u2067") & set(text)
    assert (r"ann\u200b\u202eb\u2067" in text) == (page in NAMING)


def test_every_page_is_made_in_one_place() -> None:
    """So what that place escapes is escaped on all of them."""
    using = {
        path
        for path, tree in modules().items()
        if path.startswith("bridge/web/")
        and RENDER
        & {ast.unparse(one.func).rpartition(".")[2] for one in ast.walk(tree) if isinstance(one, ast.Call)}
    }
    assert using == {"bridge/web/render.py"}


async def test_every_checked_page_shows_the_hostile_name(scene: Scene) -> None:
    """A page that shows nothing of what it was given would prove nothing."""
    await scene.call_all("<b>hostile</b>")
    showing = {
        page for page in PAGES if "&lt;b&gt;hostile" in (await shown(scene, page, "<b>hostile</b>"))[1]
    }
    assert showing >= NAMING
