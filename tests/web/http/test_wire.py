"""What comes over the wire and is no browser's: slow, oversized, malformed. bridge answers, and goes on."""

import asyncio
import contextlib
import io
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from bridge.queue.offload import LARGE
from bridge.web.app import create_app, make_runner
from bridge.web.http.bodies import BODIES, Bodies
from tests.conftest import House, eventually
from tests.kits import sign

LONG = 60
"""Seconds that no test waits: where a bound holds, it is another one."""

SHORT = 0.2

HOST = b"Host: bridge.example\r\n"


@asynccontextmanager
async def served(runner: web.AppRunner) -> AsyncIterator[str]:
    """Serve an application; its address."""
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await web.SockSite(runner, listener).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            await runner.cleanup()


@asynccontextmanager
async def another(
    house: House, *, idle: float = LONG, body: float = LONG, large: int = 4
) -> AsyncIterator[str]:
    """A web half like the house's own, with other bounds; its address."""
    app = create_app(house.services)
    app[BODIES] = Bodies(seconds=body, large=asyncio.Semaphore(large))
    # It waits for nobody: a client that still dribbles is cut off.
    runner = make_runner(app, keepalive_timeout=idle, lingering_time=SHORT, shutdown_timeout=0.1)
    async with served(runner) as address:
        yield address


@dataclass
class Client:
    """A connection, byte by byte."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def dribble(self, text: bytes) -> None:
        """Send it a byte at a time, for ever, until the other side hangs up."""
        with contextlib.suppress(ConnectionError):
            while text:
                for byte in text:
                    self.writer.write(bytes([byte]))
                    await self.writer.drain()
                    await asyncio.sleep(SHORT / 10)

    async def statuses(self) -> list[int]:
        """Of all answers until the other side hangs up."""
        answers = b""
        # A reset drops what was not read yet.
        with contextlib.suppress(ConnectionError):
            while chunk := await self.reader.read(65536):
                answers += chunk
        return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answers)]


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Client]:
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


async def hung_up_on(client: Client, text: bytes) -> list[int]:
    """What a client that dribbles was answered before it was hung up on."""
    dribbling = asyncio.create_task(client.dribble(text))
    try:
        async with asyncio.timeout(LONG / 3):
            return await client.statuses()
    finally:
        dribbling.cancel()


async def ping(house: House, address: str) -> int:
    """What GitHub's ping is answered, over a connection of its own."""
    secret, body = house.services.settings.github_webhook_secrets[0], b'{"zen": "z", "hook_id": 1}'
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "ping",
        "X-GitHub-Delivery": "one",
        "X-Hub-Signature-256": sign.webhook(body, secret),
    }
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{address}/github/webhook", data=body, headers=headers) as response,
    ):
        return response.status


async def is_well(house: House, address: str = "") -> bool:
    async with house.http.get(f"{address or house.bridge}/healthz") as response:
        return response.status == 200


# Slow


@pytest.mark.parametrize(
    "before", [b"", b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"], ids=["first", "next"]
)
@pytest.mark.parametrize(
    "text", [b"", b"GET /", b"GET / HTTP/1.1\r\nX-A: "], ids=["nothing", "line", "header"]
)
async def test_headers_that_never_end_are_hung_up_on(house: House, before: bytes, text: bytes) -> None:
    async with another(house, idle=SHORT) as address, connected(address) as client:
        client.writer.write(before)
        client.writer.write(text)
        assert await hung_up_on(client, b"x" if text else b"") == ([200] if before else [])
        assert await is_well(house, address)


SLOW_BODIES = ["/github/webhook", "/repos/acme/component/pulls/1/close", "/signout", "/authorization/confirm"]


@pytest.mark.parametrize("path", SLOW_BODIES)
async def test_a_body_that_never_ends_is_answered_and_hung_up_on(house: House, path: str) -> None:
    async with another(house, body=SHORT) as address, connected(address) as client:
        form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\n"
        client.writer.write(b"POST " + path.encode() + b" HTTP/1.1\r\n" + HOST + form)
        assert await hung_up_on(client, b"a") == [408]
        assert await is_well(house, address)


async def test_few_large_bodies_are_read_at_once(house: House) -> None:
    """A second one waits its turn, is told so once it waited long enough, and small ones go by."""
    secret = house.services.settings.github_webhook_secrets[0]
    body = b'{"zen": "' + b"x" * LARGE + b'", "hook_id": 1}'
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "ping",
        "X-GitHub-Delivery": "one",
        "X-Hub-Signature-256": sign.webhook(body, secret),
    }
    async with another(house, large=1) as address, connected(address) as holder:
        claimed = f"Content-Length: {LARGE + 1}\r\n\r\n".encode()
        holder.writer.write(b"POST /github/webhook HTTP/1.1\r\n" + HOST + claimed)

        async def posted(data: bytes) -> int:
            async with house.http.post(
                f"{address}/github/webhook", data=io.BytesIO(data), headers=headers
            ) as response:
                return response.status

        assert await posted(b"{}") == 401, "small ones do not wait"
        waiting = asyncio.create_task(posted(body))
        assert await posted(b"{}") == 401
        assert not waiting.done()
        holder.writer.transport.abort()
        assert await waiting == 200


async def test_a_large_body_that_waits_too_long_is_for_another_time(house: House) -> None:
    async with another(house, large=0, body=SHORT) as address:
        data = io.BytesIO(b"x" * (LARGE + 1))
        async with house.http.post(f"{address}/github/webhook", data=data) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "5")


# Oversized


@pytest.mark.parametrize(
    ("path", "size"), [("/github/webhook", 26 * 2**20), (SLOW_BODIES[1], 2**20), (SLOW_BODIES[2], 2**20)]
)
@pytest.mark.parametrize("how", ["plain", "chunked"])
async def test_a_body_that_is_too_large(house: House, path: str, size: int, how: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(size // 65536):
            yield bytes(65536)

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    data = {"plain": io.BytesIO(bytes(size)), "chunked": chunks()}[how]
    # Whoever goes on sending past the answer may be hung up on before it is read.
    with contextlib.suppress(aiohttp.ClientConnectionError):
        async with house.http.post(house.bridge + path, data=data, headers=headers) as response:
            assert response.status == 413
    assert await is_well(house)


async def test_a_body_of_unsaid_length_that_is_all_there_is_held_to_the_limit_too(house: House) -> None:
    size = 65 * 1024
    chunk = b"%x\r\n" % size + b"a" * size + b"\r\n0\r\n\r\n"
    async with connected(house.bridge) as client:
        client.writer.write(get(CLICK, b"Transfer-Encoding: chunked", method=b"POST") + chunk)
        assert b" 413 " in await client.reader.readline()


async def test_forms_bring_no_files(house: House) -> None:
    file = b'--x\r\nContent-Disposition: form-data; name="csrf"; filename="a"\r\n\r\nx\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    async with house.http.post(f"{house.bridge}/signout", data=file, headers=headers) as response:
        assert response.status == 415


# Malformed


def get(target: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    return b"\r\n".join((method + b" " + target + b" HTTP/1.1", b"Host: bridge.example", *headers, b"", b""))


def post(target: bytes, *headers: bytes, body: bytes) -> bytes:
    return get(target, *headers, b"Content-Length: %d" % len(body), method=b"POST") + body


WELL, HOOK, CLICK, FORM = (
    b"/healthz",
    b"/github/webhook",
    b"/repos/a/b/pulls/1/close",
    b"/authorization/confirm",
)
IS_JSON = b"Content-Type: application/json"
IS_FORM = b"Content-Type: application/x-www-form-urlencoded"
REFUSED, NOTHING, PAGE, NO_FORM = {400}, {404}, {303, 404}, {400, 415}

# What is sent, and what may be answered.
ODDITIES: list[tuple[str, bytes, set[int]]] = [
    ("no HTTP at all", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", REFUSED),
    ("binary", bytes(range(256)) * 4, REFUSED),
    ("an unknown version", b"GET / HTTP/9.9\r\n\r\n", REFUSED),
    ("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", REFUSED),
    ("no version", b"GET /\r\n\r\n", {200, 400}),
    ("a huge line", get(b"/" + b"a" * 100_000), REFUSED),
    ("a huge query", get(b"/?a=" + b"a" * 10_000), REFUSED),
    ("a huge header", get(WELL, b"X: " + b"a" * 100_000), REFUSED),
    ("many headers", get(WELL, *(b"X-%d: 1" % n for n in range(1000))), REFUSED),
    ("a folded header", get(WELL, b"X: a\r\n b"), REFUSED),
    ("NUL in a header", get(WELL, b"X: a\0b"), REFUSED),
    ("a header without a name", get(WELL, b": x"), REFUSED),
    ("a space before the colon", get(WELL, b"Transfer-Encoding : chunked"), REFUSED),
    ("two lengths", get(WELL, b"Content-Length: 1", b"Content-Length: 2") + b"ab", REFUSED),
    ("length and chunks", post(HOOK, b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), REFUSED),
    ("a negative length", get(WELL, b"Content-Length: -1"), REFUSED),
    ("a length that is none", get(WELL, b"Content-Length: 1e3"), REFUSED),
    ("a chunk that is none", get(HOOK, b"Transfer-Encoding: chunked", method=b"POST") + b"zz\r\n", REFUSED),
    ("two hosts", get(WELL, b"Host: evil.example"), REFUSED),
    ("a host that is none", b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", {200, 400}),
    ("no host", b"GET /healthz HTTP/1.1\r\n\r\n", {200, 400}),
    ("NUL in the path", get(b"/\0"), REFUSED),
    ("an escaped NUL", get(b"/connections/%00"), PAGE),
    ("escaped line ends", get(b"/connections/%0d%0aX:%20y"), PAGE),
    ("an invalid escape", get(b"/%zz"), NOTHING | REFUSED),
    ("half an escape", get(b"/connections/%"), PAGE | REFUSED),
    ("no UTF-8", get(b"/connections/%ff%fe"), PAGE),
    ("a lone surrogate", get(b"/connections/%ed%a0%80"), PAGE),
    ("raw bytes", get(b"/\xff\xfe"), NOTHING | REFUSED),
    ("an odd query", get(b"/signin?then=%ff%00&=&&a"), {303}),
    ("up and out", get(b"/static/../../settings.py"), NOTHING),
    ("up and out, escaped", get(b"/static/%2e%2e/%2e%2e/settings.py"), NOTHING),
    ("up and out, doubly escaped", get(b"/static/%252e%252e/x"), NOTHING),
    ("NUL in a file's name", get(b"/static/a%00b"), NOTHING),
    ("a file's name without end", get(b"/static/" + b"a" * 5000), NOTHING),
    ("the directory", get(b"/static/"), {403, 404}),
    ("an absolute address", get(b"http://evil.example/"), {200}),
    ("two slashes", get(b"//evil.example/"), NOTHING),
    ("a tunnel", get(b"evil.example:443", method=b"CONNECT"), {400, 404, 405}),
    ("an asterisk", get(b"*", method=b"OPTIONS"), {400, 404, 405}),
    ("TRACE", get(b"/", method=b"TRACE"), {405}),
    ("a method of one's own", get(b"/", method=b"BREW"), {400, 405}),
    ("a method in lower case", get(b"/", method=b"get"), {400, 405}),
    ("an upgrade", get(WELL, b"Connection: Upgrade", b"Upgrade: websocket"), {200, 400}),
    ("an expectation", post(HOOK, b"Expect: 200-ok", body=b"{"), {401, 417}),
    ("cookies that are none", get(b"/", b'Cookie: =;;bridge_session;"\xff='), {200}),
    ("two cookies", get(b"/", b"Cookie: bridge_session=a", b"Cookie: bridge_session=b"), {200}),
    ("two signatures", post(HOOK, IS_JSON, *[b"X-Hub-Signature-256: sha256=00"] * 2, body=b"{}"), {400, 401}),
    ("two tokens", post(CLICK, *[b"FLOWDOCK-TOKEN: a.b.c"] * 2, body=b"{}"), {400, 403}),
    ("gzip that is none", post(HOOK, b"Content-Encoding: gzip", body=b"nope"), {415}),
    ("an unknown encoding", post(HOOK, IS_JSON, b"Content-Encoding: x", body=b"{}"), {415}),
    ("an encoding of no body", get(b"/", b"Content-Encoding: br"), {415}),
    ("a transfer that is compressed", post(HOOK, b"Transfer-Encoding: gzip", body=b"nope"), REFUSED),
    ("a form in an unknown charset", post(FORM, IS_FORM + b"; charset=nope", body=b"state=x"), NO_FORM),
    ("a form in what is no charset", post(FORM, IS_FORM + b"; charset=rot13", body=b"state=x"), NO_FORM),
    ("a form of other bytes", post(FORM, IS_FORM, body=b"state=\xff\xfe\x00"), {400, 403}),
]  # fmt: skip


async def test_odd_requests_are_refused(house: House) -> None:
    for name, sent, answers in ODDITIES:
        async with connected(house.bridge) as client:
            client.writer.write(sent)
            async with asyncio.timeout(LONG / 3):
                line = await client.reader.readline()
        assert re.fullmatch(rb"HTTP/(1\.[01]|0\.9) \d{3} .*\r\n", line), (name, line)
        assert int(line.split()[1]) in answers, (name, line)
        assert await is_well(house), name


async def test_requests_that_come_on_one_anothers_heels_are_all_answered(house: House) -> None:
    async with connected(house.bridge) as client:
        client.writer.write(get(WELL) * 100 + get(WELL, b"Connection: close"))
        assert await client.statuses() == [200] * 101


async def test_a_client_that_hangs_up_in_the_middle_harms_nobody(house: House) -> None:
    for sent in (b"G", get(WELL)[:-2], get(HOOK, b"Content-Length: 9", method=b"POST") + b"{"):
        async with connected(house.bridge) as client:
            client.writer.write(sent)
            await client.writer.drain()

    async def well() -> bool:
        return await is_well(house)

    await eventually(well)
