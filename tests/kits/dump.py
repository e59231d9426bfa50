"""All that Redis holds, whatever its type."""

from typing import Any

from bridge.core.compression import unpack


async def everything(redis: Any) -> dict[str, bytes]:
    """Each key's content as bytes, what is packed unpacked, one part a line, by its name."""
    return {name.decode(): await _content(redis, name) async for name in redis.scan_iter(count=1000)}


async def _content(redis: Any, name: bytes) -> bytes:
    kind = (await redis.type(name)).decode()
    parts: list[Any]
    if kind == "string":
        parts = [await redis.get(name)]
    elif kind == "hash":
        parts = [part for pair in sorted((await redis.hgetall(name)).items()) for part in pair]
    elif kind == "set":
        parts = sorted(await redis.smembers(name))
    elif kind == "zset":
        parts = [part for pair in await redis.zrange(name, 0, -1, withscores=True) for part in pair]
    elif kind == "list":
        parts = await redis.lrange(name, 0, -1)
    elif kind == "stream":
        entries = await redis.xrange(name)
        parts = [part for _, entry in entries for pair in entry.items() for part in pair]
    else:
        # It expired between the two questions.
        assert kind == "none", f"{name!r} is a {kind}: teach `everything` to read it"
        parts = []
    return b"\n".join(
        unpack(part) if isinstance(part, bytes) else str(part).encode() for part in parts if part is not None
    )
