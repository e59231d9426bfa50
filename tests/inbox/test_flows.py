"""Flows and who is in them."""

import asyncio
from typing import Any

from bridge.inbox.flows import FlowStore, TeamFlow


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


async def test_who_joins_is_in_and_who_leaves_is_out_and_owns_nothing(redis: Any) -> None:
    store, flow = FlowStore(redis), await made(redis)
    await store.join(flow.id, 2)
    assert (await store.has(flow.id, 2), await store.has(flow.id, 3)) == (True, False)
    await store.leave(flow.id, 1)
    assert (await store.members(flow.id), await store.of(1)) == ({2}, [])
    left = await store.get(flow.id)
    assert left
    assert left.owners == ()
    await made(redis, "a")
    await made(redis, "B")
    assert [one.name for one in await store.of(1)] == ["A", "B"]
