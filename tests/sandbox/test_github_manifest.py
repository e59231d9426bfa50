"""The stand-in GitHub's App manifest flow: the page, its refusals, and the exchange of the code."""

import json
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from tests.kits.sandbox_github import GitHub, Receiver, Reply, receiving, running
from tests.kits.sandbox_github_apps import MANIFEST, REDIRECT, make_app, names, payload, query_of

NEW = "/organizations/acme/settings/apps/new?state=s%261"


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running() as server:
        yield server


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as server:
        yield server


async def show(github: GitHub, path: str = NEW, **changes: Any) -> Reply:
    manifest = {key: value for key, value in {**MANIFEST, **changes}.items() if value is not None}
    return await github.ask("POST", path, data={"manifest": json.dumps(manifest)})


async def create(
    github: GitHub, path: str = "/organizations/acme/settings/apps", manifest: Any = MANIFEST, **fields: str
) -> Reply:
    form = {
        "manifest": json.dumps(manifest),
        "state": "s&1",
        "name": "Octo Bridge",
        "user": "cy-gh",
        **fields,
    }
    return await github.ask("POST", path, data=form)


class TestPage:
    async def test_it_shows_what_is_asked_for(self, github: GitHub) -> None:
        reply = await show(github)
        assert reply.status == 200
        for text in (
            "Create GitHub App for acme",
            'value="Octo Bridge"',
            "pull_requests: write",
            "Read and write contents",
            "pull_request, issue_comment, check_run",
            'data-testid="create-app"',
            'data-testid="signin-cy-gh"',
            'value="s&amp;1"',
        ):
            assert text in reply.text
        assert 'data-testid="signin-ann-gh"' not in reply.text

    async def test_other_sites_may_only_show_it(self, github: GitHub) -> None:
        foreign = {"Origin": "http://127.0.0.1:8080"}
        data = {"manifest": json.dumps(MANIFEST), "user": "cy-gh", "name": "x"}
        shown = await github.ask("POST", NEW, data=data, headers=foreign)
        assert shown.status == 200
        made = await github.ask("POST", "/organizations/acme/settings/apps", data=data, headers=foreign)
        assert made.status == 403

    async def test_everybody_may_register_their_own(self, github: GitHub) -> None:
        page = await show(github, "/settings/apps/new")
        assert 'data-testid="signin-dee-gh"' in page.text
        code = query_of(await create(github, "/settings/apps", user="dee-gh"))["code"]
        made = (await github.call("POST", f"/app-manifests/{code}/conversions")).json
        assert made["owner"]["login"] == "dee-gh"

    @pytest.mark.parametrize(
        "path", ["/organizations/nobody/settings/apps/new", "/organizations/ann-gh/settings/apps/new"]
    )
    async def test_only_organizations_have_such_pages(self, github: GitHub, path: str) -> None:
        assert (await show(github, path)).status == 404

    @pytest.mark.parametrize(
        ("changes", "errors"),
        [
            ({"url": None}, ['"url" wasn\'t supplied.']),
            ({"url": 5}, ["For 'properties/url', 5 is not a string."]),
            ({"url": "nowhere"}, ["Url must be a valid URL"]),
            ({"hook_attributes": {"active": False}}, ['"url" wasn\'t supplied.']),
            ({"hook_attributes": {"url": "ftp://x"}}, ["Hook url must be a valid URL"]),
            (
                {"hook_attributes": {"url": "http://x", "secret": "s"}},
                ['"secret" is not a permitted key.'],
            ),
            ({"redirect_url": "/here"}, ["Redirect url must be a valid URL"]),
            ({"setup_url": "here"}, ["Setup url must be a valid URL"]),
            ({"callback_urls": "http://x"}, ["For 'properties/callback_urls', 'http://x' is not an array."]),
            ({"callback_urls": ["http://x/"] * 11}, ["Callback urls are limited to 10"]),
            ({"callback_urls": ["x"]}, ["Callback url must be a valid URL: x"]),
            ({"public": "yes"}, ["For 'properties/public', 'yes' is not a boolean."]),
            ({"nonsense": 1}, ['"nonsense" is not a permitted key.']),
            (
                {"default_permissions": {"everything": "read"}, "default_events": []},
                ["Default permissions unsupported: everything"],
            ),
            (
                {"default_permissions": {"issues": "all"}, "default_events": []},
                ["Default permissions have an unknown access type: issues: all"],
            ),
            (
                {"default_permissions": {"pull_requests": "write"}},
                ["Default events are not supported by permissions: issue_comment and check_run"],
            ),
            (
                {"default_events": ["installation"]},
                [
                    "Default events unsupported: installation",
                    "Default events are not supported by permissions: installation",
                ],
            ),
            (
                {"request_oauth_on_install": True},
                ["Setup url cannot be used if authorization is requested during installation"],
            ),
        ],
    )
    async def test_a_bad_manifest_is_explained(
        self, github: GitHub, changes: dict[str, Any], errors: list[str]
    ) -> None:
        reply = await show(github, **changes)
        assert (reply.status, "Invalid GitHub App configuration" in reply.text) == (422, True)
        shown = reply.text.replace("&#34;", '"').replace("&#39;", "'")
        for error in errors:
            assert f"Error: {error}" in shown
        assert shown.count("Error: ") == len(errors)

    @pytest.mark.parametrize("text", ["", "{", "[]"])
    async def test_an_invalid_manifest_is_refused(self, github: GitHub, text: str) -> None:
        reply = await github.ask("POST", NEW, data={"manifest": text})
        assert (reply.status, "The manifest is not" in reply.text) == (422, True)

    async def test_the_name_is_checked(self, github: GitHub) -> None:
        assert (await create(github)).status == 302
        for name, problem in (
            ("octo bridge", "Name is already taken"),
            ("", "Name can&#39;t be blank"),
            ("x" * 35, "Name is too long (maximum is 34 characters)"),
        ):
            reply = await create(github, name=name)
            assert (reply.status, problem in reply.text) == (422, True)

    async def test_only_owners_create(self, github: GitHub) -> None:
        reply = await create(github, user="ann-gh")
        assert (reply.status, "Only an owner of acme can do this" in reply.text) == (403, True)
        assert (await create(github, user="nobody")).status == 404


class TestConversion:
    async def test_the_code_becomes_the_secrets_once(self, github: GitHub) -> None:
        reply = await create(github, name="Octo Two")
        assert reply.status == 302
        assert reply.headers["Location"].startswith(f"{REDIRECT}&code=")
        query = query_of(reply)
        assert query["state"] == "s&1"
        path = f"/app-manifests/{query['code']}/conversions"
        made = await github.call("POST", path)
        assert made.status == 201
        app = made.json
        assert set(app) == {
            *("id", "slug", "node_id", "owner", "name", "description", "external_url", "html_url"),
            *("created_at", "updated_at", "permissions", "events", "client_id", "client_secret"),
            *("webhook_secret", "pem"),
        }
        assert (app["slug"], app["owner"]["login"]) == ("octo-two", "acme")
        assert app["html_url"] == f"{github.url}/apps/octo-two"
        assert app["permissions"] == {"metadata": "read", **MANIFEST["default_permissions"]}
        assert app["client_id"].startswith("Iv23")
        assert app["pem"].startswith("-----BEGIN RSA PRIVATE KEY-----")
        assert jwt.encode({}, app["pem"], algorithm="RS256")
        assert (await github.call("POST", path)).status == 404

    async def test_the_code_lives_an_hour(self, github: GitHub) -> None:
        code = query_of(await create(github))["code"]
        await github.drive("/clock", advance=3601)
        assert (await github.call("POST", f"/app-manifests/{code}/conversions")).status == 404
        assert (await github.call("POST", "/app-manifests/unknown/conversions")).status == 404

    async def test_the_webhook_gets_a_ping(self, github: GitHub, receiver: Receiver) -> None:
        manifest = {**MANIFEST, "hook_attributes": {"url": receiver.url}}
        code = query_of(await create(github, manifest=manifest))["code"]
        app = (await github.call("POST", f"/app-manifests/{code}/conversions")).json
        await github.idle()
        (ping,) = receiver.received
        hook = payload(ping)["hook"]
        assert names(receiver.received) == ["ping"]
        assert (hook["type"], hook["app_id"], hook["events"]) == ("App", app["id"], app["events"])
        assert ping.headers["X-GitHub-Hook-Installation-Target-ID"] == str(app["id"])
        assert ping.headers["X-GitHub-Hook-Installation-Target-Type"] == "integration"

    async def test_an_app_may_have_no_webhook(self, github: GitHub) -> None:
        app = await make_app(github, hook_attributes=None, redirect_url=None)
        assert app.made["webhook_secret"] is None
        assert (await app.call("GET", "/app/hook/config")).status == 404
        manifest = {key: value for key, value in MANIFEST.items() if key != "redirect_url"}
        reply = await create(github, manifest=manifest, name="Nowhere to go")
        assert (reply.status, reply.headers["Location"]) == (303, "/apps/nowhere-to-go")
