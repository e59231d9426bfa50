"""Deliveries that come together are written together, and each gets its own answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from redis.exceptions import OutOfMemoryError

from bridge.core.model import Envelope
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.queue.entries import EnqueueResult, IncomingDelivery
from bridge.queue.producer import MAX_GROUP, Producer
from bridge.storage import embedded, keys
from tests.kits.queue import Queue, open_queue

OTHERS = [repository for repository in range(1, 200) if keys.partition_of(repository) == 3]


class Watched(DeliveryQueue):
    """The queue, which remembers how many came with each write, and can be held up."""

    groups: list[int]
    held: asyncio.Event | None = None

    async def enqueue(self, group: Sequence[IncomingDelivery]) -> list[EnqueueResult]:
        self.groups.append(len(group))
        if self.held is not None:
            await self.held.wait()
        return await super().enqueue(group)


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[Queue]:
    async with open_queue(redis_url) as opened:
        yield opened


def watched(queue: Queue) -> Watched:
    deliveries = Watched(queue.redis)
    deliveries.groups = []
    return deliveries


def take(
    producer: Producer, name: str, *, repository_id: int = 1, body: bytes = b"{}"
) -> asyncio.Future[EnqueueResult]:
    envelope = Envelope(id=name, event="push", body=body)
    return asyncio.ensure_future(producer.enqueue(envelope, repository_id=repository_id, number=0))


async def test_one_alone_is_written_at_once_and_those_that_come_meanwhile_together(queue: Queue) -> None:
    deliveries = watched(queue)
    producer = Producer(queue=deliveries)

    assert (
        await asyncio.gather(*(take(producer, f"d{number}") for number in range(300)))
        == [EnqueueResult.TAKEN] * 300
    )
    assert deliveries.groups[0] <= MAX_GROUP
    assert max(deliveries.groups) == MAX_GROUP
    assert sum(deliveries.groups) == 300 > len(deliveries.groups) * 50

    await take(producer, "later")
    assert deliveries.groups[-1] == 1


async def test_each_gets_its_own_answer_in_any_partition(queue: Queue) -> None:
    producer = Producer(queue=watched(queue))
    await take(producer, "old", repository_id=OTHERS[0])
    rows = [
        ("a", 1, EnqueueResult.TAKEN),
        ("old", OTHERS[0], EnqueueResult.DUPLICATE),
        ("b", OTHERS[1], EnqueueResult.TAKEN),
        ("a", 1, EnqueueResult.DUPLICATE),
        # Of another partition: GitHub gives no id twice.
        ("c", 2**53 + 1, EnqueueResult.TAKEN),
    ]
    taken = await asyncio.gather(
        *(take(producer, name, repository_id=repository) for name, repository, _ in rows)
    )

    assert taken == [expected for *_, expected in rows]
    entries = {}
    for partition in {keys.partition_of(repository) for _, repository, _ in rows}:
        for _, entry in await queue.deliveries.inboxes().read({partition: "0"}, count=9, block_ms=1):
            entries[entry.delivery_id] = (entry.repository_id, entry.body, partition)
        assert await queue.redis.exists(keys.received(partition))
    assert entries == {
        "old": (OTHERS[0], b"{}", 3),
        "a": (1, b"{}", keys.partition_of(1)),
        "b": (OTHERS[1], b"{}", 3),
        "c": (2**53 + 1, b"{}", keys.partition_of(2**53 + 1)),
    }


async def test_a_caller_that_goes_away_holds_up_no_other_and_its_delivery_is_accepted(queue: Queue) -> None:
    deliveries = watched(queue)
    deliveries.held = asyncio.Event()
    producer = Producer(queue=deliveries)
    first = take(producer, "first")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gone, stays = take(producer, "gone"), take(producer, "stays")
    await asyncio.sleep(0)
    gone.cancel()
    first.cancel()
    deliveries.held.set()

    assert await stays
    assert not await take(producer, "gone")
    assert not await take(producer, "first")


async def test_a_write_that_hangs_ends_and_those_behind_it_get_their_turn(queue: Queue) -> None:
    deliveries = watched(queue)
    deliveries.held = asyncio.Event()
    producer = Producer(queue=deliveries, seconds=0.1)
    first = take(producer, "first")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    behind = take(producer, "behind")

    with pytest.raises(TimeoutError):
        await first
    deliveries.held.set()
    assert await behind


async def test_a_refusal_of_redis_is_told_to_all_of_the_group_and_they_can_come_again(tmp_path: Path) -> None:
    with embedded.running(tmp_path) as url:
        async with open_queue(url) as queue:
            producer = Producer(queue=queue.deliveries)
            await queue.redis.config_set("maxmemory", 1)
            names = ["a", "b", "c"]

            refused = await asyncio.gather(*(take(producer, name) for name in names), return_exceptions=True)
            assert [type(error) for error in refused] == [OutOfMemoryError] * 3

            await queue.redis.config_set("maxmemory", 0)
            assert (
                await asyncio.gather(*(take(producer, name) for name in names)) == [EnqueueResult.TAKEN] * 3
            )
