"""Waiting and dead entries are counted as they move; a repository over its budget takes no other's room."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.core.budgets import MAX_DETAIL, MAX_REASON, Budgets, DeadBounds
from bridge.core.errors import Malformed
from bridge.core.model import Envelope
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.queue.entries import Ack, EnqueueResult, IncomingDelivery, OutboxEntry
from bridge.storage import keys
from tests.conftest import emptied
from tests.kits.queue import PARTITION, REPOSITORY_ID, Queue, open_queue, outbox_message

OTHERS = [number for number in range(1, 400) if keys.partition_of(number) == PARTITION]
OTHER = OTHERS[0]
ENTRY_BYTES = 1024
"""As in bridge/queue/lua/_entry_bytes.lua."""


@dataclass(frozen=True, kw_only=True)
class Tight(Budgets):
    """Small ones, so that little is much."""

    queue: int = 10**9
    repository: int = 12_000
    few_dead: tuple[int, int, int, int, int] = (1_500, 3, 6_000, 5, 12_000)

    def dead(self, *, partitions: int) -> DeadBounds:  # noqa: ARG002
        return DeadBounds(*self.few_dead)


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[Queue]:
    async with open_queue(redis_url) as opened:
        yield opened


def held_to(queue: Queue, budgets: Budgets) -> Queue:
    """The same queue with other budgets."""
    return replace(queue, deliveries=DeliveryQueue(queue.redis, budgets=budgets))


def incoming(name: str, repository_id: int = REPOSITORY_ID, size: int = 2) -> IncomingDelivery:
    """A delivery whose body packs badly."""
    body = random.Random(name).randbytes(size)
    envelope = Envelope(id=name, event="pull_request", body=body)
    return IncomingDelivery.of(envelope, repository_id=repository_id, number=1)


async def dead_letter(
    queue: Queue,
    name: str,
    repository_id: int = REPOSITORY_ID,
    size: int = 2,
    *,
    reason: str = "why",
    detail: str = "",
) -> None:
    """A delivery comes and dies."""
    assert await queue.deliveries.enqueue([incoming(name, repository_id, size)]) == [EnqueueResult.TAKEN]
    (entry,) = [one for one in await queue.inbox() if one.delivery_id == name]
    await queue.deliveries.dead_letter(queue.lease, entry, reason=reason, detail=detail)


async def dead(queue: Queue) -> list[tuple[int, str]]:
    """The dead messages, the oldest first."""
    found = await queue.deliveries.dead_letters()
    return [(int(one.fields["repository_id"]), one.fields["delivery_id"]) for one in found]


async def counted(queue: Queue) -> dict[str, int]:
    """The bytes that Redis counted."""
    redis: Any = queue.redis
    return {name.decode(): int(sum_) for name, sum_ in (await redis.hgetall(keys.backlog(PARTITION))).items()}


async def recounted(queue: Queue) -> tuple[dict[str, int], set[str]]:
    """The same by a look at all that is there, and the places of the dead messages."""
    redis: Any = queue.redis
    sums: Counter[str] = Counter()
    graves = set()
    for name in (keys.inbox(PARTITION), keys.outbox(PARTITION), keys.dead(PARTITION)):
        for entry_id, fields in await redis.xrange(name):
            weighed = sum(
                len(fields.get(field, b"")) for field in (b"body", b"message", b"reason", b"detail")
            )
            size, repository = weighed + ENTRY_BYTES, fields[b"repository_id"].decode()
            if name == keys.dead(PARTITION):
                moment, at = entry_id.decode().split("-")
                graves.add(f"{repository}/{moment}-{int(at):06}/{size}")
                sums["dead"] += size
            else:
                sums.update({repository: size, "all": size})
    return dict(sums), graves


# The counting never drifts

REPOSITORIES = st.sampled_from([REPOSITORY_ID, OTHER, OTHERS[1]])
ENDS = ["finish", "dead_letter a delivery", "dead_letter a message", "redrive", "drop"]
STEPS = st.one_of(
    st.tuples(st.just("take"), st.lists(st.tuples(REPOSITORIES, st.integers(2, 4000)), max_size=4)),
    st.tuples(st.just("take twice"), REPOSITORIES),
    st.tuples(st.just("commit"), st.lists(REPOSITORIES, max_size=3)),
    st.tuples(st.sampled_from(ENDS), st.integers(0, 9)),
)


@given(steps=st.lists(STEPS, min_size=1, max_size=25))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_counted_bytes_are_those_in_redis_after_any_steps(
    redis_server: str, steps: list[tuple[str, Any]]
) -> None:
    async def run() -> None:
        async with open_queue(await emptied(redis_server)) as opened:
            queue = held_to(opened, Tight())
            for at, (do, with_) in enumerate(steps):
                await _do(queue, f"d{at}", do, with_)
                redis: Any = queue.redis
                sums, graves = await recounted(queue)
                assert await counted(queue) == sums
                assert {
                    one.decode() for one in await redis.zrange(keys.dead_index(PARTITION), 0, -1)
                } == graves

    asyncio.run(run())


async def _do(queue: Queue, name: str, do: str, with_: Any) -> None:
    deliveries, lease = queue.deliveries, queue.lease
    if do == "take":
        await deliveries.enqueue([incoming(f"{name}.{at}", *one) for at, one in enumerate(with_)])
    elif do == "take twice":
        await deliveries.enqueue([incoming(name, with_, 1_000)] * 2)
    elif do == "commit":
        if found := (await queue.inbox())[:2]:
            messages = [msgspec.structs.replace(outbox_message(name), repository_id=one) for one in with_]
            with suppress(Malformed):
                await deliveries.commit(lease, found, messages=messages)
    elif do in ("redrive", "drop"):
        for one in _one(await deliveries.dead_letters(), with_):
            if do == "drop":
                await deliveries.drop(one)
            elif not one.dropped:
                await deliveries.redrive(one)
    elif do == "dead_letter a delivery":
        for entry in _one(await queue.inbox(), with_):
            await deliveries.dead_letter(lease, entry, reason="r" * with_ * 200, detail="d")
    else:
        for message in _one(await deliveries.read_outbox(PARTITION), with_):
            assert isinstance(message, OutboxEntry)
            if do == "finish":
                await deliveries.ack(lease, [Ack(message)] * 2)
            else:
                await deliveries.dead_letter(lease, message, reason="r")


def _one(found: list[Any], at: int) -> list[Any]:
    return found and [found[at % len(found)]]


# The queue


async def test_only_the_repository_over_its_budget_is_refused_of_a_write(queue: Queue) -> None:
    queue = held_to(queue, Tight())
    group = [incoming(f"big{number}", size=4_500) for number in range(3)]
    answers = await queue.deliveries.enqueue([*group, incoming("small"), incoming("his", OTHER, 4_500)])

    full, taken = EnqueueResult.REPOSITORY_FULL, EnqueueResult.TAKEN
    assert answers == [taken, taken, full, full, taken]
    assert [one.delivery_id for one in await queue.inbox()] == ["big0", "big1", "his"]


async def test_a_refused_delivery_is_accepted_once_there_is_room(queue: Queue) -> None:
    queue = held_to(queue, Tight())
    first, second = incoming("first", size=9_000), incoming("second", size=9_000)
    assert await queue.deliveries.enqueue([first, second]) == [
        EnqueueResult.TAKEN,
        EnqueueResult.REPOSITORY_FULL,
    ]
    assert await queue.deliveries.enqueue([second]) == [EnqueueResult.REPOSITORY_FULL], (
        "no duplicate: it was not taken"
    )

    await queue.commit((await queue.inbox())[0])
    assert await queue.deliveries.enqueue([first, second]) == [EnqueueResult.DUPLICATE, EnqueueResult.TAKEN]


async def test_messages_that_wait_for_their_flow_use_up_the_same_budget(queue: Queue) -> None:
    queue = held_to(queue, Tight())
    entry = await queue.taken("d1")
    posting, *_ = await queue.commit(entry, messages=[outbox_message("d1", to=f"c{one}") for one in range(9)])
    assert await queue.deliveries.enqueue([incoming("d2")]) == [EnqueueResult.REPOSITORY_FULL]

    await queue.ack(posting)
    assert await queue.deliveries.enqueue([incoming("d2")]) == [EnqueueResult.TAKEN]


async def test_while_all_are_over_budget_a_repository_with_little_waiting_goes_on(queue: Queue) -> None:
    budgets = Budgets(queue=20_000, repository=160_000)
    little = budgets.room(is_over=True)
    queue = held_to(queue, budgets)
    assert await queue.deliveries.enqueue([incoming("a", size=25_000)]) == [EnqueueResult.TAKEN]
    await queue.deliveries.backlog.read()

    answers = await queue.deliveries.enqueue(
        [incoming("b"), incoming("c", OTHER), incoming("d", OTHER, little)]
    )
    assert answers == [EnqueueResult.QUEUE_FULL, EnqueueResult.TAKEN, EnqueueResult.QUEUE_FULL]

    await queue.commit((await queue.inbox())[0])
    await queue.deliveries.backlog.read()
    assert await queue.deliveries.enqueue([incoming("b")]) == [EnqueueResult.TAKEN]


async def test_without_budgets_all_is_taken(queue: Queue) -> None:
    queue = held_to(queue, Budgets(queue=0, repository=0))
    group = [incoming(f"d{number}", size=50_000) for number in range(20)]
    assert await queue.deliveries.enqueue(group) == [EnqueueResult.TAKEN] * 20


# Dead messages


async def test_the_oldest_dead_letters_of_the_same_repository_make_room(queue: Queue) -> None:
    queue = held_to(queue, Tight(few_dead=(1_500, 3, 10**6, 100, 10**6)))
    await dead_letter(queue, "his", OTHER)
    for number in range(6):
        await dead_letter(queue, f"d{number}")
    assert await dead(queue) == [(OTHER, "his"), *((REPOSITORY_ID, f"d{number}") for number in (3, 4, 5))]


async def test_dead_letters_make_room_by_bytes_too_and_the_newest_stays_however_large(queue: Queue) -> None:
    queue = held_to(queue, Tight(few_dead=(10**6, 100, 6_000, 100, 10**6)))
    for name, size in (("a", 1_000), ("b", 1_000), ("c", 3_500)):
        await dead_letter(queue, name, size=size)
    assert [name for _, name in await dead(queue)] == ["c"]
    await dead_letter(queue, "d", size=9_000)
    assert [name for _, name in await dead(queue)] == ["d"]


@pytest.mark.parametrize(
    "few", [(10**6, 9, 10**6, 6, 10**6), (10**6, 9, 10**6, 99, 6_400)], ids=["number", "bytes"]
)
async def test_where_there_are_too_many_the_repository_with_most_loses_its_oldest(
    queue: Queue, few: Any
) -> None:
    queue = held_to(queue, Tight(few_dead=few))
    await dead_letter(queue, "first", OTHER)
    for number in range(6):
        await dead_letter(queue, f"a{number}")
        await dead_letter(queue, f"b{number}", OTHERS[1])
    found = await dead(queue)
    assert found[0] == (OTHER, "first"), "who has the least loses nothing, however old it is"
    assert found[-1] == (OTHERS[1], "b5")
    assert await queue.put("a0"), "it was given up: GitHub may send it again"
    assert not await queue.put("a5")


async def test_a_large_payload_is_not_kept_and_github_may_send_it_again(queue: Queue) -> None:
    queue = held_to(queue, Tight())
    await dead_letter(queue, "large", size=3_000, reason="KeyError")
    (letter_,) = await queue.deliveries.dead_letters()

    assert letter_.reason == "KeyError"
    kept = {"delivery_id", "event", "repository_id", "number", "received_at", "dropped"}
    assert letter_.fields.keys() >= kept
    assert "body" not in letter_.fields
    assert "(3,000 compressed)" in letter_.dropped
    with pytest.raises(Malformed, match="have GitHub send it again"):
        await queue.deliveries.redrive(letter_)
    assert len(await queue.deliveries.dead_letters()) == 1
    assert await queue.put("large"), "its id is forgotten"


async def test_a_small_payload_is_kept_and_its_id_remembered(queue: Queue) -> None:
    await dead_letter(queue, "small", size=1_000)
    (letter_,) = await queue.deliveries.dead_letters()
    assert (letter_.dropped, "body" in letter_.fields) == ("", True)
    assert not await queue.put("small")


async def test_why_it_died_is_kept_in_bounds(queue: Queue) -> None:
    await dead_letter(queue, "d1", reason="r" * 10**6, detail="d" * 10**6 + "end")
    (letter_,) = await queue.deliveries.dead_letters()
    assert (len(letter_.reason), len(letter_.detail)) == (MAX_REASON, MAX_DETAIL)
    assert letter_.detail.endswith("end"), "a traceback tells the most at its end"
