"""Attacks of strangers on what bridge has for everybody: its time, its memory, its Redis."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web

from bridge.web.endpoints import webhook
from bridge.web.http import bodies, server
from tests.conftest import House
from tests.web.http.test_wire import CLICK, FORM, HOOK, IS_JSON, another, connected, get, ping, post

GUARDED = pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "unguarded"])
"""The same attack with the guard and, as a control, without it."""

SIZE = 4 * 2**20
BOMB = gzip.compress(bytes(SIZE))
UNSIGNED = (IS_JSON, b"X-GitHub-Event: push", b"X-GitHub-Delivery: one", b"Connection: close")
ENCODED = (b"Content-Encoding: gzip", *UNSIGNED)
SECONDS = 30
"""Seconds that a genuine request may wait here, where much else runs: it must get through at all."""


# Compressed bodies


@pytest.fixture
def inflated(guarded: bool, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the bodies that bridge has read; without the guard aiohttp inflates them."""
    sizes: list[int] = []
    read = bodies.read_body

    async def reading(request: web.Request, bounds: bodies.Bodies, *, limit: int) -> bytes:
        body = await read(request, bounds, limit=limit)
        sizes.append(len(body))
        return body

    monkeypatch.setattr(webhook, "read_body", reading)
    if not guarded:
        runner = server.Runner
        monkeypatch.setattr(
            server, "Runner", lambda app, **options: runner(app, **options | {"auto_decompress": True})
        )
        monkeypatch.setattr(bodies, "refuse_encoded", lambda _: None)
    return sizes


@GUARDED
async def test_a_compressed_body_is_refused_before_a_byte_of_it_is_inflated(
    house: House, guarded: bool, inflated: list[int]
) -> None:
    async with another(house) as address, connected(address) as client:
        client.writer.write(post(HOOK, *ENCODED, body=BOMB))
        statuses = await client.statuses()
    assert len(BOMB) < SIZE / 900
    assert (statuses, inflated) == (([415], []) if guarded else ([401], [SIZE]))


@GUARDED
async def test_a_flood_of_compressed_bodies_holds_up_no_delivery(
    house: House, guarded: bool, inflated: list[int]
) -> None:
    async with another(house) as address, flooded(address, 40 if guarded else 4) as answers:
        for _ in range(3):
            async with asyncio.timeout(SECONDS if guarded else None):
                assert await ping(house, address) == 200
    flood = [size for size in inflated if size == SIZE]
    assert answers
    assert bool(flood) is not guarded


@asynccontextmanager
async def flooded(address: str, clients: int) -> AsyncIterator[list[int]]:
    """So many clients that send bombs one after the other; how they are answered."""
    answers: list[int] = []
    under_way = asyncio.Event()

    async def flood() -> None:
        while True:
            async with connected(address) as client:
                with suppress(ConnectionError):
                    client.writer.write(post(HOOK, *ENCODED, body=BOMB))
                    answers.extend(await client.statuses())
            under_way.set()

    flooding = [asyncio.create_task(flood()) for _ in range(clients)]
    try:
        await under_way.wait()
        yield answers
    finally:
        for task in flooding:
            task.cancel()
        await asyncio.gather(*flooding, return_exceptions=True)


@pytest.mark.parametrize("path", [HOOK, CLICK, FORM, b"/nowhere", b"/healthz"])
async def test_no_address_waits_for_a_compressed_body(house: House, path: bytes) -> None:
    """It never comes: the headers alone are refused."""
    for encoding in (b"gzip", b"deflate", b"br", b"zstd", b"identity", b"x, gzip", b""):
        async with connected(house.bridge) as client:
            headers = (b"Content-Encoding: " + encoding, b"Content-Length: 60000")
            client.writer.write(get(path, *headers, method=b"POST"))
            async with asyncio.timeout(SECONDS):
                assert b" 415 " in await client.reader.readline(), encoding
