"""Events of a GitHub App's own: what a revoked grant and a changed installation do."""

from typing import Any

import pytest

from tests.conftest import House
from tests.kits.accounts import link


@pytest.mark.parametrize("sender", [{"login": "ann-gh", "id": 99}, {"login": "ann-gh"}, None])
async def test_nobodys_revoked_grant_removes_no_link(house: House, sender: Any) -> None:
    await link(house, "ann")
    payload = {"action": "revoked", "sender": sender}
    assert (await house.deliver(payload, event="github_app_authorization")).status == 204
    assert await house.services.account_store.get("1001") is not None


async def test_a_changed_installation_is_in_the_log(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    payload = {
        "action": "removed",
        "sender": {"login": "cy-gh", "id": 3},
        "repositories_removed": [{"full_name": "acme/component"}],
    }
    assert (await house.deliver(payload, event="installation_repositories")).status == 204
    printed = capsys.readouterr().out
    assert "installation_repositories_removed" in printed
    assert "acme/component" in printed
