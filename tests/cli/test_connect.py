"""`bridge connect`: Flowdock is asked about the token, and nothing is connected twice."""

from pathlib import Path
from typing import Any

import pytest

from bridge.cli import connections
from bridge.core.errors import BridgeError
from scripts.sandbox.browse import Browser
from scripts.sandbox.faults import Fault
from tests.conftest import FLOW, REPOSITORY, House
from tests.kits.commands import environ_of, run
from tests.kits.connecting import Installer
from tests.kits.personal import sign_in

GADGETS = "acme/gadgets"


async def source(house: House, flow: str = FLOW) -> dict[str, Any]:
    """A source that somebody made by hand, with its flow token."""
    body = {"flow": flow, "name": "by hand", "external_url": f"{house.github}/{REPOSITORY}"}
    async with house.http.post(f"{house.flowdock}/_sandbox/sources", json=body) as response:
        made: dict[str, Any] = await response.json()
        return made


async def connect(house: House, token: str, repository: str = REPOSITORY, flow: str = "") -> None:
    await connections.connect(house.services, repository=repository, flow_token=token, name="", flow=flow)


async def refused(house: House, token: str, repository: str = REPOSITORY, flow: str = "") -> str:
    """The reason of a refusal; nothing stored has changed."""
    before = await house.services.connections.all()
    with pytest.raises(BridgeError) as refusal:
        await connect(house, token, repository, flow)
    assert await house.services.connections.all() == before
    return str(refusal.value)


async def test_flowdock_says_which_flow_and_source_a_token_is_of(
    house: House, redis_url: str, tmp_path: Path
) -> None:
    made = await source(house)
    environ = environ_of(house, redis_url)
    done = await run(tmp_path, "connect", REPOSITORY, "--flow-token", made["flow_token"], environ=environ)
    assert (done.returncode, f"Connected {REPOSITORY} to {FLOW}" in done.stdout) == (0, True), done
    (connection,) = await house.services.connections.all()
    assert (connection.flow, connection.source_id) == (FLOW, str(made["id"]))
    again = await run(
        tmp_path, "connect", REPOSITORY.upper(), "--flow-token", made["flow_token"], environ=environ
    )
    assert (again.returncode, "is already connected to" in again.stdout) == (0, True), again
    assert await house.services.connections.all() == [connection]


async def test_a_token_that_flowdock_does_not_know_is_one_sentence(
    house: House, redis_url: str, tmp_path: Path
) -> None:
    environ = environ_of(house, redis_url)
    done = await run(tmp_path, "connect", REPOSITORY, "--flow-token", "wr0ng", environ=environ)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done
    assert "Flowdock does not know this flow token: copy it from the flow's source" in done.stderr
    assert "wr0ng" not in done.stderr
    assert await house.services.connections.all() == []


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"status": 400}, "does not know this flow token"),
        ({"status": 401, "answer": "t0ken is odd"}, "does not know this flow token"),
        ({"status": 410}, "the source was removed from the flow"),
        ({"status": 429}, "Flowdock answered 429"),
        ({"status": 503}, "Flowdock answered 503"),
        ({"status": 200, "answer": "{"}, "cannot be read"),
        ({"status": 200, "answer": "{}"}, "bridge does not understand"),
        ({"status": 200, "answer": "[]"}, "does not say which flow this token is of: add --flow"),
        ({"status": 200, "answer": '[{"url": "https://[/flows/a/b/sources/1"}]'}, "does not say which flow"),
        ({"status": 200, "answer": '[{"url": "/flows/a/b/../c/sources/1"}]'}, "does not say which flow"),
        ({"status": 200, "answer": '[{"url": "/flows/a/b/sources/1"}, {}]'}, "does not say which flow"),
    ],
)
async def test_each_answer_of_flowdock_about_a_token(
    house: House, fault: dict[str, Any], sentence: str
) -> None:
    house.flowdock_journal.faults.append(Fault(path="/sources", **fault))
    said = await refused(house, "t0ken")
    assert (sentence in said, "t0ken" in said) == (True, False), said


async def test_a_flow_is_named_where_flowdock_names_none(house: House) -> None:
    house.flowdock_journal.faults.append(Fault(path="/sources", status=200, answer="[]"))
    await connect(house, "t0ken", flow=FLOW)
    (connection,) = await house.services.connections.all()
    assert (connection.flow, connection.source_id) == (FLOW, "")


async def test_a_flow_that_the_token_is_not_of_is_refused(house: House) -> None:
    token = (await source(house, "acme/ops"))["flow_token"]
    assert f"this flow token is of acme/ops, not of {FLOW}" in await refused(house, token, flow=FLOW)
    await connect(house, token, flow="Acme/Ops")


async def test_one_token_serves_one_repository(house: House) -> None:
    token = (await source(house))["flow_token"]
    await connect(house, token)
    for other in (GADGETS, "other/component"):
        assert f"already serves {REPOSITORY}" in await refused(house, token, other)


async def test_a_flow_hears_of_a_repository_once(house: House) -> None:
    await connect(house, (await source(house))["flow_token"])
    second = (await source(house))["flow_token"]
    assert f"is already connected to {FLOW}" in await refused(house, second, REPOSITORY.upper())
    await connect(house, (await source(house, "acme/ops"))["flow_token"])


async def test_a_connection_of_the_page_is_not_made_again_by_command(house: House) -> None:
    cy = await Installer.of(house)
    made = (await cy.connect(await cy.repository())).connection
    token = (await source(house))["flow_token"]
    assert f"is already connected to {FLOW}, as {made.id}" in await refused(house, token)
    await house.services.pulls.name_by_github(made.repository_id or 0, "acme/renamed")
    assert f"as {made.id}" in await refused(house, token, "acme/renamed")


async def test_a_new_repository_takes_the_name_of_one_that_was_renamed(house: House) -> None:
    cy = await Installer.of(house)
    made = (await cy.connect(await cy.repository())).connection
    known, store = made.repository_id or 0, house.services.connections
    await house.services.pulls.name_by_github(known, "acme/renamed")
    assert "already serves acme/renamed" in await refused(house, made.flow_token)
    await connect(house, (await source(house))["flow_token"])
    (new,) = [one for one in await store.all() if one.id != made.id]
    assert new.repository_id is None
    assert await store.others_of(new.id, None, REPOSITORY) == []
    assert await store.others_of(made.id, known, "acme/renamed") == []
    # Nothing that the one does is the other's.
    left = await house.services.connect_service.disconnect(made, access_token=cy.access_token, user=cy.user)
    assert (left, await cy.hooks()) == ([], [])
    assert await store.all() == [new]


async def test_a_connection_of_the_command_is_not_made_again_by_the_page(house: House) -> None:
    await connect(house, (await source(house))["flow_token"])
    (by_command,) = await house.services.connections.all()
    cy = await Installer.of(house)
    joined = await cy.connect(await cy.repository())
    assert (joined.connection.id, joined.hook) == (by_command.id, "made")
    assert len(await cy.sources()) == 1
    assert len(await house.services.connections.all()) == 1


async def test_a_connection_of_the_command_is_seen_on_the_pages(house: House) -> None:
    made = await source(house)
    await connect(house, made["flow_token"])
    (connection,) = await house.services.connections.all()
    await Installer.of(house)
    async with Browser() as browser:
        await sign_in(house, browser, "cy")
        link = f'href="/connections/{connection.id}"'
        assert link in (await browser.open(house.bridge)).text
        setup = await browser.open(f"{house.bridge}/flowdock/setup?flow=acme:main")
        assert ("Connected to this flow" in setup.text, link in setup.text) == (True, True)
        configured = await browser.open(f"{house.bridge}/flowdock/configure?source={made['id']}")
        assert configured.url.endswith(f"/connections/{connection.id}")
