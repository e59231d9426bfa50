"""Deletion of a flow, at whatever point a crash interrupts it, and of a person."""

from typing import Any

import orjson
import pytest

from bridge.inbox import keys
from bridge.inbox.deletion import FlowDeletion
from bridge.inbox.flows.flows import FlowGone, FlowStore, TeamFlow
from bridge.inbox.flows.sources import SourceStore
from bridge.inbox.threads.messages import MessageStore
from tests.inbox.conftest import read_all
from tests.inbox.flows.test_flows import made
from tests.inbox.threads.test_messages import content


class Crash(Exception):
    """The process dies here."""


class Ends:
    """Connections that note what was ended; the first times it dies on the way."""

    def __init__(self, *, crashes: int = 0) -> None:
        self.ended: list[tuple[str, int]] = []
        self.crashes = crashes

    async def end(self, flow_path: str, person_id: int) -> None:
        if self.crashes:
            self.crashes -= 1
            raise Crash
        self.ended.append((flow_path, person_id))


async def full(redis: Any, slug: str) -> tuple[TeamFlow, str]:
    """A flow with two members, a source that posted, one that was removed, and its flow token."""
    flow, sources = await made(redis, slug), SourceStore(redis)
    await FlowStore(redis).join(flow.id, 2)
    (source, token), (gone, _) = [
        await sources.make(flow.id, name=name, external_url="", client_id="c", creator=1)
        for name in ("one", "two")
    ]
    await sources.remove(gone)
    await MessageStore(redis=redis).post(flow.id, source.id, content(1, uuid="u"))
    return flow, token


async def dump(redis: Any) -> dict[bytes, Any]:
    """All that there is of flows, but for what counts on for good."""
    return await read_all(redis, but=[keys.LAST_MESSAGE, keys.LAST_SOURCE, keys.NEWS])


class Interrupted(FlowDeletion):
    """Dies once before it deletes what is left of a flow."""

    crashes = 1

    async def _delete(self, flow_id: str, flow: dict[str, Any]) -> None:
        if self.crashes:
            self.crashes -= 1
            await self.messages.trim(flow_id, all_of_it=True)
            raise Crash
        await super()._delete(flow_id, flow)


@pytest.mark.parametrize("crashes", [0, 2])
async def test_nothing_is_left_of_a_flow_and_nothing_of_another_is_touched(redis: Any, crashes: int) -> None:
    other, _ = await full(redis, "other")
    before = await dump(redis)
    flow, token = await full(redis, "main")
    ends = Ends(crashes=crashes)
    messages, sources, store = MessageStore(redis=redis), SourceStore(redis), FlowStore(redis)
    deletion = Interrupted(redis=redis, messages=messages, connections=ends)
    deletion.crashes = crashes
    await deletion.begin(flow, by=1)
    for _ in range(2 * crashes):
        with pytest.raises(Crash):
            await deletion.finish()
        assert (await store.get(flow.id), await store.at("team/main"), await store.of(1)) == (
            None,
            None,
            [other],
        )
        assert await store.make(organization="team", slug="main", name="Main", owner=3) is None
    await deletion.finish()
    assert ends.ended == [("team/main", 1)]
    assert await sources.of_token(token) is None
    assert await dump(redis) == before
    assert await store.make(organization="team", slug="main", name="Main", owner=3)


async def test_sources_of_version_0_2_are_deleted_too(redis: Any) -> None:
    """It kept no hash of the flow token with a source, and no list of removed sources."""
    before = await dump(redis)
    flow, token = await full(redis, "main")
    for name, data in (await redis.hgetall(keys.SOURCES)).items():
        fields = orjson.loads(data)
        del fields["token_hash"]
        await redis.hset(keys.SOURCES, name, orjson.dumps(fields))
    await redis.delete(keys.removed_sources(flow.id))
    source = await SourceStore(redis).of_token(token)
    assert source
    assert await SourceStore(redis).of(flow.id) == [source]
    deletion = FlowDeletion(redis=redis, messages=MessageStore(redis=redis), connections=Ends())
    await deletion.begin(flow, by=1)
    await deletion.finish()
    assert await dump(redis) == before


async def test_last_words_still_come_in_while_connections_end(redis: Any) -> None:
    flow, token = await full(redis, "main")
    messages, sources = MessageStore(redis=redis), SourceStore(redis)
    source = await sources.of_token(token)
    assert source
    source_id = source.id

    class Speaking(Ends):
        async def end(self, flow_path: str, person_id: int) -> None:
            await messages.post(flow.id, source_id, content(1, status="no longer shown"))
            await super().end(flow_path, person_id)

    deletion = FlowDeletion(redis=redis, messages=messages, connections=Speaking())
    await deletion.begin(flow, by=1)
    await deletion.finish()
    with pytest.raises(FlowGone):
        await messages.post(flow.id, source_id, content(1))
    with pytest.raises(FlowGone):
        await deletion.begin(flow, by=1)
    assert await redis.keys(f"inbox:{{main}}:*{flow.id}*") == []
