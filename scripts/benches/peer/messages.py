"""A bare aiohttp handler of messages: it checks the flow token, and does one XADD."""

import argparse
import hmac
import os

import orjson
from aiohttp import web
from redis.asyncio import Redis

STREAM = "bare"


def create_app(redis: Redis, flow_token: bytes) -> web.Application:
    """202 for a message with the token, else 401."""

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        if not hmac.compare_digest(orjson.loads(body)["flow_token"].encode(), flow_token):
            return web.Response(status=401)
        await redis.xadd(STREAM, {"body": body})
        return web.json_response({}, status=202)

    app = web.Application()
    app.router.add_post("/inbox/api/messages", take)
    return app


async def _app() -> web.Application:
    return create_app(Redis.from_url(os.environ["REDIS_URL"]), os.environ["FLOW_TOKEN"].encode())


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    web.run_app(_app(), host="127.0.0.1", port=options.port, access_log=None, print=lambda *_: None)


if __name__ == "__main__":
    main()
