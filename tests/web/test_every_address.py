"""Every address of bridge's, asked at random: nothing breaks it, and nothing unsigned changes anything.

The addresses are those of aiohttp's route table, the fields those of the forms on the pages.
"""

import asyncio
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

import bridge.web
from bridge.core.actions import ACTIONS
from bridge.core.model import Connection
from bridge.web.app import create_app
from scripts.sandbox.browse import Browser
from tests.conftest import PATIENCE, House
from tests.kits import sign
from tests.kits.accounts import link
from tests.kits.addresses import addresses
from tests.kits.core.evasions import EVASIONS
from tests.kits.dump import everything
from tests.kits.personal import connection, noted, sign_in

EXAMPLES = 120
"""Random requests for each kind of visitor."""

WEBHOOK = "/github/webhook"
CLICK = "/repos/{owner}/{repo}/pulls/{number}/{action}"
PAUSE = "/connections/{id}/pause"

WEB = Path(bridge.web.__file__).parent
KNOWN = ["", "0", "-1", "9" * 400, "acme:main", "acme/main", "\x00", "%00", "//evil.example", "\U0001f600"]
LETTERS = st.characters(exclude_categories=["Cs"])
TEXTS = st.one_of(st.sampled_from([*EVASIONS, *KNOWN]), st.text(LETTERS, max_size=40))
SEGMENTS = TEXTS.filter(lambda text: text not in ("", ".", ".."))
FORM = "application/x-www-form-urlencoded"
HEADER_TEXTS = st.sampled_from(
    ["", "x", "text/plain", "multipart/form-data", "application/json", "sha256=00"]
)
JSON_TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode())

QUERIES = sorted(
    {name for file in WEB.rglob("*.py") for name in re.findall(r'query\.get\("(\w+)"', file.read_text())}
)
NAMES = sorted(
    {name for file in WEB.rglob("*.html") for name in re.findall(r'\bname="(\w+)"', file.read_text())}
    - {"viewport"}
)
"""The fields of forms that the crawl below does not come by."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

OF_A_VISIT = ("bridge:members:", "bridge:once:linking:", "bridge:once:session:")
"""Keys that a page may write when it is only looked at: each is about the visitor and soon forgotten."""


class Forms(HTMLParser):
    """What a page leads to: the links, and each form's fields with the values it offers for them."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.forms: dict[tuple[str, str], dict[str, set[str]]] = {}
        self._fields: dict[str, set[str]] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.add(values.get("href", ""))
        elif tag == "form":
            self._fields = {}
            self.forms[values.get("method", "get").upper(), values.get("action", "")] = self._fields
        elif tag in ("input", "button", "textarea") and "name" in values:
            self._fields.setdefault(values["name"], set()).add(values.get("value", ""))
        elif tag == "select":
            self._select = values.get("name", "")
        elif tag == "option":
            self._fields.setdefault(self._select, set()).add(values.get("value", ""))


@dataclass
class Scene:
    """Somebody's browser, a connection that they may have a part in, and what the pages offer to send."""

    house: House
    browser: Browser
    routes: list[tuple[str, str]]
    kept: Connection
    likely: dict[str, str]
    """What the variables of a path and the fields of a form most likely are, by their names."""
    offered: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    """The fields of the forms that lead to an address, by its path."""
    changed: set[str] = field(default_factory=set)

    async def crawl(self) -> None:
        """Go wherever the pages lead by links alone, and note their forms."""
        seen, ahead = set(), ["/", f"/connections/{self.kept.id}"]
        while ahead:
            path = ahead.pop()
            if path.partition("?")[0] in seen or path.startswith(("/static/", "/signin", "/account/link")):
                continue
            seen.add(path.partition("?")[0])
            page = await self.browser.open(self.house.bridge + path)
            assert page.status == 200, (path, page.status)
            found = Forms()
            found.feed(page.text)
            for (_, action), fields in found.forms.items():
                self.offered.setdefault(urlsplit(urljoin(page.url, action)).path, {}).update(fields)
                if "csrf" in fields:
                    self.likely["csrf"] = min(fields["csrf"])
            leads = (urlsplit(urljoin(page.url, link)) for link in found.links)
            ahead += [
                f"{one.path}?{one.query}" for one in leads if self.house.bridge.endswith(f"//{one.netloc}")
            ]

    async def send(self, one: "Asked") -> tuple[int, Mapping[str, str]]:
        """The answer's status and headers; the body is read."""
        async with self.browser.session.request(
            one.method,
            URL(self.house.bridge + one.target, encoded=True),
            data=one.body if one.method == "POST" else None,
            headers=one.headers,
            allow_redirects=False,
        ) as response:
            await response.read()
            return response.status, response.headers

    async def check(self, one: "Asked") -> None:
        """Ask, and hold the answer and what Redis keeps to what holds for all of them."""
        before = await everything(self.house.redis)
        status, headers = await self.send(one)
        assert status < 500 or status in (502, 503, 504), one
        if headers.get("Content-Type", "").startswith("text/html"):
            assert {name: headers.get(name) for name in HEADERS} == HEADERS, one
            assert "default-src 'none'" in headers["Content-Security-Policy"], one
        after = await everything(self.house.redis)
        changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        # The answer to a form that was done ends by itself, after a minute.
        changed = {key for key in changed if key in after or not key.startswith("bridge:once:form:")}
        if one.method == "GET" and "csrf" in self.likely:
            changed = {key for key in changed if not key.startswith(OF_A_VISIT)}
        if one.signed:
            self.changed |= {one.route} if changed else set()
            connections = self.house.services.connections
            for there in await connections.all():
                await connections.remove(there.id)
            await connections.add(self.kept)
        else:
            assert not changed, (one, changed)


@dataclass
class Asked:
    """One request; `signed` if it brings whatever its address asks for before anything is changed."""

    method: str
    route: str
    target: str
    signed: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def fill_in(self, scene: Scene, fields: dict[str, str]) -> None:
        """Send a form; without the value of a session it is unsigned."""
        self.signed = self.signed and "csrf" in scene.likely
        own = {"csrf": scene.likely["csrf"]} if self.signed else {}
        self.body = urlencode(fields | own).encode()
        self.headers["Content-Type"] = FORM

    def deliver(self, scene: Scene, body: bytes, event: str = "ping") -> None:
        """Send one of GitHub's deliveries."""
        secret = scene.house.services.settings.github_webhook_secrets[0] if self.signed else "another"
        self.body = body
        self.headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": secrets.token_hex(8),
            "X-Hub-Signature-256": sign.webhook(body, secret),
        }

    def click(self, body: bytes) -> None:
        """Send one of Flowdock's clicks."""
        self.body = body
        self.headers["FLOWDOCK-TOKEN"] = sign.flowdock_token(body if self.signed else b"another body")


def drawn(draw: Any, scene: Scene) -> Asked:
    """Any request at all."""
    method, route = draw(st.sampled_from(scene.routes))
    path: str = route
    for name in re.findall(r"\{(\w+)\}", route):
        likely = scene.likely.get(name, "1")
        one_of = st.sampled_from([likely, *ACTIONS] if name == "action" else [likely])
        path = path.replace(f"{{{name}}}", quote(draw(st.one_of(one_of, SEGMENTS)), safe=""))
    query = urlencode(draw(st.dictionaries(st.sampled_from(QUERIES), TEXTS, max_size=3)))
    one = Asked(method, route, f"{path}?{query}" if query else path)
    if method == "GET":
        return one
    one.signed = draw(st.booleans())
    if route == WEBHOOK:
        event = draw(st.sampled_from(["pull_request", "ping", "status"]))
        one.deliver(scene, draw(st.one_of(st.binary(max_size=60), JSON_TEXTS)), event)
    elif route == CLICK:
        one.click(draw(st.one_of(st.just(sign.action_body(scene.house.bridge + one.target)), JSON_TEXTS)))
    else:
        offered = (scene.offered.get(path) or {name: {""} for name in NAMES}) | {"csrf": {"0" * 64}}
        values = {name: st.one_of(st.sampled_from(sorted(given)), TEXTS) for name, given in offered.items()}
        one.fill_in(scene, draw(st.fixed_dictionaries({}, optional=values)))
    for name in draw(st.lists(st.sampled_from(sorted(one.headers)), max_size=1)):
        one.headers[name] = draw(HEADER_TEXTS)
        one.signed = one.signed and name == "Content-Type"
    return one


def rightful(scene: Scene, visitor: str) -> list[Asked]:
    """Requests that change something: one signed in each way."""
    target = CLICK.format(owner="acme", repo="component", number=1, action="close")
    webhook, click = (
        Asked("POST", route, path, signed=True) for route, path in ((WEBHOOK,) * 2, (CLICK, target))
    )
    webhook.deliver(scene, b'{"zen": "z", "hook_id": 7}')
    click.click(sign.action_body(scene.house.bridge + target))
    form = Asked("POST", PAUSE, PAUSE.format(id=scene.kept.id), signed=True)
    form.fill_in(scene, {"do": "pause"})
    return [webhook, click] if visitor == "nobody" else [webhook, click, form]


@pytest.mark.parametrize("visitor", ["nobody", "ann"])
async def test_nothing_breaks_it_and_nothing_unsigned_changes_anything(house: House, visitor: str) -> None:
    # /signout ends the session, and so would leave the rest to nobody.
    routes = [one for one in addresses(create_app(house.services)) if one[1] != "/signout"]
    await link(house, "ann")
    kept = await connection(house, installer="1001")
    likely = {
        "id": kept.id,
        "delivery": await noted(house, kept, "posted"),
        "owner": "acme",
        "repo": "component",
        "filename": "style.css",
    }
    async with Browser() as browser:
        scene = Scene(house=house, browser=browser, routes=routes, kept=kept, likely=likely)
        if visitor != "nobody":
            await sign_in(house, browser, visitor)
            await scene.crawl()
            assert {"preset", "group", "csrf"} <= scene.offered["/flowdock/setup"].keys()
            assert {"do"} <= scene.offered[f"/connections/{kept.id}/pause"].keys()

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(st.data())
        def ask(data: Any) -> None:
            one = drawn(data.draw, scene)
            asyncio.run_coroutine_threadsafe(scene.check(one), loop).result(PATIENCE)

        loop = asyncio.get_running_loop()
        await asyncio.to_thread(ask)
        scene.changed.clear()
        for one in rightful(scene, visitor):
            await scene.check(one)
        assert scene.changed == {one.route for one in rightful(scene, visitor)}, "what is signed counts"
