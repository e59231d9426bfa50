"""A bare worker: it reads a stream of bodies, parses each and posts something of a message's size.

No order, no snapshot, nothing noted, nothing tried again: what a loop reaches over the same client.
"""

import argparse
import asyncio
import os
import uuid
from typing import Any

import aiohttp
import orjson
from redis.asyncio import Redis

STREAM = "bare"
READ_COUNT = 64


async def drain(url: str, *, total: int, size: int, side_by_side: int) -> None:
    """Post `total` messages of `size` bytes, `side_by_side` at once."""
    # redis-py's annotations offer each answer in every shape of every protocol version.
    redis: Any = Redis.from_url(os.environ["REDIS_URL"], protocol=2)
    waiting: asyncio.Queue[bytes] = asyncio.Queue(maxsize=512)
    connector = aiohttp.TCPConnector(limit=512)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        for _ in range(side_by_side):
            group.create_task(_post(session, f"{url}/messages", waiting, size))
        position, read = "0", 0
        while read < total:
            answer = await redis.xread({STREAM: position}, count=READ_COUNT)
            for entry_id, fields in answer[0][1]:
                position, read = entry_id, read + 1
                await waiting.put(fields[b"body"])
        for _ in range(side_by_side):
            await waiting.put(b"")
    await redis.aclose()


async def _post(session: aiohttp.ClientSession, url: str, waiting: asyncio.Queue[bytes], size: int) -> None:
    headers = {"Content-Type": "application/json"}
    while body := await waiting.get():
        orjson.loads(body)
        made = b'{"uuid":"%s","content":"' % uuid.uuid4().hex.encode()
        message = made.ljust(size - 2, b"x") + b'"}'
        async with session.post(url, data=message, headers=headers) as response:
            if response.status != 202:
                raise RuntimeError(f"answered {response.status}")
            await response.read()


def main() -> None:
    """Drain the stream, and end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name in ("total", "size", "side-by-side"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--url", required=True)
    options = parser.parse_args()
    asyncio.run(drain(options.url, total=options.total, size=options.size, side_by_side=options.side_by_side))


if __name__ == "__main__":
    main()
