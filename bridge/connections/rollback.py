"""Rolls back a connect that failed or crashed: what it made, and what it may have made.

A lost answer says nothing about what happened, so what to remove is looked up at Flowdock and GitHub.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

import structlog
from redis.exceptions import RedisError

from bridge.clients.flowdock import Flowdock
from bridge.clients.github_webhooks import RepositoryWebhooks
from bridge.connections.intents import Intent, Intents, RepositoryBusy
from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.errors import BridgeError, NotFound, reason_of
from bridge.storage.connections import ConnectionStore

PAUSES: tuple[float, ...] = (0.2, 1.0)
"""Seconds between the attempts at one step."""

SECONDS = 30
LATE_SECONDS = 120
"""Seconds after which an abandoned call can no longer take effect outside."""

log = structlog.get_logger()

Step = Callable[[Intent], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Rollback:
    """Rolls back intents; each step is repeated after each of `PAUSES`."""

    connections: ConnectionStore
    intents: Intents
    accounts: LinkedAccounts
    flowdock: Flowdock
    hooks: RepositoryWebhooks

    async def undo(self, intent: Intent, *, may_come_late: bool = False) -> bool:
        """Roll back an intent whose repository is locked; returns False if something is left for later.

        `may_come_late`: a call was given up that may still take effect, so it is looked at again later.
        """
        try:
            async with asyncio.timeout(SECONDS):
                if may_come_late:
                    intent = replace(intent, look_until=int(time.time()) + LATE_SECONDS)
                    await self._tried(self.intents.note, intent)
                done = await self._undone(intent)
        except TimeoutError:
            done = False
        log.warning("connect_rolled_back", repository=intent.repository, flow=intent.flow, complete=done)
        return done

    async def left(self, repository_id: int) -> None:
        """Roll back what crashed connects of a locked repository left."""
        for intent in await self.intents.all():
            if intent.repository_id == repository_id:
                await self.undo(intent)

    async def tidy(self) -> None:
        """Roll back what crashed connects of all repositories left; raises only redis-py's errors."""
        for repository_id in {intent.repository_id for intent in await self.intents.all()}:
            try:
                async with self.intents.held(repository_id, wait=0):
                    await self.left(repository_id)
            except RepositoryBusy:
                continue

    async def _undone(self, intent: Intent) -> bool:
        # With Redis away nothing else is touched: what the intent names stays as it is until it is back.
        if not await self._tried(self._drop_connection, intent):
            return False
        outside = [await self._tried(step, intent) for step in (self._drop_sources, self._drop_hook)]
        if not all(outside):
            return False
        return intent.look_until > time.time() or await self._tried(self._forget, intent)

    async def _tried(self, step: Step, intent: Intent) -> bool:
        for pause in (*PAUSES, None):
            try:
                await step(intent)
            except (BridgeError, RedisError, OSError) as error:
                log.warning(
                    "rollback_failed", repository=intent.repository, reason=reason_of(error), retry_in=pause
                )
                if pause is not None:
                    await asyncio.sleep(pause)
            else:
                return True
        return False

    async def _drop_connection(self, intent: Intent) -> None:
        try:
            await self.connections.remove(intent.id)
        except NotFound:
            return

    async def _drop_sources(self, intent: Intent) -> None:
        found = await self.flowdock.source_ids(intent.flow, intent.access_token, external_url=intent.url)
        kept = {connection.source_id for connection in await self.connections.all()}
        for source_id in sorted(found - kept - set(intent.sources_before)):
            await self.flowdock.delete_source(intent.flow, source_id, intent.access_token)

    async def _drop_hook(self, intent: Intent) -> None:
        repository = intent.repository_id, intent.repository
        if intent.makes_hook and not await self.connections.others_of(intent.id, *repository):
            await self.hooks.revoke(intent.repository_id)
            drop = partial(self.drop_hook, *repository)
            await self.accounts.as_either(intent.user, intent.administrator, drop)

    async def _forget(self, intent: Intent) -> None:
        if intent.administrator is not None:
            await self.accounts.give_back_lent(intent.administrator)
        await self.intents.forget(intent.id)

    async def drop_hook(self, repository_id: int | None, full_name: str, token: str) -> None:
        """Remove the repository's webhook to bridge, if there is one.

        By the repository's id if it is known: another one may have its name now. Raises as
        `RepositoryWebhooks.find` does.
        """
        repository = await self.hooks.repositories.present(repository_id, full_name, token=token)
        hook = await self.hooks.find(repository, token=token)
        if hook is not None:
            await self.hooks.remove(repository.full_name, hook.id, token=token)
