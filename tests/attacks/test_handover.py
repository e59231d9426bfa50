"""Attacks on connecting: by readers of a repository, by strangers with a link, and through an administrator.

Each is played with its guard in place, and once more without it, where it succeeds: so the test can fail.
With a GitHub App it is bridge's word alone that keeps a reader out: there is no webhook that GitHub would
refuse.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from yarl import URL

from bridge.clients import github_repositories, oauth
from bridge.clients.github_repositories import Repository
from bridge.core.security import signing
from bridge.web.auth import handover
from scripts.sandbox.browse import Browser, Form, Page
from tests.conftest import House
from tests.kits.accounts import link
from tests.kits.github_app import made_at_github, open_app_house
from tests.kits.handover import asked, chosen, kept, link_of, signed_in
from tests.kits.personal import sign_in, text

GUARDED = pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "unguarded"])


@asynccontextmanager
async def app_house(redis_url: str) -> AsyncIterator[House]:
    """A house with a GitHub App that is installed on the repository."""
    async with open_app_house(redis_url) as house:
        await made_at_github(house)
        yield house


def believe_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the guard away: whoever GitHub shows a repository to counts as its administrator."""
    read = github_repositories.read_repository

    def believing(found: Any) -> Repository:
        return replace(read(found), may_hook=True)

    monkeypatch.setattr(github_repositories, "read_repository", believing)


async def linked_by_pages(house: House, browser: Browser, nick: str) -> None:
    """Linked with the App's sign-in."""
    await sign_in(house, browser, nick)
    page = await browser.open(f"{house.bridge}/account/link?then=/account")
    await browser.press(await browser.press(page, f"{nick}-gh"), "Link accounts")


async def connected(house: House) -> list[str]:
    return [one.repository for one in await house.services.connections.all()]


@GUARDED
async def test_a_reader_connects_a_repository_to_their_own_flow(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    async with app_house(redis_url) as house, Browser() as ann:
        await linked_by_pages(house, ann, "ann")
        if not guarded:
            believe_everybody(monkeypatch)
        result = await chosen(house, ann)
        assert await connected(house) == ([] if guarded else ["acme/component"])
        assert ("/handover/" in result.text) == guarded


@GUARDED
async def test_a_form_that_claims_the_right_connects_nothing(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    async with app_house(redis_url) as house, Browser() as ann:
        await linked_by_pages(house, ann, "ann")
        page = await ann.open(f"{house.bridge}/flowdock/setup?flow=acme:main")
        if not guarded:
            believe_everybody(monkeypatch)
        [form] = [form for form in page.forms if "flow" in form.fields and form.method == "post"]
        forged = {"preset": "everything", "repository": "1296269", "may_hook": "true", "state": "connected"}
        held = {name: value for name, value in form.fields.items() if name != "shown"}
        result = await ann.submit(page, form, held | forged)
        assert ("One step left" in text(result)) == guarded
        # Trying again is for what failed; it asks GitHub once more.
        again = await ann.submit(result, Form(result.url, "post"), {"csrf": form.fields["csrf"]})
        assert ("One step left" in text(again)) == guarded
        assert await connected(house) == ([] if guarded else ["acme/component"])


@GUARDED
async def test_a_link_is_opened_by_somebody_who_does_not_administer_the_repository(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    async with app_house(redis_url) as house, Browser() as ann, Browser() as bob:
        await linked_by_pages(house, ann, "ann")
        url = await asked(house, ann)
        if not guarded:
            believe_everybody(monkeypatch)
        page = await signed_in(house, bob, url, "bob-gh")
        if guarded:
            assert (page.status, "@bob-gh is not an administrator" in text(page)) == (403, True)
            for answer in ("connect", "decline"):
                forged = Form(f"{url}/confirm", "post")
                tried = await bob.submit(page, forged, {"answer": answer, "state": "x" * 32})
                assert tried.status == 403
        else:
            await bob.press(page, "Connect")
        assert (await kept(house, url)).state == ("open" if guarded else "done")
        assert await connected(house) == ([] if guarded else ["acme/component"])


@GUARDED
async def test_another_site_sends_the_form_from_an_administrators_browser(
    house: House, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """The administrator has the question open; the attacker knows the link, which is theirs."""
    await link(house, "ann")
    async with Browser() as ann, Browser() as victim:
        url = await asked(house, ann)
        page = await signed_in(house, victim, url)
        if not guarded:
            monkeypatch.setattr(signing, "equal", lambda *_: True)
        forged = Form(f"{url}/confirm", "post")
        for state in ("", "x" * 32):
            if (await victim.submit(page, forged, {"answer": "connect", "state": state})).status != 403:
                break
        assert await connected(house) == ([] if guarded else ["acme/component"])
        if guarded:
            # The page that is open goes on to work: nothing was spent.
            await victim.press(page, "Connect")
            assert await connected(house) == ["acme/component"]


@GUARDED
async def test_an_administrator_is_sent_to_a_sign_in_that_the_attacker_began(
    house: House, guarded: bool
) -> None:
    """GitHub signs the victim in without a question; the answer must not be taken in their browser.

    Without the guard (the attacker's cookie in the victim's browser) they see the question, named; it takes
    their press all the same.
    """
    await link(house, "ann")
    async with Browser() as attacker, Browser() as victim:
        url = await asked(house, attacker)
        at_github = await attacker.open(f"{url}/sign-in")
        if not guarded:
            [cookie] = [one for one in attacker.session.cookie_jar if one.key == handover.COOKIE]
            victim.session.cookie_jar.update_cookies(
                {handover.COOKIE: cookie.value}, response_url=URL(house.bridge)
            )
        page = await victim.press(at_github, "cy-gh")
        assert (page.status, "did not start this sign-in" in text(page)) == (
            (403, True) if guarded else (200, False)
        )
        assert page.url.startswith(f"{house.bridge}/auth/github/callback" if guarded else f"{url}/confirm")
        assert await connected(house) == []
        assert not re.search("[?&]code=", unescape(page.text))


@GUARDED
async def test_the_attackers_own_answer_is_not_taken_in_an_administrators_browser(
    house: House, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Both have a sign-in under way; the attacker's callback, code and all, is opened by the victim.

    Two guards are taken away: the state, and the code's verifier (PKCE), which is the browser's own.
    """
    await link(house, "ann")
    if not guarded:
        monkeypatch.setattr(signing, "equal", lambda *_: True)
        monkeypatch.setattr(oauth, "code_verifier", lambda: "v" * 43)
    async with Browser() as attacker, Browser() as victim:
        url = await asked(house, attacker)
        at_github = await attacker.open(f"{url}/sign-in")
        theirs = await _callback(house, attacker, at_github, "bob-gh")
        await victim.open(f"{url}/sign-in")
        page = await victim.open(theirs)
        assert page.status == 403
        assert ("did not start this sign-in" in text(page)) == guarded
        assert ("@bob-gh is not an administrator" in text(page)) is not guarded, "it was taken"
        assert await connected(house) == []


async def _callback(house: House, browser: Browser, page: Page, login: str) -> str:
    """The address that GitHub sends a browser back to, not opened."""
    for form in page.forms:
        for name, value, label in form.buttons:
            if login in (value, label):
                data = form.fields | ({name: value} if name else {})
                address = form.action if form.action.startswith("http") else house.github + form.action
                async with browser.session.post(
                    address or page.url, data=data, allow_redirects=False
                ) as response:
                    return response.headers["Location"]
    raise LookupError(login)


@GUARDED
async def test_the_owner_of_a_link_cannot_change_between_question_and_answer(
    house: House, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """The victim signed in for one link; their form is turned to another, of the attacker's flow."""
    await link(house, "ann")
    await link(house, "bob")
    async with Browser() as ann, Browser() as bob, Browser() as victim:
        shown, other = await asked(house, ann), await asked(house, bob, "bob", "acme:ops")
        page = await signed_in(house, victim, shown)
        state = page.forms[0].fields["state"]
        if not guarded:
            signed_in_for_any(house, monkeypatch, other.rpartition("/")[2])
        turned = Form(f"{other}/confirm", "post")
        tried = await victim.submit(page, turned, {"answer": "connect", "state": state})
        assert ("are not signed in for this link" in text(tried)) == guarded
        assert await connected(house) == ([] if guarded else ["acme/component"])
        assert (await kept(house, other)).state == ("open" if guarded else "done")
        assert (await kept(house, shown)).state == "open"


def signed_in_for_any(house: House, monkeypatch: pytest.MonkeyPatch, link_id: str) -> None:
    """Take the guard away: a browser's sign-in counts for another link too."""
    look = house.services.one_time.peek

    async def looked(kind: str, name: str) -> dict[str, Any] | None:
        found = await look(kind, name)
        return found and found | {"id": link_id}

    monkeypatch.setattr(house.services.one_time, "peek", looked)


async def test_the_link_leads_nowhere_else(house: House) -> None:
    """Nothing in its address chooses where a browser goes on to."""
    await link(house, "ann")
    async with Browser() as ann, Browser() as victim:
        url = link_of(await chosen(house, ann))
        for path in (
            f"{url}/sign-in?then=//evil.example&redirect_uri=https://evil.example",
            f"{url}?x=//evil",
        ):
            async with victim.session.get(path, allow_redirects=False) as response:
                location = response.headers.get("Location", house.github)
                assert location.startswith(house.github)
                assert "evil" not in location
                assert "evil" not in await response.text()
