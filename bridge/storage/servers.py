"""The servers whose ids Redis keeps: on another server, the same id means somebody else."""

from collections.abc import Mapping
from contextlib import suppress

from redis.exceptions import OutOfMemoryError

from bridge.core.errors import BridgeError
from bridge.storage import keys
from bridge.storage.redis import Redis


class AnotherServer(BridgeError):
    """Redis keeps the ids of another server."""


async def bind(redis: Redis, servers: Mapping[str, str]) -> None:
    """Bind Redis to these servers at the first start; raises `AnotherServer` if it is bound to others."""
    for kind, address in servers.items():
        # Read first: a full Redis accepts no write.
        if await redis.get(keys.server(kind)) is None:
            await redis.set(keys.server(kind), address, nx=True)
    await check(redis, servers)


async def check(redis: Redis, servers: Mapping[str, str]) -> None:
    """Raise `AnotherServer` if Redis is bound to other servers than these."""
    for kind, address in servers.items():
        key = keys.server(kind)
        bound = (await redis.get(key) or address.encode()).decode()
        if bound != address:
            raise AnotherServer(
                f"this Redis keeps people and ids of {bound}; with {address}, they could be taken for other"
                " people. Use the settings that bridge runs with, or set REDIS_URL to an empty Redis. If it"
                f" is the same server at a new address, delete the key {key} in Redis, and start again"
            )


async def former_address(redis: Redis, web_url: str) -> str:
    """Note the WEB_URL of this start; return the one of the last start if that was another, else nothing."""
    before = (await redis.get(keys.WEB_URL) or b"").decode()
    if before == web_url:
        return ""
    with suppress(OutOfMemoryError):
        await redis.set(keys.WEB_URL, web_url)
    return before
