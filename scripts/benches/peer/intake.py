"""A bare aiohttp intake: it checks the signature, and writes to Redis as it is told, with nothing around it.

`none` keeps nothing; `each` awaits one XADD a request; `grouped` sends the XADDs of concurrent requests in
one pipeline.
"""

import argparse
import asyncio
import hashlib
import hmac
import os
from collections.abc import Awaitable, Callable

from aiohttp import web
from redis.asyncio import Redis

STREAM = "bare"


class Grouped:
    """While one pipeline is under way, the next one gathers."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._sending: asyncio.Task[None] | None = None

    async def add(self, body: bytes) -> None:
        """Return once Redis holds it."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((body, done))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())
        await done

    async def _send(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            async with self._redis.pipeline(transaction=False) as pipe:
                for body, _ in group:
                    pipe.xadd(STREAM, {"body": body})
                await pipe.execute()
            for _, done in group:
                done.set_result(None)
        self._sending = None


def create_app(secret: bytes, keep: Callable[[bytes], Awaitable[object]] | None) -> web.Application:
    """202 for what is signed and kept, else 401."""

    async def receive(request: web.Request) -> web.Response:
        body = await request.read()
        wanted = f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"
        if not hmac.compare_digest(wanted, request.headers["X-Hub-Signature-256"]):
            return web.Response(status=401)
        if keep is not None:
            await keep(body)
        return web.Response(status=202)

    app = web.Application(client_max_size=32 * 1024 * 1024)
    app.router.add_post("/github/webhook", receive)
    return app


async def _app(writes: str) -> web.Application:
    secret = os.environ["GITHUB_WEBHOOK_SECRET"].encode()
    if writes == "none":
        return create_app(secret, None)
    redis = Redis.from_url(os.environ["REDIS_URL"])
    if writes == "grouped":
        return create_app(secret, Grouped(redis).add)
    return create_app(secret, lambda body: redis.xadd(STREAM, {"body": body}))


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--writes", choices=("none", "each", "grouped"), required=True)
    options = parser.parse_args()
    web.run_app(
        _app(options.writes), host="127.0.0.1", port=options.port, access_log=None, print=lambda *_: None
    )


if __name__ == "__main__":
    main()
