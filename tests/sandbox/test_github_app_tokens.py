"""The stand-in GitHub's App user tokens: how one gets them, and what they may do."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.kits.sandbox_github import ISSUE, PULL, GitHub, Reply, running
from tests.kits.sandbox_github_apps import CALLBACK, App, make_app, query_of

REFUSED = "Resource not accessible by integration"
HOOKS = "/repos/acme/component/hooks"


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running(redirect_uris=("http://127.0.0.1:8080/oauth",)) as server:
        await server.act("ann-gh", "open", title="Count once")
        yield server


@pytest.fixture
async def app(github: GitHub) -> App:
    """An App that is installed on the component."""
    return await make_app(github, "acme/component")


async def agree(app: App, user: str = "ann-gh", redirect: str = CALLBACK) -> Reply:
    form = {"client_id": app.made["client_id"], "redirect_uri": redirect, "state": "s", "scope": "repo"}
    return await app.github.ask("POST", "/login/oauth/authorize", data={**form, "user": user})


async def exchange(app: App, **fields: str) -> Any:
    client = {"client_id": app.made["client_id"], "client_secret": app.made["client_secret"]}
    reply = await app.github.ask(
        "POST",
        "/login/oauth/access_token",
        data={**client, **fields},
        headers={"Accept": "application/json"},
    )
    return reply.json


class TestAuthorization:
    async def test_tokens_expire_and_have_no_scopes(self, github: GitHub, app: App) -> None:
        token = await exchange(app, code=query_of(await agree(app))["code"], redirect_uri=CALLBACK)
        assert (token["scope"], token["token_type"]) == ("", "bearer")
        assert (token["expires_in"], token["refresh_token_expires_in"]) == (28800, 15811200)
        assert (token["access_token"][:4], token["refresh_token"][:4]) == ("ghu_", "ghr_")
        user = await github.call("GET", "/user", token=token["access_token"])
        assert (user.json["login"], user.headers["X-OAuth-Scopes"]) == ("ann-gh", "")
        assert user.headers["X-OAuth-Client-Id"] == app.made["client_id"]
        await github.drive("/clock", advance=28800)
        assert (await github.call("GET", "/user", token=token["access_token"])).status == 401

    async def test_refreshing_kills_the_old_pair_at_once(self, github: GitHub, app: App) -> None:
        first = await exchange(app, code=query_of(await agree(app))["code"])
        renew = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        other = await make_app(github, name="Other")
        assert (await exchange(other, **renew))["error"] == "bad_refresh_token"
        second = await exchange(app, **renew)
        assert second["access_token"].startswith("ghu_")
        assert (await github.call("GET", "/user", token=first["access_token"])).status == 401
        assert (await exchange(app, **renew))["error"] == "bad_refresh_token"

    async def test_addresses_match_exactly(self, app: App) -> None:
        assert (await agree(app, redirect=f"{CALLBACK}/second")).status == 302
        for redirect in (f"{CALLBACK}/third", f"{CALLBACK}?x=1", CALLBACK.upper()):
            assert (await agree(app, redirect=redirect)).status == 400

    async def test_the_page_names_the_app_and_its_permissions(self, github: GitHub, app: App) -> None:
        asked = {"client_id": app.made["client_id"], "redirect_uri": CALLBACK}
        page = (await github.ask("GET", "/login/oauth/authorize", params=asked)).text
        for text in ("Authorize <b>Octo Bridge</b>", "pull_requests: write", "Sign in as"):
            assert text in page

    async def test_clients_keep_to_their_own(self, github: GitHub, app: App) -> None:
        code = query_of(await agree(app))["code"]
        other = await make_app(github, name="Other")
        assert (await exchange(other, code=code))["error"] == "bad_verification_code"
        wrong = await exchange(app, code=code, client_secret="wrong")
        assert wrong["error"] == "incorrect_client_credentials"
        token = {"access_token": await app.token("ann-gh")}
        for one, status in ((other, 404), (app, 200)):
            basic = aiohttp.encode_basic_auth(one.made["client_id"], one.made["client_secret"])
            path = f"/applications/{one.made['client_id']}/token"
            checked = await github.call("POST", path, body=token, headers={"Authorization": basic})
            assert checked.status == status
        assert checked.json["app"]["client_id"] == app.made["client_id"]
        assert checked.json["expires_at"]
        made = await app.call("POST", f"/app/installations/{app.installation}/access_tokens", body={})
        installations = {"access_token": made.json["token"]}
        asked = await github.call("POST", path, body=installations, headers={"Authorization": basic})
        assert asked.status == 404
        await github.drive("/clock", advance=28801)
        late = await github.call("POST", path, body=token, headers={"Authorization": basic})
        assert late.status == 404

    async def test_deleting_a_grant_spares_other_clients(self, github: GitHub, app: App) -> None:
        mine, oauth = await app.token("ann-gh"), await github.token("ann-gh")
        basic = aiohttp.encode_basic_auth(app.made["client_id"], app.made["client_secret"])
        path = f"/applications/{app.made['client_id']}/grant"
        gone = await github.call(
            "DELETE", path, body={"access_token": mine}, headers={"Authorization": basic}
        )
        assert gone.status == 204
        assert (await github.call("GET", "/user", token=mine)).status == 401
        assert (await github.call("GET", "/user", token=oauth)).status == 200


class TestReach:
    async def test_it_is_what_both_may(self, github: GitHub, app: App) -> None:
        ann, bob = await app.token("ann-gh"), await app.token("bob-gh")
        body = {"body": "Hm"}
        said = await github.call("POST", f"{ISSUE}/comments", token=bob, body=body)
        assert said.status == 201
        assert said.headers["X-Accepted-GitHub-Permissions"] == "issues=write; pull_requests=write"
        # Bob may not push, whatever the App may.
        assert (await github.call("PATCH", PULL, token=bob, body={"state": "closed"})).status == 403
        rerun = await github.call("POST", "/repos/acme/component/actions/runs/1/rerun", token=ann)
        assert (rerun.status, rerun.json["message"]) == (403, REFUSED)
        assert rerun.headers["X-Accepted-GitHub-Permissions"] == "actions=write"
        merged = await github.call("PUT", f"{PULL}/merge", token=ann, body={})
        assert (merged.status, merged.headers["X-Accepted-GitHub-Permissions"]) == (200, "contents=write")

    async def test_merging_needs_contents(self, github: GitHub) -> None:
        weak = await make_app(
            github,
            "acme/component",
            default_permissions={"pull_requests": "write"},
            default_events=[],
        )
        refused = await github.call("PUT", f"{PULL}/merge", token=await weak.token("ann-gh"), body={})
        assert (refused.status, refused.json["message"]) == (403, REFUSED)

    async def test_elsewhere_only_public_things_are_read(self, github: GitHub) -> None:
        app = await make_app(github)
        ann = await app.token("ann-gh")
        assert (await github.call("GET", PULL, token=ann)).status == 200
        refused = await github.call("POST", f"{ISSUE}/comments", token=ann, body={"body": "Hm"})
        assert (refused.status, refused.json["message"]) == (403, REFUSED)
        assert (await github.call("GET", "/repos/acme/gadgets", token=ann)).status == 404
        assert (await github.call("GET", "/repos/acme/gadgets/pulls", token=ann)).status == 404
        shown = await github.call("GET", "/user/repos", token=ann)
        assert [one["name"] for one in shown.json] == ["component"]

    async def test_private_ones_follow_the_installation(self, github: GitHub, app: App) -> None:
        ann, dee = await app.token("ann-gh"), await app.token("dee-gh")
        await app.change("added", "acme/gadgets")
        assert (await github.call("GET", "/repos/acme/gadgets/pulls", token=ann)).status == 200
        assert (await github.call("GET", "/repos/acme/gadgets", token=dee)).status == 404
        runs = await github.call("GET", "/repos/acme/gadgets/actions/runs", token=ann)
        assert (runs.status, runs.json["message"]) == (403, REFUSED)
        await app.change("suspend")
        assert (await github.call("GET", "/repos/acme/gadgets", token=ann)).status == 404
        await app.change("unsuspend")
        await app.change("removed", "acme/gadgets")
        assert (await github.call("GET", "/repos/acme/gadgets", token=ann)).status == 404

    async def test_hooks_need_their_permission(self, github: GitHub, app: App) -> None:
        for method in ("GET", "POST"):
            refused = await github.call(method, HOOKS, token=await app.token("cy-gh"), body={})
            assert (refused.status, refused.json["message"]) == (403, REFUSED)
        wanted = {"repository_hooks": "write"}
        hooks = await make_app(
            github, "acme/component", name="Hooks", default_permissions=wanted, default_events=[]
        )
        assert (await github.call("GET", HOOKS, token=await hooks.token("cy-gh"))).json == []
        body = {"config": {"url": "http://127.0.0.1:9/"}}
        made = await github.call("POST", HOOKS, token=await hooks.token("cy-gh"), body=body)
        assert made.status == 201
        assert (await github.call("GET", HOOKS, token=await hooks.token("ann-gh"))).status == 404

    async def test_graphql_obeys_too(self, github: GitHub, app: App) -> None:
        node = (await github.ask("GET", "/_sandbox/pulls/acme/component/1")).json["node_id"]
        text = (
            "mutation($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) "
            "{ clientMutationId } }"
        )
        body = {"query": text, "variables": {"id": node}}
        away = await make_app(github, name="Away")
        for one, refused in ((away, True), (app, False)):
            headers = {"User-Agent": "test", "Authorization": f"Bearer {await one.token('ann-gh')}"}
            reply = await github.ask("POST", "/api/graphql", json=body, headers=headers)
            assert ("errors" in reply.json) is refused
            if refused:
                assert (reply.json["errors"][0]["type"], reply.json["errors"][0]["message"]) == (
                    "FORBIDDEN",
                    REFUSED,
                )


class TestInstallations:
    async def test_users_see_where_they_reach_something(self, github: GitHub, app: App) -> None:
        await github.drive("/repositories", prefix="many", count=40, permissions={"ann-gh": "write"})
        await app.change("added", *(f"acme/many-{number:03}" for number in range(1, 41)))
        await github.drive("/users/bob-gh", permission="none", repo="acme/component")
        ann = await app.token("ann-gh")
        shown = (await github.call("GET", "/user/installations", token=ann)).json
        assert (shown["total_count"], shown["installations"][0]["id"]) == (1, app.installation)
        assert shown["installations"][0]["account"]["login"] == "acme"
        path = f"/user/installations/{app.installation}/repositories"
        first = await github.call("GET", f"{path}?per_page=30", token=ann)
        assert (first.json["total_count"], len(first.json["repositories"])) == (41, 30)
        assert first.json["repositories"][0]["permissions"]["push"] is True
        assert f'{path}?per_page=30&page=2>; rel="next"' in first.headers["Link"]
        bob = await app.token("bob-gh")
        assert (await github.call("GET", "/user/installations", token=bob)).json["total_count"] == 0
        assert (await github.call("GET", path, token=bob)).status == 404
        other = await make_app(github, "acme/component", name="Other")
        assert (await github.call("GET", path, token=await other.token("ann-gh"))).status == 404

    async def test_other_tokens_are_refused(self, github: GitHub, app: App) -> None:
        path = f"/user/installations/{app.installation}/repositories"
        for one in ("/user/installations", path):
            refused = await github.call("GET", one, token=await github.token("ann-gh"))
            assert refused.status == 403
            assert refused.json["message"].startswith("You must authenticate with an access token authorized")
            assert (await github.call("GET", one)).status == 401
