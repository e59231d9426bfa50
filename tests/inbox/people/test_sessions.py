"""Sessions of the inbox: how they begin, end, and tell one browser from another."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest
from yarl import URL

from bridge.inbox import keys
from bridge.inbox.people import sessions
from bridge.inbox.people.api_tokens import ApiTokenStore
from bridge.inbox.people.people import PeopleStore
from bridge.inbox.people.sessions import IDLE_SECONDS, LONGEST_SECONDS, SESSIONS, Cookie, SessionStore
from bridge.web.http import once
from tests.conftest import House
from tests.kits.controls import always, unguarded
from tests.kits.inbox import open_inbox

HOUR = 3600


async def ann(redis: Any) -> int:
    person = await PeopleStore(redis).put(1, nick="ann", name="Ann", avatar="", admitted_by="operator")
    return person.id


@unguarded("bridge.inbox.people.sessions.LONGEST_SECONDS", 10**9, row=f"{LONGEST_SECONDS + HOUR}-0-False")
@pytest.mark.parametrize(
    ("began", "used", "lasts"),
    [
        (0, 0, True),
        (IDLE_SECONDS - HOUR, IDLE_SECONDS - HOUR, True),
        (IDLE_SECONDS + HOUR, IDLE_SECONDS + HOUR, False),
        (IDLE_SECONDS + HOUR, HOUR, True),
        (LONGEST_SECONDS - HOUR, HOUR, True),
        (LONGEST_SECONDS + HOUR, 0, False),
    ],
)
async def test_a_session_ends_unused_and_at_its_longest(
    redis: Any, began: int, used: int, lasts: bool
) -> None:
    """`began` and `used` are seconds ago."""
    store, person = SessionStore(redis), await ann(redis)
    cookie = await store.begin(person, browser="Firefox")
    now, key = int(time.time()), keys.personal("sessions", person)
    await redis.hset(
        key, cookie.name, orjson.dumps({"began": now - began, "used": now - used, "browser": "Firefox"})
    )
    found = await store.use(cookie)
    assert (found is not None) == lasts
    if lasts and used:
        assert found is not None
        assert found.seen >= now
        assert (await store.of(person))[0].used >= now
    assert bool(await store.of(person)) == lasts


async def test_a_session_is_of_one_person_and_ends_by_itself_or_with_all(redis: Any) -> None:
    store, person = SessionStore(redis), await ann(redis)
    await PeopleStore(redis).put(2, nick="bob", name="Bob", avatar="", admitted_by="invitation")
    first, second = [await store.begin(person, browser=name) for name in ("Firefox", "x" * 9999)]
    assert await store.use(Cookie(person_id=2, secret=first.secret)) is None
    assert await store.use(Cookie(person_id=person, secret=first.name)) is None
    assert {len(one.browser) for one in await store.of(person)} == {7, 200}
    await store.end(first)
    assert await store.use(first) is None
    assert await store.use(second) is not None
    third = await store.begin(person, browser="Chromium")
    await store.end_all(person)
    assert [await store.use(one) for one in (second, third)] == [None, None]


async def test_the_session_used_longest_ago_makes_room(redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST", 2)
    store, person = SessionStore(redis), await ann(redis)
    old, new = [await store.begin(person, browser=name) for name in ("old", "new")]
    key = keys.personal("sessions", person)
    await redis.hset(key, old.name, orjson.dumps({"began": 1, "used": 1, "browser": "old"}))
    newest = await store.begin(person, browser="newest")
    assert {one.name for one in await store.of(person)} == {new.name, newest.name}


@pytest.fixture
async def house(redis_url: str) -> AsyncIterator[House]:
    async with open_inbox(redis_url, web_url="https://bridge.example") as (opened, _):
        yield opened


def headers(cookie: object) -> dict[str, str]:
    return {"Cookie": f"__Host-bridge_inbox={cookie}"}


def leads_to_sign_in_and_back(response: aiohttp.ClientResponse) -> str:
    """Where a refused visitor would come back to."""
    location = URL(response.headers["Location"])
    assert (response.status, location.path) == (303, "/inbox/sign-in")
    return location.query["then"]


async def test_a_page_is_for_the_signed_in_until_they_are_removed(house: House) -> None:
    store, person = SessionStore(house.redis), await ann(house.redis)
    cookie, page = await store.begin(person, browser="Firefox"), f"{house.bridge}/inbox/people?a=b"
    async with house.http.get(page, headers=headers(cookie)) as response:
        assert response.status == 200
    # Not under a name that a neighbour could plant.
    planted = {"Cookie": f"bridge_inbox={cookie}"}
    async with house.http.get(page, headers=planted, allow_redirects=False) as response:
        assert leads_to_sign_in_and_back(response) == "/inbox/people?a=b"
    await PeopleStore(house.redis).remove(person)
    async with house.http.get(page, headers=headers(cookie), allow_redirects=False) as response:
        assert leads_to_sign_in_and_back(response) == "/inbox/people?a=b"


async def test_an_invalid_cookie_opens_nothing(house: House) -> None:
    await ann(house.redis)
    for cookie in ("", ".", "1.", ".x", "1", "x.y", "\u00b2." + "x" * 43, "9" * 30 + ".x", "-1.x"):
        async with house.http.get(
            f"{house.bridge}/inbox/people", headers=headers(cookie), allow_redirects=False
        ) as response:
            assert response.status == 303, cookie


@unguarded("hmac.compare_digest", always)
async def test_a_form_must_bring_its_own_sessions_value_from_its_own_site(house: House) -> None:
    store, person = SessionStore(house.redis), await ann(house.redis)
    cookie, other = [await store.begin(person, browser="Firefox") for _ in range(2)]
    form = f"{house.bridge}/inbox/settings/name"
    for given, site, status in (
        (cookie.csrf, "same-origin", 303),
        (cookie.csrf, "same-site", 403),
        (cookie.csrf, "cross-site", 403),
        (other.csrf, "same-origin", 403),
        (cookie.secret, "same-origin", 403),
        (cookie.name, "same-origin", 403),
        ("", "same-origin", 403),
        ("\u00e4", "same-origin", 403),
    ):
        sent = headers(cookie) | {"Sec-Fetch-Site": site}
        body = {"csrf": given, "name": "Ann"}
        async with house.http.post(form, data=body, headers=sent, allow_redirects=False) as response:
            assert response.status == status, (given, site)
    # Who was signed out meanwhile keeps what they wrote.
    words = {"csrf": cookie.csrf, "content": "All day’s <work>"}
    async with house.http.post(form, data=words, allow_redirects=False) as response:
        assert response.status == 401
        assert "readonly>All day’s &lt;work&gt;</textarea>" in await response.text()
    # Another site's words would pass for bridge's.
    foreign = {"Sec-Fetch-Site": "cross-site"}
    async with house.http.post(form, data=words, headers=foreign, allow_redirects=False) as response:
        assert response.status == 401
        assert "<textarea" not in await response.text()


async def test_a_form_sent_twice_is_done_once_and_both_get_the_answer(house: House) -> None:
    store, person = SessionStore(house.redis), await ann(house.redis)
    cookie, other = [await store.begin(person, browser="") for _ in range(2)]
    tokens = ApiTokenStore(house.redis)
    body = {"csrf": cookie.csrf, "label": "For a script", "scope": "flow"}

    async def sent(as_cookie: Cookie = cookie, **changes: str) -> tuple[int, str]:
        async with house.http.post(
            f"{house.bridge}/inbox/settings/tokens", data=body | changes, headers=headers(as_cookie)
        ) as response:
            return response.status, await response.text()

    first, second = await asyncio.gather(sent(), sent())
    assert first == second == await sent()
    assert first[0] == 200
    assert len(await tokens.of(person)) == 1
    assert (await sent(other))[0] == 403, "it is this browser's answer"
    assert await sent(csrf=cookie.csrf) != first, "another page's form is another"
    assert len(await tokens.of(person)) == 2
    # What was refused may be sent again.
    assert [(await sent(label=""))[0] for _ in range(2)] == [422, 422]


async def test_a_form_whose_first_has_no_answer_yet_is_not_done_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "LOOKS", 2)
    cookie = await SessionStore(house.redis).begin(await ann(house.redis), browser="")
    answered, asked = asyncio.Event(), asyncio.Event()

    async def slowly(*_: Any, **__: Any) -> None:
        asked.set()
        await answered.wait()

    monkeypatch.setattr(PeopleStore, "rename", slowly)

    async def sent() -> tuple[int, str]:
        async with house.http.post(
            f"{house.bridge}/inbox/settings/name",
            data={"csrf": csrf, "name": "Annie"},
            headers=headers(cookie),
            allow_redirects=False,
        ) as response:
            return response.status, await response.text()

    csrf = cookie.csrf
    first = asyncio.create_task(sent())
    await asked.wait()
    status, page = await sent()
    assert (status, "Reload this page to check" in page) == (409, True)
    answered.set()
    assert (await first)[0] == (await sent())[0] == 303


async def test_people_behind_one_address_have_limits_of_their_own(redis_url: str) -> None:
    async with open_inbox(redis_url, page_limit=6) as (house, _):
        person, page = await ann(house.redis), f"{house.bridge}/inbox/people"
        assert house.web_half is not None
        cookie = await house.web_half.app[SESSIONS].begin(person, browser="Firefox")
        forged = (f"2.{cookie.secret}", f"{person}.{'x' * 43}.{'0' * 64}", f"{person}.x")
        crowd = [await status(house, page, f"{person}.x") for _ in range(5)]
        assert crowd == [303, 303, 303, 429, 429]
        assert [await status(house, page, one) for one in forged] == [429] * 3
        assert [await status(house, page, cookie) for _ in range(5)] == [200, 200, 200, 429, 429]


async def status(house: House, page: str, cookie: object) -> int:
    sent = {"Cookie": f"bridge_inbox={cookie}"}
    async with house.http.get(page, headers=sent, allow_redirects=False) as response:
        return response.status
