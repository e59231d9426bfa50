"""The webhook's short way past the router answers as the whole way does."""

import asyncio
import json
import re
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog
from aiohttp import web

from bridge.core.model import Envelope
from bridge.web import fast_path
from bridge.web.app import create_app, make_runner
from bridge.web.http import connection_limit
from tests.conftest import House
from tests.kits import sign
from tests.kits.payloads import pull_request

JSON = b"Content-Type: application/json"


@asynccontextmanager
async def served(runner: web.AppRunner) -> AsyncIterator[str]:
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await web.SockSite(runner, listener).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            await runner.cleanup()


async def answer(address: str, line: bytes, headers: list[bytes], body: bytes) -> tuple[bytes, Any]:
    """The answer's bytes, but for its date; and the line in the log, but for its time."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    length = b"Content-Length: %d" % len(body)
    with structlog.testing.capture_logs() as logs:
        writer.write(
            b"\r\n".join([line, b"Host: bridge.example", b"Connection: close", length, *headers, b"", body])
        )
        answered = await reader.read()
    writer.close()
    lines = [{name: value for name, value in one.items() if name != "ms"} for one in logs]
    return re.sub(rb"Date: [^\r]+", b"Date:", answered), lines


def signed(body: bytes, secret: str, *, event: bytes = b"pull_request", name: str = "") -> list[bytes]:
    delivery = (name or str(uuid.uuid4())).encode()
    signature = sign.webhook(body, secret).encode()
    return [
        JSON,
        b"X-GitHub-Event: " + event,
        b"X-GitHub-Delivery: " + delivery,
        b"X-Hub-Signature-256: " + signature,
    ]


POST = b"POST /github/webhook HTTP/1.1"
EXPECT = b"Expect: 100-continue"


async def test_whatever_comes_is_answered_and_logged_as_by_the_whole_way(house: House) -> None:
    secret = house.services.settings.github_webhook_secrets[0]
    body = json.dumps(await pull_request(house)).encode()
    await house.services.intake.take(
        Envelope(id="again", event="pull_request", body=body), repository_id=1, number=7
    )
    again = signed(body, secret, name="again")
    ping = b'{"zen": "z", "hook_id": 1}'
    requests = [
        (POST, [*again], body),
        (POST, [EXPECT, *again], body),
        (b"POST /github/%77ebhook HTTP/1.1", again, body),
        (b"POST /github/webhook?x=1 HTTP/1.1", again, body),
        (b"POST /github/webhook?repository=1 HTTP/1.1", again, body),
        (b"POST /github/webhook/ HTTP/1.1", again, body),
        (b"GET /github/webhook HTTP/1.1", [], b""),
        (b"PUT /github/webhook HTTP/1.1", again, body),
        (POST, signed(ping, secret, event=b"ping", name="p"), ping),
        (POST, signed(body, secret, event=b"star", name="s"), body),
        (POST, signed(body, "another secret", name="u"), body),
        (POST, signed(b"{", secret, name="m"), b"{"),
        (POST, [b"Content-Type: text/plain", *again[1:]], body),
        (POST, [b"Expect: something-else", *again], body),
        (b"POST /signout HTTP/1.1", [b"Content-Type: multipart/form-data"], b"a"),
    ]
    app = make_runner(create_app(house.services))
    whole = web.AppRunner(create_app(house.services), access_log=None)
    async with served(app) as shorter, served(whole) as longer:
        for line, headers, text in requests:
            answered = await answer(shorter, line, headers, text)
            assert answered[0].startswith(b"HTTP/1.1 ")
            assert answered == await answer(longer, line, headers, text), (line, headers)


@pytest.mark.parametrize(
    ("line", "headers", "passes"),
    [
        (POST, [], False),
        (POST, [EXPECT], True),
        (b"GET /github/webhook HTTP/1.1", [], True),
        (b"POST /signout HTTP/1.1", [], True),
    ],
)
async def test_only_a_delivery_takes_it(
    house: House, line: bytes, headers: list[bytes], passes: bool
) -> None:
    passed = []

    async def whole(request: web.BaseRequest) -> web.StreamResponse:
        passed.append(request.path)
        return web.Response(status=299)

    app = create_app(house.services)
    runner = connection_limit.Runner(app, access_log=None, shorten=lambda _: fast_path.before(whole, app))
    async with served(runner) as address:
        answered, _ = await answer(address, line, headers, b"{}")
    assert (b" 299 " in answered.partition(b"\r\n")[0]) is passes
    assert bool(passed) is passes
