"""Looks into the queue: one connection's entries and no other's, without their payloads, changing nothing."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.core.errors import NotFound
from bridge.core.model import Envelope
from bridge.queue import inspect as queue_view
from bridge.queue.entries import Attempts, IncomingDelivery
from bridge.queue.inspect import QueueView
from bridge.storage import keys
from tests.kits.queue import PARTITION, REPOSITORY_ID, Queue, open_queue, outbox_message

SAME_PARTITION = next(other for other in range(1, 10_000) if keys.partition_of(other) == PARTITION)


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[Queue]:
    async with open_queue(redis_url) as opened:
        yield opened


async def put(
    queue: Queue, delivery_id: str, repository_id: int = REPOSITORY_ID, body: bytes = b"{}"
) -> None:
    envelope = Envelope(id=delivery_id, event="pull_request", body=body)
    await queue.deliveries.enqueue([IncomingDelivery.of(envelope, repository_id=repository_id, number=7)])


async def dead_letter(queue: Queue, delivery_id: str, *, to: str = "", reason: str = "why") -> None:
    """A delivery dies, or its message to a connection."""
    entry: Any = await queue.taken(delivery_id, number=7)
    if to:
        (entry,) = await queue.commit(
            entry, messages=[replace(outbox_message(delivery_id, to=to), event="push", action="x")]
        )
    await queue.deliveries.dead_letter(queue.lease, entry, reason=reason, detail="detail")


async def test_waiting_are_the_repositorys_deliveries_and_the_connections_messages(queue: Queue) -> None:
    entry = await queue.taken("told", number=3)
    await queue.commit(
        entry, messages=[outbox_message("told", to="c1", number=3), outbox_message("told", to="c2", number=4)]
    )
    await put(queue, "waits")
    await put(queue, "elsewhere", SAME_PARTITION)
    view = QueueView(queue.redis)
    found = [(one.kind, one.delivery_id, one.number) for one in await view.queued(REPOSITORY_ID, "c1")]
    assert found == [("inbox", "waits", 7), ("outbox", "told", 3)]
    found = [(one.kind, one.delivery_id, one.number) for one in await view.queued(SAME_PARTITION, "c3")]
    assert found == [("inbox", "elsewhere", 7)]


async def test_a_tried_entry_says_how_often_and_when_next(queue: Queue) -> None:
    entry = await queue.taken("d1")
    attempts = Attempts(count=3, next_at=9e9, reason="Flowdock answered 503")
    await queue.deliveries.record_attempt(queue.lease, entry, attempts)
    await put(queue, "d2")
    found = await QueueView(queue.redis).queued(REPOSITORY_ID, "c1")
    assert [one.attempts for one in found] == [attempts, None]


async def test_dead_letters_are_the_connections_own_and_its_repositorys(queue: Queue) -> None:
    await dead_letter(queue, "whole")
    await dead_letter(queue, "mine", to="c1", reason="refused")
    await dead_letter(queue, "theirs", to="c2")
    view = QueueView(queue.redis)
    found = [
        (one.kind, one.delivery_id, one.event, one.reason)
        for one in await view.dead_letters(REPOSITORY_ID, "c1")
    ]
    assert found == [("outbox", "mine", "push", "refused"), ("inbox", "whole", "pull_request", "why")]
    assert [one.delivery_id for one in await view.dead_letters(SAME_PARTITION, "c3")] == []


async def test_another_connections_dead_letter_is_not_to_be_had(queue: Queue) -> None:
    await dead_letter(queue, "theirs", to="c2")
    view = QueueView(queue.redis)
    (theirs,) = await view.dead_letters(REPOSITORY_ID, "c2")
    with pytest.raises(NotFound):
        await view.dead_letter(REPOSITORY_ID, "c1", theirs.id)
    for odd in ("", "x", "3-", f"{PARTITION}-9-9", "99-1-0", "*"):
        with pytest.raises(NotFound):
            await view.dead_letter(REPOSITORY_ID, "c2", odd)


async def test_a_dead_letter_is_whole_enough_to_be_redriven(queue: Queue) -> None:
    await dead_letter(queue, "whole")
    await dead_letter(queue, "mine", to="c1")
    view = QueueView(queue.redis)
    assert await queue.deliveries.dead_letters() == [
        await view.dead_letter(REPOSITORY_ID, "c1", one.id)
        for one in reversed(await view.dead_letters(REPOSITORY_ID, "c1"))
    ]


async def test_a_redriven_message_waits_for_its_own_connection_alone(queue: Queue) -> None:
    await dead_letter(queue, "mine", to="c1")
    view = QueueView(queue.redis)
    (mine,) = await view.dead_letters(REPOSITORY_ID, "c1")
    await queue.deliveries.redrive(await view.dead_letter(REPOSITORY_ID, "c1", mine.id))
    (waits,) = await view.queued(REPOSITORY_ID, "c1")
    assert (waits.kind, waits.delivery_id, waits.event, waits.action) == ("inbox", "mine", "push", "x")
    assert await view.queued(REPOSITORY_ID, "c2") == []


async def test_a_letter_of_another_version_is_shown_as_far_as_it_tells(queue: Queue) -> None:
    redis: Any = queue.redis
    odd = json.dumps({"connection_id": "c1", "delivery_id": "d"}, separators=(",", ":"))
    await redis.xadd(keys.outbox(PARTITION), {"message": odd})
    (found,) = await QueueView(queue.redis).queued(REPOSITORY_ID, "c1")
    assert (found.delivery_id, found.event, found.number) == ("d", "", 0)


async def test_a_long_queue_is_read_in_steps_and_not_to_its_end(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_view, "STEP", 3)
    monkeypatch.setattr(queue_view, "MOST_STEPS", 4)
    for at in range(20):
        await put(queue, f"d{at}", SAME_PARTITION if at % 2 else REPOSITORY_ID)
    found = await QueueView(queue.redis).queued(REPOSITORY_ID, "c1")
    assert [one.delivery_id for one in found] == ["d0", "d2", "d4", "d6", "d8", "d10"]


async def test_looking_changes_nothing(queue: Queue) -> None:
    await dead_letter(queue, "mine", to="c1")
    await put(queue, "waits")
    before = await queue.everything()
    view = QueueView(queue.redis)
    await view.queued(REPOSITORY_ID, "c1")
    (mine,) = await view.dead_letters(REPOSITORY_ID, "c1")
    await view.dead_letter(REPOSITORY_ID, "c1", mine.id)
    assert await queue.everything() == before
