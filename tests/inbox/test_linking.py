"""Linking for a person who signed in to the inbox: one press, without a second trip to GitHub."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bridge.core.security.encryption import Vault
from bridge.inbox import keys
from bridge.inbox.admission import Admission
from bridge.inbox.people.people import LastOwner
from bridge.storage import key_rotation
from scripts.sandbox.browse import Browser, Page
from tests.conftest import House
from tests.kits.github_app import UNSET, made_at_github, make
from tests.kits.inbox import IDS, is_in, open_inbox, put, sign_in
from tests.kits.personal import text

Inbox = tuple[House, Admission]


@pytest.fixture
async def of_app(redis_url: str) -> AsyncIterator[Inbox]:
    """bridge has a GitHub App: its users' tokens may act."""
    async with open_inbox(redis_url, **UNSET) as (house, admission):
        await made_at_github(house)
        await put(admission.people, "ann", owner=True)
        await put(admission.people, "bob")
        yield house, admission


async def test_the_first_owner_makes_the_app_first_and_then_signs_in(
    redis_url: str, browser: Browser
) -> None:
    async with open_inbox(redis_url, **UNSET) as (house, admission):
        address = f"{house.bridge}/inbox/invitation/{await admission.invitations.invite_first_owner()}"
        page = await browser.open(address)
        assert "First, create the GitHub App" in text(page)
        path = address.removeprefix(house.bridge)
        assert f'href="{path}/sign-in"' not in page.text
        assert f'href="{path}/app"' in page.text
        assert (await browser.open(f"{address}/app")).url == f"{house.bridge}/github/manifest"
        await make(house, browser)
        page = await browser.open(address)
        assert "First, bridge needs" not in text(page)
        await sign_in(house, browser, "ann", at=f"{address}/sign-in")
        assert await is_in(house, browser)


async def test_one_sign_in_serves_all_pages(of_app: Inbox, browser: Browser) -> None:
    house, _ = of_app
    settings = '<a href="/inbox/settings">'
    assert settings not in (await browser.open(f"{house.bridge}/help")).text
    assert "See the connections" in (await browser.open(f"{house.bridge}/")).text
    await sign_in(house, browser, "ann")
    assert settings in (await browser.open(f"{house.bridge}/help")).text
    page = await browser.open(f"{house.bridge}/")
    assert (page.url, settings in page.text) == (f"{house.bridge}/", True)
    for path in ("/", "/flowdock/setup"):
        shown = text(await browser.open(house.bridge + path))
        assert "You are not in any flow. Create one in the inbox, or ask the owner" in shown, path


async def link(house: House, browser: Browser) -> Page:
    """Through bridge's own sign-in, by the inbox's word, to where linking leads."""
    return await browser.open(f"{house.bridge}/signin?then=/account/link")


async def test_a_person_signed_in_to_the_inbox_links_by_one_press(of_app: Inbox, browser: Browser) -> None:
    house, _ = of_app
    await sign_in(house, browser, "ann")
    page = await link(house, browser)
    assert page.url == f"{house.bridge}/authorization/confirm"
    assert "Let bridge act as @ann-gh?" in text(page)
    assert await house.services.account_store.get("1001") is None, "nothing is linked before the POST"
    page = await browser.press(page, "Link accounts")
    assert page.url == f"{house.bridge}/account"
    account = await house.services.account_store.get("1001")
    assert account is not None
    assert (account.github.id, account.github.login) == (1001, "ann-gh")
    assert (await house.services.github.user(account.token)).id == 1001
    assert await house.redis.exists(keys.personal("rights", 1001)) == 0, "it is one's alone to renew"
    assert (await link(house, browser)).url.startswith(house.github), "it was lent once"


async def test_nobody_elses_account_is_lent(of_app: Inbox, browser: Browser) -> None:
    """Ann's token waits for her, while Bob sits at her browser."""
    house, admission = of_app
    await sign_in(house, browser, "ann")
    await sign_in(house, browser, "bob")
    page = await link(house, browser)
    assert "Let bridge act as @bob-gh?" in text(page)
    await browser.press(page, "Cancel")
    assert await house.services.account_store.get("1002") is None
    assert await admission.sign_in_tokens.take(IDS["ann"]) is not None


async def test_the_last_owner_who_cannot_leave_still_links_by_one_press(
    of_app: Inbox, browser: Browser
) -> None:
    house, admission = of_app
    await sign_in(house, browser, "ann")
    with pytest.raises(LastOwner):
        await admission.remove(IDS["ann"])
    assert "Let bridge act as @ann-gh?" in text(await link(house, browser))


async def test_a_token_that_github_ended_or_bridge_forgot_is_not_lent(
    of_app: Inbox, browser: Browser
) -> None:
    house, admission = of_app
    await sign_in(house, browser, "ann")
    kept = await admission.sign_in_tokens.take(IDS["ann"])
    assert kept
    await admission.sign_in_tokens.keep(IDS["ann"], kept)
    await house.services.github.revoke(kept)
    assert (await link(house, browser)).url.startswith(house.github)

    await sign_in(house, browser, "bob")
    assert 0 < await house.redis.ttl(keys.personal("rights", IDS["bob"])) <= 8 * 3600
    await admission.remove(IDS["bob"])
    assert await admission.sign_in_tokens.take(IDS["bob"]) is None


async def test_a_token_to_lend_is_stored_encrypted_and_rotated_to_a_new_key(
    of_app: Inbox, browser: Browser
) -> None:
    house, _ = of_app
    await sign_in(house, browser, "ann")
    key = keys.personal("rights", IDS["ann"])
    assert b"ghu_" not in await house.redis.get(key)
    vault = Vault(["k" * 32, *house.services.settings.encryption_keys])
    done = await key_rotation.rotate(house.redis, vault, dry_run=False, progress=lambda *_: None)
    assert done.kinds["GitHub tokens to link"].rewritten == 1
    assert vault.is_newest(await house.redis.get(key))


async def test_a_member_of_an_organization_links_by_one_press_and_stays_one(
    redis_url: str, browser: Browser
) -> None:
    async with open_inbox(redis_url, **UNSET, inbox_organizations=("acme",)) as (house, admission):
        await made_at_github(house)
        await sign_in(house, browser, "bob")
        page = await link(house, browser)
        assert "Let bridge act as @bob-gh?" in text(page)
        await browser.press(page, "Cancel")
        await house.redis.hdel(keys.MEMBERS, "1002")
        assert await is_in(house, browser), "the token still tells that he is a member"

        page = await link(house, browser)
        await browser.press(page, "Link accounts")
        account = await house.services.account_store.get("1002")
        assert account
        assert account.github.id == IDS["bob"]
        # From now on the account renews the token, which ends the one that signed in.
        ending = replace(account, token=replace(account.token, expires_at=int(time.time())))
        await house.services.account_store.link(ending)
        for _ in range(2):
            await house.redis.hdel(keys.MEMBERS, "1002")
            assert await is_in(house, browser)
        await house.services.accounts.unlink("1002")
        await house.redis.hdel(keys.MEMBERS, "1002")
        assert not await is_in(house, browser), "nothing is left to ask with"
        assert await admission.people.get(IDS["bob"])
