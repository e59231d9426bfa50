"""Spaces the calls of each account, as GitHub's rate limits ask.

https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bridge.core.errors import RateLimited
from bridge.process.shutdown import Shutdown, Stopped

SPACING = 1.0
"""Seconds between two calls of one account."""

PATIENCE = 90
"""Seconds to wait for a rate limit; a longer one postpones all that is left."""


T = TypeVar("T")


class Throttle:
    """Spaces the calls of each account, and stops waiting at shutdown."""

    def __init__(self, stop: Shutdown, *, spacing: float = SPACING) -> None:
        self._stop = stop
        self._spacing = spacing
        self._next: dict[str, float] = {}

    async def call(self, account: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Call `ask` when it is the account's turn; retry once after a short rate limit.

        Raises `Stopped`, `RateLimited` if the account must wait longer, and what `ask` raises.
        """
        await self._turn(account)
        try:
            return await ask()
        except RateLimited as limit:
            self._rest(account, limit)
        await self._turn(account)
        try:
            return await ask()
        except RateLimited as limit:
            self._rest(account, limit)
            raise

    async def _turn(self, account: str) -> None:
        now = time.monotonic()
        begins = max(now, self._next.get(account, now))
        if begins - now > PATIENCE:
            seconds = int(begins - now)
            raise RateLimited(
                f"GitHub's rate limit is reached: try again in {seconds} s", retry_after=seconds
            )
        self._next[account] = begins + self._spacing
        if begins > now:
            await self._stop.pause(begins - now)
        if self._stop.is_set():
            raise Stopped

    def _rest(self, account: str, limit: RateLimited) -> None:
        until = time.monotonic() + limit.retry_after
        self._next[account] = max(until, self._next.get(account, until))
