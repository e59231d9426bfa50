"""The way into the inbox: who gets in, who does not, and how it ends."""

import asyncio
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
from redis.exceptions import ConnectionError as RedisAway
from yarl import URL

from bridge.core.security.encryption import Vault
from bridge.inbox import keys
from bridge.inbox.admission import Admission
from bridge.inbox.context import INBOX
from bridge.inbox.pages import sign_in as signing_in
from bridge.inbox.people import sessions
from bridge.inbox.people.grants import Grant
from bridge.inbox.people.memberships import FRESH_SECONDS
from bridge.inbox.people.people import PeopleStore
from bridge.storage import key_rotation
from bridge.storage.keys import hash_of
from bridge.web.http import cookies
from scripts.sandbox.browse import Browser
from scripts.sandbox.faults import Fault
from tests.conftest import House
from tests.kits.controls import lua, unguarded, yes
from tests.kits.github_app import CHOSEN, PAGE, UNSET, made_at_github
from tests.kits.inbox import IDS, is_in, link_on, open_inbox, put, sign_in
from tests.kits.personal import text

Inbox = tuple[House, Admission]


@pytest.fixture
async def inbox(redis_url: str) -> AsyncIterator[Inbox]:
    async with open_inbox(redis_url) as opened:
        yield opened


@pytest.fixture
async def of_acme(redis_url: str) -> AsyncIterator[Inbox]:
    async with open_inbox(redis_url, inbox_organizations=("other", "acme")) as opened:
        yield opened


def cookie(browser: Browser, name: str) -> str:
    return next((one.value for one in browser.session.cookie_jar if one.key == name), "")


def plant(browser: Browser, house: House, name: str, value: str) -> None:
    browser.session.cookie_jar.update_cookies({name: value}, URL(house.bridge))


def given_back(house: House) -> int:
    """How many tokens bridge had GitHub revoke: it keeps none that it does not need."""
    path = "/api/v3/applications/github-client/token"
    return sum(
        (call.method, call.path, call.status) == ("DELETE", path, 204) for call in house.github_journal.calls
    )


async def test_the_first_owner_comes_by_the_operators_address_and_it_works_once(
    inbox: Inbox, browser: Browser
) -> None:
    house, admission = inbox
    link = f"{house.bridge}/inbox/invitation/{await admission.invitations.invite_first_owner()}"
    page = await browser.open(link)
    assert "The first person who signs in here becomes the inbox’s owner" in text(page)
    async with Browser() as second:
        late = await second.open(f"{link}/sign-in")
        await sign_in(house, browser, "dee", at=f"{link}/sign-in")
        page = await browser.open(f"{house.bridge}/inbox/people")
        assert "Dee Doyle @dee-gh Owner you" in text(page)
        page = await second.press(late, "ann-gh")
        assert (page.status, "This invitation has been used" in page.text) == (403, True)
        assert not await is_in(house, second)
        assert (await second.open(link)).status == 403
    assert [one.id for one in await admission.people.all()] == [IDS["dee"]]


async def test_the_first_owners_address_opens_the_page_that_makes_the_app_and_no_other_invitation_does(
    redis_url: str,
) -> None:
    async with open_inbox(redis_url, setup_secret="s" * 32, **UNSET) as (house, admission):
        first = await admission.invitations.invite_first_owner()
        other = await admission.invitations.invite(by=(await put(admission.people, "ann")).id)
        for secret, opens in (("x" * 32, False), (other, False), (first, True)):
            async with Browser() as browser:
                page = await browser.open(f"{house.bridge}/inbox/invitation/{secret}/app")
                assert ("Create a GitHub App" in page.text) == opens
                page = await browser.open(house.bridge + PAGE)
                assert page.status == (200 if opens else 401), "SETUP_SECRET is asked for"
        async with Browser() as browser:
            await made_at_github(house)
            page = await browser.open(f"{house.bridge}/inbox/invitation/{first}/app")
            assert page.url.startswith(f"{house.bridge}/inbox")
            assert (await browser.open(house.bridge + PAGE)).status == 401, "there is an App"


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "by SETUP_SECRET, the control"])
async def test_the_first_owners_address_does_not_replace_an_app(redis_url: str, guarded: bool) -> None:
    """A reader of the log opens it, lets the owner use it, and would have bridge believe an App of theirs."""
    async with (
        open_inbox(redis_url, setup_secret="s" * 32, **UNSET) as (house, admission),
        Browser() as thief,
    ):
        if guarded:
            address = (
                f"{house.bridge}/inbox/invitation/{await admission.invitations.invite_first_owner()}/app"
            )
            assert "Create a GitHub App" in (await thief.open(address)).text
        else:
            await thief.press(await thief.open(house.bridge + PAGE), "Continue", secret="s" * 32)
        app = await made_at_github(house)
        page = await thief.open(f"{house.bridge}{CHOSEN}&replace={app.id}")
        assert ("Create the new App on GitHub" in page.text) is not guarded
        assert "Replace it" not in page.text


@unguarded(*lua("redis.call('DEL', invitation)", ""))
async def test_an_invitation_that_two_people_open_at_once_admits_one(inbox: Inbox, browser: Browser) -> None:
    house, admission = inbox
    await put(admission.people, "ann", owner=True)
    link = f"{house.bridge}/inbox/invitation/{await admission.invitations.invite(by=IDS['ann'])}/sign-in"
    async with Browser() as other:
        pages = await asyncio.gather(browser.open(link), other.open(link))
        after = await asyncio.gather(browser.press(pages[0], "dee-gh"), other.press(pages[1], "bob-gh"))
        assert sorted([await is_in(house, browser), await is_in(house, other)]) == [False, True]
        assert sum("has been used" in page.text for page in after) == 1
    assert len(await admission.people.all()) == 2


async def test_an_owner_invites_a_login_and_nobody_else_comes_in_by_it(
    inbox: Inbox, browser: Browser
) -> None:
    house, admission = inbox
    await put(admission.people, "ann", owner=True)
    page = await sign_in(house, browser, "ann")
    page = await browser.press(page, "Create an invitation link", login="@Dee-GH")
    link = link_on(page)
    assert (
        f"Send this link to @Dee-GH. It works once, within 7 days. bridge does not show it again. {link}"
        in text(page)
    )
    assert link not in (await browser.open(f"{house.bridge}/inbox/people")).text
    async with Browser() as other:
        page = await other.open(link)
        assert "Ann Ames (@ann-gh) invites you" in text(page)
        page = await sign_in(house, other, "bob", at=f"{link}/sign-in")
        assert "This invitation is for @Dee-GH. On GitHub you are @bob-gh." in text(page)
        assert not await is_in(house, other)
        await sign_in(house, other, "dee", at=f"{link}/sign-in")
        assert await is_in(house, other)
    assert (await admission.people.find("dee-gh")).admitted_by == "invitation"  # type: ignore[union-attr]


async def test_an_invitation_ends_when_it_is_withdrawn_or_its_maker_is_no_longer_an_owner(
    inbox: Inbox, browser: Browser
) -> None:
    house, admission = inbox
    await put(admission.people, "ann", owner=True)
    await put(admission.people, "bob", owner=True)
    secrets = [await admission.invitations.invite(by=IDS[nick]) for nick in ("ann", "bob")]
    first, second = [f"{house.bridge}/inbox/invitation/{secret}" for secret in secrets]
    page = await sign_in(house, browser, "ann")
    assert "For anyone with the link, by @bob-gh" in text(page)
    (form,) = [form for form in page.forms if hash_of(secrets[0]) in form.action]
    await browser.submit(page, form, form.fields)
    async with Browser() as other:
        assert (await other.open(first)).status == 403
        assert (await other.open(second)).status == 200
        await admission.people.make_member(IDS["bob"])
        assert (await other.open(second)).status == 403
        assert "For anyone with the link" not in text(await browser.open(f"{house.bridge}/inbox/people"))
        assert (await other.open(f"{second}/sign-in")).status == 403
        page = await other.open(f"{house.bridge}/inbox/invitation/{'x' * 32}")
        assert (page.status, "Ask an owner of the inbox for a new invitation." in page.text) == (403, True)


@unguarded("bridge.inbox.people.memberships.MembershipStore.is_member", yes)
async def test_a_stranger_is_told_what_to_do_and_nothing_is_kept(inbox: Inbox, browser: Browser) -> None:
    house, _ = inbox
    before = set(await house.redis.keys())
    page = await sign_in(house, browser, "dee")
    assert page.status == 403
    assert "On GitHub you are @dee-gh, and nobody has invited that account." in text(page)
    assert "acme" not in page.text
    assert not await is_in(house, browser)
    assert cookie(browser, sessions.COOKIE) == cookie(browser, signing_in.COOKIE) == ""
    assert set(await house.redis.keys()) - {keys.SWEEPER.encode()} == before - {keys.SWEEPER.encode()}
    assert given_back(house) == 1


async def test_members_of_an_organization_come_in_for_as_long_as_they_are(
    of_acme: Inbox, browser: Browser
) -> None:
    house, admission = of_acme
    page = await browser.open(f"{house.bridge}/inbox/people")
    assert page.url == f"{house.bridge}/inbox/sign-in?then=/inbox/people"
    assert "members of other, acme" in text(page)
    async with Browser() as stranger:
        page = await sign_in(house, stranger, "dee")
        assert "If you are a member of other or acme" in text(page)
    page = await sign_in(house, browser, "bob")
    assert "Bob Burke @bob-gh you Through the organization" in text(page)
    asked = [call for call in house.github_journal.calls if "/memberships/" in call.path]
    await browser.open(f"{house.bridge}/inbox/people")
    assert [call for call in house.github_journal.calls if "/memberships/" in call.path] == asked

    async with house.http.post(f"{house.github}/_sandbox/users/bob-gh", json={"member": False}) as done:
        assert done.status == 200
    assert await is_in(house, browser), "GitHub's word counts a few minutes"
    await house.redis.hset(keys.MEMBERS, IDS["bob"], int(time.time()) - FRESH_SECONDS)
    page = await browser.open(f"{house.bridge}/inbox/people")
    assert page.url.startswith(f"{house.bridge}/inbox/sign-in?")
    assert await house.redis.exists(keys.personal("sessions", IDS["bob"])) == 0
    page = await sign_in(house, browser, "bob")
    assert page.status == 403
    assert await admission.people.get(IDS["bob"]) is not None, "what is theirs waits for them"


async def test_an_application_too_is_out_once_its_person_has_left_the_organization(
    of_acme: Inbox, browser: Browser
) -> None:
    house, _ = of_acme
    await sign_in(house, browser, "bob")
    assert house.web_half is not None
    grants = house.web_half.app[INBOX].grants
    code = await grants.new_code(
        Grant(person_id=IDS["bob"], client_id="x", scopes=("profile",), redirect_uri="y")
    )
    answer = await grants.redeem(code, client_id="x", redirect_uri="y")
    assert answer
    call = f"{house.bridge}/inbox/api/user?access_token={answer['access_token']}"
    async with house.http.get(call) as response:
        assert response.status == 200
    async with house.http.post(f"{house.github}/_sandbox/users/bob-gh", json={"member": False}):
        await house.redis.hset(keys.MEMBERS, IDS["bob"], int(time.time()) - FRESH_SECONDS)
    async with house.http.get(call) as response:
        assert response.status == 401
        assert "no longer a member" in await response.text()


async def test_a_members_token_is_stored_encrypted_and_rotated_to_a_new_key(
    of_acme: Inbox, browser: Browser
) -> None:
    house, _ = of_acme
    await sign_in(house, browser, "bob")
    key = keys.personal("github", IDS["bob"])
    assert b"gho_" not in await house.redis.get(key)
    vault = Vault(["k" * 32, *house.services.settings.encryption_keys])
    done = await key_rotation.rotate(house.redis, vault, dry_run=False, progress=lambda *_: None)
    assert done.kinds["GitHub tokens of the inbox"].rewritten == 1
    assert vault.is_newest(await house.redis.get(key))


async def test_while_github_does_not_answer_its_last_answer_counts_for_minutes(
    of_acme: Inbox, browser: Browser
) -> None:
    house, _ = of_acme
    await sign_in(house, browser, "bob")
    house.github_journal.faults.append(Fault(path=".*/memberships/.*", status=500))
    await house.redis.hset(keys.MEMBERS, IDS["bob"], int(time.time()) - FRESH_SECONDS)
    page = await browser.open(f"{house.bridge}/inbox/people")
    assert page.status == 502
    assert await is_in(house, browser), "GitHub answers again"


async def test_without_the_right_to_ask_nobody_is_let_in(of_acme: Inbox, browser: Browser) -> None:
    house, _ = of_acme
    page = await browser.open(f"{house.bridge}/inbox/sign-in/github")
    narrowed = page.forms[0].fields | {"scope": "", "user": "bob-gh"}
    page = await browser.submit(page, page.forms[0], narrowed)
    assert page.status == 422
    assert not await is_in(house, browser)
    assert given_back(house) == 1


async def test_a_removed_person_is_out_with_the_next_request_and_stays_out(
    of_acme: Inbox, browser: Browser
) -> None:
    house, admission = of_acme
    await put(admission.people, "ann", owner=True)
    async with Browser() as owner:
        await sign_in(house, browser, "bob")
        page = await sign_in(house, owner, "ann")
        kept = [await admission.invitations.invite(by=IDS["ann"], login=one) for one in ("Bob-GH", "dee-gh")]
        page = await owner.open(f"{house.bridge}/inbox/people/{IDS['bob']}/remove")
        assert "for anyone" not in page.text
        await admission.invitations.invite(by=IDS["ann"])
        page = await owner.open(f"{house.bridge}/inbox/people/{IDS['bob']}/remove")
        assert "1 open invitation is for anyone." in page.text
        assert await is_in(house, browser), "asked back first"
        await owner.press(page, "Remove @bob-gh")
        assert not await is_in(house, browser)
        assert (await sign_in(house, browser, "bob")).status == 403, "though acme's member"
        assert await house.redis.keys(f"*{IDS['bob']}*") == []
        assert [bool(await admission.invitations.find(one)) for one in kept] == [False, True]
        page = await owner.press(
            await owner.open(f"{house.bridge}/inbox/people"), "Create an invitation link"
        )
        await sign_in(house, browser, "bob", at=f"{link_on(page)}/sign-in")
        assert await is_in(house, browser)
        assert (await sign_in(house, browser, "bob")).status == 200


async def test_no_invitation_outlasts_a_removal_that_fails(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, admission = inbox
    await put(admission.people, "ann", owner=True)
    await put(admission.people, "bob")
    secret = await admission.invitations.invite(by=IDS["ann"], login="bob-gh")

    async def away(*_: object, **__: object) -> None:
        raise RedisAway

    monkeypatch.setattr(PeopleStore, "remove", away)
    with pytest.raises(RedisAway):
        await admission.remove(IDS["bob"], bar=True)
    assert await admission.invitations.find(secret) is None


async def test_a_state_serves_the_browser_that_began_it_and_once(inbox: Inbox, browser: Browser) -> None:
    """The attack behind it: a victim's browser is led to a callback with the attacker's code."""
    house, admission = inbox
    await put(admission.people, "ann")
    await put(admission.people, "bob")
    async with Browser() as attacker:
        page = await attacker.open(f"{house.bridge}/inbox/sign-in/github")
        form = page.forms[0].fields | {"user": "bob-gh"}
        async with attacker.session.post(
            f"{house.github}/login/oauth/authorize", data=form, allow_redirects=False
        ) as consented:
            callback = consented.headers["Location"]
        mine = await browser.open(f"{house.bridge}/inbox/sign-in/github?then=/inbox/people")
        page = await browser.open(callback)
        assert (page.status, "This browser did not start this sign-in" in page.text) == (403, True)
        assert cookies.NEEDED in page.text
        page = await browser.press(mine, "ann-gh")
        assert page.status == 403, "a sign-in's cookie serves once, whatever comes of it"
        assert not await is_in(house, browser)
        page = await attacker.open(callback)
        assert await is_in(house, attacker)
        assert (await attacker.open(callback)).status == 403


async def test_the_sign_in_is_bound_by_pkce_and_asks_for_nothing_more_than_it_needs(
    inbox: Inbox, browser: Browser
) -> None:
    house, _ = inbox
    async with browser.session.get(f"{house.bridge}/inbox/sign-in/github", allow_redirects=False) as begun:
        asked = parse_qs(urlsplit(begun.headers["Location"]).query, keep_blank_values=True)
    assert asked["scope"] == [""]
    assert asked["redirect_uri"] == [f"{house.bridge}/auth/github/callback"]
    assert (asked["code_challenge_method"], len(asked["code_challenge"][0])) == (["S256"], 43)
    assert asked["state"][0].startswith("inbox.")
    assert len(asked["state"][0]) > 32


async def test_a_planted_cookie_never_becomes_a_session(inbox: Inbox, browser: Browser) -> None:
    house, admission = inbox
    await put(admission.people, "ann")
    await sign_in(house, browser, "ann")
    async with Browser() as victim:
        planted = f"{IDS['ann']}.{'x' * 43}"
        await victim.open(f"{house.bridge}/healthz")
        plant(victim, house, sessions.COOKIE, planted)
        await sign_in(house, victim, "ann")
        assert cookie(victim, sessions.COOKIE) not in ("", planted)
        async with Browser() as attacker:
            plant(attacker, house, sessions.COOKIE, planted)
            assert not await is_in(house, attacker)


async def test_signing_in_again_ends_the_session_before(inbox: Inbox, browser: Browser) -> None:
    house, admission = inbox
    await put(admission.people, "ann")
    await put(admission.people, "bob")
    await sign_in(house, browser, "ann")
    before = cookie(browser, sessions.COOKIE)
    await sign_in(house, browser, "bob")
    async with Browser() as other:
        plant(other, house, sessions.COOKIE, before)
        assert not await is_in(house, other)
    assert await is_in(house, browser)


@pytest.mark.parametrize("then", ["https://evil.example/", "//evil.example", "/\\evil.example", ""])
async def test_no_sign_in_leads_to_another_site(inbox: Inbox, browser: Browser, then: str) -> None:
    house, admission = inbox
    await put(admission.people, "ann")
    page = await browser.open(str(URL(f"{house.bridge}/inbox/sign-in/github") % {"then": then}))
    page = await browser.press(page, "ann-gh")
    assert page.url == f"{house.bridge}/inbox"


async def test_the_log_names_no_invitation(
    inbox: Inbox, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    house, admission = inbox
    secret = await admission.invitations.invite_first_owner()
    capsys.readouterr()
    await browser.open(f"{house.bridge}/inbox/invitation/{secret}")
    await sign_in(house, browser, "dee", at=f"{house.bridge}/inbox/invitation/{secret}/sign-in")
    printed = capsys.readouterr().out
    assert "/inbox/invitation/*/sign-in" in printed
    assert secret not in printed


async def test_a_refusal_at_github_leads_back_with_a_sentence(inbox: Inbox, browser: Browser) -> None:
    house, _ = inbox
    page = await browser.open(f"{house.bridge}/inbox/sign-in/github")
    page = await browser.press(page, "Cancel")
    assert (page.status, "You declined on GitHub. Nobody was signed in." in page.text) == (403, True)
