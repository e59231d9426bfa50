"""The loops that run beside the web application, in each process with the inbox."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from redis.exceptions import RedisError

IDLE = 1.0

log = structlog.get_logger()


async def repeat(step: Callable[[], Awaitable[bool]], *, doing: str) -> None:
    """Repeat a step until cancelled, and pause where it found nothing to do."""
    while True:
        try:
            with suppress(RedisError):
                if await step():
                    continue
        except Exception as error:
            log.error("unexpected_error", doing=doing, exc_info=error)
        await asyncio.sleep(IDLE)
