"""Each call of docs/protocol.md, a row a call: for whom it is, with which scope, and what it answers."""

import re
from dataclasses import replace
from typing import Any

import pytest

from bridge.inbox.people.api_tokens import OFFERED
from bridge.inbox.people.grants import Grant, GrantStore
from bridge.inbox.threads.messages import thread_id
from tests.inbox.conftest import ALL_SCOPES, Team
from tests.inbox.threads.test_messages import content
from tests.kits.controls import unguarded, yes

FLOW = "/flows/team/main"
NAME = thread_id(1, "pr:1")
THREAD = f"{FLOW}/threads/{NAME}"
WORDS = {"event": "message", "content": "Hm."}
Body = dict[str, Any] | None

CALLS: list[tuple[str, str, Body, str, int]] = [
    ("GET", "/user", None, "profile", 200),
    ("GET", "/users", None, "flow", 200),
    ("GET", "/users/1001", None, "flow", 200),
    ("GET", "/flows", None, "flow", 200),
    ("GET", "/flows/all", None, "flow", 200),
    ("GET", "/flows/find?id=ID", None, "flow", 200),
    ("GET", FLOW, None, "flow", 200),
    ("GET", f"{FLOW}/users", None, "flow", 200),
    ("GET", "/sources", None, "flow", 200),
    ("GET", f"{FLOW}/sources", None, "flow", 200),
    ("POST", f"{FLOW}/sources", {"name": "x"}, "integration", 201),
    ("GET", f"{FLOW}/sources/2", None, "flow", 200),
    ("PUT", f"{FLOW}/sources/2", {"error_message": "The webhook is gone."}, "integration", 200),
    ("DELETE", f"{FLOW}/sources/2", None, "integration", 204),
    ("GET", f"{FLOW}/threads", None, "flow", 200),
    ("GET", THREAD, None, "flow", 200),
    ("GET", f"{THREAD}/messages", None, "flow", 200),
    ("GET", f"{FLOW}/messages", None, "flow", 200),
    ("GET", f"{FLOW}/messages/1", None, "flow", 200),
    ("POST", f"{THREAD}/messages", WORDS, "flow", 201),
    ("POST", f"{FLOW}/messages", WORDS | {"thread_id": NAME}, "flow", 201),
    ("POST", "/messages", WORDS | {"thread_id": NAME, "flow": "ID"}, "flow", 201),
    ("POST", f"{FLOW}/messages/1/comments", WORDS, "flow", 201),
    ("POST", "/comments", WORDS | {"message": 1, "flow": "ID"}, "flow", 201),
    ("PUT", f"{FLOW}/messages/2", {"content": "Well."}, "flow", 200),
    ("PUT", f"{FLOW}/messages/1", {"content": "Well."}, "flow", 403),
    ("DELETE", f"{FLOW}/messages/1", None, "flow", 403),
    ("DELETE", f"{FLOW}/messages/2", None, "flow", 204),
    ("GET", "/stream/flows?filter=team/main", None, "flow", 200),
    ("GET", "/stream/flows?filter=ID", None, "flow", 200),
    ("GET", "/stream/flows/team/main", None, "flow", 200),
    ("POST", "/flows/team", {"name": "x"}, "", 404),
    ("PUT", FLOW, {"name": "x"}, "", 404),
    ("POST", f"{FLOW}/users", {"id": 1003}, "", 404),
    ("PUT", f"{FLOW}/users/1001", {"disabled": True}, "", 404),
    ("GET", f"{FLOW}/invitations", None, "", 404),
    ("POST", f"{FLOW}/invitations", {"email": "x@example.com"}, "", 404),
    ("PUT", "/users/1002", {"nick": "x"}, "", 404),
    ("GET", "/organizations", None, "", 404),
    ("GET", "/organizations/team/users", None, "", 404),
    ("POST", "/private/1001/messages", WORDS, "", 404),
    ("GET", "/files/1/x.png", None, "", 404),
    ("GET", f"{FLOW}/messages?search=x", None, "flow", 404),
    ("POST", f"{FLOW}/messages", WORDS, "flow", 404),
    ("POST", f"{THREAD}/messages", WORDS | {"event": "status"}, "flow", 404),
    ("POST", f"{THREAD}/messages", WORDS | {"event": "file"}, "flow", 404),
]
OTHERS = {
    "/messages",
    "/sources",
    "/oauth/authorize",
    "/oauth/token",
    "/v1/messages/team_inbox/",
    "/v1/messages/chat/",
}
"""For a flow token or an application's secret, with tests of their own."""


@pytest.fixture
async def filled(team: Team) -> Team:
    """With a message of a source and one of Ann's in its flow, and a second source."""
    source = await team.source()
    await team.source(name="acme/other")
    body = content(1, flow_token=source["flow_token"])
    assert (await team.call("POST", "/messages", body))[0] == 202
    assert (await team.call("POST", f"{THREAD}/messages", WORDS, token=await team.token()))[1]["id"] == 2
    return team


async def answer(team: Team, token: str, method: str, path: str, body: Body) -> int:
    """The status; a stream is left at once."""
    if body and body.get("flow") == "ID":
        body = body | {"flow": team.flow.id}
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = team.api + path.replace("ID", team.flow.id)
    async with team.http.request(method, url, json=body, headers=headers) as response:
        if response.status >= 400:
            refusal = await response.json()
            assert refusal["message"], path
        return response.status


_access = GrantStore.access


async def _all_scopes(store: GrantStore, token: str) -> Grant | None:
    grant = await _access(store, token)
    return grant and replace(grant, scopes=tuple(ALL_SCOPES.split()))


def test_an_api_token_may_have_each_scope_that_a_call_needs_and_no_other() -> None:
    assert set(OFFERED) == {scope for *_, scope, _ in CALLS} - {""}


@unguarded("bridge.inbox.people.grants.GrantStore.access", _all_scopes)
async def test_each_call_needs_a_token_with_its_scope(filled: Team) -> None:
    for method, path, body, scope, status in CALLS:
        others = " ".join(one for one in ALL_SCOPES.split() if one != scope)
        for token, wanted in (
            ("", 401),
            ("guessed", 401),
            (await filled.token(scopes=others), 403 if scope else status),
            (await filled.token(scopes=scope or "flow"), status),
        ):
            found = await answer(filled, token, method, path, body)
            assert (method, path, scope, found) == (method, path, scope, wanted)


@unguarded("bridge.inbox.flows.flows.FlowStore.may_see", yes)
async def test_a_flow_is_shown_to_its_members_alone(filled: Team) -> None:
    token = await filled.token("cy")
    for method, path, body, scope, _ in CALLS:
        is_of_flow = any(word in f"{path} {body}" for word in ("team/main", "ID", "/users/1001"))
        if scope and is_of_flow:
            assert (path, await answer(filled, token, method, path, body)) == (path, 404)
            elsewhere = path.replace("main", "none").replace("ID", "none").replace("1001", "9999")
            assert await answer(filled, token, method, elsewhere, body) == 404


async def test_each_address_of_the_api_has_a_row(team: Team) -> None:
    seen = [(method, path.partition("?")[0]) for method, path, *_ in CALLS]
    for route in team.app.router.routes():
        path = route.resource.canonical if route.resource else ""
        if not path.startswith("/inbox/api/") or route.method == "HEAD":
            continue
        pattern = re.sub(
            r"\{rest[^{}]*\}",
            ".*",
            re.sub(r"\{(?!rest)\w+[^{}]*\}", "[^/]+", path.removeprefix("/inbox/api")),
        )
        rows = [one for one in seen if route.method in ("*", one[0]) and re.fullmatch(pattern, one[1])]
        assert rows or path.removeprefix("/inbox/api").partition("{")[0] in OTHERS, (route.method, path)
