"""Connecting a repository to a flow: all or nothing, once, and only for its administrators."""

import asyncio
import time

import pytest

from bridge.clients.github_repositories import Repository
from bridge.connections import intents
from bridge.connections.intents import Intents, RepositoryBusy
from bridge.core.errors import BridgeError, GitHubFailing, GitHubRefused, NotAdministrator, NotLinked
from bridge.core.options import Options
from scripts.sandbox.faults import Fault
from tests.conftest import FLOW, REPOSITORY, House, eventually
from tests.kits.accounts import link
from tests.kits.connecting import (
    COMPONENT_ID,
    MAIN,
    OPS,
    Installer,
    assert_nothing,
    assert_whole,
    forget_calls,
    permit,
)

JSON = {"Content-Type": "application/json; charset=utf-8"}


async def test_a_repository_is_connected_and_its_ping_arrives(cy: Installer, component: Repository) -> None:
    began = time.time()
    options = Options(drafts="quiet")
    connected = await cy.connect(component, options=options)
    assert (connected.hook, connected.connection.options) == ("made", options)
    await assert_whole(cy)
    hook_id = connected.connection.hook_id
    assert hook_id is not None
    await eventually(lambda: cy.house.services.webhook_keys.pinged(COMPONENT_ID, hook_id, began))
    assert not await cy.house.services.webhook_keys.pinged(COMPONENT_ID, hook_id, time.time() + 1)


async def test_the_same_again_returns_the_connection_and_mends_the_hook(
    cy: Installer, component: Repository
) -> None:
    first = await cy.connect(component)
    [hook] = await cy.hooks()
    url = f"{cy.house.github}/api/v3/repos/{REPOSITORY}/hooks/{hook['id']}"
    headers = {"Authorization": f"Bearer {cy.github_token}"}
    async with cy.house.http.patch(url, json={"active": False, "events": ["push"]}, headers=headers):
        pass
    began = time.time()
    again = await cy.connect(component, options=Options(bots="none"))
    assert (again.hook, again.connection) == ("mended", first.connection)
    await assert_whole(cy)
    await eventually(lambda: cy.house.services.webhook_keys.pinged(COMPONENT_ID, hook["id"], began))


async def test_joining_what_nobody_manages_makes_one_its_installer(
    cy: Installer, component: Repository
) -> None:
    await cy.house.connect()
    [by_command] = await cy.house.services.connections.all()
    known = await cy.house.services.connections.change(by_command.id, flow=FLOW)
    joined = (await cy.connect(component)).connection
    assert (joined.id, known.installer, joined.installer) == (by_command.id, "", cy.user)
    await permit(cy.house, "ann-gh", "admin")
    ann = await Installer.of(cy.house, "ann")
    assert (await ann.connect(component)).connection.installer == cy.user, "there is one already"


async def test_two_at_once_end_with_one_connection(cy: Installer, component: Repository) -> None:
    await permit(cy.house, "ann-gh", "admin")
    ann = await Installer.of(cy.house, "ann")
    both = await asyncio.gather(cy.connect(component), ann.connect(component), cy.connect(component))
    assert len({one.connection.id for one in both}) == 1
    assert sorted(one.hook for one in both) == ["made", "mended", "mended"]
    [source], [hook] = await cy.sources(), await cy.hooks()
    [connection] = await cy.house.services.connections.all()
    assert (connection.source_id, connection.hook_id) == (str(source["id"]), hook["id"])


async def test_a_source_that_the_flow_removed_is_made_anew(cy: Installer, component: Repository) -> None:
    first = await cy.connect(component)
    async with cy.house.http.delete(
        f"{cy.house.flowdock}/_sandbox/sources/{first.connection.source_id}"
    ) as response:
        assert response.status == 204
    again = await cy.connect(component)
    assert again.connection.id != first.connection.id
    await assert_whole(cy)


async def test_somebody_elses_source_of_the_same_address_survives_a_failure(
    cy: Installer, component: Repository
) -> None:
    await cy.house.connect()
    [by_hand] = await cy.sources()
    cy.house.github_journal.faults.append(Fault(path=".*/hooks", method="POST", cut="after"))
    with pytest.raises(GitHubFailing):
        await cy.connect(component)
    assert await cy.sources() == [by_hand]


async def test_a_hook_that_was_there_survives_a_failure(cy: Installer, component: Repository) -> None:
    headers = {"Authorization": f"Bearer {cy.github_token}"}
    hook = {
        "name": "web",
        "events": ["push"],
        "config": {"url": f"{cy.house.bridge}/github/webhook?repository={COMPONENT_ID}", "secret": "x"},
    }
    url = f"{cy.house.github}/api/v3/repos/{REPOSITORY}/hooks"
    async with cy.house.http.post(url, json=hook, headers=headers) as response:
        made = (await response.json())["id"]
    cy.house.github_journal.faults.append(Fault(path=".*/hooks/.*", method="PATCH", status=500))
    with pytest.raises(GitHubFailing):
        await cy.connect(component)
    assert [one["id"] for one in await cy.hooks()] == [made]
    assert await cy.sources() == []
    assert (await cy.connect(component)).hook == "mended"
    await assert_whole(cy)


async def test_a_hook_that_another_flow_needs_survives_a_failure(
    cy: Installer, component: Repository
) -> None:
    ann_flow = await Installer.of(cy.house, "ann")
    await permit(cy.house, "ann-gh", "admin")
    first = await ann_flow.connect(component, flow=OPS)
    cy.house.github_journal.faults.append(Fault(path=".*/hooks/.*", method="PATCH", cut="after"))
    with pytest.raises(GitHubFailing):
        await cy.connect(component)
    assert [hook["id"] for hook in await cy.hooks()] == [first.connection.hook_id]
    assert await cy.house.services.connections.all() == [first.connection]


async def test_only_an_administrator_connects_a_repository(house: House) -> None:
    ann = await Installer.of(house, "ann")
    component = await ann.repository()
    forget_calls(house)
    with pytest.raises(NotAdministrator, match="you are not an administrator of acme/component"):
        await ann.connect(component)
    assert house.flowdock_journal.calls == house.github_journal.calls == []
    await assert_nothing(await Installer.of(house))


async def test_only_an_administrator_connects_a_repository_of_another_flow(
    cy: Installer, component: Repository
) -> None:
    await cy.connect(component)
    ann = await Installer.of(cy.house, "ann")
    with pytest.raises(NotAdministrator):
        await ann.connect(await ann.repository(), flow=OPS)
    await assert_whole(cy)


async def test_without_the_right_the_hook_is_repaired_as_the_person_who_connected_it(
    cy: Installer, component: Repository
) -> None:
    first = await cy.connect(component)
    ann = await Installer.of(cy.house, "ann")
    mended = await cy.house.services.webhook_repair.repair(first.connection, user=ann.user)
    assert (mended.hook, mended.connection.hook_id) == ("mended", first.connection.hook_id)


@pytest.mark.parametrize("answered", [403, 404, 422])
async def test_a_refused_hook_leaves_nothing(cy: Installer, component: Repository, answered: int) -> None:
    said = '{"message": "Not for you"}'
    cy.house.github_journal.faults.append(
        Fault(path=".*/hooks", method="POST", status=answered, answer=said, headers=JSON)
    )
    with pytest.raises(GitHubRefused) as refused:
        await cy.connect(component)
    assert ("Not for you" in str(refused.value)) == (answered != 404)
    await assert_nothing(cy)


async def test_a_link_that_github_no_longer_takes_leaves_nothing(
    cy: Installer, component: Repository
) -> None:
    async with cy.house.http.delete(f"{cy.house.github}/_sandbox/tokens?user=cy-gh"):
        pass
    with pytest.raises(NotLinked):
        await cy.connect(component)
    assert await cy.house.services.account_store.get("1003") is None
    cy.github_token = (await link(cy.house, "cy")).token.access
    await assert_nothing(cy)


async def test_a_repository_that_somebody_holds_is_busy(
    cy: Installer, component: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intents, "WAIT_SECONDS", 0.1)
    async with Intents(cy.house.redis, cy.house.services.vault).held(COMPONENT_ID):
        with pytest.raises(RepositoryBusy, match="Someone else"):
            await cy.connect(component)
        assert cy.house.flowdock_journal.calls == cy.house.github_journal.calls == []
    assert (await cy.connect(component)).hook == "made"


async def test_a_flow_that_one_is_not_in_is_refused(cy: Installer, component: Repository) -> None:
    with pytest.raises(BridgeError, match="you are not in this flow"):
        await cy.connect(component, flow=OPS)
    await assert_nothing(cy)
    assert (await cy.connect(component, flow=MAIN)).hook == "made"
