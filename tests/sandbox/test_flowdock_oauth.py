"""OAuth at Flowdock's stand-in: consent, codes, tokens and whose they are."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.kits.sandbox_flowdock import CLIENT, REDIRECT, Sandbox, sandbox


@pytest.fixture
async def flowdock() -> AsyncIterator[Sandbox]:
    async with sandbox() as running:
        yield running


class TestOAuth:
    async def test_page_offers_every_user_and_denial(self, flowdock: Sandbox) -> None:
        query = {"client_id": CLIENT["client_id"], "redirect_uri": REDIRECT, "response_type": "code"}
        async with flowdock.web.get(
            "/oauth/authorize", params={**query, "state": '"><script>', "scope": "integration"}
        ) as response:
            page = await response.text()
        assert response.status == 200
        for text in ("Sign in as Ann Ames", 'value="1001"', "Bob Burke", "Cy Chen", "Deny", "Add sources"):
            assert text in page
        assert "<script>" not in page.replace("<script type=", "")

    @pytest.mark.parametrize(
        "change",
        [
            {"client_id": "somebody"},
            {"redirect_uri": REDIRECT + "/"},
            {"redirect_uri": REDIRECT + "?x=1"},
            {"redirect_uri": "https://evil.example/"},
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_unregistered_place_is_never_gone_to(
        self, flowdock: Sandbox, change: dict[str, str], method: str
    ) -> None:
        fields = {
            "client_id": CLIENT["client_id"],
            "redirect_uri": REDIRECT,
            "response_type": "code",
        } | change
        fields["user"] = "1001"
        given: dict[str, Any] = {"params": fields} if method == "GET" else {"data": fields}
        async with flowdock.web.request(
            method, "/oauth/authorize", allow_redirects=False, **given
        ) as response:
            assert (response.status, response.content_type) == (400, "text/html")
            assert "Location" not in response.headers

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"deny": "1"}, "access_denied"),
            ({"user": "9"}, "access_denied"),
            ({"scope": "everything"}, "invalid_scope"),
            ({"response_type": "token"}, "unsupported_response_type"),
        ],
    )
    async def test_refusal_goes_back_with_state(
        self, flowdock: Sandbox, change: dict[str, str], error: str
    ) -> None:
        location = await flowdock.authorize(**change)
        assert dict(location.query) == {"error": error, "state": "s t&a"}

    async def test_code_serves_once_at_its_redirect_uri(self, flowdock: Sandbox) -> None:
        location = await flowdock.authorize()
        assert str(location).startswith(REDIRECT + "?")
        assert location.query["state"] == "s t&a"
        exchange = {"grant_type": "authorization_code", "code": location.query["code"]}
        status, answer = await flowdock.token(**exchange, redirect_uri=REDIRECT)
        assert status == 200
        assert (answer["token_type"], answer["expires_in"]) == ("Bearer", "7200")
        assert "refresh_token" not in answer
        assert await flowdock.token(**exchange, redirect_uri=REDIRECT) == (400, _error("invalid_grant"))

    async def test_code_expires_after_ten_minutes(self, flowdock: Sandbox) -> None:
        for age, status in ((599, 200), (600, 400)):
            flowdock.world.clock = lambda: 1000.0
            code = (await flowdock.authorize()).query["code"]
            flowdock.world.clock = lambda age=age: 1000.0 + age  # type: ignore[misc]
            exchange = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
            assert (await flowdock.token(**exchange))[0] == status

    @pytest.mark.parametrize(
        ("change", "status", "error"),
        [
            ({"client_secret": "wrong"}, 401, "invalid_client"),
            ({"client_id": "wrong"}, 401, "invalid_client"),
            ({"redirect_uri": "http://127.0.0.1:9/other"}, 400, "invalid_grant"),
            ({"code": "wrong"}, 400, "invalid_grant"),
            ({"grant_type": "password"}, 400, "unsupported_grant_type"),
            ({"grant_type": "refresh_token"}, 400, "invalid_grant"),
        ],
    )
    async def test_bad_exchange_is_refused(
        self, flowdock: Sandbox, change: dict[str, str], status: int, error: str
    ) -> None:
        code = (await flowdock.authorize()).query["code"]
        exchange = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT} | change
        assert await flowdock.token(**exchange) == (status, _error(error))

    async def test_refresh_token_rotates(self, flowdock: Sandbox) -> None:
        code = (await flowdock.authorize("profile offline_access")).query["code"]
        exchange = {**CLIENT, "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
        headers = {"Accept": "application/json"}
        async with flowdock.web.post("/oauth/token", json=exchange, headers=headers) as response:
            first = await response.json()
        renewal = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        status, second = await flowdock.token(**renewal)
        assert status == 200
        assert second["refresh_token"] != first["refresh_token"]
        assert await flowdock.token(**renewal) == (400, _error("invalid_grant"))
        assert (await flowdock.token(**renewal | {"refresh_token": second["refresh_token"]}))[0] == 200

    async def test_user_is_shown_to_the_bearer(self, flowdock: Sandbox) -> None:
        assert await flowdock.get("/user", headers=await flowdock.sign_in(user=1002)) == {
            "id": 1002,
            "nick": "bob",
            "name": "Bob Burke",
            "email": "bob@acme.example",
            "avatar": f"{flowdock.url}/avatars/bob.svg",
        }

    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic Ym9iOg=="])
    async def test_without_a_token_there_is_401(self, flowdock: Sandbox, header: str) -> None:
        headers = {"Authorization": header} if header else {}
        async with flowdock.web.get("/user", headers=headers) as response:
            assert (response.status, response.content_type) == (401, "application/json")

    async def test_access_token_expires(self, flowdock: Sandbox) -> None:
        headers = await flowdock.sign_in()
        now = flowdock.world.clock()
        flowdock.world.clock = lambda: now + 7201
        async with flowdock.web.get("/user", headers=headers) as response:
            assert response.status == 401


def _error(name: str) -> dict[str, str]:
    descriptions = {
        "invalid_client": "The client is unknown or its secret is wrong.",
        "invalid_grant": "The code or token is unknown, used, expired or meant elsewhere.",
        "unsupported_grant_type": "Use authorization_code or refresh_token.",
    }
    return {"error": name, "error_description": descriptions[name]}
