"""A connecting that fails or is cut short leaves nothing, wherever that happens."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bridge.clients import flowdock, github_api
from bridge.clients.github_repositories import Repository
from bridge.connections import rollback
from bridge.connections.intents import Intents
from bridge.connections.rollback import Rollback
from bridge.core.errors import BridgeError, GitHubFailing
from bridge.storage import keys
from bridge.storage.connections import ConnectionStore
from scripts.sandbox.faults import Call, Fault, Journal
from tests.conftest import PATIENCE, House, eventually
from tests.kits.connecting import (
    COMPONENT_ID,
    Installer,
    assert_nothing,
    assert_whole,
    forget_calls,
    left_intents,
    undo_all,
)

KINDS: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "429": {"status": 429, "headers": {"Retry-After": "7"}},
    "cut before": {"cut": "before"},
    "cut after": {"cut": "after"},
}


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


async def test_when_any_call_fails_nothing_is_orphaned_and_a_second_try_completes(
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
    await cy.house.services.rollback.tidy()
    await assert_nothing(cy)


async def test_after_a_crash_behind_any_call_rolling_back_leaves_nothing(
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
            await cy.house.services.rollback.tidy()
            await assert_nothing(cy)
    assert found >= 2 * 2 * len(KINDS), "each crash after a source or a hook is made leaves an intent"


async def _crash(*_: Any, **__: Any) -> bool:
    return False


async def test_a_cancelled_process_leaves_an_intent_that_tidying_undoes(
    cy: Installer, component: Repository
) -> None:
    held = Fault(path=".*/hooks", method="POST", delay=PATIENCE, status=500)
    cy.house.github_journal.faults.append(held)
    connecting = cy.house.services.connect_service
    waiting = asyncio.create_task(cy.connect(component))
    await eventually(cy.sources)
    await eventually(cy.house.services.connections.all)
    await connecting.settled(seconds=0)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(await left_intents(cy.house)) == 1
    held.released.set()
    await cy.house.services.rollback.tidy()
    await assert_nothing(cy)


def hold_hooks(cy: Installer) -> Fault:
    """Have GitHub take its time for the next webhook, until the fault is released."""
    held = Fault(path=".*/hooks", method="POST", delay=PATIENCE)
    cy.house.github_journal.faults.append(held)
    return held


async def test_a_client_that_goes_away_does_not_stop_it(cy: Installer, component: Repository) -> None:
    held = hold_hooks(cy)
    waiting = asyncio.create_task(cy.connect(component))
    await eventually(cy.sources)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    held.released.set()
    await cy.house.services.connect_service.settled(seconds=PATIENCE)
    await assert_whole(cy)


@pytest.mark.parametrize(
    ("service", "path"), [("flowdock", "/flows/acme/main/sources"), ("github", ".*/hooks")]
)
async def test_a_call_that_takes_effect_after_it_was_given_up_is_undone_later(
    cy: Installer, component: Repository, monkeypatch: pytest.MonkeyPatch, service: str, path: str
) -> None:
    # The other calls must be answered in this time.
    monkeypatch.setattr(flowdock, "CALL_SECONDS", 4)
    monkeypatch.setattr(github_api, "CALL_SECONDS", 4)
    monkeypatch.setattr(rollback, "LATE_SECONDS", 2)
    held = Fault(path=path, method="POST", delay=PATIENCE)
    journal(cy.house, service).faults.append(held)
    with pytest.raises(BridgeError):
        await cy.connect(component)
    held.released.set()
    assert len(await left_intents(cy.house)) == 1
    await eventually(cy.sources if service == "flowdock" else cy.hooks)

    async def tidied() -> bool:
        await cy.house.services.rollback.tidy()
        return not await left_intents(cy.house)

    await eventually(tidied)
    await assert_nothing(cy)


async def test_a_failed_rollback_is_done_later(cy: Installer, component: Repository) -> None:
    cy.house.github_journal.faults.append(Fault(path=".*/hooks", method="POST", cut="after"))
    cy.house.github_journal.faults.append(Fault(path=".*/hooks.*", skip=2, status=500, times=50))
    cy.house.flowdock_journal.faults.append(Fault(method="DELETE", status=500, times=50))
    with pytest.raises(GitHubFailing):
        await cy.connect(component)
    assert await cy.house.services.connections.all() == []
    assert len(await cy.sources()) == 1
    assert len(await left_intents(cy.house)) == 1
    forget_calls(cy.house)
    await cy.house.services.rollback.tidy()
    await assert_nothing(cy)


async def test_tidying_leaves_a_connecting_under_way_alone(cy: Installer, component: Repository) -> None:
    held = hold_hooks(cy)
    waiting = asyncio.create_task(cy.connect(component))
    await eventually(lambda: left_intents(cy.house))
    await cy.house.services.rollback.tidy()
    held.released.set()
    assert (await waiting).hook == "made"
    await assert_whole(cy)


async def test_intents_lie_encrypted_and_end_after_a_day(cy: Installer, component: Repository) -> None:
    held = hold_hooks(cy)
    waiting = asyncio.create_task(cy.connect(component))
    [intent] = await eventually(lambda: left_intents(cy.house))
    redis: Any = cy.house.redis
    assert intent.access_token == cy.access_token
    assert cy.access_token not in repr(intent)
    assert cy.access_token.encode() not in await redis.get(keys.intent(intent.id))
    assert 0 < await redis.ttl(keys.intent(intent.id)) <= 24 * 3600
    held.released.set()
    await waiting
    await redis.sadd(keys.INTENTS, "expired")
    assert await left_intents(cy.house) == []
    assert await redis.smembers(keys.INTENTS) == set()
