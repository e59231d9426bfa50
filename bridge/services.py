"""The clients and stores of web and worker, opened together and closed together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property

from aiohttp import ClientSession

from bridge.clients.flowdock import Flowdock
from bridge.clients.flowdock_oauth import FlowdockOAuth
from bridge.clients.github import GitHub
from bridge.clients.github_credentials import GitHubCredentials
from bridge.clients.github_webhooks import RepositoryWebhooks
from bridge.clients.session import open_session
from bridge.clients.throttle import SPACING, Throttle
from bridge.connections.bulk_connect import BulkConnect
from bridge.connections.connect import ConnectService
from bridge.connections.handover import HandoverService
from bridge.connections.handover_requests import Handovers
from bridge.connections.intents import Intents
from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.security.encryption import Vault
from bridge.lifecycle import Shutdown
from bridge.metrics import Metrics
from bridge.monitor.connections import IDLE, LOCK_SECONDS, ROUND_SECONDS, ConnectionMonitor, Links
from bridge.monitor.merge_conflicts import ConflictPoller
from bridge.monitor.redelivery import Redelivery
from bridge.monitor.thread_updates import ThreadUpdater
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.queue.inspect import QueueView
from bridge.queue.leases import Leases
from bridge.queue.producer import PartitionedProducer, Producer
from bridge.settings import Settings
from bridge.storage import keys
from bridge.storage.accounts import AccountStore
from bridge.storage.checkups import Checkups
from bridge.storage.client import close_redis, connect_redis
from bridge.storage.connections import ConnectionStore
from bridge.storage.delivery_log import DeliveryLog
from bridge.storage.flow_members import Members
from bridge.storage.one_time import OneTimeStore
from bridge.storage.pulls import PullRequestStore
from bridge.storage.redis import Redis
from bridge.storage.webhook_keys import WebhookKeys
from bridge.worker.failures import FailureHandler
from bridge.worker.poster import Poster
from bridge.worker.processor import Processor
from bridge.worker.translator import Translator
from bridge.worker.worker import Worker, new_worker_id, post_seconds

SETTLE_SECONDS = 4
"""Seconds to wait for connects under way, once all requests are finished."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """The clients and stores that web and worker share, each made on first use."""

    settings: Settings
    redis: Redis
    session: ClientSession

    @cached_property
    def stop(self) -> Shutdown:
        """The signal for all loops to end."""
        return Shutdown()

    @cached_property
    def metrics(self) -> Metrics:
        """The metrics that `/metrics` shows."""
        return Metrics()

    @cached_property
    def vault(self) -> Vault:
        """Encrypts what Redis keeps."""
        return Vault(self.settings.encryption_keys)

    @cached_property
    def connections(self) -> ConnectionStore:
        """Repositories connected to flows."""
        return ConnectionStore(self.redis, self.vault)

    @cached_property
    def account_store(self) -> AccountStore:
        """Linked accounts as Redis keeps them."""
        return AccountStore(self.redis, self.vault)

    @cached_property
    def one_time(self) -> OneTimeStore:
        """Values that work once, sessions among them."""
        return OneTimeStore(self.redis, self.vault)

    @cached_property
    def pulls(self) -> PullRequestStore:
        """Pull requests, names and checks."""
        return PullRequestStore(self.redis)

    @cached_property
    def members(self) -> Members:
        """Members of flows, as Flowdock showed them."""
        return Members(self.redis)

    @cached_property
    def webhook_keys(self) -> WebhookKeys:
        """Addresses and secrets of webhooks."""
        return WebhookKeys(self.redis, self.vault)

    @cached_property
    def checkups(self) -> Checkups:
        """Connections that are due for a check."""
        return Checkups(self.redis)

    @cached_property
    def delivery_log(self) -> DeliveryLog:
        """Outcomes of deliveries, for the pages."""
        return DeliveryLog(self.redis)

    @cached_property
    def queue(self) -> DeliveryQueue:
        """The durable queue."""
        return DeliveryQueue(self.redis, budgets=self.settings.budgets)

    @cached_property
    def queue_view(self) -> QueueView:
        """The queue, to look at."""
        return QueueView(self.redis)

    @cached_property
    def producer(self) -> Producer:
        """Puts deliveries into the queue."""
        return (PartitionedProducer if self.settings.redis_cluster else Producer)(queue=self.queue)

    @cached_property
    def credentials(self) -> GitHubCredentials:
        """The GitHub App's or OAuth App's credentials."""
        return GitHubCredentials(self.redis, self.vault, self.settings)

    @cached_property
    def github(self) -> GitHub:
        """GitHub's API and OAuth."""
        return GitHub(
            self.session,
            url=self.settings.github_url,
            api_url=self.settings.github_api_url,
            credentials=self.credentials,
        )

    @cached_property
    def flowdock(self) -> Flowdock:
        """Flowdock's API."""
        return Flowdock(self.session, api_url=self.settings.flowdock_api_url, shown=self.members.shown)

    @cached_property
    def flowdock_oauth(self) -> FlowdockOAuth:
        """Sign-in with Flowdock."""
        return FlowdockOAuth(
            self.session,
            api_url=self.settings.flowdock_api_url,
            client_id=self.settings.flowdock_client_id,
            client_secret=self.settings.flowdock_client_secret,
        )

    @cached_property
    def accounts(self) -> LinkedAccounts:
        """Acts on GitHub as linked accounts."""
        return LinkedAccounts(self.account_store, self.connections, self.pulls, self.github, self.checkups)

    @cached_property
    def hooks(self) -> RepositoryWebhooks:
        """Webhooks of repositories."""
        return RepositoryWebhooks(
            self.github, self.credentials, self.webhook_keys, web_url=self.settings.web_url
        )

    @cached_property
    def connect_service(self) -> ConnectService:
        """Connects one repository to a flow."""
        return ConnectService(
            connections=self.connections,
            intents=Intents(self.redis, self.vault),
            pulls=self.pulls,
            accounts=self.accounts,
            flowdock=self.flowdock,
            hooks=self.hooks,
        )

    @cached_property
    def handovers(self) -> Handovers:
        """Links for administrators."""
        return Handovers(self.redis, self.one_time)

    @cached_property
    def handover_service(self) -> HandoverService:
        """Connects as an administrator who followed a link."""
        return HandoverService(
            handovers=self.handovers,
            accounts=self.accounts,
            hooks=self.hooks,
            flowdock=self.flowdock,
            connect_service=self.connect_service,
        )

    @cached_property
    def bulk_connect(self) -> BulkConnect:
        """Connects many repositories at once."""
        return BulkConnect(
            one_time=self.one_time,
            accounts=self.accounts,
            hooks=self.hooks,
            connect_service=self.connect_service,
            handovers=self.handovers,
        )

    def conflict_poller(self) -> ConflictPoller:
        """Make the conflict poller, to run beside a worker."""
        return ConflictPoller(pulls=self.pulls, accounts=self.accounts, queue=self.queue, stop=self.stop)

    def thread_updater(self) -> ThreadUpdater:
        """Make the thread updater, to run beside a worker."""
        return ThreadUpdater(pulls=self.pulls, queue=self.queue, stop=self.stop)

    def connection_monitor(
        self,
        *,
        spacing: float = SPACING,
        round_seconds: float = ROUND_SECONDS,
        lock_seconds: float = LOCK_SECONDS,
        idle: float = IDLE,
    ) -> ConnectionMonitor:
        """Make the connection monitor, to run beside a worker; the times are seconds."""
        pace = Throttle(self.stop, spacing=spacing)
        return ConnectionMonitor(
            connections=self.connections,
            pulls=self.pulls,
            accounts=self.accounts,
            hooks=self.hooks,
            flowdock=self.flowdock,
            checkups=self.checkups,
            redelivery=self.redelivery(pace),
            tidy=self.connect_service.tidy,
            links=Links(web_url=self.settings.web_url, flowdock_api_url=self.settings.flowdock_api_url),
            pace=pace,
            stop=self.stop,
            lock=self.redis.lock(keys.CARETAKER, timeout=lock_seconds),
            round_seconds=round_seconds,
            idle=idle,
        )

    def redelivery(self, pace: Throttle) -> Redelivery:
        """Make the redelivery of missed deliveries; it shares `pace` with other calls."""
        return Redelivery(
            connections=self.connections,
            pulls=self.pulls,
            accounts=self.accounts,
            hooks=self.hooks,
            checkups=self.checkups,
            pace=pace,
        )

    def worker(self) -> Worker:
        """Make a worker over these services."""
        seconds = self.settings.lease_seconds
        processor = Processor(
            queue=self.queue,
            translator=Translator(
                self.connections, self.pulls, self.checkups, review_seconds=self.settings.review_seconds
            ),
            poster=Poster(
                connections=self.connections,
                pulls=self.pulls,
                flowdock=self.flowdock,
                web_url=self.settings.web_url,
                post_seconds=post_seconds(seconds),
                metrics=self.metrics,
            ),
            failures=FailureHandler(queue=self.queue, metrics=self.metrics),
            metrics=self.metrics,
        )
        leases = Leases(self.redis, worker_id=new_worker_id(), seconds=seconds)
        return Worker(processor=processor, leases=leases, lease_seconds=seconds, stop=self.stop)


@asynccontextmanager
async def open_services(settings: Settings, *, redis_url: str) -> AsyncIterator[Services]:
    """Open the services for these settings, and close them on leaving."""
    redis = connect_redis(redis_url, cluster=settings.redis_cluster)
    services = Services(settings=settings, redis=redis, session=open_session())
    try:
        yield services
    finally:
        await services.bulk_connect.stop()
        await services.connect_service.settled(seconds=SETTLE_SECONDS)
        await services.queue.close()
        await asyncio.gather(services.session.close(), close_redis(redis))
