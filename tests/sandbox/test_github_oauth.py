"""The stand-in GitHub's OAuth: consent, exchange, PKCE, refresh and revocation."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from scripts.sandbox.github.tokens import challenge_of
from tests.kits.sandbox_github import GitHub, Reply, running

CALLBACK = "http://127.0.0.1:8080/auth/github/callback"
CLIENT = {"client_id": "github-client", "client_secret": "github-secret"}
ASKED = {"client_id": "github-client", "redirect_uri": CALLBACK, "scope": "repo read:user", "state": "s&1"}
VERIFIER = "v" * 43
PKCE = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running(redirect_uris=(CALLBACK,)) as server:
        yield server


async def agree(github: GitHub, user: str = "ann-gh", **more: str) -> dict[str, str]:
    """Post the consent form; returns the query the callback gets."""
    reply = await github.ask("POST", "/login/oauth/authorize", data={**ASKED, **more, "user": user})
    assert reply.status == 302, reply.text
    return {key: values[0] for key, values in parse_qs(urlsplit(reply.headers["Location"]).query).items()}


async def exchange(github: GitHub, **fields: str) -> Any:
    reply = await github.ask(
        "POST", "/login/oauth/access_token", data=CLIENT | fields, headers={"Accept": "application/json"}
    )
    assert reply.status == 200
    return reply.json


async def as_app(github: GitHub, method: str, path: str, token: str, secret: str = "github-secret") -> Reply:
    headers = {"Authorization": aiohttp.encode_basic_auth("github-client", secret)}
    path = f"/applications/github-client{path}"
    return await github.call(method, path, body={"access_token": token}, headers=headers)


async def test_the_page_names_users_and_scopes_and_carries_the_request(github: GitHub) -> None:
    reply = await github.ask("GET", "/login/oauth/authorize", params=ASKED)
    assert reply.status == 200
    for text in ("Sign in as", "Ann Ames", "Dee Doyle", "read:user", 'value="s&amp;1"', "Cancel"):
        assert text in reply.text
    # Browsers would hold the app's own redirects against a form-action.
    assert "form-action" not in reply.headers["Content-Security-Policy"]


async def test_a_code_is_exchanged_once(github: GitHub) -> None:
    answer = await agree(github)
    assert answer["state"] == "s&1"
    token = await exchange(github, code=answer["code"], redirect_uri=CALLBACK)
    assert (token["scope"], token["token_type"], set(token)) == (
        "repo,read:user",
        "bearer",
        {"access_token", "scope", "token_type"},
    )
    user = await github.call("GET", "/user", token=token["access_token"])
    assert (user.json["login"], user.headers["X-OAuth-Scopes"]) == ("ann-gh", "repo, read:user")
    again = await exchange(github, code=answer["code"])
    assert again["error"] == "bad_verification_code"


async def test_the_answer_is_form_encoded_by_default(github: GitHub) -> None:
    code = (await agree(github))["code"]
    reply = await github.ask("POST", "/login/oauth/access_token", data=CLIENT | {"code": code})
    assert reply.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert parse_qs(reply.text)["access_token"][0].startswith("gho_")


async def test_codes_live_ten_minutes(github: GitHub) -> None:
    code = (await agree(github))["code"]
    await github.drive("/clock", advance=601)
    assert (await exchange(github, code=code))["error"] == "bad_verification_code"


async def test_pkce_is_checked(github: GitHub) -> None:
    good, bad = (await agree(github, **PKCE))["code"], (await agree(github, **PKCE))["code"]
    assert "access_token" in await exchange(github, code=good, code_verifier=VERIFIER)
    assert (await exchange(github, code=bad, code_verifier="w" * 43))["error"] == "bad_verification_code"
    plain = await agree(github, code_challenge=VERIFIER, code_challenge_method="plain")
    assert plain["error"] == "invalid_request"


async def test_denial_goes_back_too(github: GitHub) -> None:
    answer = await agree(github, user="", cancel="1")
    assert (answer["error"], answer["state"]) == ("access_denied", "s&1")


@pytest.mark.parametrize(
    ("redirect", "status"),
    [
        (CALLBACK + "/deeper?x=1", 200),
        ("http://127.0.0.1:8080/auth/github/callback-not", 400),
        ("http://127.0.0.1:8081/auth/github/callback", 400),
        (CALLBACK + "/../../evil", 400),
        ("javascript:alert(1)", 400),
    ],
)
async def test_only_registered_addresses_are_used(github: GitHub, redirect: str, status: int) -> None:
    reply = await github.ask("GET", "/login/oauth/authorize", params={**ASKED, "redirect_uri": redirect})
    assert reply.status == status


async def test_errors_have_status_200(github: GitHub) -> None:
    code = (await agree(github))["code"]
    wrong = await exchange(github, client_secret="wrong", code=code)
    assert wrong["error"] == "incorrect_client_credentials"
    moved = await exchange(github, code=code, redirect_uri="http://127.0.0.1:8080/other")
    assert moved["error"] == "redirect_uri_mismatch"
    assert (await exchange(github, grant_type="password"))["error"] == "unsupported_grant_type"
    assert (await github.ask("GET", "/login/oauth/authorize", params={"client_id": "x"})).status == 404


async def test_refreshing_kills_the_old_pair_at_once() -> None:
    async with running(redirect_uris=(CALLBACK,), expiring_tokens=True) as github:
        first = await exchange(github, code=(await agree(github))["code"])
        assert (first["expires_in"], first["refresh_token_expires_in"]) == (28800, 15897600)
        assert first["refresh_token"].startswith("ghr_")
        renew = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        second = await exchange(github, **renew)
        assert (await github.call("GET", "/user", token=first["access_token"])).status == 401
        assert (await github.call("GET", "/user", token=second["access_token"])).status == 200
        assert (await exchange(github, **renew))["error"] == "bad_refresh_token"
        await github.drive("/clock", advance=28800)
        assert (await github.call("GET", "/user", token=second["access_token"])).status == 401
        renew["refresh_token"] = second["refresh_token"]
        assert "access_token" in await exchange(github, **renew)


async def test_a_user_may_grant_less_than_asked() -> None:
    async with running(redirect_uris=(CALLBACK,), scopes_granted="read:user") as github:
        token = await exchange(github, code=(await agree(github))["code"])
        assert token["scope"] == "read:user"


async def test_apps_check_and_revoke_tokens(github: GitHub) -> None:
    token, other = await github.token("ann-gh"), await github.token("ann-gh")
    checked = await as_app(github, "POST", "/token", token)
    assert (checked.status, checked.json["user"]["login"], checked.json["scopes"]) == (
        200,
        "ann-gh",
        ["repo"],
    )
    assert (await as_app(github, "POST", "/token", token, secret="wrong")).status == 401
    unknown = await as_app(github, "POST", "/token", "gho_unknown")
    assert (unknown.status, unknown.json["message"]) == (404, "Not Found")
    assert (await as_app(github, "POST", "/token", "")).status == 422
    basic = {"Authorization": aiohttp.encode_basic_auth("github-client", "github-secret")}
    elsewhere = await github.call(
        "POST", "/applications/other/token", body={"access_token": token}, headers=basic
    )
    assert elsewhere.status == 404
    nobody = await github.call("POST", "/applications/github-client/token", body={"access_token": token})
    assert nobody.status == 401
    assert (await as_app(github, "DELETE", "/token", token)).status == 204
    assert (await as_app(github, "POST", "/token", token)).status == 404
    assert (await as_app(github, "DELETE", "/grant", other)).status == 204
    assert (await github.call("GET", "/user", token=other)).status == 401
