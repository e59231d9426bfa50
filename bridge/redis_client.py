"""The client for Redis: bounded in connections and in time, and patient with one that restarts."""

import os

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

MAX_CONNECTIONS = 8
"""A process's connections to Redis: Heroku's smallest plan has 20 for web, worker and release together."""


def connect_redis(url: str) -> Redis:
    """A client for `url`; nothing is sent yet.

    Heroku's Redis has a certificate that no authority signed, so on a dyno it is not checked
    (https://devcenter.heroku.com/articles/connecting-heroku-redis).
    """
    options = {"ssl_cert_reqs": "none"} if url.startswith("rediss:") and "DYNO" in os.environ else {}
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=5,
        socket_connect_timeout=3,
        socket_timeout=6,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 2),
        **options,
    )
    return Redis(connection_pool=pool)
