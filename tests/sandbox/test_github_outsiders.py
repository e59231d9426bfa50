"""Strangers at the stand-in GitHub: with a repository of their own, and with names that were given up."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from tests.kits.sandbox_github import ISSUE, PULL, GitHub, Reply, receiving, running

COMPONENT = 1296269


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running() as server:
        yield server


@pytest.fixture
async def mallory(github: GitHub) -> str:
    """The token of a stranger who administers only `evil/repo`."""
    await github.drive("/users", login="mallory")
    await github.drive("/users", login="evil", kind="Organization")
    await github.drive("/repositories", owner="evil", name="repo", permissions={"mallory": "admin"})
    return await github.token("mallory")


class TestSingleSignOn:
    async def test_without_it_an_organization_shows_nothing(self, github: GitHub) -> None:
        token = await github.token("cy-gh")
        await github.drive("/users/cy-gh", sign_on=False)
        refused = await github.call("GET", "/repos/acme/component", token=token)
        assert (refused.status, refused.headers["X-GitHub-SSO"]) == (
            403,
            f"required; url={github.url}/orgs/acme/sso?authorization_request=A",
        )
        assert refused.json["documentation_url"].startswith("https://docs.github.com/articles/")
        listed = await github.call("GET", "/user/repos", token=token)
        assert (listed.status, listed.json) == (200, [])
        assert listed.headers["X-GitHub-SSO"].startswith("partial-results; organizations=")
        await github.drive("/users/cy-gh", sign_on=True)
        assert (await github.call("GET", "/repos/acme/component", token=token)).status == 200


class TestOwnRepository:
    async def test_its_webhook_is_the_strangers(self, github: GitHub, mallory: str) -> None:
        async with receiving() as receiver:
            config = {"url": receiver.url, "content_type": "json", "secret": "first"}
            body = {"config": config, "events": ["*"]}
            made = await github.call("POST", "/repos/evil/repo/hooks", token=mallory, body=body)
            assert (made.status, made.json["config"]["secret"]) == (201, "********")
            path = f"/repos/evil/repo/hooks/{made.json['id']}/config"
            for change, shown in (
                ({"content_type": "form"}, "form"),
                ({"secret": "second"}, "form"),
                ({"content_type": "json"}, "json"),
            ):
                reply = await github.call("PATCH", path, token=mallory, body=change)
                assert (reply.status, reply.json["content_type"]) == (200, shown)
            wrong = await github.call("PATCH", path, token=mallory, body={"content_type": "xml"})
            assert wrong.status == 422
            text = "&payload=%7B%22action%22%3A%22opened%22%7D&"
            await github.act("mallory", "open", repo="evil/repo", title="T", body=text)
            await github.idle()
            opened = receiver.received[-1]
            assert text.encode() in opened.body
            about = json.loads(opened.body)
            assert (about["repository"]["full_name"], about["sender"]["login"]) == ("evil/repo", "mallory")
            assert about["organization"]["login"] == "evil"

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/repos/acme/component", 200),
            ("GET", "/repos/acme/component/hooks", 404),
            ("POST", "/repos/acme/component/hooks", 404),
            ("PATCH", "/repos/acme/component", 403),
            ("PUT", f"{PULL}/merge", 403),
            ("GET", "/repos/acme/gadgets", 404),
            ("GET", "/repositories/1296270", 404),
            ("POST", "/orgs/acme/repos", 403),
        ],
    )
    async def test_others_are_not(
        self, github: GitHub, mallory: str, method: str, path: str, status: int
    ) -> None:
        await github.act("ann-gh", "open", title="T")
        body = None if method == "GET" else {"name": "mine", "config": {"url": "http://127.0.0.1:1/"}}
        reply = await github.call(method, path, token=mallory, body=body)
        assert reply.status == status

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/users", {"login": "ann-gh"}),
            ("/users", {"login": "../x"}),
            ("/users", {"login": "x", "kind": "Robot"}),
            ("/repositories", {"owner": "nobody", "name": "x"}),
        ],
    )
    async def test_impossible_ones_are_refused(self, github: GitHub, path: str, body: dict[str, str]) -> None:
        assert (await github.ask("POST", f"/_sandbox{path}", json=body)).status == 400


class TestNames:
    async def test_a_former_name_is_the_new_repositorys(self, github: GitHub) -> None:
        ann, cy = await github.token("ann-gh"), await github.token("cy-gh")
        await github.act("ann-gh", "open", title="T")
        await github.act("cy-gh", "rename", name="part")
        here = f"{github.url}/api/v3/repositories/{COMPONENT}"
        for method, path, status, location in (
            ("GET", "/repos/acme/component", 301, here),
            ("GET", PULL, 301, f"{here}/pulls/1"),
            ("POST", f"{ISSUE}/comments", 307, f"{here}/issues/1/comments"),
            ("PUT", f"{PULL}/merge", 307, f"{here}/pulls/1/merge"),
        ):
            led = await github.call(method, path, token=ann, body=None if method == "GET" else {})
            assert (led.status, led.headers["Location"], led.json["url"]) == (status, location, location)
            assert led.json["documentation_url"].endswith("#follow-redirects")
        followed = urlsplit(f"{here}/pulls/1").path.removeprefix("/api/v3")
        assert (await github.call("GET", followed, token=ann)).json["base"]["repo"][
            "full_name"
        ] == "acme/part"
        made = await github.call("POST", "/orgs/acme/repos", token=cy, body={"name": "component"})
        assert made.status == 201
        new = await github.call("GET", "/repos/acme/component", token=ann)
        assert (new.status, new.json["id"]) == (200, made.json["id"])
        assert new.json["id"] != COMPONENT
        assert (await github.call("GET", PULL, token=ann)).status == 404
        old = await github.call("GET", f"/repositories/{COMPONENT}", token=ann)
        assert (old.json["id"], old.json["full_name"]) == (COMPONENT, "acme/part")

    async def test_a_driver_takes_one_too(self, github: GitHub) -> None:
        await github.act("cy-gh", "transfer", to="dee-gh")
        made = await github.drive(
            "/repositories", owner="acme", name="component", permissions={"ann-gh": "read"}
        )
        token = await github.token("dee-gh")
        shown = (await github.call("GET", "/repos/acme/component", token=token)).json
        assert shown["id"] == made["id"]
        moved = (await github.call("GET", f"/repositories/{COMPONENT}", token=token)).json
        assert (moved["full_name"], moved["permissions"]["admin"]) == ("dee-gh/component", True)

    async def test_a_token_without_the_scope_is_not_led(self, github: GitHub) -> None:
        await github.act("cy-gh", "rename", repo="acme/gadgets", name="things")
        for scopes, path, status in (
            ("public_repo", "/repos/acme/gadgets", 404),
            ("repo", "/repos/acme/gadgets", 301),
            ("admin:repo_hook", "/repos/acme/gadgets", 404),
            ("admin:repo_hook", "/repos/acme/gadgets/hooks", 301),
        ):
            token = await github.token("cy-gh", scopes=scopes)
            assert (await github.call("GET", path, token=token)).status == status, (scopes, path)

    async def test_nobody_pushes_a_repository_onto_an_organization(
        self, github: GitHub, mallory: str
    ) -> None:
        body = {"new_owner": "acme"}
        refused = await github.call("POST", "/repos/evil/repo/transfer", token=mallory, body=body)
        assert refused.status == 422
        assert refused.json["errors"] == ["You don't have the permission to create repositories on acme"]

    async def test_one_makes_ones_own(self, github: GitHub, mallory: str) -> None:
        made = await github.call(
            "POST", "/user/repos", token=mallory, body={"name": "component", "private": True}
        )
        assert (made.status, made.json["full_name"], made.json["private"]) == (201, "mallory/component", True)
        again = await github.call("POST", "/user/repos", token=mallory, body={"name": "Component"})
        assert again.json["errors"][0]["message"] == "name already exists on this account"
        weak = await github.token("mallory", scopes="public_repo")
        body = {"name": "other", "private": True}
        assert (await github.call("POST", "/user/repos", token=weak, body=body)).status == 404

    @pytest.mark.parametrize(
        ("wished", "status", "name"),
        [
            ("../users", 200, "..-users"),
            ("a b&c", 200, "a-b-c"),
            ("..", 422, "repo"),
            (".", 422, "repo"),
            ("", 422, "repo"),
            ("x" * 101, 422, "repo"),
        ],
    )
    async def test_a_name_leads_nowhere_else(
        self, github: GitHub, mallory: str, wished: str, status: int, name: str
    ) -> None:
        reply = await github.call("PATCH", "/repos/evil/repo", token=mallory, body={"name": wished})
        assert reply.status == status
        assert (await github.call("GET", f"/repos/evil/{name}", token=mallory)).status == 200


class TestTraversal:
    async def test_a_clients_dots_lead_up(self, github: GitHub, mallory: str) -> None:
        for path in (
            "/repos/../users/ann-gh",
            "/repos/%2e%2e/users/ann-gh",
            "/repos/acme/../../users/ann-gh",
        ):
            reply = await github.call("GET", path, token=mallory)
            assert (reply.status, reply.json["login"]) == (200, "ann-gh"), path
        assert (await self.called(github))[-1] == "/api/v3/users/ann-gh"

    @pytest.mark.parametrize(
        "path", ["/repos/../users/ann-gh", "/repos/../users", "/repos/acme/..", "/repos/acme%2Fcomponent/.."]
    )
    async def test_dots_on_the_wire_lead_nowhere(self, github: GitHub, path: str) -> None:
        assert (await self.raw(github, path)).startswith("HTTP/1.1 404 ")

    async def called(self, github: GitHub) -> list[str]:
        reply: Reply = await github.ask("GET", "/_sandbox/calls")
        return [call["path"] for call in reply.json]

    async def raw(self, github: GitHub, path: str) -> str:
        """The status line of a call whose path nothing has tidied."""
        address = urlsplit(github.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        request = f"GET /api/v3{path} HTTP/1.1\r\nHost: {address.netloc}\r\nUser-Agent: x\r\n\r\n"
        writer.write(request.encode())
        line = (await reader.readline()).decode()
        writer.close()
        return line
