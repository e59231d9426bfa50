"""The edges, opened together and closed together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bridge.clients.flowdock import Flowdock
from bridge.clients.github import GitHub
from bridge.clients.github_credentials import GitHubCredentials
from bridge.clients.github_webhooks import RepositoryWebhooks
from bridge.clients.session import open_session
from bridge.clients.throttle import SPACING, Throttle
from bridge.connections.bulk_connect import BulkConnect
from bridge.connections.connect import ConnectService
from bridge.connections.handover import HandingOver
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
"""How long connectings under way are waited for, once all requests are finished."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the web and the worker stand on."""

    settings: Settings
    redis: Redis
    vault: Vault
    connections: ConnectionStore
    account_store: AccountStore
    one_time: OneTimeStore
    pulls: PullRequestStore
    queue: DeliveryQueue
    producer: Producer
    flowdock: Flowdock
    members: Members
    github: GitHub
    credentials: GitHubCredentials
    webhook_keys: WebhookKeys
    accounts: LinkedAccounts
    hooks: RepositoryWebhooks
    checkups: Checkups
    connecting: ConnectService
    setting_up: BulkConnect
    handovers: Handovers
    handing_over: HandingOver
    journal: DeliveryLog
    metrics: Metrics
    stop: Shutdown

    def conflict_poller(self) -> ConflictPoller:
        """The conflict poller, to run beside a worker."""
        return ConflictPoller(pulls=self.pulls, accounts=self.accounts, queue=self.queue, stop=self.stop)

    def thread_updater(self) -> ThreadUpdater:
        """The thread updater, to run beside a worker."""
        return ThreadUpdater(pulls=self.pulls, queue=self.queue, stop=self.stop)

    def connection_monitor(
        self,
        *,
        spacing: float = SPACING,
        round_seconds: float = ROUND_SECONDS,
        lock_seconds: float = LOCK_SECONDS,
        idle: float = IDLE,
    ) -> ConnectionMonitor:
        """The connection monitor, to run beside a worker; the times are seconds."""
        pace = Throttle(self.stop, spacing=spacing)
        return ConnectionMonitor(
            connections=self.connections,
            pulls=self.pulls,
            accounts=self.accounts,
            hooks=self.hooks,
            flowdock=self.flowdock,
            checkups=self.checkups,
            redelivery=self.redelivery(pace),
            tidy=self.connecting.tidy,
            links=Links(web_url=self.settings.web_url, flowdock_api_url=self.settings.flowdock_api_url),
            pace=pace,
            stop=self.stop,
            lock=self.redis.lock(keys.CARETAKER, timeout=lock_seconds),
            round_seconds=round_seconds,
            idle=idle,
        )

    def redelivery(self, pace: Throttle) -> Redelivery:
        """The redelivery of missed deliveries, which shares `pace` with other calls."""
        return Redelivery(
            connections=self.connections,
            pulls=self.pulls,
            accounts=self.accounts,
            hooks=self.hooks,
            checkups=self.checkups,
            pace=pace,
        )

    def worker(self) -> Worker:
        """A worker over these services."""
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
    """The services for these settings, closed on leaving."""
    redis = connect_redis(redis_url, cluster=settings.redis_cluster)
    session = open_session()
    vault = Vault(settings.encryption_keys)
    connections, one_time = ConnectionStore(redis, vault), OneTimeStore(redis, vault)
    account_store = AccountStore(redis, vault)
    credentials = GitHubCredentials(redis, vault, settings)
    pulls = PullRequestStore(redis)
    queue = DeliveryQueue(redis, budgets=settings.budgets)
    github = GitHub(
        session,
        url=settings.github_url,
        api_url=settings.github_api_url,
        credentials=credentials,
    )
    members = Members(redis)
    flowdock = Flowdock(
        session,
        api_url=settings.flowdock_api_url,
        client_id=settings.flowdock_client_id,
        client_secret=settings.flowdock_client_secret,
        shown=members.shown,
    )
    checkups = Checkups(redis)
    accounts = LinkedAccounts(account_store, connections, pulls, github, checkups)
    webhook_keys = WebhookKeys(redis, vault)
    hooks = RepositoryWebhooks(github, credentials, webhook_keys, web_url=settings.web_url)
    connecting = ConnectService(
        connections=connections,
        intents=Intents(redis, vault),
        pulls=pulls,
        accounts=accounts,
        flowdock=flowdock,
        hooks=hooks,
    )
    handovers = Handovers(redis, one_time)
    handing_over = HandingOver(
        handovers=handovers, accounts=accounts, hooks=hooks, flowdock=flowdock, connecting=connecting
    )
    setting_up = BulkConnect(
        one_time=one_time, accounts=accounts, hooks=hooks, connecting=connecting, handovers=handovers
    )
    try:
        yield Services(
            settings=settings,
            redis=redis,
            vault=vault,
            connections=connections,
            account_store=account_store,
            one_time=one_time,
            pulls=pulls,
            queue=queue,
            producer=(PartitionedProducer if settings.redis_cluster else Producer)(queue=queue),
            flowdock=flowdock,
            members=members,
            github=github,
            credentials=credentials,
            webhook_keys=webhook_keys,
            accounts=accounts,
            hooks=hooks,
            checkups=checkups,
            connecting=connecting,
            setting_up=setting_up,
            handovers=handovers,
            handing_over=handing_over,
            journal=DeliveryLog(redis),
            metrics=Metrics(),
            stop=Shutdown(),
        )
    finally:
        await setting_up.stop()
        await connecting.settled(seconds=SETTLE_SECONDS)
        await queue.close()
        await asyncio.gather(session.close(), close_redis(redis))
