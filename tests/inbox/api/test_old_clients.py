"""Clients of Flowdock's own days sign in, read, stream and write as they always did."""

import asyncio
import importlib
import json
import os
import shutil
from typing import Any

import pytest

from tests.inbox.conftest import Team
from tests.inbox.threads.test_messages import content
from tests.kits import old_clients


@pytest.fixture(autouse=True)
def _signs_of_life_come_between_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.inbox.threads.feed.HEARTBEAT", 0.02)


async def post(team: Team) -> None:
    body = content(1, flow_token=team.flow_token)
    assert (await team.call("POST", "/messages", body))[0] == 202


async def api_token(team: Team) -> str:
    """Bob's, as he makes one for a program; one message is there to read."""
    team.flow_token = (await team.source())["flow_token"]
    await post(team)
    return await team.inbox.api_tokens.make(1002, label="bot", scopes=("flow",))


def check(happened: list[list[Any]]) -> None:
    """Check what a client saw: the same conversation in each language."""
    names = [name for name, *_ in happened]
    assert names.count("connected") == 1
    assert "stream broke" not in names
    found = {name: value for name, *value in happened if name != "message"}
    [flow], [read], [refused] = found["flow"], found["read"], found["refused"]
    assert (flow["name"], len(flow["users"])) == ("Main", 2)
    assert [one["title"] for one in read] == ["opened it"]
    assert "404" in refused
    posted, answer, comment = [value for name, *values in happened if name == "message" for value in values]
    assert (posted["event"], posted["thread"]["title"]) == ("activity", "Pull 1")
    assert (answer["content"], answer["user"]) == ("Look, @ann.", "1002")
    assert answer["tags"] == [":user:1001", ":unread:1001", "red"]
    assert (comment["content"], comment["thread_id"]) == ("Done.", posted["thread_id"])


async def test_the_client_of_npm(team: Team, pytestconfig: pytest.Config) -> None:
    modules, token = old_clients.npm(pytestconfig), await api_token(team)
    process = await asyncio.create_subprocess_exec(
        shutil.which("node") or "node",
        "--no-deprecation",
        str(old_clients.PINS / "talk.js"),
        env={
            **os.environ,
            "NODE_PATH": str(modules),
            "TOKEN": token,
            "FLOWDOCK_API_URL": team.url,
            "FLOWDOCK_STREAM_URL": f"{team.api}/stream/flows",
        },
        stdout=asyncio.subprocess.PIPE,
    )
    happened = []
    assert process.stdout
    async for line in process.stdout:
        happened.append(json.loads(line))
        if {name for name, *_ in happened} == {"flow", "connected", "read"}:
            await post(team)
    assert await process.wait() == 0
    check(happened)


async def test_the_client_of_pypi(
    team: Team, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(old_clients.pypi(pytestconfig))
    monkeypatch.setenv("FLOWDOCK_STREAM_URL", f"{team.api}/stream/flows")
    client = importlib.import_module("aioflowdock")
    session = client.Session(await api_token(team), url=team.api, session=team.http)
    session.on("error", lambda error: happened.append(["refused", str(error)]))
    [flow], _ = await session.flows()
    read, _ = await session.get("/flows/team/main/messages", {"limit": 1})
    happened: list[list[Any]] = [["flow", flow], ["read", read]]
    stream = session.stream(flow["id"], {"active": "idle"})
    stream.on("error", lambda: happened.append(["stream broke"]))
    stream.on("connected", lambda: happened.append(["connected"]))
    coming: asyncio.Queue[Any] = asyncio.Queue()
    stream.on("message", coming.put_nowait)
    await stream.connect()
    await post(team)

    async def message() -> Any:
        happened.append(["message", await coming.get()])
        return happened[-1][1]

    await session.thread_message(flow["id"], (await message())["thread_id"], "Look, @ann.", ["red"])
    await session.comment(flow["id"], (await message())["id"], "Done.")
    await message()
    await session.message(flow["id"], "Hello, all.")
    await stream.end()
    check(happened)
