"""The durable queue on a real Redis: nothing is there twice, nothing is lost, no stranger writes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from redis.exceptions import OutOfMemoryError, RedisError

from bridge.core.errors import NotFound
from bridge.core.model import Envelope
from bridge.queue.delivery_queue import DeliveryQueue, Fenced
from bridge.queue.entries import (
    REDRIVEN,
    Ack,
    Attempts,
    InboxEntry,
    IncomingDelivery,
    Lease,
    OutboxEntry,
    load_message,
)
from bridge.storage import embedded, keys
from bridge.storage.writes import Write
from tests.kits.queue import (
    HEADS,
    PARTITION,
    REPOSITORY_ID,
    SNAPSHOT,
    Queue,
    open_queue,
    outbox_message,
    snapshot,
)


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[Queue]:
    async with open_queue(redis_url) as opened:
        yield opened


# Intake


async def test_a_delivery_id_is_taken_once_however_many_send_it_at_once(queue: Queue) -> None:
    taken = await asyncio.gather(*(queue.put("d1") for _ in range(50)))

    assert sorted(taken) == [False] * 49 + [True]
    assert [entry.delivery_id for entry in await queue.inbox()] == ["d1"]


async def test_a_delivery_comes_out_as_it_went_in_and_in_order(queue: Queue) -> None:
    bodies = {f"d{number}": bytes([number]) * number for number in range(1, 40)}
    for delivery_id, body in bodies.items():
        assert await queue.put(delivery_id, body=body, number=7)

    entries = await queue.inbox()
    assert {entry.delivery_id: entry.body for entry in entries} == bodies
    assert [entry.delivery_id for entry in entries] == list(bodies)
    assert {(entry.repository_id, entry.number, entry.event) for entry in entries} == {
        (REPOSITORY_ID, 7, "pull_request")
    }


async def test_a_reader_is_woken_by_what_comes_after_its_position(queue: Queue) -> None:
    first = await queue.taken("d1")
    reading = asyncio.create_task(
        queue.deliveries.inboxes().read({PARTITION: first.id, 3: "0"}, count=9, block_ms=60_000)
    )
    await queue.put("d2")

    assert [(partition, entry.delivery_id) for partition, entry in await reading] == [(PARTITION, "d2")]


async def test_nothing_to_read_is_nothing(queue: Queue) -> None:
    assert await queue.deliveries.inboxes().read({PARTITION: "0"}, count=9, block_ms=1) == []


async def test_a_delivery_id_is_forgotten_after_github_can_send_it_again(queue: Queue) -> None:
    await queue.put("d1")

    days = await queue.redis.ttl(keys.seen(PARTITION, "d1")) / 24 / 3600
    assert 3 < days <= 4


async def test_a_delivery_that_could_not_be_appended_is_not_taken_for_a_repeat(queue: Queue) -> None:
    await queue.redis.set(keys.inbox(PARTITION), "no stream")
    with pytest.raises(RedisError):
        await queue.put("d1")

    await queue.redis.delete(keys.inbox(PARTITION))
    assert await queue.put("d1")


# From the inbox to the outbox


async def test_when_the_last_was_taken_is_noted_once_for_a_group_and_not_for_a_repeat(queue: Queue) -> None:
    redis: Any = queue.redis

    async def noted(at: float, *names: str) -> bytes | None:
        """The notes of these deliveries alone, which come together."""
        await redis.delete(keys.received(PARTITION))
        envelopes = [Envelope(id=name, event="push", body=b"{}") for name in names]
        await queue.deliveries.enqueue(
            [
                msgspec.structs.replace(
                    IncomingDelivery.of(one, repository_id=REPOSITORY_ID, number=0), received_at=at
                )
                for one in envelopes
            ]
        )
        found: bytes | None = await redis.get(keys.received(PARTITION))
        return found

    assert await noted(100.2, "a", "b") == b"100.2"
    assert await noted(102.0, "a") is None
    assert await noted(102.1, "c", "a") == b"102.1"
    assert await noted(99.0, "h") == b"99.0", "the clock was set back"


async def test_an_entry_does_not_show_what_it_carries(queue: Queue) -> None:
    await queue.put("d1", body=b"s-body")
    [entry] = await queue.inbox()
    assert entry.body == b"s-body"
    assert "s-body" not in repr(entry)
    assert "d1" in repr(entry)


async def test_commit_replaces_a_delivery_by_its_messages_and_what_it_writes(queue: Queue) -> None:
    entry = await queue.taken("d1")
    await queue.deliveries.record_attempt(queue.lease, entry, Attempts(count=1))
    messages = [outbox_message("d1", to="c1"), outbox_message("d1", to="c2")]

    committed = await queue.commit(entry, writes=[snapshot(b"new")], messages=messages)

    assert [one.message for one in committed] == messages
    assert await queue.deliveries.read_outbox(PARTITION) == committed
    assert await queue.redis.get(SNAPSHOT) == b"new"
    assert await queue.inbox() == []
    assert await queue.deliveries.read_attempts(PARTITION) == {}


async def test_commit_without_a_write_leaves_what_is_there(queue: Queue) -> None:
    first = await queue.taken("d1")
    await queue.commit(first, writes=[snapshot(b"old")], messages=[])
    second = await queue.taken("d2")
    await queue.commit(second, messages=[])

    assert await queue.redis.get(SNAPSHOT) == b"old"


async def test_values_and_members_are_written_along_and_live_for_a_time_after_that(queue: Queue) -> None:
    entry = await queue.taken("d1")
    writes = [Write("SADD", HEADS, "1", 100), snapshot(b"1"), Write("SADD", HEADS, "2", 100)]
    committed = await queue.commit(entry, writes=writes, messages=[outbox_message("d1")])
    assert [one.message for one in committed] == [outbox_message("d1")]
    assert (await queue.redis.get(SNAPSHOT), await queue.redis.smembers(HEADS)) == (b"1", {b"1", b"2"})
    assert 0 < await queue.redis.ttl(SNAPSHOT) <= 60 < await queue.redis.ttl(HEADS) <= 100

    writes = [Write("SREM", HEADS, "1", 200), snapshot(b"2")]
    await queue.ack(committed[0], writes=writes)
    assert (await queue.redis.get(SNAPSHOT), await queue.redis.smembers(HEADS)) == (b"2", {b"2"})
    assert 100 < await queue.redis.ttl(HEADS) <= 200


async def test_commit_again_after_a_lost_answer_changes_nothing_and_the_messages_of_then_are_there(
    queue: Queue,
) -> None:
    other, entry = await queue.taken("d0"), await queue.taken("d1")
    await queue.commit(other, writes=[snapshot(b"0")], messages=[outbox_message("d0")])
    messages = [outbox_message("d1", to="c1"), outbox_message("d1", to="c2")]
    first = await queue.commit(entry, writes=[snapshot(b"1")], messages=messages)
    before = await queue.everything()

    assert (
        await queue.deliveries.commit(queue.lease, [entry], writes=[snapshot(b"2")], messages=messages)
        is None
    )
    assert await queue.everything() == before
    assert await queue.deliveries.committed(queue.lease, entry) == first


async def test_deliveries_are_committed_together_in_one_step(queue: Queue) -> None:
    entries = [await queue.taken(f"d{number}") for number in range(3)]
    left = await queue.taken("d3")
    for entry in entries:
        await queue.deliveries.record_attempt(queue.lease, entry, Attempts(count=1))
    messages = [outbox_message("d0"), outbox_message("d2", to="c2"), outbox_message("d2", to="c1")]
    writes = [snapshot(b"first"), Write("SADD", HEADS, "1", 60), snapshot(b"last")]

    committed = await queue.deliveries.commit(queue.lease, entries, writes=writes, messages=messages)

    assert committed is not None
    assert [one.message for one in committed] == messages
    assert await queue.deliveries.read_outbox(PARTITION) == committed
    assert (await queue.redis.get(SNAPSHOT), await queue.redis.smembers(HEADS)) == (b"last", {b"1"})
    assert await queue.inbox() == [left]
    assert await queue.deliveries.read_attempts(PARTITION) == {}


async def test_where_one_of_several_was_committed_before_none_is_and_nothing_changes(queue: Queue) -> None:
    entries = [await queue.taken(f"d{number}") for number in range(3)]
    await queue.commit(entries[1], messages=[outbox_message("d1")])
    before = await queue.everything()

    messages = [outbox_message("d0"), outbox_message("d1"), outbox_message("d2")]
    assert (
        await queue.deliveries.commit(queue.lease, entries, writes=[snapshot(b"s")], messages=messages)
        is None
    )
    assert await queue.everything() == before


async def test_messages_keep_the_order_of_their_commits(queue: Queue) -> None:
    for number in range(20):
        entry = await queue.taken(f"d{number}")
        messages = [outbox_message(f"d{number}", to=to) for to in ("c2", "c1")]
        await queue.commit(entry, messages=messages)

    outbox = await queue.deliveries.read_outbox(PARTITION)
    messages = [one.message for one in outbox if isinstance(one, OutboxEntry)]
    assert [(one.delivery_id, one.connection_id) for one in messages] == [
        (f"d{number}", to) for number in range(20) for to in ("c2", "c1")
    ]


async def test_ack_removes_a_message_and_what_was_tried_and_may_be_repeated(queue: Queue) -> None:
    (posted, left) = await _committed(queue, "d1", "c1", "c2")
    await queue.deliveries.record_attempt(queue.lease, posted, Attempts(count=2, next_at=3.5, reason="no"))
    await queue.ack(posted)
    await queue.ack(posted)

    assert await queue.deliveries.read_outbox(PARTITION) == [left]
    assert await queue.deliveries.read_attempts(PARTITION) == {}


async def test_messages_that_end_together_each_write_what_is_theirs_once(queue: Queue) -> None:
    first, second, left = await _committed(queue, "d1", "c1", "c2", "c3")
    for posting in (first, second):
        await queue.deliveries.record_attempt(queue.lease, posting, Attempts(count=1))
    line = Write("COUNT", HEADS, "posted", 60)
    await queue.ack(first, writes=[line])
    # The first was done before: Redis did it and went away before it could say so.
    await queue.deliveries.ack(queue.lease, [Ack(first, [line]), Ack(second, [line])])

    assert await queue.deliveries.read_outbox(PARTITION) == [left]
    assert await queue.redis.hgetall(HEADS) == {b"posted": b"2"}
    assert await queue.deliveries.read_attempts(PARTITION) == {}


async def test_tries_are_kept_for_the_next_owner(queue: Queue) -> None:
    entry = await queue.taken("d1")
    (posting,) = await _committed(queue, "d2", "c1")
    await queue.deliveries.record_attempt(queue.lease, entry, Attempts(count=1, next_at=2.5, reason="down"))
    await queue.deliveries.record_attempt(queue.lease, posting, Attempts(count=4))

    assert await queue.deliveries.read_attempts(PARTITION) == {
        f"inbox:{entry.id}": Attempts(count=1, next_at=2.5, reason="down"),
        f"outbox:{posting.id}": Attempts(count=4),
    }


# Fences

Late = Callable[[DeliveryQueue, Lease, InboxEntry, OutboxEntry], Awaitable[object]]
LATE: dict[str, Late] = {
    "commit": lambda queue, lease, entry, _: queue.commit(
        lease, [entry], writes=[snapshot(b"late")], messages=[outbox_message("d1")]
    ),
    "finish": lambda queue, lease, _, posting: queue.ack(
        lease, [Ack(posting, [snapshot(b"late"), Write("SADD", HEADS, "1", 60)])]
    ),
    "record_attempt": lambda queue, lease, entry, _: queue.record_attempt(lease, entry, Attempts(count=1)),
    "record_attempt of a message": lambda queue, lease, _, posting: queue.record_attempt(
        lease, posting, Attempts()
    ),
    "dead_letter": lambda queue, lease, entry, _: queue.dead_letter(lease, entry, reason="r", detail="d"),
    "dead_letter a message": lambda queue, lease, _, posting: queue.dead_letter(
        lease, posting, reason="r", detail="d"
    ),
}


@pytest.mark.parametrize("write", LATE.values(), ids=LATE)
async def test_a_write_of_a_former_owner_is_refused_and_changes_nothing(queue: Queue, write: Late) -> None:
    (posting,) = await _committed(queue, "d0", "c1")
    entry = await queue.taken("d1")
    await queue.overtaken()
    before = await queue.everything()

    with pytest.raises(Fenced):
        await write(queue.deliveries, queue.lease, entry, posting)

    assert await queue.everything() == before


# Dead messages


async def test_a_dead_delivery_is_listed_with_its_reason_and_goes_back_behind_the_others(
    queue: Queue,
) -> None:
    entry = await queue.taken("d1", number=5)
    await queue.put("d2")
    await queue.deliveries.dead_letter(queue.lease, entry, reason="KeyError", detail="Traceback")

    (dead,) = await queue.deliveries.dead_letters()
    assert (dead.kind, dead.reason, dead.detail) == ("inbox", "KeyError", "Traceback")
    assert (dead.fields["delivery_id"], dead.fields["body"]) == ("d1", "{}")
    assert dead.dead_since > 0
    assert [one.delivery_id for one in await queue.inbox()] == ["d2"]

    await queue.deliveries.redrive(dead)
    assert await queue.deliveries.dead_letters() == []
    waiting = await queue.inbox()
    assert [one.delivery_id for one in waiting] == ["d2", "d1"]
    assert replace(waiting[1], id=entry.id) == entry


async def test_a_dead_message_goes_back_through_the_inbox(
    queue: Queue,
) -> None:
    (posting,) = await _committed(queue, "d1", "c1")
    await queue.deliveries.dead_letter(queue.lease, posting, reason="400", detail="")
    (dead,) = await queue.deliveries.dead_letters()
    assert (dead.kind, load_message(dead.fields["message"].encode())) == ("outbox", posting.message)
    assert await queue.deliveries.read_outbox(PARTITION) == []

    await queue.deliveries.redrive(dead)
    (entry,) = await queue.inbox()
    assert (entry.event, entry.delivery_id, entry.number) == (REDRIVEN, "d1", 1)
    assert load_message(entry.body) == posting.message
    assert await queue.deliveries.dead_letters() == []


async def test_a_dead_letter_can_be_redriven_or_dropped_once(queue: Queue) -> None:
    entry = await queue.taken("d1")
    await queue.deliveries.dead_letter(queue.lease, entry, reason="r", detail="")
    (dead,) = await queue.deliveries.dead_letters()
    await queue.deliveries.drop(dead)

    with pytest.raises(NotFound):
        await queue.deliveries.redrive(dead)
    assert await queue.inbox() == []
    assert await queue.put("d1"), "nothing was done with it: GitHub may send it again"


async def test_dead_letter_again_after_a_lost_answer_makes_one_dead_letter(queue: Queue) -> None:
    entry = await queue.taken("d1")
    for _ in range(2):
        await queue.deliveries.dead_letter(queue.lease, entry, reason="r", detail="")

    assert len(await queue.deliveries.dead_letters()) == 1


# A full Redis


async def test_a_full_redis_refuses_new_deliveries_and_still_drains(tmp_path: Path) -> None:
    with embedded.running(tmp_path) as url:
        async with open_queue(url) as queue:
            first, poison = await queue.taken("d1"), await queue.taken("d2")
            await queue.redis.config_set("maxmemory", 1)

            with pytest.raises(OutOfMemoryError):
                await queue.put("d3")
            assert await queue.redis.exists(keys.seen(PARTITION, "d3")) == 0

            await queue.leases.share()
            assert await queue.leases.renew(queue.lease)
            await queue.deliveries.record_attempt(queue.lease, first, Attempts(count=1))
            (posting,) = await queue.commit(first, writes=[snapshot(b"s")], messages=[outbox_message("d1")])
            await queue.ack(posting, writes=[Write("SADD", HEADS, "1", 60)])
            await queue.deliveries.dead_letter(queue.lease, poison, reason="r", detail="d")
            assert (await queue.inbox(), await queue.deliveries.read_outbox(PARTITION)) == ([], [])

            await queue.redis.config_set("maxmemory", 0)
            assert await queue.put("d3")
            assert [entry.delivery_id for entry in await queue.inbox()] == ["d3"]


async def test_a_redis_that_is_gone_is_an_error_of_redis_not_a_delivery_taken(tmp_path: Path) -> None:
    with embedded.running(tmp_path) as url:
        async with open_queue(url) as queue:
            await queue.redis.shutdown()
            with pytest.raises(RedisError):
                await queue.put("d1")


async def _committed(queue: Queue, delivery_id: str, *to: str) -> list[OutboxEntry]:
    entry = await queue.taken(delivery_id)
    messages = [outbox_message(delivery_id, to=one) for one in to]
    return await queue.commit(entry, messages=messages)
