"""Leases on a real Redis: one owner at a time, by turns without a gap, shared among those that live."""

import asyncio
from dataclasses import replace
from typing import Any

from bridge.queue.entries import Lease
from bridge.queue.leases import Leases
from bridge.storage import keys
from tests.conftest import House, eventually


def _leases(redis: Any, name: str, seconds: float = 60) -> Leases:
    return Leases(redis, worker_id=name, seconds=seconds)


async def test_a_partition_has_one_owner_however_many_ask_at_once(redis: Any) -> None:
    asked = await asyncio.gather(*(_leases(redis, f"w{number}").acquire(4) for number in range(30)))

    assert sum(lease is not None for lease in asked) == 1


async def test_a_lease_has_a_lifetime_which_renewing_gives_it_again(redis: Any) -> None:
    leases = _leases(redis, "one")
    lease = await _acquired(leases, 4)
    assert 0 < await redis.pttl(keys.lease(4)) <= 60_000

    await redis.pexpire(keys.lease(4), 10)
    assert await leases.renew(lease)
    assert await redis.pttl(keys.lease(4)) > 10_000


async def test_a_lease_that_ran_out_is_renewed_if_nobody_took_the_partition(redis: Any) -> None:
    leases = _leases(redis, "one", seconds=0.001)
    lease = await _acquired(leases, 4)
    await _run_out(redis, 4)

    assert await leases.renew(lease)


async def test_a_lease_that_ran_out_is_for_others_to_take_and_lost_to_its_owner(redis: Any) -> None:
    late = _leases(redis, "late", seconds=0.001)
    lease = await _acquired(late, 4)
    await _run_out(redis, 4)
    next_lease = await _acquired(_leases(redis, "next"), 4)

    assert next_lease.fence != lease.fence
    assert not await late.renew(lease)
    await late.release(lease)
    assert await redis.get(keys.lease(4)) == b"next"


async def test_a_released_partition_is_free_at_once(redis: Any) -> None:
    leases = _leases(redis, "one")
    await leases.release(await _acquired(leases, 4))

    assert await _leases(redis, "two").acquire(4) is not None


async def test_the_share_is_an_even_part_of_the_partitions_for_each_that_lives(redis: Any) -> None:
    one, two, three = (_leases(redis, name) for name in ("one", "two", "three"))

    assert await one.share() == 32
    assert await two.share() == 16
    assert await three.share() == 11
    assert await one.share() == 11
    await two.leave()
    assert await one.share() == 16


async def test_a_worker_that_is_silent_has_no_share_any_more(redis: Any) -> None:
    await _leases(redis, "silent").share()
    await redis.zadd(keys.WORKERS, {"silent": 1})

    assert await _leases(redis, "one").share() == 32


async def test_a_second_worker_takes_its_share_and_leaves_all_when_it_stops(house: House) -> None:
    house.services.settings = replace(house.services.settings, lease_seconds=3)
    house.start_worker()
    await eventually(lambda: _owners(house, 1))
    second = house.services.worker()
    running = asyncio.create_task(second.run())

    owners = await eventually(lambda: _owners(house, 2))
    assert sorted(owners.values()) == [16, 16]

    house.services.stop.set()
    await asyncio.gather(running, *house.running)
    assert await house.redis.keys("bridge:{*}:lease") == []
    assert await house.redis.exists(keys.WORKERS) == 0


async def _acquired(leases: Leases, partition: int) -> Lease:
    lease = await leases.acquire(partition)
    assert lease is not None
    return lease


async def _run_out(redis: Any, partition: int) -> None:
    async def gone() -> bool:
        return not await redis.exists(keys.lease(partition))

    await eventually(gone)


async def _owners(house: House, workers: int) -> dict[Any, int]:
    """The number of partitions of each worker, once that many share them evenly."""
    redis = house.redis
    names = await redis.mget([keys.lease(partition) for partition in range(keys.PARTITIONS)])
    counts = {name: names.count(name) for name in names if name is not None}
    even = len(counts) == workers and set(counts.values()) == {keys.PARTITIONS // workers}
    return counts if even else {}
