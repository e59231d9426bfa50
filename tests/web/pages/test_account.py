"""The account page: whom one is linked to, what was done, and unlinking, whatever GitHub and Redis do."""

import re

import pytest

from bridge.core.model import AuditEntry
from bridge.storage import accounts, keys
from scripts.sandbox.browse import Browser, Page
from scripts.sandbox.faults import Fault
from tests.conftest import House
from tests.kits.accounts import link
from tests.kits.clicks import PULL, begin_open, click
from tests.kits.personal import SHORTLY_AGO, connection, sign_in, text

GRANT = "/api/v3/applications/github-client/grant"


async def account_page(house: House, browser: Browser) -> Page:
    return await browser.open(f"{house.bridge}/account")


async def test_an_unlinked_person_is_told_what_linking_means(house: House, browser: Browser) -> None:
    page = await sign_in(house, browser)
    assert "ann in Flowdock is not linked to a GitHub account." in text(page)
    assert '"/account/link?then=/account"' in page.text
    assert "Unlink" not in text(page)
    assert "Nothing in the last 90 days." in text(page)


async def test_the_link_is_named_with_its_rights_and_age(house: House, browser: Browser) -> None:
    await link(house, "ann")
    page = await sign_in(house, browser)
    shown = text(page)
    assert "ann in Flowdock acts as @ann-gh on GitHub." in shown
    assert re.search(f"Linked {SHORTLY_AGO} Permissions", shown)
    assert "Permissions Read and change repositories, including private ones" in shown
    assert "Token Does not expire" in shown


@pytest.mark.parametrize(
    ("scopes", "words"),
    [
        (("public_repo", "read:org"), "Read and change public repositories See your organizations"),
        (("unheard:of",), "Permissions unheard:of"),
        ((), "Permissions GitHub named none"),
    ],
)
async def test_rights_are_told_in_plain_words(
    house: House, browser: Browser, scopes: tuple[str, ...], words: str
) -> None:
    account = await link(house, "ann")
    changed = type(account.token)(access=account.token.access, scopes=scopes)
    await house.services.account_store.link(type(account)(**{**vars(account), "token": changed}))
    assert words in text(await sign_in(house, browser))


async def test_a_github_apps_token_has_the_apps_permissions_and_an_end(
    house: House, browser: Browser
) -> None:
    account = await link(house, "ann", expires_in=3600)
    changed = type(account.token)(**{**vars(account.token), "access": "ghu_x", "scopes": ()})
    await house.services.account_store.link(type(account)(**{**vars(account), "token": changed}))
    shown = text(await sign_in(house, browser))
    assert "Permissions Those of the GitHub App" in shown
    assert "Renewed automatically" in shown


async def test_actions_in_ones_name_are_listed_and_nothing_of_others(
    working: House, browser: Browser
) -> None:
    life = await begin_open(working)
    await click(life, "ann", "Approve")
    await click(life, "cy", "Approve")
    await click(life, "ann", "Assign to me")
    shown = text(await sign_in(working, browser))
    newest, oldest = shown.index("Assign to me"), shown.index("Approve")
    assert newest < oldest
    assert f"{PULL} Done Assigned {PULL} to @ann-gh." in shown
    assert f"{PULL} Refused GitHub does not let you approve your own pull request" in shown
    assert f"Approved {PULL}" not in shown, "that was cy"


async def test_an_outcome_is_shown_as_text_and_without_secrets(house: House, browser: Browser) -> None:
    act = AuditEntry(
        at=1, action="Merge", on="a/b#1", outcome="<b>no</b> ghp_0123456789abcdefghij", done=False
    )
    await house.services.account_store.add_audit_entry("1001", act)
    page = await sign_in(house, browser)
    assert "&lt;b&gt;no&lt;/b&gt; (masked)" in page.text


async def test_unlinking_forgets_the_account_and_takes_githubs_grant_back(
    house: House, browser: Browser
) -> None:
    await link(house, "ann")
    other = await link(house, "bob")
    page = await browser.press(await sign_in(house, browser), "Unlink @ann-gh")
    assert page.url == f"{house.bridge}/account"
    assert "GitHub no longer accepts it" in text(page)
    assert await house.services.account_store.get("1001") is None
    assert await house.services.account_store.get("1002") == other
    assert [(call.path, call.status) for call in house.github_journal.calls] == [(GRANT, 204)]


@pytest.mark.parametrize(
    "fault", [Fault(path=GRANT, status=500), Fault(path=GRANT, cut="before", times=9)], ids=["500", "cut"]
)
async def test_a_github_that_fails_is_told_with_the_way_to_its_own_page(
    house: House, browser: Browser, fault: Fault
) -> None:
    await link(house, "ann")
    house.github_journal.faults.append(fault)
    page = await browser.press(await sign_in(house, browser), "Unlink @ann-gh")
    assert await house.services.account_store.get("1001") is None
    assert "it may still accept the token" in text(page)
    assert f"{house.github}/settings/connections/applications/github-client" in page.text


async def test_unlinking_twice_is_no_error(house: House, browser: Browser) -> None:
    await link(house, "ann")
    page = await sign_in(house, browser)
    await browser.press(page, "Unlink @ann-gh")
    again = await browser.press(page, "Unlink @ann-gh")
    assert (again.status, "is not linked" in text(again)) == (200, True)


async def test_an_account_that_is_being_renewed_stays_linked_and_says_so(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "LOCK_WAIT_SECONDS", 0.05)
    await link(house, "ann")
    page = await sign_in(house, browser)
    await house.redis.set(keys.refreshing("1001"), "somebody")
    page = await browser.press(page, "Unlink @ann-gh")
    assert (page.status, "is being renewed right now" in page.text) == (503, True)
    assert "Nothing was changed" in page.text
    assert await house.services.account_store.get("1001") is not None
    assert house.github_journal.calls == []


async def test_the_connections_that_one_looks_after_are_named_and_no_others(
    house: House, browser: Browser
) -> None:
    await link(house, "ann")
    mine = await connection(house, installer="1001")
    others = await connection(house, "acme/ops", installer="1002")
    page = await sign_in(house, browser)
    assert f'"/connections/{mine.id}"' in page.text
    assert others.id not in page.text
    assert "nobody checks and repairs their webhooks until you link again" in text(page)
    page = await browser.press(page, "Unlink @ann-gh")
    assert "Nobody checks and repairs their webhooks until you link an account." in text(page)


async def test_nobody_sees_an_account_without_signing_in(house: House, browser: Browser) -> None:
    await link(house, "ann")
    page = await account_page(house, browser)
    assert page.url.startswith(house.flowdock)
    assert "ann-gh" not in page.text
