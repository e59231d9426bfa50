"""Poll a queue in Redis beside a worker, one entry at a time."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.exceptions import RedisError

from bridge.process.shutdown import Shutdown, Stopped

T = TypeVar("T")


async def poll(
    take: Callable[[], Awaitable[T | None]],
    handle: Callable[[T], Awaitable[None]],
    *,
    stop: Shutdown,
    idle: float,
    spacing: float = 0,
) -> None:
    """Handle what is due until told to stop, `spacing` seconds apart; if nothing is, wait `idle` seconds."""
    while not stop.is_set():
        try:
            entry = await take()
            if entry is not None:
                await handle(entry)
            await stop.pause(idle if entry is None else spacing)
        except Stopped:
            return
        except (RedisError, OSError):
            await stop.pause(idle)
