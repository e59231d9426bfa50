"""Attacks on links: made to end, to outlive their end, or to stand for somebody else."""

from typing import Any

import pytest

from bridge.clients.github import TokenRevoked
from bridge.core.model import LinkedAccount, Mention
from bridge.storage import accounts as linked
from bridge.storage import lua_scripts
from scripts.sandbox.browse import Browser
from scripts.sandbox.faults import Fault
from tests.conftest import FLOW, House, open_house
from tests.kits.accounts import link
from tests.kits.personal import sign_in

USER, TOKEN = "/api/v3/user", "/api/v3/applications/github-client/token"
ANN = 1001


async def say_revoked(house: House, github_id: int = ANN) -> None:
    """An event of the App, signed well: this account took back what it granted."""
    payload = {"action": "revoked", "sender": {"login": "ann-gh", "id": github_id}}
    assert (await house.deliver(payload, event="github_app_authorization")).status == 204


async def works(house: House, account: LinkedAccount) -> bool:
    """Tell whether GitHub accepts the account's token."""
    headers = {"Authorization": f"Bearer {account.token.access}"}
    async with house.http.get(f"{house.github}{USER}", headers=headers) as response:
        return response.status == 200


async def withdraw(house: House, login: str) -> None:
    """Somebody takes back on GitHub what they granted."""
    async with house.http.delete(f"{house.github}/_sandbox/tokens?user={login}") as response:
        assert response.status == 200


async def link_by_pages(house: House, browser: Browser, *, who: str, login: str) -> None:
    """Sign in with Flowdock and link a GitHub account."""
    await sign_in(house, browser, who)
    page = await browser.open(f"{house.bridge}/account/link?then=/account")
    page = await browser.press(page, login)
    page = await browser.press(page, "Link accounts")
    assert f"@{login}" in page.text


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
@pytest.mark.parametrize("expires_in", [None, -10], ids=["lasting", "expired, to be renewed"])
async def test_a_false_word_that_a_grant_was_revoked_removes_no_link(
    house: House, monkeypatch: pytest.MonkeyPatch, guarded: bool, expires_in: int | None
) -> None:
    account = await link(house, "ann", expires_in=expires_in)
    if not guarded:

        async def believe(*_: Any) -> None:
            raise TokenRevoked("nobody was asked")

        monkeypatch.setattr(type(house.services.github), "user", believe)
    await say_revoked(house)
    kept = await house.services.account_store.get("1001")
    assert (kept is not None) == guarded
    assert kept is None or (kept.token == account.token) == (expires_in is None)


@pytest.mark.parametrize(
    "fault",
    [Fault(path=USER, status=500), Fault(path=USER, status=429), Fault(path=USER, cut="before", times=9)],
)
async def test_where_github_cannot_be_asked_the_link_is_kept_and_the_log_says_so(
    house: House, capsys: pytest.CaptureFixture[str], fault: Fault
) -> None:
    await link(house, "ann")
    house.github_journal.faults.append(fault)
    await say_revoked(house)
    assert await house.services.account_store.get("1001") is not None
    assert "revocation_unconfirmed" in capsys.readouterr().out


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
async def test_a_revoked_grant_unlinks_all_who_hold_it_and_nobody_else(
    house: House, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    for nick in ("ann", "bob"):
        await link(house, nick, login="ann-gh")
    await link(house, "cy")
    if not guarded:

        async def last_one(self: linked.AccountStore, github_id: int) -> list[str]:
            return ["1002"]

        monkeypatch.setattr(linked.AccountStore, "linked_to", last_one)
    await withdraw(house, "ann-gh")
    await say_revoked(house)
    left = [user for user in ("1001", "1002", "1003") if await house.services.account_store.get(user)]
    assert left == (["1003"] if guarded else ["1001", "1003"])


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
async def test_linking_anew_leaves_nothing_of_the_former_account(
    redis_url: str, browser: Browser, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        careful = lua_scripts.source
        monkeypatch.setattr(
            lua_scripts, "source", lambda *name: careful(*name).replace("'SREM'", "'SISMEMBER'")
        )
    async with open_house(redis_url) as house:
        store = house.services.account_store
        await link_by_pages(house, browser, who="ann", login="ann-gh")
        assert await house.services.pulls.tags([Mention("ann-gh")], flow=FLOW) == ("@ann",)
        former = await store.get("1001")
        assert former is not None
        await link_by_pages(house, browser, who="ann", login="bob-gh")
        assert await store.logins() == {"1001": "bob-gh"}
        assert await store.linked_to(1002) == ["1001"]
        assert await store.linked_to(ANN) == ([] if guarded else ["1001"])
        assert await house.services.pulls.tags([Mention("ann-gh"), Mention("BOB-gh")], flow=FLOW) == ("@ann",)
        assert not await works(house, former), "GitHub forgot the token that was replaced"


@pytest.mark.parametrize("fault", [Fault(path=TOKEN, status=500), Fault(path=TOKEN, cut="before", times=9)])
async def test_a_github_that_does_not_answer_hinders_no_linking(
    house: House, browser: Browser, capsys: pytest.CaptureFixture[str], fault: Fault
) -> None:
    await link(house, "ann")
    house.github_journal.faults.append(fault)
    await link_by_pages(house, browser, who="ann", login="bob-gh")
    assert await house.services.account_store.logins() == {"1001": "bob-gh"}
    assert "revocation_failed" in capsys.readouterr().out


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
async def test_unlinking_ends_nobody_elses_link_to_the_same_account(
    house: House, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    one, other = [await link(house, nick, login="ann-gh") for nick in ("ann", "bob")]
    if not guarded:
        github = house.services.github
        monkeypatch.setattr(github, "revoke", github.revoke_grant)
    await house.services.accounts.unlink("1002")
    assert await house.services.account_store.linked_to(ANN) == ["1001"]
    assert not await works(house, other)
    assert await works(house, one) == guarded


async def test_a_login_that_was_given_up_stands_for_nobody(house: House) -> None:
    account = await link(house, "ann")
    await house.services.members.shown(FLOW, ["1001"])
    store, redis = house.services.account_store, house.redis
    await store.link(
        LinkedAccount(**{**vars(account), "github": type(account.github)(id=ANN, login="ann-2")})
    )
    assert await house.services.pulls.tags([Mention("ann-gh"), Mention("ann-2")], flow=FLOW) == ("@ann",)
    assert await house.services.pulls.tags([Mention("ann-gh")], flow=FLOW) == ()
    # Also where an index should still lead to an account that carries another login by now.
    await redis.sadd("bridge:{accounts}:linked-as:ann-gh", "1001")
    assert await house.services.pulls.tags([Mention("ann-gh")], flow=FLOW) == ()
