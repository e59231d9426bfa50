"""Flows and who is in them."""

import asyncio
from typing import Any

import pytest

from bridge.core.errors import NotFound
from bridge.inbox import keys
from bridge.inbox.flows.flows import FlowGone, FlowStore, LastFlowOwner, TeamFlow
from tests.kits.controls import lua, unguarded


async def made(redis: Any, slug: str = "main", owner: int = 1) -> TeamFlow:
    flow = await FlowStore(redis).make(organization="team", slug=slug, name=slug.title(), owner=owner)
    assert flow
    return flow


async def test_a_path_is_taken_once_however_many_ask_at_once(redis: Any) -> None:
    store = FlowStore(redis)
    asked = [
        store.make(organization="team", slug=slug, name="Main", owner=number)
        for number, slug in enumerate(["main", "Main"] * 5, start=1)
    ]
    flows = [flow for flow in await asyncio.gather(*asked) if flow]
    assert len(flows) == 1
    assert await store.at("team/MAIN") == flows[0]
    assert await store.members(flows[0].id) == set(flows[0].owners)
    assert [one for number in range(1, 11) for one in await store.of(number)] == flows


async def test_a_person_who_joins_is_in_and_one_who_leaves_is_out_and_owns_nothing(redis: Any) -> None:
    store, flow = FlowStore(redis), await made(redis)
    await store.join(flow.id, 2)
    assert (await store.may_see(flow.id, 2), await store.may_see(flow.id, 3)) == (True, False)
    with pytest.raises(LastFlowOwner):
        await store.leave(flow.id, 1)
    assert await store.members(flow.id) == {1, 2}
    await store.make_owner(flow.id, 2)
    await store.leave(flow.id, 1)
    assert (await store.members(flow.id), await store.of(1), await owners(store, flow)) == ({2}, [], {2})
    await store.leave(flow.id, 2, is_forced=True)
    assert (await store.members(flow.id), await owners(store, flow)) == (set(), set())
    await made(redis, "a")
    await made(redis, "B")
    assert [one.name for one in await store.of(1)] == ["A", "B"]


async def owners(store: FlowStore, flow: TeamFlow) -> set[int]:
    found = await store.get(flow.id)
    assert found
    return set(found.owners)


@unguarded(*lua("redis.call('SISMEMBER', members, person) == 0", "false"))
async def test_only_members_become_owners_of_a_flow_and_the_last_one_stays(redis: Any) -> None:
    store, flow = FlowStore(redis), await made(redis, owner=2**53 - 1)
    with pytest.raises(NotFound):
        await store.make_owner(flow.id, 2)
    with pytest.raises(LastFlowOwner):
        await store.make_member(flow.id, 2**53 - 1)
    assert await owners(store, flow) == {2**53 - 1}, "Lua counts in doubles: no digit is lost"


async def test_two_changes_of_a_flow_at_once_both_stay(redis: Any) -> None:
    store, flow = FlowStore(redis), await made(redis)
    for person in range(2, 12):
        await store.join(flow.id, person)
    await asyncio.gather(
        *(store.make_owner(flow.id, person) for person in range(2, 12)),
        store.change(flow.id, name="Other"),
        store.change(flow.id, is_archived=True),
    )
    assert await owners(store, flow) == set(range(1, 12))
    left = await asyncio.gather(
        *(store.leave(flow.id, person) for person in range(1, 12)), return_exceptions=True
    )
    assert sum(isinstance(one, LastFlowOwner) for one in left) == 1, "the last one stays, whoever it is"
    [found] = await store.all()
    assert (found.name, found.is_archived, len(found.owners)) == ("Other", True, 1)
    assert set(found.owners) == await store.members(flow.id)


@unguarded(*lua("if not found then return 'gone' end", """found = found or '{"owners":{}}'"""))
async def test_a_deleted_flow_is_not_changed_and_nobody_joins_it(redis: Any) -> None:
    store, flow = FlowStore(redis), await made(redis)
    await redis.hdel(keys.FLOWS, flow.id)
    with pytest.raises(FlowGone):
        await store.join(flow.id, 2)
    with pytest.raises(FlowGone):
        await store.change(flow.id, name="Other")
    assert not await store.may_see(flow.id, 1)
    assert await redis.keys(keys.flows_of(2)) == []
