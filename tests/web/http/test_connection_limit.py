"""How many connections are open at once: whoever opens many and is slow keeps nobody else out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from bridge.web import app
from bridge.web.http import connection_limit
from scripts.sandbox.faults import Fault
from tests.conftest import House, eventually
from tests.kits import sign
from tests.kits.accounts import link
from tests.web.http.test_wire import HOST, Client, another, connected, get

BOUND = 8
WELL = b"/healthz"
BODY = b"POST /signout HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"

SLOW = {
    "nothing": b"",
    "half a line": b"GET /",
    "half of the headers": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: ",
    "half of a body": BODY + b"Content-Length: 60000\r\n\r\na=",
}


@asynccontextmanager
async def many(address: str, count: int, text: bytes) -> AsyncIterator[list[Client]]:
    """So many clients that send this, and no more."""
    async with AsyncExitStack() as closing:
        clients = []
        for _ in range(count):
            client = await closing.enter_async_context(connected(address))
            client.writer.write(text)
            await client.writer.drain()
            clients.append(client)
        yield clients


async def webhook(house: House, address: str) -> int:
    """GitHub's ping, over a connection of its own."""
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


async def hung_up_on(clients: list[Client]) -> list[Client]:
    """Which of them bridge has closed."""
    return [client for client in clients if client.reader.at_eof() or client.reader.exception()]


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
async def test_slow_clients_however_many_keep_no_delivery_out(house: House, text: bytes) -> None:
    async with another(house, open_at_once=BOUND) as address, many(address, 5 * BOUND, text) as clients:

        async def bounded() -> bool:
            return len(await hung_up_on(clients)) >= 4 * BOUND

        await eventually(bounded)
        for _ in range(3):
            assert await webhook(house, address) == 200
        assert len(await hung_up_on(clients)) < 5 * BOUND, "no more are closed than must be"


async def test_who_has_been_idle_for_longest_goes_first_and_whoever_still_asks_stays(house: House) -> None:
    async with another(house, open_at_once=3) as address, many(address, 3, get(WELL)) as clients:
        for client in clients:
            assert b"200" in await client.reader.readuntil(b'"alive"}')
        # The oldest connection is the one that was used last.
        clients[0].writer.write(get(WELL))
        assert b"200" in await clients[0].reader.readuntil(b'"alive"}')
        async with many(address, 1, b"") as others:
            assert await clients[1].statuses() == []
            for client in (clients[0], clients[2], *others):
                client.writer.write(get(WELL))
                assert b"200" in await client.reader.readuntil(b'"alive"}')


async def test_a_request_that_is_at_work_is_brought_to_its_end_and_the_newest_is_told(house: House) -> None:
    await link(house, "ann")
    await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
    slow = Fault(path="/api/.*", delay=1, times=99)
    house.github_journal.faults.append(slow)
    async with another(house, open_at_once=1) as address:
        clicking = asyncio.create_task(click(house, address))

        async def asked() -> bool:
            return slow.times < 99

        await eventually(asked)
        async with connected(address) as newest:
            newest.writer.write(get(WELL))
            assert await newest.statuses() == [503]
        slow.delay = 0
        assert await clicking == 200
        assert await webhook(house, address) == 200


async def click(house: House, address: str) -> int:
    """A click about which bridge asks GitHub; its answer's status."""
    path = "/repos/acme/component/pulls/1/assign-to-me"
    body = sign.action_body(house.bridge + path)
    headers = {"FLOWDOCK-TOKEN": sign.flowdock_token(body)}
    async with (
        aiohttp.ClientSession() as http,
        http.post(address + path, data=body, headers=headers) as response,
    ):
        return response.status


def test_bridge_itself_is_bounded() -> None:
    assert isinstance(app.make_runner(web.Application()), connection_limit.Runner)
    assert connection_limit.OPEN_AT_ONCE < 1024
