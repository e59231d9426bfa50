"""The stored values of a repository have a budget; its own oldest make room."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from bridge.core.budgets import MAX_MESSAGE, MAX_VALUE, Budgets
from bridge.core.errors import Malformed
from bridge.core.model import Envelope
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.queue.entries import EnqueueResult, IncomingDelivery, OutboxEntry
from bridge.storage import keys
from bridge.storage.writes import Write
from tests.kits.queue import REPOSITORY_ID, Queue, open_queue, outbox_message, snapshot

OTHER = next(
    number
    for number in range(1, 400)
    if keys.partition_of(number) == keys.partition_of(REPOSITORY_ID) and number != REPOSITORY_ID
)


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[Queue]:
    async with open_queue(redis_url) as opened:
        deliveries = DeliveryQueue(opened.redis, budgets=Budgets(repository=12_000))
        yield replace(opened, deliveries=deliveries)


KEPT_ENTRY_BYTES = 300
"""As in bridge/queue/lua/_keeping.lua."""

PULLS = keys.kept(REPOSITORY_ID, "pulls")


async def keep(queue: Queue, number: int, size: int, repository_id: int = REPOSITORY_ID) -> None:
    """A delivery leaves a snapshot of that size, and what lies beside it."""
    entry = await queue.taken(f"{repository_id}:{number}:{size}")
    value = random.Random(number).randbytes(size)
    place, kept = keys.snapshot(repository_id, number), keys.kept(repository_id, "pulls")
    beside = [
        Write("SADD", keys.open_pulls(repository_id), str(number), 60),
        Write("BESIDE", keys.shown(repository_id, number), "5ca1ab1e", 60),
    ]
    await queue.commit(entry, writes=[Write("SET", place, value, 60, kept), *beside])


async def there(queue: Queue, repository_id: int = REPOSITORY_ID) -> list[int]:
    """The pull requests that are kept; what lies beside them must be theirs."""
    redis: Any = queue.redis
    numbers = [one for one in range(9) if await redis.exists(keys.snapshot(repository_id, one))]
    assert [one for one in range(9) if await redis.exists(keys.shown(repository_id, one))] == numbers
    assert {int(one) for one in await redis.smembers(keys.open_pulls(repository_id))} == set(numbers)
    return numbers


async def test_a_full_repository_forgets_the_pull_request_written_longest_ago(queue: Queue) -> None:
    await keep(queue, 1, 9_000, OTHER)
    for number, size in ((1, 3_000), (2, 3_000), (3, 3_000)):
        await keep(queue, number, size)
    redis: Any = queue.redis
    await _age(redis, "snapshot", 1, 3, 2)
    await keep(queue, 4, 3_000)
    assert await there(queue) == [2, 3, 4]
    await keep(queue, 5, 4_500)
    assert await there(queue) == [2, 4, 5]
    assert await there(queue, OTHER) == [1], "another repository's stay"


async def test_a_message_posted_after_its_pull_request_was_forgotten_leaves_nothing_beside_it(
    queue: Queue,
) -> None:
    posted = await queue.commit(await queue.taken("d"), messages=[outbox_message("d"), outbox_message("e")])
    await keep(queue, 1, 3_000)
    for number, message in zip((1, 2), posted, strict=True):
        shown = Write("BESIDE", keys.shown(REPOSITORY_ID, number), "5ca1ab1e", 60)
        await queue.ack(message, writes=[shown])
    assert await there(queue) == [1]


async def test_the_last_written_within_a_second_stay_however_small(queue: Queue) -> None:
    for number, size in ((1, 4_000), (2, 3_900), (3, 3_000)):
        await keep(queue, number, size)
    await keep(queue, 4, 2_000)
    assert await there(queue) == [2, 3, 4]


async def test_a_pull_request_written_again_counts_once_and_is_new(queue: Queue) -> None:
    for number, size in ((1, 3_000), (2, 3_000), (3, 3_000)):
        await keep(queue, number, size)
    await _age(queue.redis, "snapshot", 1, 2, 3)
    for size in (100, 4_000, 2_500):
        await keep(queue, 1, size)
    redis: Any = queue.redis
    sizes = [score % 2**20 for _, score in await redis.zrange(PULLS, 0, -1, withscores=True)]
    assert int(await redis.get(f"{PULLS}:bytes")) == sum(sizes) == 8_500 + 3 * KEPT_ENTRY_BYTES
    await keep(queue, 4, 3_500)
    assert await there(queue) == [1, 3, 4]


async def test_expired_values_make_room_first_and_are_no_longer_counted(queue: Queue) -> None:
    for number in (1, 2, 3):
        await keep(queue, number, 3_000)
    redis: Any = queue.redis
    await _age(redis, "snapshot", 1, 2, 3)
    await redis.delete(keys.snapshot(REPOSITORY_ID, 1))
    await keep(queue, 4, 3_000)
    assert await redis.zrange(PULLS, 0, -1) == [
        f"snapshot:{REPOSITORY_ID}:{number}".encode() for number in (2, 3, 4)
    ]
    assert int(await redis.get(f"{PULLS}:bytes")) == 3 * (3_000 + KEPT_ENTRY_BYTES)


async def _age(redis: Any, kind: str, *numbers: int) -> None:
    """Have these been written before all others, the first the longest ago."""
    for at, number in enumerate(numbers):
        member = f"{kind}:{REPOSITORY_ID}:{number}"
        size = int(await redis.zscore(PULLS, member)) % 2**20
        await redis.zadd(PULLS, {member: (1_000 + at) * 2**20 + size})


async def test_where_far_too_many_messages_wait_a_delivery_makes_no_more(queue: Queue) -> None:
    entries, partition = [await queue.taken(f"d{one}") for one in range(3)], keys.partition_of(REPOSITORY_ID)
    some = [outbox_message("d", to=f"c{number}") for number in range(16)]
    await queue.commit(entries[0], messages=some)
    before = await queue.everything()
    with pytest.raises(Malformed, match="take up twice REPOSITORY_BYTES"):
        await queue.commit(entries[1], messages=some[:2])
    assert await queue.everything() == before

    await queue.commit(entries[1], messages=[])
    for waits in (await queue.deliveries.read_outbox(partition))[:3]:
        assert isinstance(waits, OutboxEntry)
        await queue.ack(waits)
    assert await queue.commit(entries[2], messages=some[:2])


async def test_a_repository_sends_so_many_a_day_and_others_and_tomorrow_are_no_matter(queue: Queue) -> None:
    redis: Any = queue.redis
    partition, a_day = keys.partition_of(REPOSITORY_ID), Budgets(repository=12_000).a_day
    await redis.hset(keys.taken(partition, 7), str(REPOSITORY_ID), a_day - 2)

    def sent(name: str, repository_id: int = REPOSITORY_ID, day: float = 7.5) -> IncomingDelivery:
        envelope = Envelope(id=name, event="push", body=b"{}")
        incoming = IncomingDelivery.of(envelope, repository_id=repository_id, number=0)
        return msgspec.structs.replace(incoming, received_at=day * 24 * 3600)

    group = [sent("a"), sent("a"), sent("b"), sent("c"), sent("d", OTHER)]
    taken, full = EnqueueResult.TAKEN, EnqueueResult.DAY_FULL
    assert await queue.deliveries.enqueue(group) == [taken, EnqueueResult.DUPLICATE, taken, full, taken]
    assert await queue.deliveries.enqueue([sent("c")]) == [full]
    assert await queue.deliveries.enqueue([sent("c", day=8.1)]) == [taken]


async def test_a_days_count_is_forgotten_with_the_ids(queue: Queue) -> None:
    await queue.put("d1")
    redis: Any = queue.redis
    (name,) = [one async for one in redis.scan_iter("bridge:*:taken:*")]
    assert 3 < await redis.ttl(name) / 24 / 3600 <= 4


@pytest.mark.parametrize(
    "what",
    [
        {"messages": [msgspec.structs.replace(outbox_message("d1"), action="x" * MAX_MESSAGE)]},
        {"writes": [snapshot(b"x" * (MAX_VALUE + 1))]},
    ],
    ids=["message", "snapshot"],
)
async def test_a_value_larger_than_any_of_github_is_not_written(queue: Queue, what: Any) -> None:
    entry = await queue.taken("d1")
    before = await queue.everything()
    with pytest.raises(Malformed, match="GitHub sends nothing that large"):
        await queue.commit(entry, **what)
    assert await queue.everything() == before
