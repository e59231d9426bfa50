"""Poll a queue in Redis beside a worker, one entry at a time."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.exceptions import RedisError

from bridge.process.shutdown import Shutdown, Stopped

T = TypeVar("T")

log = structlog.get_logger()


async def poll(
    take: Callable[[], Awaitable[T | None]],
    handle: Callable[[T], Awaitable[None]],
    *,
    stop: Shutdown,
    idle: float,
    spacing: float = 0,
    doing: str,
) -> None:
    """Handle what is due until told to stop: `spacing` seconds apart, and `idle` seconds after nothing was.

    While Redis is away, the log says what was `doing`.
    """
    while not stop.is_set():
        try:
            entry = await take()
            if entry is not None:
                await handle(entry)
            await stop.pause(idle if entry is None else spacing)
        except Stopped:
            return
        except (RedisError, OSError) as error:
            log.warning("redis_unavailable", error=type(error).__name__, doing=doing)
            await stop.pause(idle)
