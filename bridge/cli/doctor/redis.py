"""The checks of Redis, and of the queue in it."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from typing import Any, get_args

from redis.exceptions import ResponseError

from bridge.cli.doctor.rows import CheckRow, Finding, State, bounded, row_of
from bridge.cli.terminal import duration
from bridge.core.errors import BridgeError
from bridge.services import Services
from bridge.storage import keys, servers
from bridge.storage.redis import Redis

LONG_WAIT = 300
"""Seconds that a delivery may wait before the doctor warns."""

STATES = get_args(State)

NEARLY_FULL = 0.8
FULL = 0.95


async def rows(services: Services, *, tokens: bool, ids: bool) -> list[CheckRow]:
    """Check Redis, its `tokens` and `ids` only if asked; returns a single row if it does not answer."""
    answered = await bounded("Redis", _server(services))
    if any(row.state == "wrong" and row.check == "Redis" for row in answered):
        return answered
    checks = [row_of("stored tokens", _tokens(services))] if tokens else []
    if ids:
        checks.append(row_of("stored ids", _ids(services)))
    parts = await asyncio.gather(*checks, bounded("workers", _work(services)))
    return [*answered, *(row for part in parts for row in part)]


async def _server(services: Services) -> list[CheckRow]:
    redis = services.redis
    try:
        await redis.ping()
    except Exception as error:
        wrong = f"REDIS_URL does not answer ({type(error).__name__})"
        if services.settings.redis_cluster:
            wrong += ", or it is not a cluster: then remove REDIS_CLUSTER"
        return [CheckRow("Redis", "wrong", wrong)]
    nodes, is_cluster = await redis.nodes(), services.settings.redis_cluster
    queue_bytes = services.settings.budgets.queue // len(nodes)
    rows = [await _node(node, queue_bytes, is_cluster=is_cluster) for node in nodes]
    if not is_cluster:
        return rows[0]
    return [
        CheckRow("Redis nodes", "fine", str(len(rows))),
        *(_worst(same) for same in zip(*rows, strict=True)),
    ]


def _worst(rows: Sequence[CheckRow]) -> CheckRow:
    """Return the worst of the nodes' rows."""
    return max(rows, key=lambda row: STATES.index(row.state))


async def _node(redis: Redis, queue_bytes: int, *, is_cluster: bool) -> list[CheckRow]:
    info = await redis.info()
    version = info.get("valkey_version") or info.get("redis_version") or "of an unknown version"
    server = f"{info.get('server_name') or 'redis'} {version}"
    return [
        CheckRow("Redis", "wrong", f"{server} is a cluster: set REDIS_CLUSTER=1")
        if info.get("cluster_enabled") and not is_cluster
        else CheckRow("Redis", "fine", server),
        CheckRow("Redis when full", *_policy(info)),
        CheckRow("Redis on disk", *await _persistence(redis, info)),
        CheckRow("Redis memory", *_memory(info)),
        CheckRow("Redis for the queue", *_budget(info, queue_bytes)),
    ]


def _policy(info: dict[str, Any]) -> Finding:
    policy = info.get("maxmemory_policy")
    if policy is None:
        return "warn", "the eviction policy is not known: make sure that it is noeviction"
    if policy != "noeviction":
        return "wrong", f"the eviction policy {policy} loses deliveries: set maxmemory-policy noeviction"
    return "fine", policy


async def _persistence(redis: Redis, info: dict[str, Any]) -> Finding:
    if info.get("aof_enabled"):
        return "fine", "appendonly"
    try:
        config = await redis.config_get("save")
    except ResponseError:
        return (
            "warn",
            "there is no append-only file, and CONFIG is forbidden, so snapshots are not known: make sure"
            " that the plan keeps its data across a restart",
        )
    if config.get("save"):
        return "warn", "snapshots alone lose minutes when Redis crashes: set appendonly yes"
    return "warn", "Redis writes nothing to disk, so a restart loses everything: set appendonly yes"


def _memory(info: dict[str, Any]) -> Finding:
    used, limit = int(info.get("used_memory") or 0), int(info.get("maxmemory") or 0)
    megabytes = f"{used / 2**20:.1f} MB used"
    if not limit:
        return "fine", f"{megabytes}, no limit"
    share = used / limit
    text = f"{megabytes} of {limit / 2**20:.0f} MB ({share:.0%})"
    if share < NEARLY_FULL:
        return "fine", text
    text += ": when it is full, bridge refuses deliveries (503); choose a larger plan"
    return "wrong" if share >= FULL else "warn", text


def _budget(info: dict[str, Any], queue_bytes: int) -> Finding:
    """Check that the queue leaves room for everything else in Redis."""
    limit = int(info.get("maxmemory") or 0)
    if not limit or 0 < 2 * queue_bytes <= limit:
        return "fine", "QUEUE_BYTES leaves room for the rest"
    return (
        "warn",
        f"QUEUE_BYTES is over half of Redis's memory, or unlimited: set it to {limit // 2**21}M, and"
        f" REPOSITORY_BYTES to {max(1, limit // 2**24)}M",
    )


async def _tokens(services: Services) -> Finding:
    """Check that ENCRYPTION_KEY decrypts the stored tokens: one of each kind."""
    redis = services.redis
    connection = await redis.srandmember(keys.CONNECTIONS)
    user = next(iter(await services.account_store.logins()), None)
    tried: list[Awaitable[object]] = [services.credentials.app()]
    if connection:
        tried.append(services.connections.get(connection.decode()))
    if user:
        tried.append(services.account_store.get(user))
    results = await asyncio.gather(*tried, return_exceptions=True)
    for result in results:
        if isinstance(result, BridgeError):
            return "wrong", str(result)
        if isinstance(result, BaseException):
            raise result
    kept = sum(result is not None for result in results)
    return "fine", "can be decrypted" if kept else "none yet"


async def _ids(services: Services) -> Finding:
    """Check that the people and ids in Redis are of the servers in the settings."""
    chosen = services.settings.servers
    await servers.check(services.redis, chosen)
    return "fine", f"of {' and '.join(chosen.values())}"


async def _work(services: Services) -> list[CheckRow]:
    """Check the workers, the queue and the dead letters."""
    redis = services.redis
    now = int((await redis.time())[0])
    async with redis.pipeline(transaction=False) as pipe:
        pipe.zcount(keys.WORKERS, now, "+inf")
        for partition in range(keys.PARTITIONS):
            pipe.xlen(keys.dead(partition))
            pipe.xrange(keys.inbox(partition), count=1)
            pipe.xrange(keys.outbox(partition), count=1)
            pipe.hgetall(keys.backlog(partition))
        workers, *answers = await pipe.execute()
    waiting = [entries[0][0] for entries in (*answers[1::4], *answers[2::4]) if entries]
    since = min((int(entry_id.partition(b"-")[0]) / 1000 for entry_id in waiting), default=None)
    return [
        CheckRow("workers", *_workers(workers, since)),
        CheckRow("waiting", *_waiting(since)),
        CheckRow("queue", *await _room(services, answers[3::4])),
        CheckRow("dead letters", *_dead(sum(answers[::4]))),
    ]


async def _room(services: Services, partitions: Sequence[dict[bytes, bytes]]) -> Finding:
    """Warn near a budget: beyond it, deliveries are refused."""
    budgets = services.settings.budgets
    held = {name: int(size) for one in partitions for name, size in one.items() if name.isdigit()}
    text = f"{sum(held.values()) / 2**20:.1f} MB waiting"
    if budgets.queue and sum(held.values()) > NEARLY_FULL * budgets.queue:
        return "warn", f"{text}, near QUEUE_BYTES: start more workers, or see the log for what delays them"
    full = [int(name) for name, size in held.items() if size > NEARLY_FULL * (budgets.repository or size * 2)]
    if full:
        names = [await services.pulls.repository_name(one) or str(one) for one in sorted(full)[:3]]
        which = ", ".join(names) + (f" and {len(full) - 3} more" if full[3:] else "")
        return "warn", f"{which} is near REPOSITORY_BYTES: see the log for what delays its messages"
    return "fine", text


def _workers(workers: int, since: float | None) -> Finding:
    if workers:
        return "fine", f"{workers} running"
    return "warn" if since is None else "wrong", "no worker is running: start bridge worker (or serve)"


def _waiting(since: float | None) -> Finding:
    if since is None:
        return "fine", "nothing"
    waited = time.time() - since
    if waited < LONG_WAIT:
        return "fine", f"the oldest for {duration(waited)}"
    return "warn", f"the oldest has waited for {duration(waited)}: see the log for what delays it"


def _dead(count: int) -> Finding:
    return ("warn", f"{count}: see bridge dead-letters") if count else ("fine", "none")
