"""The shortcut for deliveries: no answer changes with it."""

import asyncio
import json
import re
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog
from aiohttp import web

from bridge.core.model import Envelope
from bridge.web import fast_path
from bridge.web.app import create_app, make_runner
from bridge.web.http.server import Handle
from tests.conftest import House
from tests.kits import sign
from tests.kits.payloads import pull_request
from tests.web.http.test_wire import served

JSON = b"Content-Type: application/json"


async def answer(
    address: str, line: bytes, headers: list[bytes], body: bytes
) -> tuple[list[bytes], list[Any]]:
    """The answer's lines, but for its date, and the lines in the log, but for their time.

    An answer ends after its body, whether the connection stays open or not.
    """
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = [line, b"Host: bridge.example", b"Content-Length: %d" % len(body), *headers, b""]
    with structlog.testing.capture_logs() as logs:
        writer.write(b"\r\n".join([*head, body]))
        answered = await reader.readuntil(b"\r\n\r\n")
        while answered.startswith(b"HTTP/1.1 100 "):
            answered = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", answered)
        text = await reader.readexactly(int(length[1])) if length else b""
    writer.close()
    first, *others = answered.rstrip().split(b"\r\n")
    kept = sorted(other for other in others if not other.startswith(b"Date: "))
    lines = [{name: value for name, value in one.items() if name != "ms"} for one in logs]
    return [first, *kept, text], lines


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
CLOSE = b"Connection: close"


async def test_no_answer_changes_with_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = house.services.settings.github_webhook_secrets[0]
    body = json.dumps(await pull_request(house)).encode()
    await house.services.producer.enqueue(
        Envelope(id="again", event="pull_request", body=body), repository_id=1, number=7
    )
    again = signed(body, secret, name="again")
    requests = [
        (POST, again),
        (POST, [CLOSE, *again]),
        (POST, [b"Connection: keep-alive", *again]),
        (b"POST /github/webhook HTTP/1.0", again),
        (b"POST /github/webhook HTTP/1.0", [b"Connection: keep-alive", *again]),
        (POST, [b"Expect: 100-continue", *again]),
        (b"POST /github/webhook?a=b HTTP/1.1", again),
        (b"GET /github/webhook HTTP/1.1", again),
        (POST, signed(body, "another secret")),
        (POST, [*again, b"Content-Encoding: gzip"]),
        (POST, [b"Content-Type: text/plain", *again[1:]]),
        (POST, again[:1]),
        (POST, signed(body, secret, event=b"ping")),
        (POST, signed(body, secret, event=b"watch")),
        (POST, signed(b"", secret)),
    ]
    quick = make_runner(create_app(house.services))
    monkeypatch.setattr(fast_path, "shortcut", lambda _, whole: whole)
    plain = make_runner(create_app(house.services))
    async with served(quick) as one, served(plain) as other:
        for line, headers in requests:
            assert await answer(one, line, headers, body) == await answer(other, line, headers, body), headers
        for address in (one, other):
            taken, logged = await answer(address, POST, signed(body, secret), body)
            assert (taken[0], logged[0]["status"]) == (b"HTTP/1.1 202 Accepted", 202)


async def test_it_is_taken_once_a_connection_stays_open(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: web.BaseRequest) -> web.StreamResponse:
        raise AssertionError("not the shortcut")

    def only_shortcut(app: web.Application, _: Handle) -> Handle:
        return shortcut(app, never)

    shortcut = fast_path.shortcut
    monkeypatch.setattr(fast_path, "shortcut", only_shortcut)
    secret = house.services.settings.github_webhook_secrets[0]
    body = json.dumps(await pull_request(house)).encode()
    async with served(make_runner(create_app(house.services))) as address:
        first, _ = await answer(address, POST, signed(body, secret), body)
        second, _ = await answer(address, POST, signed(body, secret), body)
        third, _ = await answer(address, POST, [CLOSE, *signed(body, secret)], body)
    assert first == second
    assert (first[0], third[0]) == (b"HTTP/1.1 202 Accepted", b"HTTP/1.1 500 Internal Server Error")
