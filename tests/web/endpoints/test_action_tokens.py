"""The token that a click acts with: renewed in time and once, dropped when GitHub no longer takes it."""

import asyncio

import pytest

from scripts.sandbox.faults import Fault
from tests.conftest import REPOSITORY, House
from tests.kits import sign
from tests.kits.accounts import link
from tests.web.endpoints.test_actions import calls, post


@pytest.fixture
async def pull(house: House) -> House:
    """The house with one open pull request by ann-gh; GitHub's journal is empty."""
    await house.act("ann-gh", "open", title="Fix bug in thread API", body="", head="fix", base="main")
    return house


async def test_a_revoked_token_removes_the_link_and_challenges(pull: House) -> None:
    await link(pull, "ann")
    async with pull.http.delete(f"{pull.github}/_sandbox/tokens?user=ann-gh"):
        pass
    status, _, headers = await post(pull)
    assert status == 401
    assert "/authorization?claim=" in headers["WWW-Authenticate"]
    assert await pull.services.account_store.get("1001") is None


async def test_an_outage_does_not_remove_the_link(pull: House) -> None:
    await link(pull, "ann")
    pull.github_journal.faults.append(Fault(path="/api/v3/.*", status=500))
    assert (await post(pull))[0] == 502
    assert await pull.services.account_store.get("1001") is not None


async def test_an_expiring_token_is_renewed_once_however_many_click(pull: House) -> None:
    before = await link(pull, "ann", expires_in=10)
    paths = [f"/repos/{REPOSITORY}/pulls/1/{action}" for action in ("assign-to-me", "close")] * 4
    bodies = [sign.action_body(pull.bridge + path, name=str(index)) for index, path in enumerate(paths)]
    answers = await asyncio.gather(
        *(post(pull, path, body=body) for path, body in zip(paths, bodies, strict=True))
    )
    assert [status for status, _, _ in answers] == [200] * 8, answers
    renewals = [call for call in calls(pull) if call == ("POST", "/login/oauth/access_token")]
    assert len(renewals) == 1
    account = await pull.services.account_store.get("1001")
    assert account is not None
    assert account.token.access != before.token.access


async def test_a_token_that_died_early_is_renewed_and_the_click_done(pull: House) -> None:
    await link(pull, "ann", expires_in=3600)
    pull.github_journal.faults.append(
        Fault(path="/api/v3/repos/.*", status=401, answer='{"message":"Bad credentials"}')
    )
    assert (await post(pull))[0] == 200


async def test_a_refresh_token_that_is_refused_removes_the_link(pull: House) -> None:
    await link(pull, "ann", expires_in=10)
    async with pull.http.delete(f"{pull.github}/_sandbox/tokens?user=ann-gh"):
        pass
    status, _, headers = await post(pull)
    assert (status, "claim=" in headers["WWW-Authenticate"]) == (401, True)
    assert await pull.services.account_store.get("1001") is None


async def test_a_renewal_that_fails_in_passing_keeps_the_link(pull: House) -> None:
    await link(pull, "ann", expires_in=10)
    pull.github_journal.faults.append(Fault(path="/login/oauth/access_token", status=503))
    assert (await post(pull))[0] == 502
    assert await pull.services.account_store.get("1001") is not None
