"""`POST /messages`, over a real socket."""

import io
import json
from typing import Any

import pytest

from bridge.inbox.api.requests import LARGEST
from bridge.inbox.threads.messages import thread_id
from tests.inbox.conftest import Team
from tests.inbox.threads.test_messages import a_pull, content

ODD: tuple[dict[str, Any], ...] = (
    {"number": "42"},
    {"number": 2**60},
    {"author": {"id": "1001", "login": "ann"}},
    {"turn": {"kind": "mine", "who": "ann"}},
    {"turn": {"kind": "review", "who": "ann", "people": [{"id": True, "login": "ann"}]}},
    {"turn": {"kind": "review", "who": "ann", "people": [1001]}},
    {"turn": []},
)


async def test_a_message_is_accepted_with_202_or_returned_to_a_client_that_waits(team: Team) -> None:
    source = await team.source()
    posted = content(1, flow_token=source["flow_token"], uuid="one", tags=["@bob", "@cy", "@nobody", "red"])
    assert await team.call("POST", "/messages", posted) == (202, {})
    wait = {"X-flowdock-wait-for-message": "1"}
    status, shown = await team.call("POST", "/messages", posted, headers=wait)
    assert status == 200
    assert (shown["id"], shown["user"], shown["flow"]) == (1, "0", team.flow.id)
    assert shown["thread_id"] == thread_id(source["id"], "pr:1")
    # Cy is not in the flow: nothing tells whether there is such a person.
    assert shown["tags"] == [":user:1002", ":unread:1002", "@cy", "@nobody", "red"]
    assert shown["thread"]["title"] == "Pull 1"
    assert source["flow_token"] not in str(shown)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"event": "message"}, "event"),
        ({"title": "<b>no</b>"}, "title"),
        ({"author": {}}, "author.name"),
        ({"external_thread_id": ""}, "external_thread_id"),
        ({"thread": {"title": "x", "status": {"color": "pink", "value": "open"}}}, "thread.status.color"),
        ({"thread": None}, "thread"),
        *(
            ({"thread": {"title": "x", "bridge": {**a_pull(1001), **change}}}, "thread.bridge")
            for change in ODD
        ),
        ({"tags": {"a": 1}}, "tags"),
    ],
)
async def test_a_message_that_flowdock_refused_is_refused_and_leaves_nothing(
    team: Team, change: dict[str, object], field: str
) -> None:
    source = await team.source()
    status, found = await team.call("POST", "/messages", content(1, flow_token=source["flow_token"]) | change)
    assert (status, found["message"], list(found["errors"])) == (400, "Validation error", [field])
    assert await team.inbox.messages.threads(team.flow.id) == []


async def test_turns_are_believed_of_bridges_own_sources_alone(team: Team) -> None:
    thread = {"title": "x", "bridge": a_pull(1001)}
    own = (await team.source())["flow_token"]
    foreign_token = await team.inbox.api_tokens.make(1002, label="mine", scopes=("integration",))
    path = f"/flows/{team.flow.path}/sources"
    _, made = await team.call("POST", path, {"name": "Bob's"}, token=foreign_token)
    for flow_token in (own, made["flow_token"]):
        body = content(1, flow_token=flow_token, thread=thread)
        assert (await team.call("POST", "/messages", body))[0] == 202
    by_source = {one.source_id: one.state for one in await team.inbox.messages.threads(team.flow.id)}
    assert by_source == {1: thread, 2: {"title": "x"}}


async def test_a_token_unknown_or_of_a_removed_source_is_refused(team: Team) -> None:
    source = await team.source()
    assert (await team.call("POST", "/messages", content(1)))[0] == 401
    assert (await team.call("POST", "/messages", content(1, flow_token="guessed")))[0] == 401
    path = f"/flows/{team.flow.path}/sources/{source['id']}"
    assert (await team.call("DELETE", path, token=await team.token("bob")))[0] == 204
    assert (await team.call("POST", "/messages", content(1, flow_token=source["flow_token"])))[0] == 410


@pytest.mark.parametrize(
    "odd",
    [
        {"x": "[" * 300 + "]" * 300},
        {"tags": [1]},
        {"tags": ["@", "@" * 1000, "\x00"]},
        {"author": []},
        {"author": {"name": {"a": 1}}},
        {"thread": {"title": "x", "fields": [None]}},
        {"thread": {"title": "x", "fields": {}, "actions": [[]]}},
        {"thread": {"title": "x", "status": []}},
        {"thread": {"title": "x", "status": {"color": [], "value": 1}}},
        {"thread": {"title": "x", "actions": [{"@type": [], "name": 1}]}},
        {"uuid": ["u"]},
        {"uuid": "\x00" * 1000},
        {"event": []},
        {"external_thread_id": "\x00"},
        {"flow_token": ["x"]},
    ],
    ids=str,
)
async def test_odd_values_break_nothing(team: Team, odd: dict[str, Any]) -> None:
    source = await team.source()
    body = json.dumps(content(1, flow_token=source["flow_token"]) | odd).replace('"[', "[").replace(']"', "]")
    async with team.http.post(
        f"{team.api}/messages", data=body, headers={"Content-Type": "application/json"}
    ) as response:
        assert response.status in (202, 400, 401)
    for path in ("/inbox", "/inbox/flows/team/main?show=all"):
        assert (await team.visit("ann", "GET", path)).status == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b"{", b"\xff", b"[" * 5000, b'{"a": 1e999}'])
async def test_a_body_that_is_no_object_is_refused(team: Team, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    async with team.http.post(f"{team.api}/messages", data=body, headers=headers) as response:
        assert response.status in (400, 401)
        assert (await response.json())["message"]


async def test_a_body_that_is_too_large_or_of_another_kind_is_refused(team: Team) -> None:
    form = "application/x-www-form-urlencoded"
    for body, kind, expected in (
        (b'"' + b"x" * LARGEST + b'"', "application/json", 413),
        (b"<x/>", "application/xml", 415),
        (b"a=1&a[b]=2", form, 400),
        (b"\xff=1", form, 400),
    ):
        data, headers = io.BytesIO(body), {"Content-Type": kind}
        async with team.http.post(f"{team.api}/messages", data=data, headers=headers) as response:
            assert response.status == expected, body[:20]
            assert (await response.json())["message"]


async def test_forms_in_rails_notation_and_tokens_in_the_query_are_taken(team: Team) -> None:
    source = await team.source()
    form = {
        "event": "activity",
        "title": "did it",
        "author[name]": "Ann",
        "external_thread_id": "pr:1",
        "thread[title]": "Pull 1",
        "thread[fields][][label]": "A",
        "thread[fields][][value]": "b",
        "tags": "red,@bob",
    }
    url = f"{team.api}/messages?flow_token={source['flow_token']}"
    async with team.http.post(url, data=form) as response:
        assert response.status == 202
    [thread] = await team.inbox.messages.threads(team.flow.id)
    assert thread.state["fields"] == [{"label": "A", "value": "b"}]
    assert thread.newest.content["tags"] == ["red", ":user:1002", ":unread:1002"]
