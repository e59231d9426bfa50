"""Watch the health of connections, and tell a flow when its connection breaks and when it recovers.

Each worker process runs a monitor. The one that holds the lock in Redis checks all connections in rounds, and
at once those that events point to. If it dies, its lock expires and another one takes over.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import urlencode

import structlog
from redis.asyncio.lock import Lock
from redis.exceptions import RedisError

from bridge.clients.flowdock import Flowdock
from bridge.clients.github_repositories import Repository
from bridge.clients.github_webhooks import ComesWithApp, RepositoryWebhooks
from bridge.clients.throttle import Throttle
from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.errors import (
    BridgeError,
    FlowdockFailing,
    FlowdockRejected,
    GitHubRefused,
    NotFound,
    NotLinked,
    SourceGone,
)
from bridge.core.github.health import UNSEEN, Observation, assess
from bridge.core.model import Connection, Problem
from bridge.core.security.encryption import Undecryptable
from bridge.monitor.logins import Logins
from bridge.monitor.redelivery import Redelivery
from bridge.process.shutdown import Shutdown, Stopped
from bridge.storage.checkups import Checkup, Checkups
from bridge.storage.connections import ConnectionStore
from bridge.storage.pulls import PullRequestStore

ROUND_SECONDS = 600
LOCK_SECONDS = 30
IDLE = 0.5
RETRY_SECONDS = 30
"""Until a problem that Flowdock could not take is reported again."""

REST_SECONDS = 60
"""While a problem lasts, its connection's deliveries cause at most one checkup in this time."""

ATTEMPTS_READ = 30

_NOT_SHOWN = frozenset({403, 404})

log = structlog.get_logger()


@dataclass(kw_only=True)
class ConnectionMonitor:
    """Checks all connections until `stop` is set; the times are seconds."""

    connections: ConnectionStore
    pulls: PullRequestStore
    accounts: LinkedAccounts
    hooks: RepositoryWebhooks
    flowdock: Flowdock
    checkups: Checkups
    redelivery: Redelivery
    logins: Logins
    tidy: Callable[[], Awaitable[None]]
    web_url: str
    flowdock_api_url: str
    pace: Throttle
    stop: Shutdown
    lock: Lock
    round_seconds: float = ROUND_SECONDS
    idle: float = IDLE
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    _resting: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Stand by, and monitor the connections while this process holds the lock."""
        while not self.stop.is_set():
            if await self._locked(self.lock.acquire(blocking=False)):
                await self._monitor()
            await self.stop.pause(self._renew_seconds)

    @property
    def _renew_seconds(self) -> float:
        return (self.lock.timeout or LOCK_SECONDS) / 3

    async def _monitor(self) -> None:
        """Make rounds and follow events until the lock is lost or bridge shuts down."""
        over = Shutdown()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._make_rounds(over))
            group.create_task(self._follow_events(over))
            while not self.stop.is_set() and await self._locked(self.lock.reacquire()):
                await self.stop.pause(self._renew_seconds)
            over.set()
        with suppress(RedisError, OSError):
            await self.lock.release()

    async def _locked(self, asked: Awaitable[bool]) -> bool:
        """Tell whether this process holds the lock."""
        try:
            return await asked
        except (RedisError, OSError):
            return False

    async def _make_rounds(self, over: Shutdown) -> None:
        while not over.is_set():
            await _survive(self.round(over), doing="checking all connections")
            await over.pause(self.round_seconds)

    async def _follow_events(self, over: Shutdown) -> None:
        while not over.is_set():
            if not await _survive(self._next_event(), doing="following an event"):
                await over.pause(self.idle)

    async def round(self, over: Shutdown) -> bool:
        """Redeliver what was missed, check all connections and logins, tidy; False if it is over before."""
        # Redelivery comes first: the deliveries that it brings show that the webhook works.
        await self.redelivery.all(until=over)
        for connection in await self.connections.all():
            if over.is_set():
                return False
            await _survive(
                self.check(Checkup(connection_id=connection.id, hint="")), doing="checking a connection"
            )
        await self.logins.confirm(until=over)
        await self.tidy()
        return True

    async def _next_event(self) -> bool:
        checkup = await self.checkups.pop()
        if checkup is None:
            return False
        rest = self._resting.get(checkup.connection_id, 0) - time.monotonic()
        if checkup.hint == "came" and rest > 0:
            await self.checkups.postpone(checkup, delay=rest)
        elif not await self.check(checkup) and checkup.hint == "came":
            self._resting[checkup.connection_id] = time.monotonic() + REST_SECONDS
        return True

    async def check(self, checkup: Checkup) -> bool:
        """Check a connection, and tell its flow if its problem changed; returns whether it did.

        Raises `Stopped` and redis-py's errors.
        """
        async with self._one_at_a_time:
            connection = await self.connections.get(checkup.connection_id)
            observation = await self._observe(connection) if connection else None
            if connection is None or observation is None:
                return False
            problem = assess(connection, observation, checkup.hint, now=time.time())
            if problem == connection.problem:
                return False
            await self._report(connection, problem, checkup)
            return True

    # What GitHub shows

    async def _observe(self, connection: Connection) -> Observation | None:
        """Return GitHub's view of a connection, as App and installer see it; None if it is unavailable."""
        try:
            installed = await self._installed(connection)
            seen = UNSEEN if installed is False else await self._seen_by_installer(connection)
        except BridgeError as error:
            log.info("checkup_skipped", connection=connection.id, reason=str(error))
            return None
        return replace(seen, installed=installed)

    async def _installed(self, connection: Connection) -> bool | None:
        if connection.hook_id is not None:
            return None
        look = partial(self.hooks.installed, connection.repository_id, connection.repository)
        return await self.pace.call("app", look)

    async def _seen_by_installer(self, connection: Connection) -> Observation:
        if not connection.installer:
            return UNSEEN
        try:
            return await self.accounts.as_user(
                connection.installer, lambda token: self._observe_as(connection, token)
            )
        except NotLinked:
            return UNSEEN

    async def _observe_as(self, connection: Connection, token: str) -> Observation:
        account = connection.installer
        repository = await self._repository(connection, token)
        if repository is None:
            return Observation(found=False)
        if repository.archived:
            return Observation(archived=True)
        name = repository.full_name
        try:
            hook = await self.pace.call(account, lambda: self.hooks.find(repository, token=token))
        except ComesWithApp:
            # An App's webhook is not shown here.
            return Observation(administers=False)
        except GitHubRefused as refusal:
            if refusal.answered not in _NOT_SHOWN:
                raise
            return Observation(administers=False)
        if hook is None:
            return Observation(hooked=False)
        if connection.hook_id not in (None, hook.id):
            # Somebody replaced the old one by hand: this is the one to check from now on.
            await self.connections.change(connection.id, hook_id=hook.id)
        if hook.problems:
            return Observation(problems=hook.problems)
        attempts = await self.pace.call(
            account, lambda: self.hooks.attempts(name, hook.id, token=token, most=ATTEMPTS_READ)
        )
        return Observation(attempts=attempts)

    async def _repository(self, connection: Connection, token: str) -> Repository | None:
        """Return the repository under its present name; None if GitHub does not show it to this account."""
        present = self.hooks.repositories.present
        look = partial(present, connection.repository_id, connection.repository, token=token)
        try:
            found = await self.pace.call(connection.installer, look)
        except GitHubRefused as refusal:
            if refusal.answered not in _NOT_SHOWN:
                raise
            return None
        await self.pulls.name_by_github(found.id, found.full_name)
        return found

    # What its flow shows

    async def _report(self, connection: Connection, problem: Problem | None, checkup: Checkup) -> None:
        log.info(
            "connection_problem" if problem else "connection_recovered",
            connection=connection.id,
            text=problem.text if problem else "",
        )
        try:
            await self.flowdock.set_problem(connection.flow_token, self._text(connection, problem))
        except SourceGone as gone:
            await self.connections.forget_source(connection.id, gone)
            return
        except FlowdockFailing as error:
            log.warning("problem_report_failed", connection=connection.id, reason=str(error))
            delay = RETRY_SECONDS if error.retry_after is None else error.retry_after
            await self.checkups.postpone(checkup, delay=delay)
            return
        except FlowdockRejected as error:
            # No retry helps; bridge's own page shows it all the same.
            log.warning("problem_report_failed", connection=connection.id, reason=str(error))
        with suppress(NotFound):
            await self.connections.change(connection.id, problem=problem)

    def _text(self, connection: Connection, problem: Problem | None) -> str:
        """Return the text that the flow shows, with a link to where its members repair the connection."""
        if problem is None:
            return ""
        if not connection.flow or not connection.source_id:
            return f"{problem.text} {self.web_url}/"
        source_url = f"{self.flowdock_api_url}/flows/{connection.flow}/sources/{connection.source_id}"
        query = urlencode({"source": connection.source_id, "source_url": source_url})
        return f"{problem.text} {self.web_url}/flowdock/configure?{query}"


async def _survive(work: Awaitable[bool], *, doing: str) -> bool:
    """Return the result of `work`; False if it fails for any reason, so that monitoring goes on."""
    try:
        return await work
    except (Stopped, RedisError):
        return False
    except Undecryptable as error:
        # It says what to do: a traceback is of no use.
        log.error("monitor_failed", doing=doing, reason=str(error))
    except Exception:
        log.exception("monitor_failed", doing=doing)
    return False
