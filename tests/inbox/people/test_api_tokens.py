"""API tokens: made, named, scoped and revoked by their person, shown once, kept as a hash."""

import re
from collections.abc import AsyncIterator

import pytest

from bridge.inbox import keys
from bridge.inbox.admission import Admission
from bridge.inbox.context import INBOX
from bridge.inbox.people import api_tokens
from scripts.sandbox.browse import Browser, Page
from tests.conftest import House
from tests.kits.inbox import IDS, link_on, open_inbox, put, sign_in
from tests.kits.personal import SHORTLY_AGO, text

Inbox = tuple[House, Admission]


@pytest.fixture
async def inbox(redis_url: str) -> AsyncIterator[Inbox]:
    async with open_inbox(redis_url) as opened:
        await put(opened[1].people, "bob")
        yield opened


async def make(house: House, browser: Browser, *, label: str, scopes: tuple[str, ...]) -> Page:
    """Fill in the form; the boxes of a form without a screen are ticked by hand."""
    page = await browser.open(f"{house.bridge}/inbox/settings")
    (form,) = [form for form in page.forms if form.action == "/inbox/settings/tokens"]
    fields = [*form.fields.items(), ("label", label), *(("scope", one) for one in scopes)]
    url = f"{house.bridge}{form.action}"
    async with browser.session.post(url, data=fields) as response:
        return Page(str(response.url), response.status, await response.text(), response.headers, [])


async def calls(house: House, token: str, path: str = "/user") -> int:
    async with house.http.get(
        f"{house.bridge}/inbox/api{path}", headers={"Authorization": f"Bearer {token}"}
    ) as response:
        return response.status


async def test_a_token_does_what_its_person_chose_until_they_revoke_it(
    inbox: Inbox, browser: Browser
) -> None:
    house, _ = inbox
    await sign_in(house, browser, "bob")
    page = await make(house, browser, label=" My  script ", scopes=("profile", "offline_access", "x"))
    token = link_on(page, begins="1002.")
    assert token not in (await browser.open(f"{house.bridge}/inbox/settings")).text
    assert token.partition(".")[2].encode() not in b"".join(
        [*(await house.redis.hgetall(keys.personal("tokens", IDS["bob"]))).values()]
    )
    assert await calls(house, token) == 200
    assert await calls(house, token, "/flows") == 403
    async with house.http.get(f"{house.bridge}/inbox/api/user?access_token={token}") as response:
        assert response.headers["Flowdock-User"] == str(IDS["bob"])
    page = await browser.open(f"{house.bridge}/inbox/settings")
    assert re.search(f"My script Created {SHORTLY_AGO} profile {SHORTLY_AGO}", text(page))
    await browser.press(page, "Revoke My script")
    assert await calls(house, token) == 401


@pytest.mark.parametrize(
    ("label", "scopes", "reason"),
    [
        ("", ("flow",), "Name the token"),
        ("x" * 61, ("flow",), "Name the token"),
        ("\u202ex", ("flow",), "Name the token"),
        ("x", (), "Choose at least one thing"),
        ("x", ("offline_access",), "Choose at least one thing"),
    ],
)
async def test_a_token_needs_a_name_and_a_scope(
    inbox: Inbox, browser: Browser, label: str, scopes: tuple[str, ...], reason: str
) -> None:
    house, _ = inbox
    await sign_in(house, browser, "bob")
    page = await make(house, browser, label=label, scopes=scopes)
    assert (page.status, reason in page.text) == (422, True)
    assert await house.redis.exists(keys.personal("tokens", IDS["bob"])) == 0


async def test_tokens_outlast_signing_out_and_end_with_the_person(inbox: Inbox, browser: Browser) -> None:
    house, admission = inbox
    await sign_in(house, browser, "bob")
    token = link_on(await make(house, browser, label="x", scopes=("profile",)), begins="1002.")
    await browser.press(await browser.open(f"{house.bridge}/inbox/settings"), "Sign out everywhere")
    assert await calls(house, token) == 200
    await admission.remove(IDS["bob"])
    assert await calls(house, token) == 401
    await put(admission.people, "bob")
    assert await calls(house, token) == 401


async def test_nobody_revokes_anothers_tokens_and_their_number_has_a_limit(
    inbox: Inbox, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, admission = inbox
    await put(admission.people, "cy")
    assert house.web_half is not None
    store = house.web_half.app[INBOX].api_tokens
    token = await store.make(IDS["cy"], label="Cy's", scopes=("profile",))
    (kept,) = await store.of(IDS["cy"])
    page = await sign_in(house, browser, "bob")
    form = page.forms[0].fields
    async with browser.session.post(
        f"{house.bridge}/inbox/settings/tokens/{kept.name}/revoke", data=form
    ) as response:
        assert response.status == 200
    assert await calls(house, token) == 200
    for odd in (token.replace("1003", "1002"), "1003.", ".", f"²{token}", "9" * 30 + ".x", kept.name):
        assert await calls(house, odd) == 401, odd
    monkeypatch.setattr(api_tokens, "MOST", 1)
    await make(house, browser, label="one", scopes=("profile",))
    page = await make(house, browser, label="two", scopes=("profile",))
    assert (page.status, "Revoke one that you no longer need." in page.text) == (409, True)
