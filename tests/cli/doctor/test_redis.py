"""The doctor's rows about Redis and the queue in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from bridge.cli.doctor import redis as keeping
from bridge.core.security.encryption import Vault
from bridge.storage import keys, servers
from bridge.storage.accounts import AccountStore
from tests.conftest import House, eventually
from tests.kits.accounts import link
from tests.kits.doctor import Doctor


async def test_a_redis_that_does_not_answer_is_one_row(asking: Doctor) -> None:
    found = await asking.asked(REDIS_URL="redis://127.0.0.1:1/0")
    assert found["Redis"] == ("wrong", "REDIS_URL does not answer (ConnectionError)")
    assert "workers" not in found
    assert found["Flowdock credentials"][0] == "fine", "what needs no Redis is still asked"


@contextmanager
def answering(monkeypatch: pytest.MonkeyPatch, **info: Any) -> Iterator[None]:
    """A Redis that says something else of itself: a real one cannot be made to."""
    ask = Redis.info

    async def changed(self: Any, *arguments: Any, **more: Any) -> Any:
        return {**await ask(self, *arguments, **more), **info}

    with monkeypatch.context() as patched:
        patched.setattr(Redis, "info", changed)
        yield


REDIS = [
    ({"maxmemory_policy": "allkeys-lru"}, "Redis when full", "wrong", "set maxmemory-policy noeviction"),
    ({"maxmemory_policy": None}, "Redis when full", "warn", "is not known"),
    ({"aof_enabled": 0}, "Redis on disk", "warn", "a restart loses everything"),
    ({"maxmemory": 100, "used_memory": 79}, "Redis memory", "fine", "(79%)"),
    ({"maxmemory": 100, "used_memory": 80}, "Redis memory", "warn", "(80%): when it is full"),
    ({"maxmemory": 100, "used_memory": 95}, "Redis memory", "wrong", "choose a larger plan"),
    ({"maxmemory": 0}, "Redis memory", "fine", "no limit"),
    ({"maxmemory": 512 * 2**20}, "Redis for the queue", "fine", "leaves room"),
    ({"maxmemory": 40 * 2**20}, "Redis for the queue", "warn", "set it to 20M, and REPOSITORY_BYTES to 2M"),
]


@pytest.mark.parametrize(("info", "check", "state", "words"), REDIS, ids=[str(row[0]) for row in REDIS])
async def test_a_redis_that_keeps_less_than_promised(
    asking: Doctor,
    monkeypatch: pytest.MonkeyPatch,
    info: dict[str, Any],
    check: str,
    state: str,
    words: str,
) -> None:
    with answering(monkeypatch, **info):
        found = await asking.row(check)
    assert (found[0], words in found[1]) == (state, True), found


async def test_snapshots_are_told_from_nothing_and_from_what_cannot_be_asked(
    asking: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis: Any = asking.house.redis
    with answering(monkeypatch, aof_enabled=0):
        await redis.config_set("save", "900 1")
        try:
            assert "snapshots alone" in (await asking.row("Redis on disk"))[1]
        finally:
            await redis.config_set("save", "")
        await redis.acl_setuser("default", enabled=True, nopass=True, commands=["-config"])
        try:
            found = await asking.row("Redis on disk")
        finally:
            await redis.acl_setuser("default", enabled=True, nopass=True, commands=["+config"])
    assert (found[0], "CONFIG is forbidden" in found[1]) == ("warn", True)


async def test_a_changed_encryption_key_is_found_out(asking: Doctor) -> None:
    await asking.house.connect()
    told = "cannot be decrypted: ENCRYPTION_KEY was changed"
    found = await asking.row("stored tokens", ENCRYPTION_KEY="n" * 32)
    assert (found[0], told in found[1]) == ("wrong", True)
    old = asking.house.services.settings.encryption_keys[0]
    assert (await asking.row("stored tokens", ENCRYPTION_KEY=f"{'n' * 32},{old}"))[0] == "fine"


async def test_a_changed_encryption_key_is_found_out_by_an_account(asking: Doctor) -> None:
    account = await link(asking.house, "ann")
    await AccountStore(asking.house.redis, Vault(["n" * 32])).link(account)
    assert (await asking.row("stored tokens"))[0] == "wrong"


async def test_ids_of_another_server(asking: Doctor) -> None:
    chosen = asking.house.services.settings.servers
    assert await asking.row("stored ids") == ("fine", f"of {chosen['github']} and {chosen['flowdock']}")
    await servers.bind(asking.house.redis, chosen | {"flowdock": "bridge's own inbox"})
    found = await asking.row("stored ids")
    assert (found[0], "keeps people and ids of bridge's own inbox" in found[1]) == ("wrong", True)
    assert "stored ids" not in await asking.asked(GITHUB_URL="nowhere"), "it has a row already"


async def enqueued(house: House) -> None:
    await house.connect()
    await house.hook()
    await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")

    async def there() -> bool:
        redis: Any = house.redis
        return any([await redis.xlen(keys.inbox(partition)) for partition in range(keys.PARTITIONS)])

    await eventually(there)


async def test_no_worker(asking: Doctor) -> None:
    assert (await asking.row("workers"))[0] == "warn", "an installation that has not started yet"
    await enqueued(asking.house)
    found = await asking.row("workers")
    assert (found[0], "start bridge worker" in found[1]) == ("wrong", True)


async def test_a_delivery_that_waits_for_long_is_a_warning(
    asking: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enqueued(asking.house)
    assert (await asking.row("waiting"))[0] == "fine"
    monkeypatch.setattr(keeping, "LONG_WAIT", 0)
    found = await asking.row("waiting")
    assert (found[0], "the oldest has waited for" in found[1]) == ("warn", True)


async def test_a_repository_near_its_budget(asking: Doctor) -> None:
    redis: Any = asking.house.redis
    assert (await asking.row("queue"))[0] == "fine"
    await redis.hset(keys.backlog(3), mapping={"17": 30 * 2**20, "all": 30 * 2**20, "dead": 2**40})
    assert await asking.row("queue") == (
        "warn",
        "17 is near REPOSITORY_BYTES: see the log for what delays its messages",
    )
    for partition in range(8):
        await redis.hset(keys.backlog(partition), str(partition), 30 * 2**20)
    found = await asking.row("queue")
    assert (found[0], "near QUEUE_BYTES" in found[1]) == ("warn", True)


async def test_dead_letters(asking: Doctor) -> None:
    redis: Any = asking.house.redis
    for partition in (3, 3, 17):
        await redis.xadd(keys.dead(partition), {"kind": "inbox", "reason": "why", "detail": ""})
    assert await asking.row("dead letters") == ("warn", "3: see bridge dead-letters")
