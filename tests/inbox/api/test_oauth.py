"""OAuth at the inbox: codes and tokens serve once, for the registered application and address alone."""

from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from bridge.inbox.people import sessions
from tests.inbox.conftest import Team, open_team
from tests.kits.controls import always, unguarded


async def ask(team: Team, nick: str = "ann", **changes: str) -> tuple[int, str]:
    """Open the authorization address as somebody signed in; return the status and where it leads."""
    session = await team.app_sessions.begin(team.people[nick].id, browser="")
    query = {
        "client_id": team.inbox.client_id,
        "response_type": "code",
        "redirect_uri": team.inbox.redirect_uri,
        "scope": "flow profile",
        "state": "a b&c",
    } | changes
    headers = {"Cookie": f"{sessions.COOKIE}={session}"} if nick else {}
    async with team.http.get(
        f"{team.api}/oauth/authorize",
        params={name: value for name, value in query.items() if value},
        headers=headers,
        allow_redirects=False,
    ) as response:
        return response.status, response.headers.get("Location", "")


async def exchange(team: Team, **fields: str) -> tuple[int, dict[str, Any]]:
    body = {
        "client_id": team.inbox.client_id,
        "client_secret": team.inbox.client_secret,
        "grant_type": "authorization_code",
        "redirect_uri": team.inbox.redirect_uri,
    } | fields
    status, found = await team.call("POST", "/oauth/token", body, headers={"Accept": "application/json"})
    return status, found


async def code(team: Team, **changes: str) -> str:
    status, location = await ask(team, **changes)
    assert status == 303
    query = parse_qs(urlsplit(location).query)
    assert location.startswith(f"{team.url}/auth/flowdock/callback?")
    assert query["state"] == ["a b&c"]
    return query["code"][0]


async def test_a_code_gives_a_token_with_its_scopes_once(team: Team) -> None:
    given = await code(team, scope="flow offline_access")
    status, found = await exchange(team, code=given)
    assert (status, found["scope"], found["token_type"]) == (200, "flow offline_access", "Bearer")
    assert (await team.call("GET", "/flows", token=found["access_token"]))[0] == 200
    assert (await team.call("GET", "/user", token=found["access_token"]))[0] == 403
    assert (await exchange(team, code=given))[0] == 400
    status, renewed = await exchange(team, grant_type="refresh_token", refresh_token=found["refresh_token"])
    assert (status, renewed["scope"]) == (200, "flow offline_access")
    again = await exchange(team, grant_type="refresh_token", refresh_token=found["refresh_token"])
    assert (again[0], again[1]["error"]) == (400, "invalid_grant")


async def test_a_token_ends_with_the_session_that_gave_it(team: Team) -> None:
    for scope, after in (("flow", 401), ("flow offline_access", 200)):
        token = (await exchange(team, code=await code(team, scope=scope)))[1]["access_token"]
        assert (await team.call("GET", "/flows", token=token))[0] == 200
        await team.app_sessions.end_all(1001)
        assert (await team.call("GET", "/flows", token=token))[0] == after


async def test_without_offline_access_nothing_renews_and_a_form_is_the_default(team: Team) -> None:
    form = {
        "client_id": team.inbox.client_id,
        "client_secret": team.inbox.client_secret,
        "grant_type": "authorization_code",
        "redirect_uri": team.inbox.redirect_uri,
        "code": await code(team),
    }
    async with team.http.post(f"{team.api}/oauth/token", data=form) as response:
        assert response.content_type == "application/x-www-form-urlencoded"
        found = dict(parse_qsl(await response.text()))
    assert found.keys() == {"access_token", "token_type", "expires_in", "scope"}


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "other"},
        {"redirect_uri": "https://evil.example/auth/flowdock/callback"},
        {"redirect_uri": "{own}/"},
        {"redirect_uri": "{own}?x=1"},
    ],
)
async def test_a_code_goes_nowhere_but_to_the_registered_address(team: Team, changes: dict[str, str]) -> None:
    own = team.inbox.redirect_uri
    status, location = await ask(team, **{name: value.format(own=own) for name, value in changes.items()})
    assert (status, location) == (400, "")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "flow everything"}, "invalid_scope"),
    ],
)
async def test_a_wrong_request_comes_back_as_an_error(
    team: Team, changes: dict[str, str], error: str
) -> None:
    _, location = await ask(team, **changes)
    assert parse_qs(urlsplit(location).query)["error"] == [error]


async def test_a_signed_out_person_signs_in_first(team: Team) -> None:
    async with team.http.get(
        f"{team.api}/oauth/authorize",
        params={"client_id": team.inbox.client_id, "response_type": "code"},
        allow_redirects=False,
    ) as response:
        assert response.status == 303
        assert "code" not in parse_qs(urlsplit(response.headers["Location"]).query)


@unguarded("hmac.compare_digest", always, row="fields0-answer0")
@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"client_secret": "guessed"}, (401, "invalid_client")),
        ({"client_id": "other"}, (401, "invalid_client")),
        ({"code": "guessed"}, (400, "invalid_grant")),
        ({"redirect_uri": "https://evil.example"}, (400, "invalid_grant")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"grant_type": "refresh_token", "refresh_token": "guessed"}, (400, "invalid_grant")),
    ],
)
async def test_a_code_serves_its_application_alone(
    team: Team, fields: dict[str, str], answer: tuple[int, str]
) -> None:
    status, found = await exchange(team, **{"code": await code(team)} | fields)
    assert (status, found.get("error")) == answer


async def test_the_credentials_are_made_once_and_stored_encrypted(team: Team) -> None:
    kept = await team.services.redis.get("inbox:{main}:application")
    assert kept
    assert team.inbox.client_secret.encode() not in kept
    assert team.services.settings.flowdock_api_url == f"{team.url}/inbox/api"


@unguarded("bridge.web.http.rate_limit.Limits.check", always)
async def test_nobody_fills_redis_with_codes(redis_url: str) -> None:
    async with open_team(redis_url, more={"PAGE_LIMIT": "6"}) as team:
        statuses = [(await ask(team))[0] for _ in range(5)]
        assert statuses == [303, 303, 303, 429, 429]
