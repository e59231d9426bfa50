"""Ask GitHub for the present logins of linked accounts: no event reports a renamed user."""

import math
import time
from dataclasses import dataclass, field

import structlog

from bridge.clients.throttle import Throttle
from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.errors import BridgeError
from bridge.process.shutdown import Shutdown

SECONDS = 3600
"""Seconds until an account is asked about again: as long as that, an old login may tag its former owner."""

log = structlog.get_logger()


@dataclass(kw_only=True)
class Logins:
    """Keeps the logins of linked accounts: a text's `@login` finds a person by it."""

    accounts: LinkedAccounts
    pace: Throttle
    _asked: dict[str, float] = field(default_factory=dict)

    async def confirm(self, *, until: Shutdown) -> None:
        """Ask about each account that is due, `until` that is set; raises `Stopped` and redis-py's errors."""
        for user in await self.accounts.store.logins():
            if until.is_set():
                break
            now = time.monotonic()
            if now - self._asked.get(user, -math.inf) >= SECONDS:
                self._asked[user] = now
                await self._ask(user)

    async def _ask(self, user: str) -> None:
        try:
            await self.pace.call(user, lambda: self.accounts.confirm_login(user))
        except BridgeError as error:
            log.info("login_check_failed", flowdock_user=user, reason=str(error))
