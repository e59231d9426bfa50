"""The routes that drive the stand-in GitHub."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scripts.sandbox import github as stand_in
from scripts.sandbox.github.deeds import DEEDS
from scripts.sandbox.github.repositories import REPO_DEEDS
from tests.kits.sandbox_github import PULL, GitHub, running


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running() as server:
        yield server


@pytest.fixture
async def ann(github: GitHub) -> str:
    """Ann's token, in a world where she opened a pull request."""
    await github.act("ann-gh", "open", title="Count once")
    return await github.token("ann-gh")


@pytest.mark.usefixtures("ann")
async def test_permissions_change(github: GitHub) -> None:
    await github.drive("/users/bob-gh", permission="write")
    bob = await github.token("bob-gh")
    assert (await github.call("PATCH", PULL, token=bob, body={"state": "closed"})).status == 200


async def test_tokens_are_revoked(github: GitHub, ann: str) -> None:
    assert (await github.ask("DELETE", "/_sandbox/tokens?user=ann-gh")).json == {"revoked": 1}
    assert (await github.call("GET", "/user", token=ann)).status == 401


@pytest.mark.usefixtures("ann")
async def test_reset_forgets(github: GitHub) -> None:
    await github.drive("/reset")
    assert (await github.call("GET", PULL, headers={})).status == 404


@pytest.mark.usefixtures("ann")
async def test_refusals_have_githubs_status(github: GitHub) -> None:
    refused = await github.ask("POST", "/_sandbox/act", json={"as": "bob-gh", "do": "close", "number": 1})
    assert refused.status == 403
    assert (await github.ask("POST", "/_sandbox/act", json={"as": "who"})).status == 400


async def test_calls_are_recorded_and_faults_injected(github: GitHub, ann: str) -> None:
    await github.ask("POST", "/_sandbox/faults", json={"path": "/api/v3/user", "status": 502})
    assert (await github.call("GET", "/user", token=ann)).status == 502
    assert (await github.call("GET", "/user", token=ann)).status == 200
    calls = (await github.ask("GET", "/_sandbox/calls")).json
    assert [call["status"] for call in calls] == [502, 200]


async def test_pages_of_other_sites_do_not_drive_it(github: GitHub) -> None:
    reply = await github.ask("POST", "/_sandbox/reset", headers={"Origin": "http://evil.example"})
    assert reply.status == 403


def test_every_command_of_the_driver_is_documented() -> None:
    text = Path(stand_in.__file__).with_name("README.md").read_text()
    assert not [name for name in (*DEEDS, *REPO_DEEDS) if f"`{name}`" not in text]
