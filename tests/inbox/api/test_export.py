"""A flow's export: whole, in its documented shape, a piece at a time, and without a token."""

import json

import aiohttp
import pytest

from bridge.inbox.api import export
from bridge.inbox.threads.messages import thread_id
from tests.inbox.conftest import Team
from tests.inbox.threads.test_messages import a_pull, content

EXPORT = "/inbox/flows/team/main/export"


async def filled(team: Team) -> str:
    """A flow with two threads, the second one of five messages; returns its source's token."""
    flow_token = str((await team.source())["flow_token"])
    thread = {"title": "Pull", "bridge": a_pull(1002), "actions": []}
    for number in (1, 2, 2, 2, 2):
        body = content(number, flow_token=flow_token, uuid=None, thread=thread)
        assert (await team.call("POST", "/messages", body))[0] == 202
    path = f"/inbox/flows/team/main/threads/{thread_id(1, 'pr:2')}/messages"
    assert (await team.visit("bob", "POST", path, {"content": "Look, @ann: \u2028 </script>"})).status == 303
    return flow_token


async def test_an_export_has_everything_in_its_order_and_no_token(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "AT_ONCE", 2)
    flow_token = await filled(team)
    answer = await team.visit("ann", "GET", EXPORT)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="main.json"'
    assert answer.headers["Content-Type"] == "application/json"
    found = json.loads(answer.text)
    assert list(found) == ["version", "flow", "people", "sources", "threads"]
    assert found["flow"] == {"id": team.flow.id, "name": "Main", "path": "team/main", "archived": False}
    assert {one["nick"]: one["owner"] for one in found["people"]} == {"ann": True, "bob": False}
    assert found["sources"] == [
        {"id": 1, "name": "acme/component", "external_url": "https://github.com/acme/component"}
    ]
    threads = found["threads"]
    assert [one["external_thread_id"] for one in threads] == ["pr:1", "pr:2"]
    assert [one["id"] for one in threads[1]["messages"]] == [2, 3, 4, 5, 6]
    assert threads[1]["messages"][-1]["content"] == "Look, @ann: \u2028 </script>"
    assert threads[1]["bridge"]["turn"]["people"][0]["id"] == 1002
    assert "actions" not in threads[0]
    for secret in (flow_token, team.inbox.client_secret):
        assert secret not in answer.text


async def test_an_export_holds_a_page_of_messages_at_a_time(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(team)
    monkeypatch.setattr(export, "AT_ONCE", 2)
    pieces = [piece.count(b'"sent":') async for piece in export.exported(team.inbox, team.flow)]
    assert [count for count in pieces if count] == [1, 2, 2, 1]


async def test_an_export_ends_when_its_reader_no_longer_owns_the_flow(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(team)
    await team.inbox.flows.make_owner(team.flow.id, 1002)
    pieces = export.exported

    async def losing(*args):  # type: ignore[no-untyped-def]
        async for piece in pieces(*args):
            yield piece
            await team.inbox.flows.leave(team.flow.id, 1001)

    monkeypatch.setattr("bridge.inbox.pages.flow_settings.exported", losing)
    headers, _ = await team.headers("ann")
    async with team.http.get(team.url + EXPORT, headers=headers) as response:
        got = b""
        with pytest.raises(aiohttp.ClientError):
            async for chunk in response.content.iter_any():
                got += chunk
    assert b"messages" not in got
