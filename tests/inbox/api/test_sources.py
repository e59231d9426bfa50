"""Users, flows and sources, over a real socket: each for members of the flow, with the scope it needs."""

from base64 import b64encode
from typing import Any

import pytest

from tests.inbox.conftest import ALL_SCOPES, Team

FLOW = "/flows/team/main"
CALLS = [
    ("GET", "/user", "profile"),
    ("GET", "/flows", "flow"),
    ("GET", "/flows/find?id=ID", "flow"),
    ("GET", FLOW, "flow"),
    ("GET", f"{FLOW}/sources", "flow"),
    ("POST", f"{FLOW}/sources", "integration"),
    ("GET", f"{FLOW}/sources/1", "flow"),
    ("DELETE", f"{FLOW}/sources/1", "integration"),
    ("GET", "/sources", "flow"),
]
OF_A_FLOW = [call for call in CALLS if FLOW in call[1] or "find" in call[1]]


@pytest.mark.parametrize(("method", "path", "scope"), CALLS)
async def test_each_call_needs_a_token_with_its_scope(team: Team, method: str, path: str, scope: str) -> None:
    path = path.replace("ID", team.flow.id)
    await team.source()
    body = {"name": "x"} if method == "POST" else None
    without = " ".join(one for one in ALL_SCOPES.split() if one != scope)
    assert (await team.call(method, path, body))[0] == 401
    assert (await team.call(method, path, body, token="guessed"))[0] == 401
    status, found = await team.call(method, path, body, token=await team.token(scopes=without))
    assert (status, found["message"]) == (403, f"The access token lacks the scope {scope}.")
    assert (await team.call(method, path, body, token=await team.token(scopes=scope)))[0] in (200, 201, 204)


@pytest.mark.parametrize(("method", "path", "scope"), OF_A_FLOW)
async def test_a_flow_is_shown_to_its_members_alone(team: Team, method: str, path: str, scope: str) -> None:
    path = path.replace("ID", team.flow.id)
    await team.source()
    status, found = await team.call(method, path, {"name": "x"}, token=await team.token("cy"))
    other = await team.call(
        method,
        path.replace("main", "none").replace(team.flow.id, "none"),
        {"name": "x"},
        token=await team.token("cy"),
    )
    assert (status, found) == other
    assert status == 404


async def test_a_flow_token_is_shown_once_and_kept_as_a_hash(team: Team) -> None:
    made = await team.source()
    token = await team.token("bob")
    for path in ("/sources", f"{FLOW}/sources", f"{FLOW}/sources/{made['id']}"):
        _, found = await team.call("GET", path, token=token)
        assert "flow_token" not in str(found)
    status, found = await team.call("GET", f"/sources?flow_token={made['flow_token']}")
    assert (status, [one["id"] for one in found]) == (200, [made["id"]])
    redis: Any = team.services.redis
    kept = [await redis.dump(key) async for key in redis.scan_iter("inbox:*")]
    assert not any(made["flow_token"].encode() in value for value in kept)


async def test_a_source_reports_and_clears_a_problem(team: Team) -> None:
    made = await team.source()
    for text in ("The webhook is gone.", ""):
        body = {"flow_token": made["flow_token"], "error_message": text}
        status, found = await team.call("PUT", "/sources", body)
        assert (status, found["error_message"]) == (200, text)
    bad = {"flow_token": made["flow_token"], "configuration_url": "javascript:alert(1)"}
    status, found = await team.call("PUT", "/sources", bad)
    assert (status, list(found["errors"])) == (400, ["configuration_url"])


async def test_who_was_removed_has_no_token_and_no_flow_any_more(team: Team) -> None:
    token = await team.token("bob")
    await team.inbox.flows.leave(team.flow.id, 1002)
    assert (await team.call("GET", FLOW, token=token))[0] == 404
    assert await team.call("GET", "/flows", token=token) == (200, [])
    await team.inbox.people.remove(1002)
    assert (await team.call("GET", "/flows", token=token))[0] == 401


async def test_basic_and_query_tokens_are_taken_and_answers_name_the_user(team: Team) -> None:
    token = await team.token("bob")
    basic = b64encode(f"{token}:".encode()).decode()
    for headers, query in (
        ({"Authorization": f"Bearer {token}"}, ""),
        ({}, f"?access_token={token}"),
        ({"Authorization": f"Basic {basic}"}, ""),
    ):
        async with team.http.get(f"{team.api}/user{query}", headers=headers) as response:
            assert (response.status, response.headers["Flowdock-User"]) == (200, "1002")
            assert (await response.json())["nick"] == "bob"


async def test_what_is_left_out_says_so(team: Team) -> None:
    status, found = await team.call("GET", "/organizations", token=await team.token())
    assert (status, found["message"][:33]) == (404, "There is nothing at this address:")
    status, found = await team.call("PATCH", "/messages")
    assert (status, found["message"]) == (405, "This address takes only POST.")
