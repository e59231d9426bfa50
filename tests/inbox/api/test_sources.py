"""Users, flows and sources, over a real socket: each for members of the flow, with the scope it needs."""

from base64 import b64encode
from typing import Any

from tests.inbox.conftest import Team

FLOW = "/flows/team/main"


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
    status, found = await team.call("GET", "/none", token=await team.token())
    assert (status, found["message"][:33]) == (404, "There is nothing at this address:")
    status, found = await team.call("PATCH", "/messages")
    assert (status, found["message"]) == (405, "This address takes only POST.")
