"""A name in a delivery moves nothing: not a click, not what is read, not another flow's connection."""

import asyncio
from typing import Any

import pytest
from yarl import URL

from bridge.clients.github_repositories import GitHubRepositories, Repository
from bridge.core import names
from bridge.monitor import merge_conflicts
from bridge.storage.webhook_keys import WebhookKey
from bridge.worker import payloads as inbox_payloads
from tests.conftest import REPOSITORY, House, eventually
from tests.kits.accounts import link
from tests.kits.attacks import (
    COMPONENT_ID,
    GUARDED,
    Stranger,
    act,
    act_by_name,
    believe_every_name,
    connected,
    repository,
    settled,
    stranger,
)
from tests.kits.connecting import Installer

THREAD = "github:component:pr:1"
WEBSITE = "acme/website"


@pytest.fixture
async def mallory(house: House) -> Stranger:
    return await stranger(house)


async def component_key(mallory: Stranger) -> WebhookKey:
    """The component's own connection, and its webhook's secret, which leaked as well."""
    house = mallory.house
    await connected(house, REPOSITORY, COMPONENT_ID)
    return await house.services.webhook_keys.make(COMPONENT_ID)


async def told(mallory: Stranger, payload: Any, key: WebhookKey, *, event: str = "pull_request") -> None:
    assert await mallory.post(payload, key=key, event=event) == 202
    await settled(mallory.house)


async def pull_of(house: House, repo: str) -> Any:
    """The repository's first pull request, as GitHub answers it."""
    token = await house.services.accounts.token("1003")
    url = f"{house.github}/api/v3/repos/{repo}/pulls/1"
    async with house.http.get(url, headers={"Authorization": f"Bearer {token}"}) as response:
        return await response.json()


@GUARDED
async def test_a_renamed_id_merges_nothing_in_another_repository(
    mallory: Stranger, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    house = mallory.house
    if not guarded:
        believe_every_name(monkeypatch)
        act_by_name(monkeypatch)
    await link(house, "cy")
    await repository(house, WEBSITE, **{"ann-gh": "write", "cy-gh": "admin"})
    target = await act(house, WEBSITE, "ann-gh", "open", title="Backdoor", body="", head="x", base="main")
    key = await component_key(mallory)
    house.start_worker()
    await told(mallory, mallory.forged(COMPONENT_ID, REPOSITORY), key)
    forged = mallory.forged(COMPONENT_ID, WEBSITE, head={"sha": target["head"]["sha"], "ref": "x"})
    await told(mallory, forged, key)

    await house.click("cy", THREAD, "Merge")
    assert (await pull_of(house, WEBSITE))["merged"] is not guarded


@GUARDED
async def test_a_click_finds_out_that_another_repository_took_the_name(
    mallory: Stranger, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Nobody forges anything: the repository is renamed, and a stranger makes one of its former name."""
    house = mallory.house
    if not guarded:
        act_by_name(monkeypatch)
    await link(house, "cy")
    key = await component_key(mallory)
    house.start_worker()
    await told(mallory, mallory.forged(COMPONENT_ID, REPOSITORY), key)
    await act(house, REPOSITORY, "cy-gh", "rename", name="part")
    await repository(house, REPOSITORY, **{"ann-gh": "write", "cy-gh": "admin"})
    await act(house, REPOSITORY, "ann-gh", "open", title="Backdoor", body="", head="x", base="main")

    outcome = await house.click("cy", THREAD, "Close")
    assert outcome["status"] == 200, outcome
    closed = [(await pull_of(house, name))["state"] for name in ("acme/part", REPOSITORY)]
    assert closed == (["closed", "open"] if guarded else ["open", "closed"])


async def test_an_address_that_stood_for_two_repositories_is_refused(mallory: Stranger) -> None:
    house = mallory.house
    await link(house, "cy")
    key = await component_key(mallory)
    house.start_worker()
    await told(mallory, mallory.forged(COMPONENT_ID, REPOSITORY), key)
    await told(mallory, mallory.forged(mallory.repository_id, "evil/own"), mallory.key)
    await house.services.pulls.name_by_github(mallory.repository_id, REPOSITORY)
    outcome = await house.click("cy", THREAD, "Close")
    assert (outcome["status"], "another repository" in outcome["error"]) == (409, True)
    assert (await pull_of(house, REPOSITORY))["state"] == "open"


@GUARDED
async def test_a_private_pull_request_is_read_for_nobody_else(
    mallory: Stranger, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """As if a false name had got through: what a member's token reads is held to the repository's id."""
    house = mallory.house
    monkeypatch.setattr(merge_conflicts, "IDLE", 0.02)
    if not guarded:
        monkeypatch.setattr(merge_conflicts, "is_in", lambda *_: True)
        monkeypatch.setattr(inbox_payloads, "hold_to_entry", lambda *_: None)
    await link(house, "cy")
    await repository(house, "acme/secret", **{"cy-gh": "admin"})
    await act(house, "acme/secret", "cy-gh", "open", title="Sell it", body="", head="x", base="main")
    await act(house, "acme/secret", "cy-gh", "conflict", number=1)
    await told_of_own(mallory)
    await house.services.pulls.name_by_github(mallory.repository_id, "acme/secret")
    house.running.append(start(house.services.conflict_poller()))
    await house.services.pulls.watches.mergeable(mallory.repository_id, [1])

    async def looked() -> bool:
        return any(call.path.endswith("/secret/pulls/1") for call in house.github_journal.calls)

    await eventually(looked)
    if guarded:
        await idle_twice(mallory)
    else:
        await eventually(lambda: shown(house, "Sell it"))
    assert await shown(house, "Sell it") is not guarded


async def told_of_own(mallory: Stranger) -> None:
    mallory.house.start_worker()
    own = mallory.forged(mallory.repository_id, "evil/own", updated_at="2020-01-01T00:00:00Z")
    await told(mallory, own, mallory.key)


async def idle_twice(mallory: Stranger) -> None:
    """Whatever was read has been through the queue: what comes behind it is told."""
    later = mallory.forged(mallory.repository_id, "evil/own", title="Later", body="another")
    later["changes"] = {"title": {"from": "Fix"}}
    await told(mallory, later, mallory.key)
    await eventually(lambda: shown(mallory.house, "Later"))


async def shown(house: House, words: str) -> bool:
    return words in str(await house.threads()) + str(await house.messages())


def start(poller: merge_conflicts.ConflictPoller) -> Any:
    return asyncio.create_task(poller.run())


@GUARDED
async def test_disconnecting_removes_no_other_repositorys_webhook(
    house: House, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    cy = await Installer.of(house, "cy")
    component = (await cy.connect(await cy.repository())).connection
    other_id = await repository(house, WEBSITE, **{"cy-gh": "admin"})
    other = (await cy.connect(await cy.repository(WEBSITE))).connection
    assert other.repository_id == other_id
    if not guarded:

        async def by_name(
            self: GitHubRepositories, _: int | None, full_name: str, *, token: str
        ) -> Repository:
            return await self.by_name(full_name, token=token)

        monkeypatch.setattr(GitHubRepositories, "present", by_name)
    # As if a false name had got through.
    await house.services.pulls.name_by_github(other_id, REPOSITORY)
    await house.services.connect_service.disconnect(other, access_token=cy.access_token, user=cy.user)
    left = [len(await cy.hooks(name)) for name in (REPOSITORY, WEBSITE)]
    assert left == ([1, 0] if guarded else [0, 1])
    assert await house.services.connections.get(component.id) is not None


@GUARDED
async def test_a_connection_made_by_name_is_not_taken_over(
    mallory: Stranger, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Another flow waits for the first delivery of its repository; a stranger's comes first."""
    house = mallory.house
    if not guarded:
        believe_every_name(monkeypatch)
    waiting, _ = await house.services.connections.connect("acme/api", flow_token="theirs", name="api")
    house.start_worker()
    await told(mallory, mallory.forged(mallory.repository_id, "acme/api"), mallory.key)
    found = await house.services.connections.get(waiting.id)
    assert found is not None
    assert found.repository_id == (None if guarded else mallory.repository_id)


@GUARDED
@pytest.mark.parametrize("name", ["../users", "acme/..", "./x", "acme/a b", "acme/a%2fb", "a/b/c", "acme/ä"])
async def test_a_name_that_means_something_else_in_an_address_is_refused(
    mallory: Stranger, monkeypatch: pytest.MonkeyPatch, guarded: bool, name: str
) -> None:
    if not guarded:
        monkeypatch.setattr(names, "is_full_name", lambda _: True)
    status = await mallory.post(mallory.forged(mallory.repository_id, name))
    assert status == (400 if guarded else 202)


@pytest.mark.parametrize("name", ["../users", "acme/..", "./x", "acme/."])
async def test_no_button_is_at_an_address_made_of_dots(house: House, name: str) -> None:
    address = URL(f"{house.bridge}/repos/{name}/pulls/1/merge", encoded=True)
    async with house.http.post(address, data=b"{}") as response:
        assert response.status == 404, await response.text()
    reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
    # As it stands, which an HTTP client would tidy up.
    head = f"POST /repos/{name}/pulls/1/merge HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    writer.write(head.encode())
    assert b" 404 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


@GUARDED
async def test_no_path_of_githubs_api_is_made_of_dots(
    house: House, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """As if such a name had got into a connection: it leads to another resource, and is not sent."""
    if not guarded:
        monkeypatch.setattr(names, "is_full_name", lambda _: True)
    account = await link(house, "cy")
    odd = Repository(id=1, full_name="../users", url="", private=False, archived=False, may_hook=True)
    with pytest.raises(Exception, match="not in a repository named owner/name" if guarded else None):
        await house.services.hooks.find(odd, token=account.token.access)
    reached = [call.path for call in house.github_journal.calls if call.path.startswith("/api/v3/users")]
    assert (reached == []) is guarded


async def test_a_delivery_with_the_operators_secret_renames_but_takes_no_name_away(mallory: Stranger) -> None:
    """A rename is still followed; and a late or odd delivery does not take a name from who has it."""
    house = mallory.house
    key = await component_key(mallory)
    house.start_worker()
    await told(mallory, mallory.forged(COMPONENT_ID, REPOSITORY), key)
    response = await house.deliver(mallory.forged(COMPONENT_ID, "acme/part"))
    assert response.status == 202
    await settled(house)
    assert await house.services.pulls.repository_name(COMPONENT_ID) == "acme/part"
    assert (await house.deliver(mallory.forged(mallory.repository_id, "acme/part"))).status == 202
    await settled(house)
    assert await house.services.pulls.repository_name(mallory.repository_id) == "evil/own"
    assert await house.services.pulls.may_be_called(COMPONENT_ID, "acme/part")
    assert not await house.services.pulls.may_be_called(mallory.repository_id, "acme/part")
