"""Connecting: all or nothing, whatever fails and wherever it is cut short; and disconnecting."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from bridge.clients import flowdock, github
from bridge.clients.github_repositories import Repository
from bridge.clients.github_webhooks import EVENTS
from bridge.connections import intents, rollback
from bridge.connections.intents import Busy, Intent, Intents
from bridge.connections.rollback import Rollback
from bridge.core.errors import BridgeError, GitHubFailing, GitHubRefused, NotAdministrator, NotLinked
from bridge.core.options import Options
from bridge.storage import keys
from bridge.storage.connections import ConnectionStore
from scripts.sandbox.faults import Call, Fault, Journal
from tests.conftest import REPOSITORY, House, eventually
from tests.kits.accounts import link
from tests.kits.connecting import COMPONENT_ID, MAIN, OPS, Installer, permit

JSON = {"Content-Type": "application/json; charset=utf-8"}
KINDS: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "429": {"status": 429, "headers": {"Retry-After": "7"}},
    "cut before": {"cut": "before"},
    "cut after": {"cut": "after"},
}


@pytest.fixture
async def cy(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installer]:
    monkeypatch.setattr(rollback, "PAUSES", (0.01, 0.02))
    yield await Installer.of(house)


@pytest.fixture
async def component(cy: Installer) -> Repository:
    """The repository as GitHub shows it to cy; both journals are empty."""
    found = await cy.repository()
    forget_calls(cy.house)
    return found


def forget_calls(house: House) -> None:
    for journal in (house.flowdock_journal, house.github_journal):
        journal.calls.clear()
        journal.faults.clear()


async def left_intents(house: House) -> list[Intent]:
    return await Intents(house.redis, house.services.vault).all()


async def assert_nothing(cy: Installer) -> None:
    assert await cy.sources() == []
    assert await cy.hooks() == []
    assert await cy.house.services.connections.all() == []
    assert await left_intents(cy.house) == []
    for pattern in ("bridge:{intents}:*", "bridge:connecting:*"):
        assert await cy.house.redis.keys(pattern) == []


async def assert_whole(cy: Installer) -> None:
    """One source, one hook, one connection, that know each other; nothing else."""
    [source], [hook] = await cy.sources(), await cy.hooks()
    [connection] = await cy.house.services.connections.all()
    assert (connection.source_id, connection.hook_id) == (str(source["id"]), hook["id"])
    assert (connection.flow, connection.repository_id, connection.installer) == (
        "acme/main",
        COMPONENT_ID,
        "1003",
    )
    assert source["external_url"] == f"{cy.house.github}/{REPOSITORY}"
    assert set(hook["events"]) == set(EVENTS)
    assert (hook["active"], hook["config"]["content_type"], hook["config"]["insecure_ssl"]) == (
        True,
        "json",
        "0",
    )
    assert await left_intents(cy.house) == []
    await cy.house.services.flowdock.set_problem(connection.flow_token, "")


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


async def test_whoever_does_not_administer_it_connects_nothing(house: House) -> None:
    ann = await Installer.of(house, "ann")
    component = await ann.repository()
    forget_calls(house)
    with pytest.raises(NotAdministrator, match="you do not administer acme/component"):
        await ann.connect(component)
    assert house.flowdock_journal.calls == house.github_journal.calls == []
    await assert_nothing(await Installer.of(house))


async def test_nor_where_another_flow_has_it_connected(cy: Installer, component: Repository) -> None:
    await cy.connect(component)
    ann = await Installer.of(cy.house, "ann")
    with pytest.raises(NotAdministrator):
        await ann.connect(await ann.repository(), flow=OPS)
    await assert_whole(cy)


async def test_without_the_right_the_hook_is_mended_as_whoever_connected_the_repository(
    cy: Installer, component: Repository
) -> None:
    first = await cy.connect(component)
    ann = await Installer.of(cy.house, "ann")
    mended = await cy.house.services.connecting.mend_hook(first.connection, user=ann.user)
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


async def calls_of_a_good_run(cy: Installer, component: Repository) -> list[tuple[str, Call]]:
    forget_calls(cy.house)
    await cy.connect(component)
    house = cy.house
    return [("flowdock", call) for call in house.flowdock_journal.calls] + [
        ("github", call) for call in house.github_journal.calls
    ]


def break_each(calls: list[tuple[str, Call]]) -> Iterator[tuple[str, Fault]]:
    """For each call of a good run the faults that break it alone."""
    for index, (service, call) in enumerate(calls):
        before = sum(
            (service, call.method, call.path) == (other, one.method, one.path) for other, one in calls[:index]
        )
        for kind in KINDS.values():
            yield (
                service,
                Fault(path=re.escape(call.path), method=call.method, skip=before, **kind),
            )


def journal(house: House, service: str) -> Journal:
    return house.flowdock_journal if service == "flowdock" else house.github_journal


async def undo_all(cy: Installer) -> None:
    """Back to a house where nothing is connected."""
    for connection in await cy.house.services.connections.all():
        left = await cy.house.services.connecting.disconnect(
            connection, access_token=cy.access_token, user=cy.user
        )
        assert left == []
    await assert_nothing(cy)


async def test_whichever_call_fails_nothing_is_orphaned_and_the_second_try_completes_it(
    cy: Installer, component: Repository
) -> None:
    calls = await calls_of_a_good_run(cy, component)
    await undo_all(cy)
    assert [f"{call.method} {call.path.rpartition('/')[2]}" for _, call in calls] == [
        "GET sources", "POST sources", "GET hooks", f"GET {COMPONENT_ID}", "GET hooks", "POST hooks",
    ]  # fmt: skip
    failed = set()
    for service, fault in break_each(calls):
        forget_calls(cy.house)
        journal(cy.house, service).faults.append(fault)
        try:
            await cy.connect(component)
        except BridgeError:
            failed.add((service, fault.method, fault.path))
            forget_calls(cy.house)
            await assert_nothing(cy)
        # aiohttp itself tries a GET again whose kept connection was cut: then it went well.
        assert fault.times == 0, f"{fault} was not met"
        forget_calls(cy.house)
        await cy.connect(component)
        await assert_whole(cy)
        await undo_all(cy)
    assert len(failed) == len({(service, call.method, call.path) for service, call in calls})


@pytest.mark.parametrize("effect", ["before", "after"])
@pytest.mark.parametrize("call", ["add", "change", "forget"])
async def test_redis_away_in_the_middle_leaves_nothing(
    cy: Installer, component: Repository, monkeypatch: pytest.MonkeyPatch, call: str, effect: str
) -> None:
    owner = Intents if call == "forget" else ConnectionStore
    works = getattr(owner, call)

    async def breaks(*args: Any, **changes: Any) -> Any:
        monkeypatch.setattr(owner, call, works)
        if effect == "after":
            await works(*args, **changes)
        raise ConnectionError("Redis is away")

    monkeypatch.setattr(owner, call, breaks)
    with pytest.raises(ConnectionError):
        await cy.connect(component)
    await assert_nothing(cy)
    await cy.connect(component)
    await assert_whole(cy)


async def test_while_redis_is_away_nothing_is_undone_and_then_all_is(
    cy: Installer, component: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any, **__: Any) -> Any:
        raise ConnectionError("Redis is away")

    with monkeypatch.context() as broken:
        broken.setattr(ConnectionStore, "change", away)
        broken.setattr(ConnectionStore, "remove", away)
        with pytest.raises(ConnectionError):
            await cy.connect(component)
    assert (len(await cy.sources()), len(await cy.hooks())) == (1, 1)
    await cy.house.services.connecting.tidy()
    await assert_nothing(cy)


async def test_whichever_call_a_crash_follows_tidying_leaves_nothing(
    cy: Installer, component: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash is a run whose undoing never happens: what is noted in Redis is all that is left of it."""
    calls = await calls_of_a_good_run(cy, component)
    await undo_all(cy)
    found = 0
    for service, fault in break_each(calls):
        for clean in ("tidy", "connect"):
            forget_calls(cy.house)
            journal(cy.house, service).faults.append(replace(fault))
            with monkeypatch.context() as crashed:
                crashed.setattr(Rollback, "undo", _crash)
                try:
                    await cy.connect(component)
                except BridgeError:
                    found += len(await left_intents(cy.house))
                else:
                    await undo_all(cy)
            forget_calls(cy.house)
            if clean == "connect":
                await cy.connect(component)
                await assert_whole(cy)
                await undo_all(cy)
            await cy.house.services.connecting.tidy()
            await assert_nothing(cy)
    assert found >= 2 * 2 * len(KINDS), "each crash after a source or a hook is made leaves an intent"


async def _crash(*_: Any, **__: Any) -> bool:
    return False


async def test_a_cancelled_process_leaves_an_intent_that_tidying_undoes(
    cy: Installer, component: Repository
) -> None:
    cy.house.github_journal.faults.append(Fault(path=".*/hooks", method="POST", delay=1, status=500))
    connecting = cy.house.services.connecting
    waiting = asyncio.create_task(cy.connect(component))
    await eventually(cy.sources)
    await eventually(cy.house.services.connections.all)
    await connecting.settled(seconds=0)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(await left_intents(cy.house)) == 1
    await connecting.tidy()
    await assert_nothing(cy)


async def test_a_client_that_goes_away_does_not_stop_it(cy: Installer, component: Repository) -> None:
    cy.house.github_journal.faults.append(Fault(path=".*/hooks", method="POST", delay=0.3))
    waiting = asyncio.create_task(cy.connect(component))
    await eventually(cy.sources)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await cy.house.services.connecting.settled(seconds=5)
    await assert_whole(cy)


@pytest.mark.parametrize(
    ("service", "path"), [("flowdock", "/flows/acme/main/sources"), ("github", ".*/hooks")]
)
async def test_a_call_that_takes_effect_after_it_was_given_up_is_undone_later(
    cy: Installer, component: Repository, monkeypatch: pytest.MonkeyPatch, service: str, path: str
) -> None:
    monkeypatch.setattr(flowdock, "CALL_SECONDS", 0.3)
    monkeypatch.setattr(github, "CALL_SECONDS", 0.3)
    monkeypatch.setattr(rollback, "LATE_SECONDS", 2)
    journal(cy.house, service).faults.append(Fault(path=path, method="POST", delay=1))
    with pytest.raises(BridgeError):
        await cy.connect(component)
    assert len(await left_intents(cy.house)) == 1
    await eventually(cy.sources if service == "flowdock" else cy.hooks)

    async def tidied() -> bool:
        await cy.house.services.connecting.tidy()
        return not await left_intents(cy.house)

    await eventually(tidied)
    await assert_nothing(cy)


async def test_what_cannot_be_undone_now_is_undone_later(cy: Installer, component: Repository) -> None:
    cy.house.github_journal.faults.append(Fault(path=".*/hooks", method="POST", cut="after"))
    cy.house.github_journal.faults.append(Fault(path=".*/hooks.*", skip=2, status=500, times=50))
    cy.house.flowdock_journal.faults.append(Fault(method="DELETE", status=500, times=50))
    with pytest.raises(GitHubFailing):
        await cy.connect(component)
    assert await cy.house.services.connections.all() == []
    assert len(await cy.sources()) == 1
    assert len(await left_intents(cy.house)) == 1
    forget_calls(cy.house)
    await cy.house.services.connecting.tidy()
    await assert_nothing(cy)


async def test_tidying_leaves_a_connecting_under_way_alone(cy: Installer, component: Repository) -> None:
    cy.house.github_journal.faults.append(Fault(path=".*/hooks", method="POST", delay=0.5))
    waiting = asyncio.create_task(cy.connect(component))
    await eventually(lambda: left_intents(cy.house))
    await cy.house.services.connecting.tidy()
    assert (await waiting).hook == "made"
    await assert_whole(cy)


async def test_a_repository_that_somebody_holds_is_busy(
    cy: Installer, component: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intents, "WAIT_SECONDS", 0.1)
    async with Intents(cy.house.redis, cy.house.services.vault).held(COMPONENT_ID):
        with pytest.raises(Busy, match="Somebody else"):
            await cy.connect(component)
        assert cy.house.flowdock_journal.calls == cy.house.github_journal.calls == []
    assert (await cy.connect(component)).hook == "made"


async def test_intents_lie_encrypted_and_end_after_a_day(cy: Installer, component: Repository) -> None:
    cy.house.github_journal.faults.append(Fault(path=".*/hooks", method="POST", delay=0.5))
    waiting = asyncio.create_task(cy.connect(component))
    [intent] = await eventually(lambda: left_intents(cy.house))
    redis: Any = cy.house.redis
    assert intent.access_token == cy.access_token
    assert cy.access_token not in repr(intent)
    assert cy.access_token.encode() not in await redis.get(keys.intent(intent.id))
    assert 0 < await redis.ttl(keys.intent(intent.id)) <= 24 * 3600
    await waiting
    await redis.sadd(keys.INTENTS, "expired")
    assert await left_intents(cy.house) == []
    assert await redis.smembers(keys.INTENTS) == set()


async def test_disconnecting_removes_source_hook_and_connection(cy: Installer, component: Repository) -> None:
    connected = await cy.connect(component)
    left = await cy.house.services.connecting.disconnect(
        connected.connection, access_token=cy.access_token, user=cy.user
    )
    assert left == []
    await assert_nothing(cy)


async def test_the_hook_stays_while_another_flow_needs_it(cy: Installer, component: Repository) -> None:
    ann = await Installer.of(cy.house, "ann")
    await permit(cy.house, "ann-gh", "admin")
    first, second = await cy.connect(component), await ann.connect(component, flow=OPS)
    await permit(cy.house, "ann-gh", "write")
    connecting = cy.house.services.connecting
    assert await connecting.disconnect(first.connection, access_token=cy.access_token, user=cy.user) == []
    assert len(await cy.hooks()) == 1
    assert await cy.sources() == []
    # Ann administers the repository no more, and cy's connection is gone: the hook is left, and said so.
    left = await connecting.disconnect(second.connection, access_token=ann.access_token, user=ann.user)
    assert [sentence.partition("(")[0] for sentence in left] == [
        "The webhook of acme/component could not be removed "
    ]
    assert await cy.house.services.connections.all() == []


async def test_the_hook_is_removed_as_the_installer_where_the_user_may_not(
    cy: Installer, component: Repository
) -> None:
    connected = await cy.connect(component)
    ann = await Installer.of(cy.house, "ann")
    left = await cy.house.services.connecting.disconnect(
        connected.connection, access_token=ann.access_token, user=ann.user
    )
    assert left == []
    await assert_nothing(cy)


async def test_disconnecting_never_fails_for_what_is_outside(cy: Installer, component: Repository) -> None:
    connected = await cy.connect(component)
    for one in (cy.house.flowdock_journal, cy.house.github_journal):
        one.faults.append(Fault(status=500, times=50))
    left = await cy.house.services.connecting.disconnect(
        connected.connection, access_token=cy.access_token, user=cy.user
    )
    assert [sentence[:10] for sentence in left] == ["The source", "The webhoo"]
    assert await cy.house.services.connections.all() == []
    assert connected.connection.flow_token not in "".join(left)


async def test_a_flow_that_one_is_not_in_is_refused(cy: Installer, component: Repository) -> None:
    with pytest.raises(BridgeError, match="Flowdock does not show you"):
        await cy.connect(component, flow=OPS)
    await assert_nothing(cy)
    assert (await cy.connect(component, flow=MAIN)).hook == "made"
