"""The stand-in GitHub's App as it acts for itself: with a JWT, and with an installation's token."""

import time
from collections.abc import AsyncIterator

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.kits.sandbox_github import ISSUE, GitHub, Receiver, receiving, running
from tests.kits.sandbox_github_apps import App, make_app, names, payload

DELIVERIES = "/app/hook/deliveries"
UNDECODABLE = "A JSON web token could not be decoded"


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running() as server:
        yield server


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as server:
        yield server


@pytest.fixture
async def app(github: GitHub, receiver: Receiver) -> App:
    made = await make_app(github, "acme/component", hook_url=receiver.url)
    await github.idle()
    return made


def other_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


class TestJwt:
    async def test_the_app_is_known_by_number_and_client_id(self, github: GitHub, app: App) -> None:
        for issuer in (app.made["client_id"], str(app.made["id"])):
            shown = await github.call("GET", "/app", token=app.jwt(iss=issuer))
            assert (shown.status, shown.json["slug"], shown.json["installations_count"]) == (
                200,
                "octo-bridge",
                1,
            )
        assert "pem" not in shown.json

    async def test_bad_ones_are_refused(self, github: GitHub, app: App) -> None:
        now = int(time.time())
        far = "'Expiration time' claim ('exp') is too far in the future"
        bad = "'Expiration time' claim ('exp') must be a numeric value"
        shared = jwt.encode({"iss": app.made["client_id"], "exp": now + 60}, "s" * 32, algorithm="HS256")
        for token, message in (
            ("nonsense", UNDECODABLE),
            (shared, UNDECODABLE),
            (app.jwt(key=other_key()), UNDECODABLE),
            (app.jwt(iss="1"), UNDECODABLE),
            (app.jwt(exp=now + 700), far),
            (app.jwt(exp=now - 1), bad),
            (app.jwt(exp=None), bad),
            (await app.token("cy-gh"), UNDECODABLE),
            ("", UNDECODABLE),
        ):
            for path in ("/app", "/app/hook/config", DELIVERIES, "/app/installations"):
                refused = await github.call("GET", path, token=token)
                assert refused.status == 401
                assert refused.json["message"].startswith(message)

    async def test_a_jwt_is_no_token(self, github: GitHub, app: App) -> None:
        assert (await github.call("GET", "/user", token=app.jwt())).status == 401


class TestWebhook:
    async def test_its_configuration_changes(self, app: App, receiver: Receiver) -> None:
        shown = (await app.call("GET", "/app/hook/config")).json
        assert shown == {
            "content_type": "json",
            "insecure_ssl": "0",
            "url": receiver.url,
            "secret": "********",
        }
        moved = {"url": "http://127.0.0.1:9/elsewhere"}
        changed = await app.call("PATCH", "/app/hook/config", body=moved)
        assert (changed.status, changed.json["url"], changed.json["secret"]) == (
            200,
            moved["url"],
            "********",
        )
        assert (await app.call("PATCH", "/app/hook/config", body={"url": "x"})).status == 422

    async def test_deliveries_are_listed_and_sent_again(
        self, github: GitHub, app: App, receiver: Receiver
    ) -> None:
        receiver.answers = [web.Response(status=500)]
        await github.act("ann-gh", "open", title="Count once")
        await github.idle()
        (newest,) = (await app.call("GET", f"{DELIVERIES}?per_page=1")).json
        assert (newest["event"], newest["status_code"]) == ("pull_request", 500)
        assert (newest["installation_id"], newest["repository_id"]) == (app.installation, 1296269)
        page = await app.call("GET", f"{DELIVERIES}?per_page=1")
        cursor = page.headers["Link"].partition("cursor=")[2].partition(">")[0]
        (older,) = (await app.call("GET", f"{DELIVERIES}?per_page=1&cursor={cursor}")).json
        assert older["event"] == "installation"
        assert [one["id"] for one in (await app.call("GET", f"{DELIVERIES}?status=failure")).json] == [
            newest["id"]
        ]
        path = f"{DELIVERIES}/{newest['id']}"
        full = (await app.call("GET", path)).json
        assert full["request"]["payload"]["pull_request"]["title"] == "Count once"
        assert (await app.call("POST", f"{path}/attempts")).status == 202
        await github.idle()
        again = receiver.received[-1]
        assert (again.guid, again.event) == (newest["guid"], "pull_request")
        assert (await app.call("GET", f"{DELIVERIES}/1")).status == 404
        assert (await app.call("GET", f"{DELIVERIES}?cursor=x")).status == 400

    async def test_it_hears_when_a_user_withdraws(self, github: GitHub, app: App, receiver: Receiver) -> None:
        await app.token("ann-gh")
        assert (await github.ask("DELETE", "/_sandbox/tokens?user=ann-gh")).json == {"revoked": 1}
        await github.idle()
        assert names(receiver.received)[-1] == "github_app_authorization.revoked"
        assert payload(receiver.received[-1])["sender"]["login"] == "ann-gh"


class TestInstallationTokens:
    async def test_a_repositorys_installation_is_shown_to_its_app(self, github: GitHub, app: App) -> None:
        other = await make_app(github, "acme/gadgets", name="Other")
        (installed,) = (await app.call("GET", "/app/installations")).json
        path = "/repos/acme/component/installation"
        for asked in (path, "/repositories/1296269/installation"):
            assert (await app.call("GET", asked)).json == installed
            assert (await other.call("GET", asked)).status == 404
        assert (await github.call("GET", path)).status == 401
        await github.act("cy-gh", "rename", name="part")
        moved = await app.call("GET", path)
        there = moved.headers["Location"].partition("/api/v3")[2]
        assert (moved.status, there) == (301, "/repositories/1296269/installation")
        await app.change("suspend", "acme/part")
        assert (await app.call("GET", "/repos/acme/part/installation")).json["suspended_at"]
        await app.change("removed", "acme/part")
        assert (await app.call("GET", "/repos/acme/part/installation")).status == 404

    async def test_installations_are_listed(self, github: GitHub, app: App) -> None:
        await make_app(github, "acme/gadgets", name="Other")
        (shown,) = (await app.call("GET", "/app/installations")).json
        assert (shown["id"], shown["repository_selection"]) == (app.installation, "selected")
        path = f"/app/installations/{app.installation}"
        assert (await app.call("GET", path)).json == shown
        assert (await app.call("GET", "/app/installations/1")).status == 404
        assert (await app.call("DELETE", path)).status == 204
        assert (await app.call("GET", "/app/installations")).json == []

    async def test_a_token_reaches_what_the_installation_does(self, github: GitHub, app: App) -> None:
        await app.change("added", "acme/gadgets")
        await github.act("ann-gh", "open", title="T")
        made = await app.call("POST", f"/app/installations/{app.installation}/access_tokens")
        assert (made.status, made.json["token"][:4]) == (201, "ghs_")
        token = made.json["token"]
        shown = (await github.call("GET", "/installation/repositories", token=token)).json
        assert [one["name"] for one in shown["repositories"]] == ["component", "gadgets"]
        said = await github.call("POST", f"{ISSUE}/comments", token=token, body={"body": "Hm"})
        assert (said.status, said.json["user"]["login"], said.json["user"]["type"]) == (
            201,
            "octo-bridge[bot]",
            "Bot",
        )
        away = await github.call("POST", "/repos/acme/component/transfer", token=token, body={})
        assert away.status == 403
        assert (await github.call("GET", "/user", token=token)).status == 403
        assert (await github.call("GET", "/user/installations", token=token)).status == 403
        await github.drive("/clock", advance=3600)
        assert (await github.call("GET", "/installation/repositories", token=token)).status == 401

    async def test_it_can_be_narrowed(self, github: GitHub, app: App) -> None:
        await app.change("added", "acme/gadgets")
        path = f"/app/installations/{app.installation}/access_tokens"
        body = {"repositories": ["component"], "permissions": {"pull_requests": "read"}}
        made = (await app.call("POST", path, body=body)).json
        assert made["permissions"] == {"metadata": "read", "pull_requests": "read"}
        assert [one["name"] for one in made["repositories"]] == ["component"]
        token = made["token"]
        assert (await github.call("GET", "/repos/acme/gadgets", token=token)).status == 404
        for wrong in ({"repositories": ["none"]}, {"permissions": {"actions": "write"}}):
            assert (await app.call("POST", path, body=wrong)).status == 422
        await app.change("suspend")
        assert (await app.call("POST", path)).status == 403
        await app.change("deleted")
        assert (await github.call("GET", "/installation/repositories", token=token)).status == 401
