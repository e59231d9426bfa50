"""The clients and stores of web and worker, opened together and closed together."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from aiohttp import ClientSession

from bridge.clients.flowdock import Flowdock
from bridge.clients.flowdock_credentials import with_own_credentials
from bridge.clients.flowdock_oauth import FlowdockOAuth
from bridge.clients.github import GitHub
from bridge.clients.github_credentials import GitHubCredentials
from bridge.clients.github_webhooks import RepositoryWebhooks
from bridge.clients.installation_tokens import InstallationTokens
from bridge.clients.session import open_session
from bridge.clients.throttle import SPACING, Throttle
from bridge.connections.bulk_connect import BulkConnect
from bridge.connections.connect import ConnectService
from bridge.connections.handover import HandoverService
from bridge.connections.handover_requests import Handovers
from bridge.connections.intents import Intents
from bridge.connections.last_words import LastWords
from bridge.connections.linked_accounts import LinkedAccounts
from bridge.connections.rollback import Rollback
from bridge.connections.webhook_repair import WebhookRepair
from bridge.core.security.encryption import Vault
from bridge.monitor.connections import IDLE, LOCK_SECONDS, ROUND_SECONDS, ConnectionMonitor
from bridge.monitor.logins import Logins
from bridge.monitor.merge_conflicts import ConflictPoller
from bridge.monitor.readings import GitHubReader
from bridge.monitor.redelivery import Redelivery
from bridge.monitor.thread_updates import ThreadUpdater
from bridge.process.metrics import Metrics
from bridge.process.shutdown import Shutdown
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.queue.inspect import QueueView
from bridge.queue.leases import Leases
from bridge.queue.producer import PartitionedProducer, Producer
from bridge.settings import Settings
from bridge.storage import keys
from bridge.storage.accounts import AccountStore
from bridge.storage.checkups import Checkups
from bridge.storage.client import connect_redis
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


class Services:
    """The clients and stores that web and worker share."""

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        session: ClientSession,
        *,
        outside: ClientSession,
        stop: Shutdown | None = None,
    ) -> None:
        """Take the clients; `outside` is for addresses that people choose."""
        self.settings, self.redis, self.session, self.outside = settings, redis, session, outside
        self.stop = stop or Shutdown()
        self.metrics = Metrics()
        self.vault = Vault(settings.encryption_keys)
        self._make_stores(redis, self.vault)
        self._make_clients()
        self._make_connecting()

    def _make_stores(self, redis: Redis, vault: Vault) -> None:
        self.connections = ConnectionStore(redis, vault)
        self.account_store = AccountStore(redis, vault)
        self.one_time = OneTimeStore(redis, vault)
        self.pulls = PullRequestStore(redis, has_inbox=self.settings.inbox)
        self.members = Members(redis)
        self.webhook_keys = WebhookKeys(redis, vault)
        self.checkups = Checkups(redis)
        self.delivery_log = DeliveryLog(redis)
        self.queue = DeliveryQueue(redis, budgets=self.settings.budgets)
        self.queue_view = QueueView(redis)
        self.handovers = Handovers(redis, self.one_time)
        self.producer = (PartitionedProducer if self.settings.redis_cluster else Producer)(queue=self.queue)

    def _make_clients(self) -> None:
        settings = self.settings
        self.credentials = GitHubCredentials(self.redis, self.vault, settings)
        self.github = GitHub(
            self.session,
            url=settings.github_url,
            api_url=settings.github_api_url,
            credentials=self.credentials,
            redirect_uri=f"{settings.web_url}/auth/github/callback",
        )
        self.hooks = RepositoryWebhooks(
            self.github, self.credentials, self.webhook_keys, web_url=settings.web_url
        )
        self.flowdock = Flowdock(
            self.session,
            api_url=settings.flowdock_api_url,
            chat=settings.chat,
            shown=self.members.shown,
        )
        self.flowdock_oauth = FlowdockOAuth(
            session=self.session,
            api_url=settings.flowdock_api_url,
            client_id=settings.flowdock_client_id,
            client_secret=settings.flowdock_client_secret,
            redirect_uri=f"{settings.web_url}/auth/flowdock/callback",
            chat=settings.chat,
        )
        self.accounts = LinkedAccounts(
            self.account_store, self.connections, self.pulls, self.github, self.checkups
        )

    def _make_connecting(self) -> None:
        self.last_words = LastWords(pulls=self.pulls, flowdock=self.flowdock)
        self.webhook_repair = WebhookRepair(
            connections=self.connections, pulls=self.pulls, accounts=self.accounts, hooks=self.hooks
        )
        intents = Intents(self.redis, self.vault)
        self.rollback = Rollback(
            connections=self.connections,
            intents=intents,
            accounts=self.accounts,
            flowdock=self.flowdock,
            hooks=self.hooks,
        )
        self.connect_service = ConnectService(
            connections=self.connections,
            intents=intents,
            pulls=self.pulls,
            accounts=self.accounts,
            flowdock=self.flowdock,
            hooks=self.hooks,
            last_words=self.last_words,
            webhook_repair=self.webhook_repair,
            rollback=self.rollback,
        )
        self.handover_service = HandoverService(
            handovers=self.handovers,
            accounts=self.accounts,
            hooks=self.hooks,
            flowdock=self.flowdock,
            connect_service=self.connect_service,
        )
        self.bulk_connect = BulkConnect(
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

    def github_reader(self) -> GitHubReader:
        """Make the reader of logs and diffs, to run beside a worker."""
        return GitHubReader(
            pulls=self.pulls,
            accounts=self.accounts,
            installations=InstallationTokens(self.github, self.credentials),
            queue=self.queue,
            api_url=self.settings.github_api_url,
            stop=self.stop,
        )

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
            logins=Logins(accounts=self.accounts, pace=pace),
            tidy=self.rollback.tidy,
            web_url=self.settings.web_url,
            flowdock_api_url=self.settings.flowdock_api_url,
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
async def open_services(
    settings: Settings, *, redis_url: str, for_web: bool = False, stop: Shutdown | None = None
) -> AsyncIterator[Services]:
    """Open the services for these settings, and close them on leaving; `stop` is the process's own."""
    async with aclosing(connect_redis(redis_url, cluster=settings.redis_cluster)) as redis:
        if for_web and settings.inbox:
            settings = await with_own_credentials(settings, redis)
        services = Services(
            settings, redis, open_session(), outside=open_session(public_only=True), stop=stop
        )
        try:
            yield services
        finally:
            await services.bulk_connect.stop()
            await services.connect_service.settled(seconds=SETTLE_SECONDS)
            await services.queue.backlog.close()
            await services.session.close()
            await services.outside.close()
