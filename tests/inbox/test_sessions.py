"""Sessions of the inbox: how they begin, end, and tell one browser from another."""

import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from bridge.inbox import keys, sessions
from bridge.inbox.people import PeopleStore
from bridge.inbox.sessions import IDLE_SECONDS, LONGEST_SECONDS, SESSIONS, Cookie, SessionStore
from bridge.web.http.cookies import HTTPS
from bridge.web.http.forms import FormRefused

HOUR = 3600


async def ann(redis: Any) -> int:
    person = await PeopleStore(redis).put(1, nick="ann", name="Ann", avatar="", admitted_by="operator")
    return person.id


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
async def client(redis: Any) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """A page that says who is signed in, and a form that only they may send."""
    app = web.Application()
    app[HTTPS] = True
    app[SESSIONS] = SessionStore(redis)

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=(await sessions.required(request)).nick)

    async def form(request: web.Request) -> web.Response:
        try:
            return web.Response(text=(await sessions.posted(request)).nick)
        except FormRefused as error:
            return web.Response(status=error.status)

    app.router.add_get("/inbox", page)
    app.router.add_post("/inbox", form)
    async with TestClient(TestServer(app)) as opened:
        yield opened


Client = TestClient[web.Request, web.Application]


def headers(cookie: object) -> dict[str, str]:
    return {"Cookie": f"__Host-bridge_inbox={cookie}"}


def leads_to_sign_in_and_back(response: aiohttp.ClientResponse) -> str:
    """Where a refused visitor would come back to."""
    location = URL(response.headers["Location"])
    assert (response.status, location.path) == (303, "/inbox/sign-in")
    return location.query["then"]


async def test_a_page_is_for_the_signed_in_until_they_are_removed(redis: Any, client: Client) -> None:
    store, person = SessionStore(redis), await ann(redis)
    cookie = await store.begin(person, browser="Firefox")
    async with client.get("/inbox", headers=headers(cookie)) as response:
        assert (response.status, await response.text()) == (200, "ann")
    # Not under a name that a neighbour could plant.
    async with client.get(
        "/inbox", headers={"Cookie": f"bridge_inbox={cookie}"}, allow_redirects=False
    ) as response:
        assert response.status == 303
    await PeopleStore(redis).remove(person)
    async with client.get("/inbox?a=b", headers=headers(cookie), allow_redirects=False) as response:
        assert leads_to_sign_in_and_back(response) == "/inbox?a=b"


@pytest.mark.parametrize(
    "cookie", ["", ".", "1.", ".x", "1", "x.y", "²." + "x" * 43, "9" * 30 + ".x", "-1.x", "1.\x00"]
)
async def test_what_is_no_cookie_opens_nothing(redis: Any, client: Client, cookie: str) -> None:
    await ann(redis)
    async with client.get("/inbox", headers=headers(cookie.strip("\x00")), allow_redirects=False) as response:
        assert response.status == 303


async def test_a_form_must_bring_its_own_sessions_value(redis: Any, client: Client) -> None:
    store, person = SessionStore(redis), await ann(redis)
    cookie, other = [await store.begin(person, browser="Firefox") for _ in range(2)]
    for given, status in (
        (cookie.csrf, 200),
        (other.csrf, 403),
        (cookie.secret, 403),
        (cookie.name, 403),
        ("", 403),
        ("\ud800", 403),
    ):
        body = {"csrf": given.encode(errors="replace").decode()}
        async with client.post("/inbox", data=body, headers=headers(cookie)) as response:
            assert response.status == status, given
    async with client.post("/inbox", data={"csrf": cookie.csrf}, allow_redirects=False) as response:
        assert leads_to_sign_in_and_back(response) == "/inbox"
