"""The edges, opened together and closed together."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from bridge.accounts import Accounts
from bridge.core.vault import Vault
from bridge.deliveries import Deliveries
from bridge.flowdock import Flowdock
from bridge.github import GitHub
from bridge.handling import Handler
from bridge.holding import Stop
from bridge.hooks import Hooks
from bridge.http import open_session
from bridge.journal import Journal
from bridge.leases import Leases
from bridge.metrics import Metrics
from bridge.pulls import Pulls
from bridge.settings import Settings
from bridge.store import Store
from bridge.translating import Translator
from bridge.watching import Watcher
from bridge.worker import Worker, new_worker_id, post_seconds

MAX_CONNECTIONS = 8
"""A process's connections to Redis: Heroku's smallest plan has 20 for web, worker and release together."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the web and the worker stand on."""

    settings: Settings
    redis: Redis
    store: Store
    pulls: Pulls
    deliveries: Deliveries
    flowdock: Flowdock
    github: GitHub
    accounts: Accounts
    hooks: Hooks
    journal: Journal
    metrics: Metrics
    stop: Stop

    def watcher(self) -> Watcher:
        """The conflict watch, to run beside a worker."""
        return Watcher(pulls=self.pulls, accounts=self.accounts, deliveries=self.deliveries, stop=self.stop)

    def worker(self) -> Worker:
        """A worker over these services."""
        seconds = self.settings.lease_seconds
        handler = Handler(
            deliveries=self.deliveries,
            store=self.store,
            pulls=self.pulls,
            translator=Translator(store=self.store, pulls=self.pulls),
            flowdock=self.flowdock,
            web_url=self.settings.web_url,
            post_seconds=post_seconds(seconds),
            metrics=self.metrics,
        )
        leases = Leases(self.redis, worker_id=new_worker_id(), seconds=seconds)
        return Worker(
            deliveries=self.deliveries,
            leases=leases,
            handler=handler,
            lease_seconds=seconds,
            stop=self.stop,
        )


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


@asynccontextmanager
async def open_services(settings: Settings, *, redis_url: str) -> AsyncIterator[Services]:
    """The services for these settings, closed on leaving."""
    redis = connect_redis(redis_url)
    session = open_session()
    store = Store(redis, Vault(settings.encryption_keys))
    pulls = Pulls(redis)
    github = GitHub(
        session,
        url=settings.github_url,
        api_url=settings.github_api_url,
        client_id=settings.github_client_id,
        client_secret=settings.github_client_secret,
    )
    flowdock = Flowdock(
        session,
        api_url=settings.flowdock_api_url,
        client_id=settings.flowdock_client_id,
        client_secret=settings.flowdock_client_secret,
    )
    try:
        yield Services(
            settings=settings,
            redis=redis,
            store=store,
            pulls=pulls,
            deliveries=Deliveries(redis),
            flowdock=flowdock,
            github=github,
            accounts=Accounts(store, pulls, github),
            hooks=Hooks(github, web_url=settings.web_url, secret=settings.github_webhook_secrets[0]),
            journal=Journal(redis),
            metrics=Metrics(),
            stop=Stop(),
        )
    finally:
        await asyncio.gather(session.close(), redis.aclose())
        await redis.connection_pool.disconnect()
