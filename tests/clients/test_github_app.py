"""A GitHub App in force: which repositories there are, that no second webhook is made, what doctor says."""

import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from bridge.cli import doctor
from bridge.cli import hook as hook_command
from bridge.clients.github_webhooks import ComesWithApp
from bridge.connections.connect import ConnectRequest
from bridge.core.errors import NotLinked
from bridge.core.github import health
from bridge.core.model import Connection, Delivery
from bridge.core.options import Options
from bridge.storage.checkups import Checkup
from scripts.sandbox.browse import Browser
from scripts.sandbox.faults import Fault
from tests.conftest import REPOSITORY, House, eventually, open_house
from tests.kits.accounts import USERS, link
from tests.kits.clicks import JSON
from tests.kits.commands import drive, environ_of
from tests.kits.connecting import MAIN, signed_in
from tests.kits.github_app import UNSET, delivered, made_at_github, open_app_house, stored
from tests.kits.monitor import sent
from tests.kits.personal import sign_in, text

GADGETS = "acme/gadgets"
WEBHOOK = f"webhook of {REPOSITORY}"


@pytest.fixture
async def house(redis_url: str) -> AsyncIterator[House]:
    async with open_app_house(redis_url) as opened:
        yield opened


async def app_token(house: House, login: str) -> str:
    """A token that somebody granted the App."""
    token: str = (await drive(house, "tokens", {"user": login, "app": "bridge-test"}))["token"]
    assert token.startswith("ghu_")
    return token


async def install(house: House, action: str, *repositories: str) -> None:
    body = {"app": "bridge-test", "action": action, "repos": list(repositories), "as": "cy-gh"}
    await drive(house, "installations", body)


async def listed(house: House, login: str) -> dict[str, bool]:
    found = await house.services.hooks.repositories.all(await app_token(house, login))
    return {one.full_name: one.installed for one in found.repositories}


# Which repositories


async def test_those_it_is_installed_on_are_told_from_those_it_is_not(house: House) -> None:
    await made_at_github(house)
    assert (await listed(house, "cy-gh"))[REPOSITORY]
    await install(house, "added", GADGETS)
    assert (await listed(house, "cy-gh")) == {REPOSITORY: True, GADGETS: True}
    await install(house, "removed", REPOSITORY)
    assert (await listed(house, "cy-gh")) == {REPOSITORY: False, GADGETS: True}


async def test_only_what_the_user_may_see_is_listed(house: House) -> None:
    await made_at_github(house)
    await install(house, "added", GADGETS)
    assert GADGETS not in await listed(house, "dee-gh")


async def test_a_suspended_installation_gives_nothing(house: House) -> None:
    await made_at_github(house)
    await install(house, "suspend", REPOSITORY)
    assert not any((await listed(house, "cy-gh")).values())


async def test_all_pages_of_an_installation_are_read(house: House) -> None:
    await made_at_github(house)
    body = {"owner": "acme", "count": 130, "permissions": {"cy-gh": "admin"}}
    names = (await drive(house, "repositories", body))["repositories"]
    assert len(names) == 130
    await install(house, "added", *names)
    assert {name for name, installed in (await listed(house, "cy-gh")).items() if installed} >= set(names)


async def test_a_token_of_an_oauth_app_from_before_must_be_linked_again(house: House) -> None:
    await made_at_github(house)
    before = await link(house, "cy")
    assert before.token.access.startswith("gho_")
    with pytest.raises(NotLinked, match="link it again"):
        await house.services.accounts.as_user("1003", house.services.hooks.repositories.all)
    assert await house.services.account_store.get("1003") == before, "what it still does it may go on doing"


async def test_an_oauth_app_is_installed_nowhere_and_everything_is_listed(redis_url: str) -> None:
    async with open_house(redis_url) as house:
        token = (await drive(house, "tokens", {"user": "cy-gh", "scopes": "repo"}))["token"]
        found = await house.services.hooks.repositories.all(token)
        assert {one.full_name: one.installed for one in found.repositories} == {
            REPOSITORY: True,
            GADGETS: True,
        }
        assert not any("/user/installations" in call.path for call in house.github_journal.calls)


# Its webhook, and no other


async def test_no_webhook_of_the_repositorys_own_is_made(house: House) -> None:
    app = await made_at_github(house)
    token = await app_token(house, "cy-gh")
    repository = await house.services.hooks.repositories.by_name(REPOSITORY, token=token)
    for asked in (house.services.hooks.ensure, house.services.hooks.find):
        with pytest.raises(ComesWithApp, match=f"the GitHub App {app.name}: {app.install_url}"):
            await asked(repository, token=token)
    with pytest.raises(ComesWithApp, match="install it there, at"):
        await hook_command.hook(house.services, typed=REPOSITORY, login="", token=token)
    assert not any("/hooks" in call.path for call in house.github_journal.calls)


async def test_connecting_a_flow_makes_none_either(house: House) -> None:
    await made_at_github(house)
    user = await link_to_app(house, "cy")
    (repository,), _ = await house.services.accounts.as_user(user, house.services.hooks.repositories.all)
    connected = await house.services.connect_service.connect(
        ConnectRequest(
            user=user,
            access_token=await signed_in(house, "cy"),
            flow=MAIN,
            repository=repository,
            options=Options(),
        )
    )
    assert (connected.hook, connected.connection.hook_id) == ("app", None)
    assert not any("/hooks" in call.path for call in house.github_journal.calls)
    house.start_worker()
    await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
    assert await eventually(house.threads)


async def test_its_deliveries_make_threads(house: House) -> None:
    await made_at_github(house)
    await house.connect()
    house.start_worker()
    await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
    assert await eventually(house.threads)


async def test_events_about_installations_are_accepted(house: House) -> None:
    app = await made_at_github(house)
    await install(house, "added", GADGETS)
    await install(house, "removed", GADGETS)
    await install(house, "deleted", REPOSITORY)
    async with house.http.get(f"{house.github}/_sandbox/webhooks/idle") as response:
        assert response.status == 200
    headers = {"Authorization": f"Bearer {signed(app)}"}
    async with house.http.get(f"{house.github}/api/v3/app/hook/deliveries", headers=headers) as response:
        sent = [(one["event"], one["status_code"]) for one in await response.json()]
    assert ("installation_repositories", 204) in sent
    assert ("installation", 204) in sent


async def connected_by_app(house: House) -> Connection:
    """A connection whose deliveries the App brings, made by cy."""
    await made_at_github(house)
    account = await link_to_app(house, "cy")
    await house.connect()
    (connection,) = await house.services.connections.all()
    return await house.services.connections.change(connection.id, installer=account)


async def problem_of(house: House, connection: Connection) -> str:
    found = await house.services.connections.get(connection.id)
    return found.problem.text if found and found.problem else ""


TAKEN = f"The GitHub App no longer has access to {REPOSITORY}."


async def test_a_flow_is_told_when_the_app_is_taken_from_its_repository(house: House) -> None:
    connection = await connected_by_app(house)
    house.start_monitor()

    async def told() -> str:
        return await problem_of(house, connection)

    async def well() -> bool:
        return not await told()

    for taken, given in (("removed", "added"), ("suspend", "unsuspend"), ("deleted", "created")):
        await install(house, taken, REPOSITORY)
        text = await eventually(told)
        assert text.startswith(TAKEN), text
        await install(house, given, REPOSITORY)
        await eventually(well)


async def test_the_apps_word_of_former_days_is_not_believed(house: House) -> None:
    """GitHub may redeliver `created` after the repository was taken, and `removed` after it was given."""
    connection = await connected_by_app(house)
    monitor = house.services.connection_monitor(spacing=0)

    async def redeliver(action: str) -> str:
        await sent(house)
        app = await stored(house)
        headers = {"Authorization": f"Bearer {signed(app)}"}
        url = f"{house.github}/api/v3/app/hook/deliveries"
        async with house.http.get(url, headers=headers) as response:
            (old, *_) = [one for one in await response.json() if one["action"] == action]
        async with house.http.post(f"{url}/{old['id']}/attempts", headers=headers) as response:
            assert response.status == 202
        await sent(house)
        await monitor.check(await eventually(house.services.checkups.pop))
        return await problem_of(house, connection)

    await install(house, "removed", REPOSITORY)
    assert (await redeliver("created")).startswith(TAKEN)
    await install(house, "added", REPOSITORY)
    assert await redeliver("removed") == ""


async def test_the_app_itself_is_asked_where_nobodys_account_is_linked(house: House) -> None:
    await made_at_github(house)
    await house.connect()
    (connection,) = await house.services.connections.all()
    await install(house, "removed", REPOSITORY)
    monitor = house.services.connection_monitor(spacing=0)
    assert await monitor.check(Checkup(connection_id=connection.id, hint="came"))
    assert (await problem_of(house, connection)).startswith(TAKEN)
    await install(house, "added", REPOSITORY)
    assert await monitor.check(Checkup(connection_id=connection.id, hint=""))
    assert await problem_of(house, connection) == ""


async def test_without_its_app_a_webhook_made_by_hand_may_deliver(redis_url: str) -> None:
    async with open_house(redis_url, **{**UNSET, "github_webhook_secrets": ("by-hand",)}) as house:
        await made_at_github(house, installed=False)
        await house.connect()
        (connection,) = await house.services.connections.all()
        monitor = house.services.connection_monitor(spacing=0)
        assert not await monitor.check(Checkup(connection_id=connection.id, hint=""))
        assert await problem_of(house, connection) == ""


REPO = {"id": 7, "full_name": "Acme/a"}
OTHER = {"id": 8, "full_name": "acme/b"}


@pytest.mark.parametrize(
    ("event", "payload", "named"),
    [
        ("installation", {"action": "deleted", "repositories": [REPO]}, [7, "acme/a"]),
        ("installation", {"action": "suspend"}, []),
        ("installation", {"action": "created", "repositories": None}, []),
        (
            "installation_repositories",
            {"action": "removed", "repositories_removed": [REPO], "repositories_added": [OTHER]},
            [7, "acme/a", 8, "acme/b"],
        ),
        (
            "installation",
            {"action": "deleted", "repositories": ["x", {}, {"id": True, "full_name": None}]},
            [],
        ),
        ("installation", {"action": "deleted", "repositories": [{"id": 7, "full_name": None}]}, [7]),
        ("repository", {"action": "deleted", "repositories": [REPO]}, []),
    ],
    ids=str,
)
def test_repositories_named_by_an_installations_event(
    event: str, payload: dict[str, Any], named: list[Any]
) -> None:
    assert health.changed_installation(Delivery.of("d", event, payload)) == set(named)


def signed(app: Any) -> str:
    """The App's own JWT."""
    now = int(time.time())
    return jwt.encode({"iat": now - 60, "exp": now + 300, "iss": app.client_id}, app.pem, algorithm="RS256")


async def test_a_webhook_made_by_hand_still_counts_by_the_environments_secret(redis_url: str) -> None:
    async with open_house(redis_url, **{**UNSET, "github_webhook_secrets": ("by-hand",)}) as house:
        app = await made_at_github(house)
        assert await delivered(house, app) == 202
        assert await delivered(house, app, secret="by-hand") == 202


# What doctor says


async def asked(house: House, redis_url: str) -> dict[str, tuple[str, str]]:
    environ = environ_of(house, redis_url, GITHUB_APP="1")
    found = await doctor.look(environ, redis_url=redis_url)
    return {row.check: (row.state, row.to_do) for row in found}


async def test_doctor_without_an_app(house: House, redis_url: str) -> None:
    found = await asked(house, redis_url)
    assert found["GitHub settings"] == ("fine", "")
    assert found["GitHub credentials"] == (
        "wrong",
        f"bridge has no GitHub App yet: create it at {house.bridge}/github/manifest",
    )
    assert found["public address"][0] == "fine"


async def test_doctor_with_an_app(house: House, redis_url: str) -> None:
    await made_at_github(house)
    account = await link_to_app(house, "cy")
    await house.connect()
    (connection,) = await house.services.connections.all()
    await house.services.connections.change(connection.id, installer=account)
    found = await asked(house, redis_url)
    assert found["GitHub credentials"] == ("fine", "of the GitHub App bridge-test")
    assert found[WEBHOOK] == ("fine", "comes with the GitHub App bridge-test")
    assert found["public address"][0] == "fine", "a ping signed with the App's secret"
    assert found["stored tokens"] == ("fine", "can be decrypted")
    await install(house, "deleted", REPOSITORY)
    state, to_do = (await asked(house, redis_url))[WEBHOOK]
    assert (state, to_do.startswith("install the GitHub App bridge-test there: http")) == ("wrong", True)


async def test_doctor_asks_as_the_app_where_nobodys_account_is_linked(house: House, redis_url: str) -> None:
    await made_at_github(house)
    await house.connect()
    assert (await asked(house, redis_url))[WEBHOOK][0] == "fine"


async def test_doctor_names_events_that_the_app_does_not_subscribe_to_and_who_may_open_pull_requests(
    house: House, redis_url: str
) -> None:
    app = await made_at_github(house, without=("deployment_review", "status"))
    await house.connect()
    (connection,) = await house.services.connections.all()
    await house.services.connections.change(connection.id, installer=await link_to_app(house, "cy"))
    await house.act("cy-gh", "settings", pull_requests="collaborators_only")
    found = await asked(house, redis_url)
    words = f"subscribe the GitHub App to deployment_review, status: {app.url}, its Permissions & events"
    assert found[WEBHOOK] == ("warn", words)
    assert found[f"pull requests of {REPOSITORY}"][0] == "warn"


async def link_to_app(house: House, nick: str) -> str:
    """A linked account whose token is the App's; returns the Flowdock user's id."""
    await link(house, nick, app="bridge-test")
    return USERS[nick]


# What it may do


async def test_a_missing_permission_of_the_app_is_named_in_refusals_and_on_the_connections_page(
    house: House,
) -> None:
    app = await made_at_github(house, merging=False)
    user = await link_to_app(house, "cy")
    (repository,), _ = await house.services.accounts.as_user(user, house.services.hooks.repositories.all)
    request = ConnectRequest(
        user=user,
        access_token=await signed_in(house, "cy"),
        flow=MAIN,
        repository=repository,
        options=Options(),
    )
    connection = (await house.services.connect_service.connect(request)).connection
    house.start_worker()
    await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
    await eventually(house.threads)
    outcome = await house.click("cy", "github:component:pr:1", "Merge")
    assert "you or the GitHub App lacks contents=write" in outcome["error"]
    async with Browser() as browser:
        page = await sign_in(house, browser, "cy", f"/connections/{connection.id}")
        assert "merge, also by merge queue and auto-merge; follow pushes (contents: write)" in text(page)
        assert "(members: read)" in text(page)
        assert f"{app.url}" in page.text
        assert "(checks: read)" not in text(page)
        assert "may open pull requests" not in text(page)
        await house.act("cy-gh", "settings", pull_requests="collaborators_only")
        page = await browser.open(page.url)
        assert "Only collaborators may open pull requests there" in text(page)

        # Whatever GitHub answers, the page is there.
        fault = Fault(path=".*/user/installations", status=200, answer='[{"account": 1}]', headers=JSON)
        house.github_journal.faults.append(fault)
        page = await browser.open(page.url)
        assert (page.status, fault.times, "Not permitted" in page.text) == (200, 0, False)
