"""Users, flows and sources, over a real socket: each for members of the flow, with the scope it needs."""

from base64 import b64encode
from typing import Any

import pytest

from bridge.inbox.flows import sources
from tests.inbox.conftest import Team, open_team
from tests.kits.controls import always, unguarded

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


async def test_a_full_flow_says_so(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 403 would tell bridge's user that they are not in the flow."""
    monkeypatch.setattr(sources, "MOST", 0)
    status, found = await team.call("POST", f"{FLOW}/sources", {"name": "x"}, token=await team.token())
    assert (status, found["message"]) == (409, "The flow already has 0 sources, the most allowed.")


async def test_a_source_needs_a_name_and_a_web_address(team: Team) -> None:
    token = await team.token()
    for body, field in (
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x", "external_url": "javascript:alert(1)"}, "external_url"),
        ({"name": "x", "external_url": 3}, "external_url"),
        ({"name": "x", "external_url": "https://x.example/" + "x" * 2000}, "external_url"),
    ):
        status, found = await team.call("POST", f"{FLOW}/sources", body, token=token)
        assert (status, list(found["errors"])) == (400, [field])
    assert found["errors"][field] == ["is longer than 2000 characters"], "the last one"
    assert await team.call("GET", f"{FLOW}/sources", token=token) == (200, [])


async def test_a_removed_person_has_no_token_and_no_flow(team: Team) -> None:
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


async def test_a_left_out_address_says_so(team: Team) -> None:
    status, found = await team.call("GET", "/none", token=await team.token())
    assert (status, found["message"][:33]) == (404, "There is nothing at this address:")
    status, found = await team.call("PATCH", "/messages")
    assert (status, found["message"]) == (405, "This address accepts only POST.")


async def test_only_the_application_that_made_a_source_changes_it(team: Team) -> None:
    own, token = (
        await team.source(),
        await team.inbox.api_tokens.make(1002, label="", scopes=("integration",)),
    )
    _, bobs = await team.call("POST", f"{FLOW}/sources", {"name": "Bob's"}, token=token)
    for change in (
        {"configuration_url": "https://evil.example/"},
        {"error_message": "Sign in at evil.example"},
    ):
        status, found = await team.call("PUT", f"{FLOW}/sources/{own['id']}", change, token=token)
        assert (status, found["message"]) == (
            403,
            "Only the application that created the source can change it.",
        )
        status, found = await team.call("PUT", f"{FLOW}/sources/{bobs['id']}", change, token=token)
        assert (status, found[next(iter(change))]) == (200, *change.values()), "the control: his own"
    banner = (await team.visit("ann", "GET", "/inbox/flows/team/main")).text
    assert "<strong>Bob&#39;s, added with an API token:</strong> Sign in at evil.example" in banner
    kept = await team.inbox.sources.get(str(own["id"]))
    assert kept
    assert (kept.configuration_url, kept.error_message) == ("", "")


@unguarded("bridge.web.http.rate_limit.Limits.check", always)
async def test_each_token_and_each_source_has_a_limit_of_its_own(redis_url: str) -> None:
    async with open_team(redis_url, more={"PAGE_LIMIT": "2"}) as team:
        burst = 5
        own = await team.source()
        token = await team.inbox.api_tokens.make(1002, label="", scopes=("flow", "integration"))
        _, bobs = await team.call("POST", f"{FLOW}/sources", {"name": "Bob's"}, token=token)

        async def post(source: dict[str, Any], count: int) -> list[int]:
            body = {"flow_token": source["flow_token"], "error_message": ""}
            return [(await team.call("PUT", "/sources", body))[0] for _ in range(count)]

        asked = [(await team.call("GET", "/flows", token=token))[0] for _ in range(burst)]
        assert asked == [200] * (burst - 1) + [429]
        async with team.http.get(f"{team.api}/flows?access_token={token}") as response:
            assert (response.status, response.content_type) == (429, "application/json")
            assert 1 <= int(response.headers["Retry-After"]) <= 6
        other = await team.inbox.api_tokens.make(1002, label="", scopes=("flow",))
        assert (await team.call("GET", "/flows", token=other))[0] == 200, "another token of the same person"
        assert await post(bobs, burst + 1) == [200] * burst + [429]
        assert await post(own, 4 * burst) == [200] * 4 * burst, "bridge posts as its queue does"
        assert (await team.call("GET", "/flows", token="none"))[0] == 401, "nothing of it counts as refused"
