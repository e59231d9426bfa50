"""Watch the health of connections, and tell a flow when its connection breaks and when it recovers.

Beside each worker one stands by; the one that holds the lock in Redis makes the rounds and looks at what
events point to. If it dies, its lock runs out and another one goes on.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlencode

import structlog
from redis.exceptions import RedisError

from bridge.clients.flowdock import Flowdock
from bridge.clients.github_webhooks import ComesWithApp, Repository, RepositoryWebhooks
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
from bridge.lifecycle import Shutdown, Stopped
from bridge.monitor.redelivery import Redelivery
from bridge.storage.checkups import Checkup, Checkups
from bridge.storage.connections import ConnectionStore
from bridge.storage.pulls import PullRequestStore

ROUND_SECONDS = 600
LOCK_SECONDS = 30
IDLE = 0.5
AGAIN_SECONDS = 30
"""When Flowdock is told again what it could not take."""

REST_SECONDS = 60
"""How long deliveries for a connection whose problem goes on order no further checkup."""

ATTEMPTS_SEEN = 30

_NOT_SHOWN = frozenset({403, 404})

log = structlog.get_logger()


class Links:
    """Where a flow's members mend a connection."""

    def __init__(self, *, web_url: str, flowdock_api_url: str) -> None:
        self._web_url = web_url
        self._flowdock_api_url = flowdock_api_url

    def configure(self, connection: Connection) -> str:
        """The page for it; the home page where no flow is known."""
        if not connection.flow or not connection.source_id:
            return f"{self._web_url}/"
        source_url = f"{self._flowdock_api_url}/flows/{connection.flow}/sources/{connection.source_id}"
        query = urlencode({"source": connection.source_id, "source_url": source_url})
        return f"{self._web_url}/flowdock/configure?{query}"

    def words(self, connection: Connection, problem: Problem | None) -> str:
        """What the flow shows: nothing where all is well."""
        return f"{problem.text} {self.configure(connection)}" if problem else ""


@dataclass(kw_only=True)
class ConnectionMonitor:
    """Looks after all connections until `stop` is told; the times are seconds."""

    connections: ConnectionStore
    pulls: PullRequestStore
    accounts: LinkedAccounts
    hooks: RepositoryWebhooks
    flowdock: Flowdock
    checkups: Checkups
    redelivery: Redelivery
    tidy: Callable[[], Awaitable[None]]
    links: Links
    pace: Throttle
    stop: Shutdown
    round_seconds: float = ROUND_SECONDS
    lock_seconds: float = LOCK_SECONDS
    idle: float = IDLE
    _name: str = field(default_factory=lambda: secrets.token_hex(8))
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    _resting: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Stand by, and look after the connections whenever no other instance does."""
        while not self.stop.is_set():
            if await self._hold():
                await self._tenure()
            await self.stop.pause(self.lock_seconds / 3)
        with suppress(RedisError, OSError):
            await self.checkups.leave(self._name)

    async def _hold(self) -> bool:
        try:
            return await self.checkups.hold(self._name, seconds=self.lock_seconds)
        except (RedisError, OSError) as error:
            log.warning(
                "redis_unavailable", error=type(error).__name__, doing="keeping the lock of the monitor"
            )
            return False

    async def _tenure(self) -> None:
        over = Shutdown()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._make_rounds(over))
            group.create_task(self._follow_events(over))
            while not self.stop.is_set() and await self._hold():
                await self.stop.pause(self.lock_seconds / 3)
            over.set()

    async def _make_rounds(self, over: Shutdown) -> None:
        while not over.is_set():
            await _survive(self.round(over), doing="making a round")
            await over.pause(self.round_seconds)

    async def _follow_events(self, over: Shutdown) -> None:
        while not over.is_set():
            if not await _survive(self._next_event(), doing="following an event"):
                await over.pause(self.idle)

    async def round(self, over: Shutdown) -> bool:
        """Ask for what was missed, look at each connection once, tidy; False if it is over before that."""
        # First what was missed: deliveries that come by it show that the webhook works.
        await self.redelivery.all(going_on=lambda: not over.is_set())
        for connection in await self.connections.all():
            if over.is_set():
                return False
            await _survive(self.check(Checkup(connection_id=connection.id, hint="")), doing="a checkup")
        await self.tidy()
        return True

    async def _next_event(self) -> bool:
        checkup = await self.checkups.take()
        if checkup is None:
            return False
        rest = self._resting.get(checkup.connection_id, 0) - time.monotonic()
        if checkup.hint == "came" and rest > 0:
            await self.checkups.put_off(checkup, delay=rest)
        elif not await self.check(checkup) and checkup.hint == "came":
            self._resting[checkup.connection_id] = time.monotonic() + REST_SECONDS
        return True

    async def check(self, checkup: Checkup) -> bool:
        """Look at a connection now; whether its problem is another one, which its flow is told.

        Raises `Stopped` and redis-py's errors.
        """
        async with self._one_at_a_time:
            connection = await self.connections.get(checkup.connection_id)
            seen = await self._see(connection) if connection else None
            if connection is None or seen is None:
                return False
            problem = assess(connection, seen, checkup.hint, now=time.time())
            if problem == connection.problem:
                return False
            await self._tell(connection, problem, checkup)
            return True

    # What GitHub shows

    async def _see(self, connection: Connection) -> Observation | None:
        """What the account of whoever connected it is shown; None if GitHub does not tell now."""
        if not connection.installer:
            return UNSEEN
        try:
            return await self.accounts.as_user(
                connection.installer, lambda token: self._look(connection, token)
            )
        except NotLinked:
            return UNSEEN
        except BridgeError as error:
            log.info("checkup_left_out", connection=connection.id, reason=str(error))
            return None

    async def _look(self, connection: Connection, token: str) -> Observation:
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
            # Not the repository's own, so not shown here: events tell of it.
            return Observation(administers=False)
        except GitHubRefused as refusal:
            if refusal.answered not in _NOT_SHOWN:
                raise
            return Observation(administers=False)
        if hook is None:
            return Observation(hooked=False)
        if connection.hook_id not in (None, hook.id):
            # The old one was removed and another made by hand: this one is ours to look after.
            await self.connections.change(connection.id, hook_id=hook.id)
        if hook.problems:
            return Observation(problems=hook.problems)
        attempts = await self.pace.call(
            account, lambda: self.hooks.attempts(name, hook.id, token=token, most=ATTEMPTS_SEEN)
        )
        return Observation(attempts=attempts)

    async def _repository(self, connection: Connection, token: str) -> Repository | None:
        """The repository under its present name; None if GitHub does not show it to this account."""
        look = partial(self.hooks.present, connection.repository_id, connection.repository, token=token)
        try:
            found = await self.pace.call(connection.installer, look)
        except GitHubRefused as refusal:
            if refusal.answered not in _NOT_SHOWN:
                raise
            return None
        await self.pulls.name_by_github(found.id, found.full_name)
        return found

    # What the flow is told

    async def _tell(self, connection: Connection, problem: Problem | None, checkup: Checkup) -> None:
        log.info(
            "connection_problem" if problem else "connection_recovered",
            connection=connection.id,
            text=problem.text if problem else "",
        )
        try:
            await self.flowdock.set_problem(connection.flow_token, self.links.words(connection, problem))
        except SourceGone as gone:
            await self.connections.forget_source(connection.id, gone)
            return
        except FlowdockFailing as error:
            log.warning("flow_not_told", connection=connection.id, reason=str(error))
            delay = AGAIN_SECONDS if error.retry_after is None else error.retry_after
            await self.checkups.put_off(checkup, delay=delay)
            return
        except FlowdockRejected as error:
            # No repetition mends it; bridge's own page shows it all the same.
            log.warning("flow_not_told", connection=connection.id, reason=str(error))
        with suppress(NotFound):
            await self.connections.change(connection.id, problem=problem)


async def _survive(work: Awaitable[bool], *, doing: str) -> bool:
    """What `work` answers; False if it fails, whatever the reason: the next connection is looked at."""
    try:
        return await work
    except Stopped:
        return False
    except (RedisError, OSError) as error:
        log.warning("redis_unavailable", error=type(error).__name__, doing=doing)
    except Undecryptable as error:
        # It says what to do: where it was raised is of no use.
        log.error("monitor_failed", doing=doing, reason=str(error))
    except Exception:
        log.exception("monitor_failed", doing=doing)
    return False
