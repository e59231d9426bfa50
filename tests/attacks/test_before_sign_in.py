"""Attacks of visitors who never sign in: on what Redis keeps, and on everybody's share of bridge."""

import itertools
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from yarl import URL

from bridge.web.app import create_app
from bridge.web.auth import sessions
from bridge.web.http import rate_limit, sealed_cookies
from scripts.sandbox.browse import Browser
from tests.attacks.test_strangers import GUARDED
from tests.conftest import House, open_house
from tests.kits.dump import everything
from tests.kits.personal import sign_in

PROXIED = {"X-Forwarded-For": "203.0.113.7"}
WORDS = {
    "flow": "acme/main",
    "then": "/account",
    "source": "1",
    "state": "signin.x",
    "code": "x",
    "claim": "x",
}


def addresses(house: House) -> Iterator[tuple[str, str]]:
    """Every route there is, something in the place of each of its parameters."""
    for route in create_app(house.services).router.routes():
        if route.resource is not None:
            path = re.sub(r"\{owner\}/\{repo\}", "acme/component", route.resource.canonical)
            yield route.method, re.sub(r"\{\w+\}", "1", path).replace("/1/1", "/1/close")


async def walk(house: House, browser: Browser) -> list[int]:
    """Ask for all of it, with every word that some page takes; the answers."""
    statuses = []
    for method, path in addresses(house):
        asked = browser.session.request(
            method,
            house.bridge + path,
            params=WORDS,
            data={**WORDS, "token": "x", "csrf": "x"} if method == "POST" else None,
            headers=PROXIED,
            allow_redirects=False,
        )
        async with asked as response:
            statuses.append(response.status)
    return statuses


@pytest.mark.parametrize("signed_in", [False, True], ids=["stranger", "signed in"])
async def test_nothing_is_stored_for_a_stranger(house: House, signed_in: bool) -> None:
    """The control is somebody signed in, for whom the same walk does store something."""
    async with Browser() as browser:
        if signed_in:
            await sign_in(house, browser)
        before = await everything(house.redis)
        for _ in range(3):
            statuses = await walk(house, browser)
        assert len(statuses) > 30
        assert 303 in statuses
        assert (await everything(house.redis) == before) is not signed_in


# The sealed cookie


async def begun(house: House, browser: Browser, then: str = "/account") -> tuple[str, str]:
    """A sign-in's state, and what the browser keeps for it."""
    async with browser.session.get(
        f"{house.bridge}/signin", params={"then": then}, allow_redirects=False
    ) as response:
        state = parse_qs(urlsplit(response.headers["Location"]).query)["state"][0]
        return state, response.cookies[sessions.SIGNING_IN].value


async def came_back(house: House, cookie: str, state: str) -> str:
    """bridge's words on an answer that this browser brings; "exchanged" if it believed it."""
    async with Browser() as browser:
        browser.session.cookie_jar.update_cookies({sessions.SIGNING_IN: cookie}, URL(house.bridge))
        page = await browser.open(f"{house.bridge}/auth/flowdock/callback?code=x&state={state}")
        kept = {one.key for one in browser.session.cookie_jar}
    assert sessions.SIGNING_IN not in kept, "it serves once, whatever comes of it"
    return "refused" if "did not start this sign-in" in page.text else "exchanged"


async def test_only_what_bridge_sealed_for_a_sign_in_is_believed_and_only_in_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Browser() as browser:
        state, cookie = await begun(house, browser)
        other_state, _ = await begun(house, browser)
    vault, value = house.services.vault, {"state": state, "then": "/"}
    forged = [
        (cookie, other_state),
        (cookie[:-2] + ("AA" if cookie[-2:] != "AA" else "BB"), state),
        ("", state),
        ("ä" * 9, state),
        ("A" * 5000, state),
        (sealed_cookies.seal(vault, "another", value, seconds=60), state),
        (sealed_cookies.seal(vault, sessions.SIGNING_IN, value, seconds=-1), state),
    ]
    assert [await came_back(house, *one) for one in forged] == ["refused"] * len(forged)
    assert await came_back(house, cookie, state) == "exchanged"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + sealed_cookies.SECONDS + 1)
    assert await came_back(house, cookie, state) == "refused"


@pytest.mark.parametrize(("length", "kept"), [(200, True), (201, False)])
async def test_a_way_back_is_no_longer_than_any_page_of_bridges(
    house: House, length: int, kept: bool
) -> None:
    then = "/account?x=".ljust(length, "x")
    async with Browser() as browser:
        page = await sign_in(house, browser, then=then.replace("?", "%3F"))
    assert page.url == house.bridge + (then if kept else "/")


# Addresses without end

PAGE_LIMIT = 6
BURST = PAGE_LIMIT // 2


@pytest.fixture
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock of the limits: no request is forgotten during the test."""
    monkeypatch.setattr(rate_limit, "time", SimpleNamespace(monotonic=lambda: 0.0))


@asynccontextmanager
async def limited(redis_url: str) -> AsyncIterator[House]:
    async with open_house(redis_url, page_limit=PAGE_LIMIT, trust_proxy=True) as house:
        yield house


async def get(house: House, address: str, **options: Any) -> int:
    headers = {"X-Forwarded-For": address}
    async with house.http.get(f"{house.bridge}/nowhere", headers=headers, **options) as response:
        return response.status


@pytest.mark.usefixtures("_no_time_passes")
@GUARDED
async def test_a_network_of_many_addresses_is_one_client(
    redis_url: str, guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not guarded:
        monkeypatch.setattr(rate_limit, "NETWORK", 1000)
    async with limited(redis_url) as house:
        most = 4 * BURST
        statuses = [await get(house, f"2001:db8:1:{n:x}::1") for n in range(most + 3)]
        assert statuses == [404] * most + [429 if guarded else 404] * 3
        assert await get(house, "2001:db8:2::1") == 404, "another network has its own"


@pytest.mark.usefixtures("_no_time_passes")
@GUARDED
async def test_strangers_together_leave_room_for_signed_in_users(
    redis_url: str, guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not guarded:
        monkeypatch.setattr(rate_limit, "STRANGERS", 1000)
    async with limited(redis_url) as house, Browser() as browser:
        headers = {"X-Forwarded-For": "203.0.113.200"}
        browser.session.headers.update(headers)
        await sign_in(house, browser)
        cookies = {one.key: one.value for one in browser.session.cookie_jar if one.key == sessions.COOKIE}
        hosts = itertools.count(1)

        async def flood(count: int, **options: Any) -> set[int]:
            return {
                await get(house, f"198.51.{n // 256}.{n % 256}", **options)
                for n in itertools.islice(hosts, count)
            }

        await flood(40 * BURST)
        for made_up in ({}, {sessions.COOKIE: "x"}, {sessions.COOKIE: "x." + "0" * 64}, {"other": "x"}):
            assert await flood(3, cookies=made_up) == ({429} if guarded else {404})
        assert await get(house, "192.0.2.1", cookies=cookies) == 404
        assert (await house.deliver({"zen": "z", "hook_id": 1}, event="ping")).status == 200
