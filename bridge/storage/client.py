"""The Redis client: bounded in connections and in time, and patient while Redis restarts."""

import os
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from redis import DriverInfo
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from bridge.storage.cluster import Cluster
from bridge.storage.pipelining import GroupingRedis, packing
from bridge.storage.redis import Redis

MAX_CONNECTIONS = 8
"""A process's connections to Redis with one reader: Heroku's smallest plan has 20 for all its processes."""

DRIVER = DriverInfo()
"""Made once: it reads the version of redis-py from the disk."""

MAX_READERS = 64
"""Connections to each node of a cluster that wait for streams: one a partition that the process holds."""


def connect_redis(url: str, *, cluster: bool = False) -> Any:
    """Make a client, a `Redis`, for a single Redis or a cluster; nothing is sent yet.

    Heroku's Redis has a self-signed certificate, so it is not verified on a dyno
    (https://devcenter.heroku.com/articles/connecting-heroku-redis).
    """
    if cluster:
        return Cluster(url, partial(_connect, readers=MAX_READERS, is_node=True))
    return _connect(url, readers=2)


def _connect(url: str, *, readers: int, is_node: bool = False) -> Any:
    options: dict[str, Any] = {
        "socket_connect_timeout": 3,
        "socket_timeout": None,
        "health_check_interval": 30,
        "driver_info": DRIVER,
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.05), 2),
    }
    if url.startswith("rediss:") and "DYNO" in os.environ:
        options["ssl_cert_reqs"] = "none"
    pool = ConnectionPool.from_url(url, max_connections=MAX_CONNECTIONS - 1 + readers, **options)
    pool.connection_class = packing(pool.connection_class)
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2] or parts.path
    return GroupingRedis(
        connection_pool=pool, pipelines=MAX_CONNECTIONS - 2, address=address, is_node=is_node
    )


async def close_redis(redis: Redis) -> None:
    """Close a client and its connections."""
    await redis.aclose()
