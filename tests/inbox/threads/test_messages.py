"""Messages and threads as Redis keeps them: once each, in order, and within bounds."""

import asyncio
import gc
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import pytest

from bridge.core.budgets import InboxBounds
from bridge.inbox import keys
from bridge.inbox.flows.flows import FlowGone
from bridge.inbox.threads import messages
from bridge.inbox.threads.changes import MessageChanges
from bridge.inbox.threads.messages import MessageStore, UnknownThread, thread_id
from bridge.inbox.threads.stored import InboxThread, StoredMessage
from bridge.storage.group_commit import GroupCommit
from tests.kits.controls import lua, unguarded

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


async def titles(store: MessageStore, listed: str = keys.threads(FLOW)) -> list[str]:
    return [one.state["title"] for one in await store.find(listed, limit=50)]


async def test_messages_have_ids_that_grow_over_all_flows(redis: Any) -> None:
    store = MessageStore(redis=redis)
    posts = [store.post(flow, SOURCE, content(number)) for number in range(20) for flow in ("f1", "f2")]
    ids = [accepted.id for accepted in await asyncio.gather(*posts)]
    assert sorted(ids) == list(range(1, 41))
    kept = [message.id for message in await store.flow_messages(FLOW)]
    assert kept == sorted(kept)
    assert set(kept) == set(ids[::2])


async def test_a_uuid_is_taken_once_in_a_flow_however_many_send_it_at_once(redis: Any) -> None:
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
    assert await titles(store, keys.open_threads(FLOW)) == ["Pull 2", "Pull 1"]


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


async def test_a_deleted_flow_takes_no_message_and_keeps_nothing(redis: Any) -> None:
    await redis.hdel(keys.FLOWS, FLOW)
    with pytest.raises(FlowGone):
        await MessageStore(redis=redis).post(FLOW, SOURCE, content(1, uuid="u"))
    assert await redis.keys("inbox:{main}:*") == [keys.FLOWS.encode()]


@unguarded(*lua("redis.call('ZCARD', notifications) >= MOST_NOTIFICATIONS", "false"))
async def test_nobodys_quiet_hours_keep_others_from_their_notifications(redis: Any) -> None:
    waiting = {f"7:{FLOW}:t{number}": 2e9 + number for number in range(20_000)}
    await redis.zadd(keys.NOTIFICATIONS, waiting)
    await redis.hset(keys.NOTIFICATION_NOTES, mapping=dict.fromkeys(waiting, "1:c"))
    await MessageStore(redis=redis).post(FLOW, SOURCE, content(1, tags=[":user:1002"]))
    [first] = await redis.zrange(keys.NOTIFICATIONS, 0, 0)
    assert first.startswith(b"1002:")
    assert await redis.zcard(keys.NOTIFICATIONS) == await redis.hlen(keys.NOTIFICATION_NOTES) == 20_000
    assert await redis.zscore(keys.NOTIFICATIONS, f"7:{FLOW}:t19999") is None


async def test_nothing_is_kept_of_a_flow_whose_messages_are_taken(redis: Any) -> None:
    def steps() -> list[Any]:
        return [one for one in gc.get_objects() if isinstance(one, GroupCommit)]

    store, others = MessageStore(redis=redis), steps()
    await asyncio.gather(*(store.post(FLOW, SOURCE, content(number)) for number in range(3)))
    assert [one for one in steps() if one not in others] == []


@unguarded("bridge.inbox.threads.messages.hash_of", lambda text: text.rpartition(":")[2])
async def test_nobody_has_anothers_message_taken_for_a_repeat(redis: Any) -> None:
    store = MessageStore(redis=redis)
    await store.post(FLOW, 8, content(1, uuid="u"))
    assert not (await store.post(FLOW, SOURCE, content(1, uuid="u"))).is_repeat
    [thread, _] = await store.threads(FLOW)
    words = {"event": "message", "content": "x", "uuid": "u"}
    repeats = [(await store.reply(FLOW, thread.id, author, words)).is_repeat for author in (1, 2, 1)]
    assert repeats == [False, False, True]


async def test_a_repeat_is_noticed_among_the_newest_messages_of_a_flow(
    redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "UUIDS", 3)
    store = MessageStore(redis=redis)
    for uuid in "abcd":
        await store.post(FLOW, SOURCE, content(1, uuid=uuid))
    repeats = [(await store.post(FLOW, SOURCE, content(1, uuid=uuid))).is_repeat for uuid in "da"]
    assert repeats == [True, False]


class Talk(NamedTuple):
    """A thread in which somebody writes, and changes their words."""

    store: MessageStore
    thread: InboxThread

    @classmethod
    async def begin(cls, redis: Any, **bounds: int) -> Self:
        store = MessageStore(redis=redis, bounds=InboxBounds(**bounds))
        await store.post(FLOW, SOURCE, content(1))
        [thread] = await store.threads(FLOW)
        return cls(store, thread)

    async def say(self, words: str) -> StoredMessage:
        said = await self.store.reply(FLOW, self.thread.id, 7, _spoken(words))
        [message] = [await self.store.message(FLOW, said.id)]
        assert message
        return message

    async def change(self, message: StoredMessage, words: str) -> None:
        new = _spoken(words) if words else None
        await MessageChanges(redis=self.store.redis, bounds=self.store.bounds).change(message, 7, new)

    async def spoken(self) -> list[str]:
        return [one.content.get("content", "") for one in await self.store.messages(self.thread)]

    async def are_found(self, *words: str) -> bool:
        return bool(await self.store.find(keys.threads(FLOW), words=words, limit=1))


def _spoken(words: str) -> dict[str, Any]:
    return {"event": "message", "content": words, "author": {"name": "Ann"}}


async def test_changing_ones_messages_takes_no_room_beyond_the_bounds(redis: Any) -> None:
    talk = await Talk.begin(redis, thread_messages=3)
    for number in range(6):
        await talk.change(await talk.say(f"{number}"), f"{number}!")
        assert len(await talk.spoken()) <= 3
    assert await talk.spoken() == ["3!", "4!", "5!"]
    await talk.say("6")
    assert await talk.spoken() == ["4!", "5!", "6"], "the oldest goes, never the newest"
    of_flow, of_thread = keys.usage(FLOW), keys.thread(talk.thread.id)
    assert await redis.hget(of_flow, "bytes") == await redis.hget(of_thread, "bytes")


@pytest.mark.parametrize("is_changed", [False, True])
async def test_a_thread_that_is_alone_makes_room_itself(redis: Any, is_changed: bool) -> None:
    talk = await Talk.begin(redis, size=20_000)
    for number in range(30):
        message = await talk.say(f"{number} {'x' * 2000}")
        if is_changed:
            await talk.change(message, f"{number} {'y' * 2000}")
        assert int(await redis.hget(keys.usage(FLOW), "bytes")) <= 20_000 + 200
    kept = [int(words.split()[0]) for words in await talk.spoken()]
    assert (kept, len(kept) > 3) == (list(range(kept[0], 30)), True)


async def test_no_part_of_a_deleted_message_is_found(redis: Any) -> None:
    talk = await Talk.begin(redis)
    told = [await talk.say(f"begin{number} {'ä ' * 290} end{number}") for number in range(9)]
    assert await talk.are_found("end8")
    for number, message in enumerate(told):
        await talk.change(message, "")
        for word in (f"begin{number}", f"end{number}", *(["ä"] if number == 8 else [])):
            assert not await talk.are_found(word), word


async def test_a_change_finds_its_own_message_among_those_that_end_alike(redis: Any) -> None:
    talk = await Talk.begin(redis)
    store, thread = talk.store, talk.thread.id
    await store.reply(FLOW, thread, 8, {"event": "message", "content": "hi", "author": {"name": "JoAnn"}})
    await talk.change(await talk.say("hi"), "secret")
    assert b"joann hi\nann secret\n" in await redis.hget(keys.thread(thread), "said")


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
async def test_a_thread_keeps_its_newest_messages(redis: Any, guarded: bool) -> None:
    store = MessageStore(redis=redis, bounds=InboxBounds(thread_messages=3 if guarded else 1000))
    for _ in range(6):
        await store.post(FLOW, SOURCE, content(1))
    [thread] = await store.threads(FLOW)
    assert [one.id for one in await store.messages(thread)] == ([4, 5, 6] if guarded else list(range(1, 7)))
    assert thread.activities == 6
