"""Reading threads and messages, writing in them, and the old push API: over a real socket."""

import asyncio
import json
import re
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import web

from bridge.inbox.threads import feed
from bridge.inbox.threads.messages import thread_id
from tests.conftest import PATIENCE
from tests.inbox.conftest import Team
from tests.inbox.threads.test_messages import content

FLOW = "/flows/team/main"
THREAD = f"{FLOW}/threads/{thread_id(1, 'pr:1')}"


async def posted(team: Team, count: int = 1) -> None:
    source = await team.source()
    for number in range(count):
        tags = ["red"] if number % 2 else []
        body = content(1, flow_token=source["flow_token"], title=f"did {number}", tags=tags)
        assert (await team.call("POST", "/messages", body))[0] == 202


async def test_messages_are_paged_and_filtered(team: Team) -> None:
    await posted(team, 6)
    token = await team.token("bob")

    async def ids(query: str) -> list[int]:
        status, found = await team.call("GET", f"{FLOW}/messages?{query}", token=token)
        assert status == 200
        return [one["id"] for one in found]

    assert await ids("") == [1, 2, 3, 4, 5, 6]
    assert await ids("limit=2") == [5, 6]
    assert await ids("limit=2&until_id=5") == [3, 4]
    assert await ids("limit=2&since_id=1&sort=asc") == [2, 3]
    assert await ids("tags=red") == [2, 4, 6]
    assert await ids("tags=%23Red&limit=2") == [4, 6]
    assert await ids("tags=red&limit=2&sort=asc") == [2, 4]
    assert await ids("tags=red,@ann") == []
    assert await ids("tags=red,@ann&tag_mode=or") == [2, 4, 6]
    assert await ids("event=discussion") == []
    status, found = await team.call("GET", f"{FLOW}/messages?limit=x", token=token)
    assert (status, list(found["errors"])) == (400, ["limit"])
    _, thread = await team.call("GET", THREAD, token=token)
    assert (thread["title"], thread["activities"], thread["initial_message"]) == ("Pull 1", 6, 1)
    _, [message] = await team.call("GET", f"{FLOW}/messages?limit=1", token=token)
    assert message["thread"] == thread
    _, found = await team.call("GET", f"{THREAD}/messages?sort=asc&limit=2", token=token)
    assert [one["id"] for one in found] == [1, 2]


async def test_threads_are_filtered_by_date_and_application(team: Team) -> None:
    await posted(team)
    token = await team.token("bob")
    for query, count in (
        ("", 1),
        ("since=2001-01-01", 1),
        ("until=2001-01-01T00:00:00Z", 0),
        ("since=2100-01-01T00:00:00%2B02:00", 0),
        ("application=1", 1),
        ("application=inbox", 1),
        ("application=chat", 0),
        ("application=2", 0),
    ):
        status, found = await team.call("GET", f"{FLOW}/threads?{query}", token=token)
        assert (query, status, len(found)) == (query, 200, count)
    status, found = await team.call("GET", f"{FLOW}/threads?until=yesterday", token=token)
    assert (status, list(found["errors"])) == (400, ["until"])


async def test_a_persons_text_is_a_message_with_their_id_and_tags(team: Team) -> None:
    await posted(team)
    body = {"event": "message", "content": " Look, @ann. ", "uuid": "u", "tags": "#red,@bob,@nobody"}
    status, made = await team.call("POST", f"{THREAD}/messages", body, token=await team.token("bob"))
    assert (status, made["user"], made["content"]) == (201, "1002", "Look, @ann.")
    assert made["tags"] == [":user:1001", ":unread:1001", "red", ":user:1002", ":unread:1002", "@nobody"]
    assert (made["thread_id"], made["thread"]["title"]) == (thread_id(1, "pr:1"), "Pull 1")
    assert "external_thread_id" not in made
    _, again = await team.call("POST", f"{THREAD}/messages", body, token=await team.token("bob"))
    assert again["id"] == made["id"]
    _, thread = await team.call("GET", THREAD, token=await team.token("bob"))
    assert thread["internal_comments"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": ""}, "content"),
        ({"content": ["x"]}, "content"),
        ({"content": "x" * 8097}, "content"),
        ({"content": "x", "event": "activity"}, "event"),
        ({"content": "x", "uuid": 1}, "uuid"),
        ({"content": "x", "tags": {"red": 1}}, "tags"),
        ({"content": "x", "tags": [1]}, "tags"),
    ],
)
async def test_an_unacceptable_message_is_refused(team: Team, body: dict[str, Any], field: str) -> None:
    await posted(team)
    status, found = await team.call("POST", f"{THREAD}/messages", body, token=await team.token("bob"))
    assert (status, list(found["errors"])) == (400, [field])
    body |= {"content": "x", "thread_id": "none"}
    status, found = await team.call("POST", f"{FLOW}/messages", body, token=await team.token())
    assert (status, "thread_id" in found["errors"]) == (400, True)


async def test_the_old_push_api_takes_mail(team: Team) -> None:
    flow_token = (await team.source())["flow_token"]
    mail = {
        "source": "CI",
        "from_address": "ci@example.com",
        "from_name": "CI",
        "subject": "Build <1> failed",
        "content": "<p>See there</p>",
        "link": "https://ci.example/1",
        "tags": "@bob,red",
    }
    path = f"/v1/messages/team_inbox/{flow_token}"
    assert await team.call("POST", path, mail) == (200, {})
    [thread] = await team.inbox.messages.threads(team.flow.id)
    assert thread.state["external_url"] == "https://ci.example/1"
    assert thread.newest.content["tags"] == [":user:1002", ":unread:1002", "red"]
    assert "Build &lt;1&gt; failed" in (await team.visit("bob", "GET", "/inbox/flows/team/main")).text
    assert (await team.call("POST", path, mail | {"subject": ""}))[0] == 400
    assert (await team.call("POST", "/v1/messages/team_inbox/guessed", mail))[0] == 401
    assert (await team.call("POST", f"/v1/messages/chat/{flow_token}", mail))[0] == 404


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
async def test_a_stream_sends_missed_and_new_messages_until_its_reader_leaves(
    team: Team, accept: str
) -> None:
    await posted(team, 3)
    token = await team.token("bob")
    headers = {"Authorization": f"Bearer {token}", "Accept": accept, "Last-Event-ID": "1"}
    async with team.http.get(f"{team.api}/stream/flows/team/main", headers=headers) as response:
        assert (response.status, response.content_type) == (200, accept)
        lines = (line async for line in response.content if b"{" in line)
        assert b'"id":2' in await anext(lines)
        assert b'"id":3' in await anext(lines)
        await team.call("POST", f"{THREAD}/messages", {"content": "Hm."}, token=token)
        line = await anext(lines)
        assert b'"content":"Hm."' in line
        assert line.startswith(b"data: " if accept == "text/event-stream" else b"{")
        await team.inbox.flows.leave(team.flow.id, 1002)
        await team.call("POST", f"{THREAD}/messages", {"content": "Secret."}, token=await team.token("ann"))
        assert [line async for line in lines] == []


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
async def test_the_streams_of_each_person_have_a_limit(
    team: Team, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """By API tokens or by pages: each costs a page's piece with each message, for as long as it is open."""
    monkeypatch.setattr(feed, "MOST", 2 if guarded else 5)
    ann, bob = [{"Authorization": f"Bearer {await team.token(nick)}"} for nick in ("ann", "bob")]
    cookie, _ = await team.headers("bob")
    pages = ("/inbox/events", "/inbox/flows/team/main/events", "/inbox/api/stream/flows")
    async with AsyncExitStack() as opened:

        async def status(headers: dict[str, str], path: str) -> int:
            response = await opened.enter_async_context(team.http.get(team.url + path, headers=headers))
            return int(response.status)

        assert [await status(cookie | bob, pages[number % 2]) for number in range(2)] == [200, 200]
        assert [await status(cookie | bob, path) for path in pages] == [429 if guarded else 200] * 3
        assert await status(ann, pages[2]) == 200
    with team.inbox.feed.reading(7):
        pass
    monkeypatch.setattr(feed, "MOST", 1)
    with team.inbox.feed.reading(7):
        pass


async def test_a_slow_reader_gets_no_page_more_once_they_left(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    await posted(team, 5)
    read = team.inbox.messages.flow_messages

    async def losing(*args: Any, **options: Any) -> Any:
        found = await read(*args, **options)
        await team.inbox.flows.leave(team.flow.id, 1002)
        return found

    headers = {"Authorization": f"Bearer {await team.token('bob')}", "Last-Event-ID": "0"}
    monkeypatch.setattr(feed, "AT_ONCE", 2)
    monkeypatch.setattr(team.inbox.messages, "flow_messages", losing)
    async with team.http.get(f"{team.api}/stream/flows/team/main", headers=headers) as response:
        assert len([line async for line in response.content if b"{" in line]) == 2


async def test_a_stream_sends_all_pages_of_what_was_missed(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    await posted(team, 5)
    monkeypatch.setattr(feed, "AT_ONCE", 2)
    headers = {"Authorization": f"Bearer {await team.token('bob')}", "Last-Event-ID": "0"}
    async with (
        asyncio.timeout(PATIENCE),
        team.http.get(f"{team.api}/stream/flows", headers=headers) as response,
    ):
        lines = (line async for line in response.content if b"{" in line)
        assert [json.loads(await anext(lines))["id"] for _ in range(5)] == [1, 2, 3, 4, 5]


OPEN = {"/inbox/api/oauth/authorize", "/inbox/api/oauth/token"}
"""For browsers, and for the application's secret: see their own tests."""


async def test_no_address_of_the_api_answers_without_a_token(team: Team) -> None:
    await posted(team)
    asked = 0
    for route in team.app.router.routes():
        path = re.sub(r"\{(\w+)(?::[^{}]*)?\}", lambda part: NAMES.get(part[1], "1"), route_path(route))
        if not path.startswith("/inbox/api/") or path in OPEN:
            continue
        method = "GET" if route.method == "*" else route.method
        async with team.http.request(method, team.url + path, json={"name": "x"}) as response:
            assert (path, response.status) == (path, 401)
            asked += 1
    assert asked > 25


NAMES = {"org": "team", "flow": "main", "thread": thread_id(1, "pr:1"), "token": "guessed"}


def route_path(route: web.AbstractRoute) -> str:
    return route.resource.canonical if route.resource else ""
