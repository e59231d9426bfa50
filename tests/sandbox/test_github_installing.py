"""Installing an App at the stand-in GitHub: the pages, and what the App's webhook hears from then on."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from tests.kits.sandbox_github import GitHub, Receiver, Reply, receiving, running
from tests.kits.sandbox_github_apps import CALLBACK, MANIFEST, SETUP, App, make_app, names, payload, query_of
from tests.sandbox.schemas import validate

NEW = "/apps/octo-bridge/installations/new"


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
    return await make_app(github, hook_url=receiver.url)


async def install(github: GitHub, *repos: str, user: str = "cy-gh", **fields: str) -> Reply:
    form = [("user", user), ("account", "acme"), ("selection", "selected"), ("state", "s")]
    form += [("repository", name) for name in repos]
    return await github.ask(
        "POST", NEW, data=[pair for pair in form if pair[0] not in fields] + [*fields.items()]
    )


class TestPages:
    @pytest.mark.usefixtures("app")
    async def test_an_app_has_a_page(self, github: GitHub) -> None:
        page = (await github.ask("GET", "/apps/octo-bridge")).text
        for text in ("Octo Bridge", "A GitHub App of acme", "pull_requests: write", f'href="{NEW}"'):
            assert text in page
        assert (await github.ask("GET", "/apps/none")).status == 404

    @pytest.mark.usefixtures("app")
    async def test_one_chooses_who_one_is_and_then_repositories(self, github: GitHub) -> None:
        who = (await github.ask("GET", NEW)).text
        assert 'data-testid="signin-cy-gh"' in who
        assert "repository-acme" not in who
        await github.drive("/users/ann-gh", permission="admin", repo="acme/gadgets")
        page = (await github.ask("GET", f"{NEW}?user=ann-gh")).text
        assert 'data-testid="repository-acme/gadgets"' in page
        assert "repository-acme/component" not in page
        assert "You are <b>ann-gh</b>" in page
        nothing = (await github.ask("GET", f"{NEW}?user=bob-gh")).text
        assert 'data-testid="nothing-to-install"' in nothing
        assert "You are <b>bob-gh</b>" in nothing

    async def test_a_private_app_stays_with_its_owner(self, github: GitHub) -> None:
        await make_app(github, public=False)
        await github.drive("/repositories", owner="cy-gh", prefix="own", permissions={"cy-gh": "admin"})
        page = (await github.ask("GET", f"{NEW}?user=cy-gh")).text
        assert 'data-testid="install-acme"' in page
        assert 'data-testid="install-cy-gh"' not in page
        assert (await install(github, "cy-gh/own-001", account="cy-gh")).status == 404

    @pytest.mark.usefixtures("app")
    async def test_only_administrators_install(self, github: GitHub) -> None:
        assert (await install(github, "acme/component", user="ann-gh")).status == 403
        assert (await install(github, user="ann-gh", selection="all")).status == 403
        assert (await install(github, "acme/none")).status == 404
        empty = await install(github)
        assert (empty.status, "Choose at least one repository" in empty.text) == (422, True)

    async def test_it_leads_to_the_setup_url(self, github: GitHub, app: App) -> None:
        reply = await install(github, "acme/component")
        (shown,) = (await app.call("GET", "/app/installations")).json
        assert reply.headers["Location"].startswith(SETUP)
        assert query_of(reply) == {
            "installation_id": str(shown["id"]),
            "setup_action": "install",
            "state": "s",
        }
        # Without setup_on_update, adding repositories leads to the installation's own page.
        added = await install(github, "acme/component", "acme/gadgets")
        assert added.headers["Location"] == urlsplit(shown["html_url"]).path
        page = (await github.ask("GET", added.headers["Location"])).text
        assert page.count('data-testid="installation-repository"') == 2
        assert (await github.ask("GET", "/organizations/acme/settings/installations/1")).status == 404

    async def test_updates_lead_there_if_wished(self, github: GitHub) -> None:
        await make_app(github, "acme/component", setup_on_update=True)
        assert query_of(await install(github, "acme/gadgets"))["setup_action"] == "update"

    async def test_authorization_may_be_part_of_it(self, github: GitHub) -> None:
        app = await make_app(github, setup_url=None, request_oauth_on_install=True)
        reply = await install(github, "acme/component")
        query = query_of(reply)
        assert reply.headers["Location"].startswith(CALLBACK)
        client = {"client_id": app.made["client_id"], "client_secret": app.made["client_secret"]}
        answer = await github.ask("POST", "/login/oauth/access_token", data={**client, "code": query["code"]})
        assert "access_token=ghu_" in answer.text
        assert query["setup_action"] == "install"


class TestWebhook:
    async def test_it_hears_of_its_installation(self, github: GitHub, app: App, receiver: Receiver) -> None:
        await install(github, "acme/component")
        await install(github, "acme/component", "acme/gadgets")
        await install(github, "acme/component", "acme/gadgets")
        await app.change("removed", "acme/gadgets")
        await app.change("suspend")
        await app.change("unsuspend")
        await app.change("deleted")
        await github.idle()
        heard = receiver.received[1:]
        assert names(heard) == [
            "installation.created",
            "installation_repositories.added",
            "installation_repositories.removed",
            "installation.suspend",
            "installation.unsuspend",
            "installation.deleted",
        ]
        for one in heard:
            validate(one.event, payload(one))
            assert payload(one)["installation"]["app_slug"] == "octo-bridge"
        assert [one["full_name"] for one in payload(heard[1])["repositories_added"]] == ["acme/gadgets"]
        assert payload(heard[0])["sender"]["login"] == "cy-gh"

    async def test_events_reach_it_besides_repository_hooks(
        self, github: GitHub, app: App, receiver: Receiver
    ) -> None:
        await github.drive("/hooks", repo="acme/component", url=receiver.url, events=["pull_request"])
        await github.act("ann-gh", "open", title="Before")
        await install(github, "acme/component")
        await github.idle()
        receiver.received.clear()
        await github.act("ann-gh", "open", title="Count once", head="other")
        await github.act("cy-gh", "approve", 1)
        await github.act("ann-gh", "open", repo="acme/gadgets", title="Not covered")
        await github.idle()
        assert names(receiver.received) == ["pull_request.opened"] * 2
        kinds = {one.headers["X-GitHub-Hook-Installation-Target-Type"]: one for one in receiver.received}
        plain, mine = kinds["repository"], kinds["integration"]
        assert plain.guid == mine.guid
        assert "installation" not in payload(plain)
        (shown,) = (await app.call("GET", "/app/installations")).json
        assert payload(mine)["installation"]["id"] == shown["id"]
        validate("pull_request", payload(mine))
        secret = app.made["webhook_secret"].encode()
        signature = hmac.new(secret, mine.body, hashlib.sha256).hexdigest()
        assert mine.headers["X-Hub-Signature-256"] == f"sha256={signature}"
        assert mine.headers["X-GitHub-Hook-Installation-Target-ID"] == str(app.made["id"])
        assert mine.headers["Content-Type"] == "application/json"

    async def test_all_repositories_means_those_to_come(
        self, github: GitHub, app: App, receiver: Receiver
    ) -> None:
        await install(github, selection="all")
        await github.drive("/repositories", prefix="new", permissions={"ann-gh": "write"})
        await github.act("ann-gh", "open", repo="acme/new-001", title="T")
        await github.idle()
        assert names(receiver.received)[-1] == "pull_request.opened"
        (shown,) = (await app.call("GET", "/app/installations")).json
        assert shown["repository_selection"] == "all"

    async def test_an_inactive_one_hears_nothing(self, github: GitHub, receiver: Receiver) -> None:
        hook = {"url": receiver.url, "active": False}
        await make_app(github, "acme/component", hook_attributes=hook)
        await github.act("ann-gh", "open", title="T")
        await github.idle()
        assert receiver.received == []


class TestDriver:
    async def test_bad_wishes_are_refused(self, github: GitHub, app: App) -> None:
        for path, body in (
            ("/apps", {"manifest": {"name": "x"}}),
            ("/apps", {"manifest": MANIFEST}),
            ("/installations", {"app": "none", "action": "added"}),
            ("/installations", {"app": app.slug, "action": "removed"}),
            ("/tokens", {"app": "none", "user": "ann-gh"}),
        ):
            assert (await github.ask("POST", f"/_sandbox{path}", json=body)).status == 400
        await app.change("added", "acme/component")
        bad = {"app": app.slug, "action": "exploded"}
        assert (await github.ask("POST", "/_sandbox/installations", json=bad)).status == 400

    @pytest.mark.usefixtures("app")
    async def test_reset_forgets_apps(self, github: GitHub) -> None:
        await github.drive("/reset")
        assert (await github.ask("GET", "/apps/octo-bridge")).status == 404
