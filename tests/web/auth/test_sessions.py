"""Signing in with Flowdock: whose session it becomes, what it is good for, and how it ends."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from yarl import URL

from bridge.storage import keys
from bridge.storage.one_time import OneTimeStore
from bridge.web.auth import sessions
from bridge.web.context import Session
from bridge.web.http import cookies
from scripts.sandbox.browse import Browser, Form, Page
from scripts.sandbox.faults import Fault
from tests.conftest import House, open_house
from tests.kits.accounts import link
from tests.kits.controls import always, unguarded
from tests.kits.personal import asked_of_flowdock, sign_in
from tests.web.auth.test_linking import dump


def cookie(browser: Browser, name: str) -> str:
    return next((one.value for one in browser.session.cookie_jar if one.key == name), "")


def csrf(page: Page) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page.text)
    assert found, page.text
    return found[1]


async def is_signed_in(house: House, browser: Browser) -> bool:
    page = await browser.open(f"{house.bridge}/account")
    return page.url == f"{house.bridge}/account" and "Sign out" in page.text


async def test_signing_in_leads_back_to_where_it_began(house: House, browser: Browser) -> None:
    page = await browser.open(f"{house.bridge}/account?unlinked=yes")
    assert page.url.startswith(house.flowdock), "a page for somebody signed in leads to Flowdock"
    asked = asked_of_flowdock(page)
    assert asked["scope"] == "flow integration profile"
    assert len(asked["state"]) > 32
    page = await browser.press(page, "1001")
    assert page.url == f"{house.bridge}/account?unlinked=yes"
    assert "ann" in page.text
    assert cookie(browser, sessions.SIGNING_IN) == "", "what it needed is gone"


async def test_nobody_is_signed_in_by_an_answer_that_another_browser_asked_for(
    house: House, browser: Browser
) -> None:
    """The attack behind it: a victim's browser is led to a callback with the attacker's code."""
    async with (
        Browser() as attacker,
        attacker.session.get(f"{house.bridge}/signin", allow_redirects=False) as begun,
    ):
        state = parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0]
    mine = await browser.open(f"{house.bridge}/signin?then=/account")
    page = await browser.open(f"{house.bridge}/auth/flowdock/callback?code=stolen&state={state}")
    assert (page.status, "This browser did not start this sign-in" in page.text) == (403, True)
    assert cookies.NEEDED in page.text
    assert "Sign in again from bridge&#39;s home page" in page.text
    assert not [call for call in house.flowdock_journal.calls if call.path == "/oauth/token"]
    page = await browser.press(mine, "1001")
    assert page.status == 403, "a state serves once, also for whoever began it"
    assert not await is_signed_in(house, browser)


async def test_an_answer_to_nothing_signs_nobody_in(house: House, browser: Browser) -> None:
    page = await browser.open(f"{house.bridge}/auth/flowdock/callback?code=x&state=signin.guessed")
    assert page.status == 403
    assert not await is_signed_in(house, browser)


async def test_a_planted_cookie_never_becomes_a_session(house: House, browser: Browser) -> None:
    await browser.open(f"{house.bridge}/healthz")
    for name in (sessions.COOKIE, sessions.SIGNING_IN):
        browser.session.cookie_jar.update_cookies({name: "planted"}, URL(house.bridge))
    assert not await is_signed_in(house, browser)
    await sign_in(house, browser)
    assert cookie(browser, sessions.COOKIE) not in ("", "planted")
    async with Browser() as attacker:
        attacker.session.cookie_jar.update_cookies({sessions.COOKIE: "planted"}, URL(house.bridge))
        assert not await is_signed_in(house, attacker)


async def test_signing_in_again_ends_the_session_before(house: House, browser: Browser) -> None:
    await sign_in(house, browser, "ann")
    before = cookie(browser, sessions.COOKIE)
    await sign_in(house, browser, "bob")
    async with Browser() as other:
        other.session.cookie_jar.update_cookies({sessions.COOKIE: before}, URL(house.bridge))
        assert not await is_signed_in(house, other)
    assert await is_signed_in(house, browser)


@unguarded("bridge.web.auth.sessions.local_path", str, row="/\\u202egnp")
@pytest.mark.parametrize(
    "then",
    [
        "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example",
        "javascript:alert(1)", "evil.example", "", "/%0d%0aSet-Cookie:x=y\r\nX: y",
        "/" + "x" * 3000, "/\u202egnp", "/\t/evil.example",
    ],
)  # fmt: skip
async def test_no_sign_in_leads_to_another_site(house: House, browser: Browser, then: str) -> None:
    async with browser.session.get(
        f"{house.bridge}/signin", params={"then": then}, allow_redirects=False
    ) as begun:
        location = begun.headers["Location"]
    page = await browser.press(await browser.open(location), "1001")
    assert page.url == f"{house.bridge}/"


@unguarded("bridge.storage.one_time.OneTimeStore.pop", OneTimeStore.peek)
async def test_signing_out_ends_the_session_here_and_in_redis(house: House, browser: Browser) -> None:
    page = await sign_in(house, browser)
    kept = cookie(browser, sessions.COOKIE)
    page = await browser.press(page, "Sign out")
    assert page.url == f"{house.bridge}/"
    assert "Sign in with Flowdock" in page.text
    assert cookie(browser, sessions.COOKIE) == ""
    assert not await house.redis.keys(keys.once("session", "*"))
    async with Browser() as thief:
        thief.session.cookie_jar.update_cookies({sessions.COOKIE: kept}, URL(house.bridge))
        assert not await is_signed_in(house, thief)


@unguarded("hmac.compare_digest", always, row=f"{'0' * 64}-/signout")
@pytest.mark.parametrize("path", ["/account/unlink", "/signout"])
@pytest.mark.parametrize("given", [None, "", "0" * 64, "ä", "of another session"])
async def test_a_form_without_its_sessions_own_value_changes_nothing(
    house: House, browser: Browser, path: str, given: str | None
) -> None:
    await link(house, "ann")
    page = await sign_in(house, browser)
    if given == "of another session":
        async with Browser() as other:
            given = csrf(await sign_in(house, other, "bob"))
    form = Form(path, "post")
    refused = await browser.submit(page, form, {} if given is None else {"csrf": given})
    assert (refused.status, "does not belong to your session" in refused.text) == (403, True)
    assert "Nothing was changed" in refused.text
    assert await house.services.account_store.get("1001") is not None
    assert await is_signed_in(house, browser)
    accepted = await browser.submit(page, form, {"csrf": csrf(page)})
    assert accepted.status == 200


async def test_a_form_of_nobody_asks_to_sign_in_and_changes_nothing(house: House, browser: Browser) -> None:
    await link(house, "ann")
    async with browser.session.post(f"{house.bridge}/account/unlink", allow_redirects=False) as response:
        assert response.status == 401
        assert "Sign in, then try again" in await response.text()
    assert await house.services.account_store.get("1001") is not None


async def test_a_session_that_ended_at_flowdock_leads_to_the_sign_in_and_back(
    house: House, browser: Browser
) -> None:
    await sign_in(house, browser)
    house.flowdock_journal.faults.append(Fault(path="/flows", status=401))
    page = await browser.open(f"{house.bridge}/?x=1")
    assert page.url.startswith(house.flowdock)
    assert not await house.redis.keys(keys.once("session", "*")), "it is of no further use"
    page = await browser.press(page, "1001")
    assert page.url == f"{house.bridge}/?x=1"
    assert "Your flows" in page.text


async def test_saying_no_at_flowdock_signs_nobody_in(house: House, browser: Browser) -> None:
    page = await browser.press(await browser.open(f"{house.bridge}/signin"), "Deny")
    assert (page.status, "You declined at Flowdock" in page.text) == (403, True)
    assert not await is_signed_in(house, browser)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path="/oauth/token", status=500),
        Fault(path="/oauth/token", cut="before"),
        Fault(path="/user", status=503),
    ],
    ids=["token", "cut", "user"],
)
async def test_a_flowdock_that_fails_signs_nobody_in(house: House, browser: Browser, fault: Fault) -> None:
    house.flowdock_journal.faults.append(fault)
    page = await browser.press(await browser.open(f"{house.bridge}/signin"), "1001")
    assert (page.status, "<h1>" in page.text) == (502, True)
    assert not await house.redis.keys(keys.once("session", "*"))


@pytest.mark.parametrize(("web_url", "secure"), [(None, False), ("https://bridge.example.com", True)])
async def test_the_cookies_are_for_this_site_alone(redis_url: str, web_url: str | None, secure: bool) -> None:
    changes: dict[str, Any] = {"web_url": web_url} if web_url else {}
    async with open_house(redis_url, **changes) as house:
        async with house.http.get(f"{house.bridge}/signin", allow_redirects=False) as response:
            attributes = response.headers["Set-Cookie"]
        assert attributes.startswith(f"{'__Host-' * secure}{sessions.SIGNING_IN}=")
        assert "Domain" not in attributes
        for attribute in ("HttpOnly", "SameSite=Lax", "Path=/", f"Max-Age={15 * 60}"):
            assert attribute in attributes
        assert ("Secure" in attributes) == secure


async def test_the_sessions_cookie_lives_a_working_day(house: House, browser: Browser) -> None:
    page = await browser.open(f"{house.bridge}/signin")
    form = next(form for form in page.forms for button in form.buttons if "1001" in button)
    data = form.fields | {name: value for name, value, _ in form.buttons if value == "1001"}
    url = house.flowdock + form.action
    async with browser.session.post(url, data=data, allow_redirects=False) as response:
        back = house.flowdock + response.headers["Location"]
    async with browser.session.get(back, allow_redirects=False) as response:
        callback = response.headers["Location"]
    async with browser.session.get(callback, allow_redirects=False) as response:
        (attributes,) = [
            one for one in response.headers.getall("Set-Cookie") if one.startswith(f"{sessions.COOKIE}=")
        ]
    for attribute in ("HttpOnly", "SameSite=Lax", f"Max-Age={8 * 3600}"):
        assert attribute in attributes
    (name,) = await house.redis.keys(keys.once("session", "*"))
    assert 0 < await house.redis.ttl(name) <= 8 * 3600


@pytest.mark.parametrize("path", ["/", "/account", "/signin", "/nowhere"])
async def test_no_cache_keeps_what_is_personal(house: House, browser: Browser, path: str) -> None:
    await sign_in(house, browser)
    async with browser.session.get(house.bridge + path, allow_redirects=False) as response:
        assert response.headers["Cache-Control"] == "no-store"


async def test_no_secret_of_a_session_lies_open_in_redis_the_log_or_a_page(
    house: House, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    page = await sign_in(house, browser)
    secret = cookie(browser, sessions.COOKIE)
    tokens = [
        one for call in house.flowdock_journal.calls if call.path == "/oauth/token" for one in [call.body]
    ]
    assert tokens
    session = await house.services.one_time.peek("session", keys.hash_of(secret))
    assert session is not None
    everywhere = page.text + capsys.readouterr().out + (await dump(house)).decode(errors="replace")
    for one in (secret, session["access_token"]):
        assert len(one) > 15
        assert one not in everywhere
    shown = repr(Session(user=None, access_token="opensesame", csrf="c5rf"))  # type: ignore[arg-type]
    assert "opensesame" not in shown
    assert "c5rf" not in shown
