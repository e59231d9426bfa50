"""The client for Redis: bounded in connections and in time, and patient with one that restarts."""

import os
from typing import Any, overload

from redis import DriverInfo
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from bridge.storage.cluster import Cluster
from bridge.storage.pipelining import ANSWER_SECONDS, GroupingRedis, packing

MAX_CONNECTIONS = 8
"""A process's connections to Redis: Heroku's smallest plan has 20 for web, worker and release together."""

MAX_CLUSTER_CONNECTIONS = 64
"""To each node of a cluster; never reached: at most `MAX_CONNECTIONS` commands are under way, and a blocking
read for each partition that the process holds."""

AnyRedis = Redis | Cluster
"""The client for a single Redis, or for a cluster."""


@overload
def connect_redis(url: str) -> Redis: ...


@overload
def connect_redis(url: str, *, cluster: bool) -> AnyRedis: ...


def connect_redis(url: str, *, cluster: bool = False) -> AnyRedis:
    """A client for `url`, of a single Redis or of any node of a cluster; nothing is sent yet.

    Heroku's Redis has a certificate that no authority signed, so on a dyno it is not checked
    (https://devcenter.heroku.com/articles/connecting-heroku-redis).
    """
    options: dict[str, Any] = {
        "socket_connect_timeout": 3,
        "socket_timeout": ANSWER_SECONDS if cluster else None,
        "health_check_interval": 30,
        # Else each connection reads the version of redis-py from the disk.
        "driver_info": DriverInfo(),
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.05), 2),
    }
    if url.startswith("rediss:") and "DYNO" in os.environ:
        options["ssl_cert_reqs"] = "none"
    if cluster:
        made = Cluster.from_url(
            url,
            commands=MAX_CONNECTIONS,
            max_connections=MAX_CLUSTER_CONNECTIONS,
            # A slot without a node is no reason to give up the others: the nodes refuse what they must.
            require_full_coverage=False,
            # Closes every connection, also those in use, where a slot has merely moved.
            reinitialize_steps=0,
            **options,
        )
        assert isinstance(made, Cluster)  # noqa: S101  (redis-py's annotation names its own class)
        return made
    pool = ConnectionPool.from_url(url, max_connections=MAX_CONNECTIONS, **options)
    pool.connection_class = packing(pool.connection_class)
    return GroupingRedis(connection_pool=pool)


async def close_redis(redis: AnyRedis) -> None:
    """Close a client and its connections."""
    await redis.aclose()
    if isinstance(redis, Redis):
        await redis.connection_pool.disconnect()
