"""Messages and threads as Redis keeps them: once each, in order, and within bounds."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bridge.core.budgets import InboxBounds
from bridge.inbox import keys, messages
from bridge.inbox.changes import MessageChanges
from bridge.inbox.flows import FlowGone
from bridge.inbox.messages import MessageStore, UnknownThread, thread_id

FLOW, SOURCE = "f1", 7


@pytest.fixture(autouse=True)
async def flows(redis: Any) -> None:
    """The flows are there, to take messages."""
    for flow in (FLOW, "f2"):
        await redis.hset(keys.FLOWS, flow, "{}")


def content(number: int, *, status: str = "open", **fields: Any) -> dict[str, Any]:
    """A message about pull request `number`, with its thread."""
    return {
        "event": "activity",
        "title": "opened it",
        "author": {"name": "Ann"},
        "external_thread_id": f"pr:{number}",
        "thread": {"title": f"Pull {number}", "status": {"color": "green", "value": status}},
        **fields,
    }


def a_pull(
    *holders: int, number: int = 1, author: int = 1001, involved: Sequence[int] = (), **fields: Any
) -> dict[str, Any]:
    """The member `bridge` of a thread: it is the turn of these people."""
    account = {"id": author, "login": f"person-{author}"}
    people = [{"id": one, "login": f"person-{one}", "since": 1_795_802_400_000} for one in holders]
    who = ", ".join(f"person-{one}" for one in holders) or "checks"
    step = {"kind": "review", "who": who, "why": "to review", "people": people, **fields}
    return {
        "repository": "acme/component",
        "number": number,
        "author": account,
        "people": [{"id": one, "login": f"person-{one}"} for one in involved],
        "turn": step,
    }


async def titles(store: MessageStore, *, only_open: bool = False) -> list[str]:
    return [one.state["title"] for one in await store.threads(FLOW, only_open=only_open)]


async def test_messages_have_ids_that_grow_over_all_flows(redis: Any) -> None:
    store = MessageStore(redis=redis)
    posts = [store.post(flow, SOURCE, content(number)) for number in range(20) for flow in ("f1", "f2")]
    ids = [accepted.id for accepted in await asyncio.gather(*posts)]
    assert sorted(ids) == list(range(1, 41))
    kept = [message.id for message in await store.flow_messages(FLOW)]
    assert kept == sorted(kept)
    assert set(kept) == set(ids[::2])


async def test_a_uuid_is_taken_once_in_a_flow_however_many_bring_it_at_once(redis: Any) -> None:
    store = MessageStore(redis=redis)
    taken = await asyncio.gather(*(store.post(FLOW, SOURCE, content(1, uuid="u")) for _ in range(20)))
    assert {one.id for one in taken} == {1}
    assert sum(one.is_repeat for one in taken) == 19
    [thread] = await store.threads(FLOW)
    assert (thread.activities, len(await store.messages(thread))) == (1, 1)
    other = await store.post("f2", SOURCE, content(1, uuid="u"))
    assert not other.is_repeat


async def test_a_thread_has_the_state_of_the_last_message_that_brought_one(redis: Any) -> None:
    store = MessageStore(redis=redis)
    await store.post(FLOW, SOURCE, content(1))
    spoken = content(1, event="discussion", body="<p>Hm.</p>")
    del spoken["thread"]
    await store.post(FLOW, SOURCE, spoken)
    await store.reply(FLOW, thread_id(SOURCE, "pr:1"), 1001, {"event": "message", "content": "Fine."})
    [thread] = await store.threads(FLOW)
    assert thread.state["title"] == "Pull 1"
    assert (thread.activities, thread.discussions, thread.comments) == (1, 1, 1)
    assert (thread.newest.author, thread.newest.content["content"]) == (1001, "Fine.")
    assert [one.content["event"] for one in await store.messages(thread)] == [
        "activity",
        "discussion",
        "message",
    ]


async def test_a_message_without_state_starts_no_thread_and_leaves_nothing(redis: Any) -> None:
    store = MessageStore(redis=redis)
    with pytest.raises(UnknownThread):
        await store.post(FLOW, SOURCE, content(1, uuid="u", thread=None))
    assert await store.threads(FLOW) == []
    assert not (await store.post(FLOW, SOURCE, content(1, uuid="u"))).is_repeat


async def test_threads_are_listed_by_activity_and_the_closed_ones_apart(redis: Any) -> None:
    store = MessageStore(redis=redis)
    for number, status in ((1, "open"), (2, "merged"), (3, "open"), (1, "open"), (3, "closed"), (2, "open")):
        await store.post(FLOW, SOURCE, content(number, status=status))
    assert await titles(store) == ["Pull 2", "Pull 3", "Pull 1"]
    assert await titles(store, only_open=True) == ["Pull 2", "Pull 1"]


async def test_threads_and_messages_are_paged(redis: Any) -> None:
    store = MessageStore(redis=redis)
    for number in range(5):
        await store.post(FLOW, SOURCE, content(number))
    first = await store.threads(FLOW, limit=2)
    second = await store.threads(FLOW, limit=2, before=first[-1].newest.id)
    assert [one.state["title"] for one in (*first, *second)] == ["Pull 4", "Pull 3", "Pull 2", "Pull 1"]
    assert [one.id for one in await store.flow_messages(FLOW, before=4, limit=2)] == [2, 3]
    assert [one.id for one in await store.flow_messages(FLOW, after=1, limit=2, newest=False)] == [2, 3]


@pytest.mark.parametrize(
    "bounds",
    [InboxBounds(threads=3), InboxBounds(size=4000, threads=1000)],
    ids=["number", "bytes"],
)
async def test_the_threads_longest_without_a_message_make_room(redis: Any, bounds: InboxBounds) -> None:
    store = MessageStore(redis=redis, bounds=bounds)
    for number in range(12):
        await store.post(FLOW, SOURCE, content(number))
        await store.post(FLOW, SOURCE, content(0))
    kept = await titles(store)
    assert kept[0] == "Pull 0"
    assert kept[1:] == [f"Pull {number}" for number in range(11, 12 - len(kept), -1)]
    assert 1 < len(kept) < 12
    assert len(await redis.keys("inbox:{main}:thread:*")) == len(await redis.keys("inbox:{main}:entries:*"))
    assert len(await store.flow_messages(FLOW)) == sum(
        [len(await store.messages(t)) for t in await store.threads(FLOW)]
    )
    assert int(await redis.hget("inbox:{main}:usage:f1", "bytes")) == sum(
        [int(await redis.hget(key, "bytes")) for key in await redis.keys("inbox:{main}:thread:*")]
    )


async def test_threads_without_a_message_for_too_long_go(redis: Any) -> None:
    await MessageStore(redis=redis).post(FLOW, SOURCE, content(1))
    await MessageStore(redis=redis, bounds=InboxBounds(days=-1)).post(FLOW, SOURCE, content(2))
    assert await titles(MessageStore(redis=redis)) == ["Pull 2"]


async def test_a_sweep_finds_old_threads_in_a_quiet_flow_and_0_is_no_bound(
    redis: Any,
) -> None:
    await MessageStore(redis=redis).post(FLOW, SOURCE, content(1))
    quiet = MessageStore(redis=redis, bounds=InboxBounds(days=1, size=0))
    assert not await quiet.trim(FLOW)
    assert await titles(quiet) == ["Pull 1"]
    assert not await MessageStore(redis=redis, bounds=InboxBounds(days=-1)).trim(FLOW)
    assert await titles(quiet) == []
    assert await redis.keys("inbox:{main}:thread:*") == await redis.keys("inbox:{main}:entries:*") == []


async def test_a_flow_that_is_gone_takes_no_message_and_keeps_nothing(redis: Any) -> None:
    await redis.hdel(keys.FLOWS, FLOW)
    with pytest.raises(FlowGone):
        await MessageStore(redis=redis).post(FLOW, SOURCE, content(1, uuid="u"))
    assert await redis.keys("inbox:{main}:*") == [keys.FLOWS.encode()]


async def test_a_repeat_is_noticed_among_the_newest_messages_of_a_flow(
    redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "UUIDS", 3)
    store = MessageStore(redis=redis)
    for uuid in "abcd":
        await store.post(FLOW, SOURCE, content(1, uuid=uuid))
    repeats = [(await store.post(FLOW, SOURCE, content(1, uuid=uuid))).is_repeat for uuid in "da"]
    assert repeats == [True, False]


async def test_messages_that_were_changed_count_among_those_of_a_thread(redis: Any) -> None:
    bounds = InboxBounds(thread_messages=2)
    store, changes = MessageStore(redis=redis, bounds=bounds), MessageChanges(redis=redis, bounds=bounds)
    await store.post(FLOW, SOURCE, content(1))
    [thread] = await store.threads(FLOW)
    for number in range(4):
        words = {"event": "message", "content": f"{number}"}
        said = await store.reply(FLOW, thread.id, 7, words)
        message = await store.message(FLOW, said.id)
        assert message
        await changes.change(message, 7, {**words, "content": f"{number}!"})
    spoken = [one.content["content"] for one in await store.messages(thread)]
    assert spoken == ["0!", "1!", "2!", "3!"], "no message goes for being the newest"
    await store.reply(FLOW, thread.id, 7, {"event": "message", "content": "4"})
    [*_, newest] = await store.messages(thread)
    assert newest.content["content"] == "4"


async def test_a_thread_keeps_its_newest_messages(redis: Any) -> None:
    store = MessageStore(redis=redis, bounds=InboxBounds(thread_messages=3))
    for _ in range(6):
        await store.post(FLOW, SOURCE, content(1))
    [thread] = await store.threads(FLOW)
    assert [one.id for one in await store.messages(thread)] == [4, 5, 6]
    assert thread.activities == 6
