"""Streams and exports that end early: by a fault on the way, or as their reader hangs up."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog
from redis.exceptions import ConnectionError as RedisAway

from bridge.core.errors import GitHubFailing
from bridge.inbox.pages import flow_settings
from bridge.inbox.threads import feed
from bridge.inbox.threads.messages import thread_id
from tests.conftest import PATIENCE, eventually
from tests.inbox.conftest import Team
from tests.inbox.threads.test_messages import content

FLOW = "/inbox/flows/team/main"
THREAD = thread_id(1, "pr:1")
STREAMS = ["/inbox/events", f"{FLOW}/events", f"{FLOW}/events?thread={THREAD}", "/inbox/api/stream/flows"]


async def connected(
    team: Team, path: str, *, method: str = "GET", besides: bytes = b""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection over which Ann has asked for a path."""
    cookie, _ = await team.headers("ann")
    asked = {"Host": "inbox", "Authorization": f"Bearer {await team.token('ann')}", **cookie}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in asked.items())]
    parts = urlsplit(team.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write("\r\n".join(lines).encode() + b"\r\n" + besides + b"\r\n")
    return reader, writer


@pytest.mark.parametrize("path", [*STREAMS, f"{FLOW}/export"])
@pytest.mark.parametrize(
    "fault", [RedisAway(), GitHubFailing("GitHub took too long")], ids=["Redis", "GitHub"]
)
async def test_a_fault_cuts_off_an_answer_that_has_begun_and_adds_no_second_one(
    team: Team, monkeypatch: pytest.MonkeyPatch, path: str, fault: Exception
) -> None:
    async def failing(*_: Any) -> Any:
        raise fault

    async def some(*_: Any) -> Any:
        yield b"{"
        raise fault

    monkeypatch.setattr(feed, "wait_for_news", failing)
    monkeypatch.setattr(flow_settings, "exported", some)
    reader, writer = await connected(team, path)
    received = b""
    async with asyncio.timeout(PATIENCE):
        try:
            while chunk := await reader.read(65536):
                received += chunk
        except ConnectionResetError:
            pass
    writer.close()
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.count(b"HTTP/1.1") == 1
    assert not received.endswith(b"0\r\n\r\n"), "it looks whole"


FORM = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n"


@pytest.mark.parametrize(
    ("method", "path", "besides"),
    [
        ("POST", f"{FLOW}/leave", FORM),
        ("POST", "/inbox/api/messages", FORM),
        ("POST", "/github/webhook", FORM),
        ("POST", "/repos/acme/component/pulls/1/close", FORM),
        *(("GET", path, b"") for path in (*STREAMS, f"{FLOW}/events?thread=none")),
    ],
)
async def test_a_client_that_hangs_up_is_no_fault_of_redis(
    team: Team, monkeypatch: pytest.MonkeyPatch, method: str, path: str, besides: bytes
) -> None:
    """It is found out soon, also where the news that come all the time are of other threads."""
    monkeypatch.setattr(feed, "HEARTBEAT", 1)
    with structlog.testing.capture_logs() as logs:
        reader, writer = await connected(team, path, method=method, besides=besides)
        if method == "GET":
            await reader.readuntil(b"\r\n\r\n")
        else:
            writer.write(b"\r\na")
            await writer.drain()
        writer.transport.abort()

        async def answered() -> bool:
            await team.inbox.messages.post(team.flow.id, 1, content(1))
            return any(line["event"] == "request" for line in logs)

        await eventually(answered)
    assert [line for line in logs if line["log_level"] in ("warning", "error")] == []


@pytest.mark.parametrize("path", STREAMS[1:])
async def test_a_position_that_was_never_given_hides_no_news(team: Team, path: str) -> None:
    """As after a restart from a backup: a browser and a program go on from ids that come again."""
    headers, _ = await team.headers("bob")
    headers |= {"Authorization": f"Bearer {await team.token('bob')}", "Last-Event-ID": "999999"}
    old = await team.inbox.messages.post(team.flow.id, 1, content(1))
    async with team.http.get(team.url + path, headers=headers) as response, asyncio.timeout(PATIENCE):
        await team.inbox.messages.post(team.flow.id, 1, content(1))
        line = await anext(line async for line in response.content if b"{" in line)
    assert f"{old.id + 1}" in line.decode()
