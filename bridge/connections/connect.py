"""Connects a repository to a flow: source, stored connection and webhook, all or none.

Three systems take part, so each failure is rolled back, answers that were lost included. What cannot be
rolled back at once stays in the intents, and is rolled back later (`Rollback.tidy`).
"""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import structlog

from bridge.clients.flowdock import Flowdock
from bridge.clients.github_repositories import Repository
from bridge.clients.github_webhooks import RepositoryWebhooks
from bridge.connections.intents import Intent, Intents
from bridge.connections.last_words import LastWords
from bridge.connections.linked_accounts import LinkedAccounts
from bridge.connections.rollback import Rollback
from bridge.connections.webhook_repair import HookResult, WebhookRepair
from bridge.core.errors import (
    BridgeError,
    FlowdockRejected,
    GitHubFailing,
    NotAdministrator,
    NotFound,
    NotLinked,
    SourceGone,
)
from bridge.core.model import Administrator, Connection, Flow
from bridge.core.options import Options
from bridge.storage.connections import ConnectionStore, new_connection_id
from bridge.storage.pulls import PullRequestStore

MAKING_SECONDS = 40
"""With the checks before and a rollback after, within the lock's lifetime (`intents.LOCK_SECONDS`)."""

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class ConnectRequest:
    """A repository to connect to a flow, with the access token and linked account of a Flowdock user.

    With an `administrator` the webhook is theirs; else `repository` is what the linked account sees.
    """

    user: str
    access_token: str = field(repr=False)
    flow: Flow
    repository: Repository
    options: Options
    administrator: Administrator | None = None


@dataclass(frozen=True, kw_only=True)
class ConnectService:
    """Connects and disconnects."""

    connections: ConnectionStore
    intents: Intents
    pulls: PullRequestStore
    accounts: LinkedAccounts
    flowdock: Flowdock
    hooks: RepositoryWebhooks
    last_words: LastWords
    webhook_repair: WebhookRepair
    rollback: Rollback
    _running: set[asyncio.Task[Any]] = field(default_factory=set)

    async def connect(self, wanted: ConnectRequest) -> HookResult:
        """Connect a repository to a flow; an administrator's token is revoked afterwards.

        Repeated, it returns the existing connection, its options untouched and its webhook repaired.

        Raises `NotAdministrator`, `RepositoryBusy`, `NotLinked`, `NotAMember`, `SignedOut`, `RateLimited`,
        `GitHubRefused`, `GitHubFailing`, `FlowdockFailing` or redis-py's errors: then nothing is left of it.
        """
        work, administrator = self._connect(wanted), wanted.administrator
        return await self._shielded(self._lent(work, administrator) if administrator else work)

    async def disconnect(self, connection: Connection, *, access_token: str, user: str) -> list[str]:
        """Remove a connection with its flow token, its source, and its webhook if no other needs it.

        Its threads are told before. Without an access token the source stays, as one that goes with its flow.
        Returns sentences about what a person must remove by hand. Raises `RepositoryBusy`, or Redis errors.
        """
        return await self._shielded(self._disconnect(connection, access_token, user))

    async def settled(self, *, seconds: float) -> None:
        """Wait for connects under way; longer ones are cancelled, and rolled back later."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _shielded(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        # A browser that goes away must not stop it half-way.
        return await asyncio.shield(task)

    async def _lent(self, work: Coroutine[Any, Any, T], administrator: Administrator) -> T:
        """Do `work`, then revoke the administrator's token, unless a rollback still needs it."""
        try:
            return await work
        finally:
            if all(intent.administrator != administrator for intent in await self.intents.all()):
                await self.accounts.give_back_lent(administrator)

    async def _connect(self, wanted: ConnectRequest) -> HookResult:
        repository = wanted.repository
        if not repository.may_hook:
            raise NotAdministrator(f"you are not an administrator of {repository.full_name}")
        async with self.intents.held(repository.id):
            await self.rollback.left(repository.id)
            known = await self._known(wanted.flow, repository, wanted.access_token)
            if known is not None:
                return await self.webhook_repair.repair(
                    known, user=wanted.user, administrator=wanted.administrator
                )
            intent = await self._looked_at(wanted)
            await self.intents.note(intent)
            try:
                async with asyncio.timeout(MAKING_SECONDS):
                    return await self._make(intent, wanted.options)
            except Exception as error:
                await self.rollback.undo(intent, may_come_late=_may_come_late(error))
                if isinstance(error, TimeoutError):
                    raise GitHubFailing("connecting took too long", status=504) from None
                raise

    async def _known(self, flow: Flow, repository: Repository, access_token: str) -> Connection | None:
        """Return the existing connection, unless the flow removed its source."""
        for known in await self.connections.of_repository(repository.id, repository.full_name):
            if known.flow.lower() != flow.path.lower():
                continue
            try:
                await self.flowdock.set_problem(known.flow_token, known.problem.text if known.problem else "")
            except (SourceGone, FlowdockRejected) as gone:
                await self.flowdock.delete_source(flow.path, known.source_id, access_token)
                await self.connections.forget_source(known.id, gone)
            else:
                return known
        return None

    async def _looked_at(self, wanted: ConnectRequest) -> Intent:
        """Make the intent, which records what exists before."""
        flow, repository = wanted.flow.path, wanted.repository
        sources = await self.flowdock.source_ids(flow, wanted.access_token, external_url=repository.url)
        lacks = partial(self._lacks_hook, repository)
        return Intent(
            id=new_connection_id(),
            user=wanted.user,
            access_token=wanted.access_token,
            flow=flow,
            repository=repository.full_name,
            repository_id=repository.id,
            url=repository.url,
            sources_before=tuple(sorted(sources)),
            makes_hook=await self.accounts.as_either(wanted.user, wanted.administrator, lacks),
            administrator=wanted.administrator,
        )

    async def _lacks_hook(self, repository: Repository, token: str) -> bool:
        if await self.hooks.app():
            return False
        return await self.hooks.find(repository, token=token) is None

    async def _make(self, intent: Intent, options: Options) -> HookResult:
        source = await self.flowdock.create_source(
            intent.flow, intent.access_token, name=intent.repository, external_url=intent.url
        )
        connection = Connection(
            id=intent.id,
            repository=intent.repository,
            repository_id=intent.repository_id,
            name=intent.repository,
            flow_token=source.flow_token,
            created_at=int(time.time()),
            options=options,
            flow=intent.flow,
            source_id=source.id,
            installer="" if intent.administrator else intent.user,
            hook_by=intent.administrator.login if intent.administrator else "",
        )
        await self.connections.add(connection)
        connected = await self.webhook_repair.repair(
            connection, user=intent.user, administrator=intent.administrator
        )
        await self.intents.forget(intent.id)
        log.info("connected", connection=connection.id, repository=intent.repository, hook=connected.hook)
        return connected

    async def _disconnect(self, connection: Connection, access_token: str, user: str) -> list[str]:
        async with self.intents.held(connection.repository_id or 0):
            try:
                await self.connections.remove(connection.id)
            except NotFound:
                log.info("already_disconnected", connection=connection.id)
            await self.last_words.say(connection)
            left = [
                *await self._drop_source(connection, access_token),
                *await self._drop_hook(connection, user),
            ]
        log.info("disconnected", connection=connection.id, repository=connection.repository, remaining=left)
        return left

    async def _drop_source(self, connection: Connection, access_token: str) -> list[str]:
        if not access_token:
            # It goes with its flow.
            return []
        if not connection.source_id:
            return ["The source was created by hand: remove it in the flow's settings."]
        try:
            await self.flowdock.delete_source(connection.flow, connection.source_id, access_token)
        except BridgeError as error:
            return [f"The source could not be removed ({error}): remove it in the flow's settings."]
        return []

    async def _drop_hook(self, connection: Connection, user: str) -> list[str]:
        if connection.hook_id is None and await self.hooks.app():
            return []
        name = await self.pulls.present_name(connection)
        known = connection.repository_id
        if await self.connections.others_of(connection.id, known, name):
            return []
        if connection.repository_id is not None:
            await self.hooks.revoke(connection.repository_id)
        why = "nobody who connected it has linked a GitHub account"
        for who in filter(None, dict.fromkeys((user, connection.installer))):
            try:
                drop = partial(self.rollback.drop_hook, connection.repository_id, name)
                await self.accounts.as_user(who, drop)
            except NotLinked:
                continue
            except BridgeError as error:
                why = str(error)
            else:
                return []
        return [
            f"The webhook of {name} could not be removed ({why}): an administrator can remove it in the"
            " repository's settings on GitHub, under Webhooks."
        ]


def _may_come_late(error: Exception) -> bool:
    """Tell whether a call timed out that the other side may still carry out."""
    return isinstance(error, TimeoutError) or getattr(error, "status", 0) == 504
