"""Configuring a connection: who gets in, what each button does, and what the page says about it."""

import re
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from bridge.core.model import Connection, Problem
from bridge.storage import keys
from scripts.sandbox.browse import Browser, Form, Page
from scripts.sandbox.faults import Fault
from tests.conftest import REPOSITORY, House, eventually
from tests.kits.accounts import link
from tests.kits.controls import unguarded, yes
from tests.kits.monitor import CY, change_hook, connected, hooks
from tests.kits.personal import buried, noted, sign_in, text

ANN, BOB = "1001", "1002"
NOT_YOURS = "this connection does not exist"


def address(house: House, connection: Connection, **query: str) -> str:
    """Where Flowdock leads."""
    source_url = f"{house.flowdock}/flows/{connection.flow}/sources/{connection.source_id}"
    asked = {"source": connection.source_id, "source_url": source_url} | query
    return f"{house.bridge}/flowdock/configure?{urlencode(asked)}"


async def opened(house: House, browser: Browser, connection: Connection, user: str = CY) -> Page:
    """The connection's page, for somebody who signs in on the way."""
    page = await browser.open(address(house, connection))
    return await browser.press(page, user)


def form(page: Page, end: str) -> Form:
    return next(one for one in page.forms if one.action.endswith(end))


async def leave(house: House, nick: str, flow: str = "acme/main") -> None:
    body = {"user": nick, "flow": flow, "member": False}
    async with house.http.post(f"{house.flowdock}/_sandbox/members", json=body) as response:
        assert response.status in (200, 204), await response.text()


async def known(house: House, connection: Connection) -> Connection:
    found = await house.services.connections.get(connection.id)
    assert found is not None
    return found


# Who gets in


async def test_flowdocks_address_leads_through_sign_in_to_the_page(house: House, browser: Browser) -> None:
    connection = await connected(house)
    page = await opened(house, browser, connection)
    assert page.url == f"{house.bridge}/connections/{connection.id}"
    assert (page.status, page.headers["Cache-Control"]) == (200, "no-store")
    shown = text(page)
    assert "acme/component in acme/main" in shown
    assert "by cy (@cy-gh)" in shown
    assert "managed as @cy-gh" in shown
    assert connection.flow_token not in page.text


@pytest.mark.parametrize(
    "query",
    [
        {"integration_id": "{id}", "flow": "acme:main"},
        {"integration_id": "{id}", "flow": "acme/main"},
        {"source": "{id}", "flow": "{flowdock}/flows/acme/main"},
        {"source": "{id}"},
        {"source": "{id}", "source_url": "https://evil.example/flows/ACME/Main/sources/{id}"},
    ],
)
async def test_every_spelling_leads_there_and_the_host_is_ignored(
    house: House, browser: Browser, query: dict[str, str]
) -> None:
    connection = await connected(house)
    await sign_in(house, browser, "cy")
    filled = {
        name: value.format(id=connection.source_id, flowdock=house.flowdock) for name, value in query.items()
    }
    page = await browser.open(f"{house.bridge}/flowdock/configure?{urlencode(filled)}")
    assert page.url == f"{house.bridge}/connections/{connection.id}"


@pytest.mark.parametrize(
    "query",
    [
        {"source": "999"},
        {"source": ""},
        {},
        {"source": "{id}", "source_url": "{flowdock}/flows/acme/ops/sources/{id}"},
    ],
)
async def test_addresses_of_no_connection_of_the_flow(
    house: House, browser: Browser, query: dict[str, str]
) -> None:
    connection = await connected(house)
    await sign_in(house, browser, "cy")
    filled = {
        name: value.format(id=connection.source_id, flowdock=house.flowdock) for name, value in query.items()
    }
    page = await browser.open(f"{house.bridge}/flowdock/configure?{urlencode(filled)}")
    assert (
        page.status,
        NOT_YOURS in text(page).replace("This connection does", "this connection does"),
    ) == (404, True)


async def test_an_unknown_connection_and_a_foreign_one_look_the_same(house: House, browser: Browser) -> None:
    connection = await connected(house)
    await sign_in(house, browser, "bob")
    await leave(house, "bob")
    seen = {
        (page.status, text(page))
        for page in [
            await browser.open(f"{house.bridge}/connections/{connection.id}"),
            await browser.open(f"{house.bridge}/connections/0123abcd"),
            await browser.open(address(house, connection)),
            await browser.open(address(house, connection, source="999")),
            await browser.open(f"{house.bridge}/connections/{connection.id}/disconnect"),
            await browser.open(f"{house.bridge}/connections/{connection.id}/disconnected"),
        ]
    }
    assert len(seen) == 1
    assert next(iter(seen))[0] == 404


POSTS = ["options", "pause", "webhook", "care", "test", "disconnect"]


@unguarded("bridge.clients.flowdock.Flowdock.flow", yes, row="pause")
@pytest.mark.parametrize("end", POSTS)
async def test_a_person_who_left_the_flow_changes_nothing(house: House, browser: Browser, end: str) -> None:
    connection = await connected(house)
    page = await opened(house, browser, connection, BOB)
    fields = form(page, "/options").fields
    await leave(house, "bob")
    url = f"{house.bridge}/connections/{connection.id}/{end}"
    answer = await browser.submit(page, Form(url, "post"), {**fields, "do": "pause"})
    assert answer.status == 404
    assert await known(house, connection) == connection
    assert len(await hooks(house)) == 1
    assert await house.messages() == []


@pytest.mark.parametrize("end", POSTS)
async def test_a_form_of_another_site_changes_nothing(house: House, browser: Browser, end: str) -> None:
    connection = await connected(house)
    page = await opened(house, browser, connection)
    url = f"{house.bridge}/connections/{connection.id}/{end}"
    for fields in ({}, {"csrf": "0" * 64}):
        answer = await browser.submit(page, Form(url, "post"), {**fields, "do": "pause"})
        assert answer.status == 403
    assert await known(house, connection) == connection
    assert await house.messages() == []


@pytest.mark.parametrize("end", POSTS)
async def test_a_form_without_a_session_changes_nothing(house: House, browser: Browser, end: str) -> None:
    connection = await connected(house)
    url = f"{house.bridge}/connections/{connection.id}/{end}"
    answer = await browser.submit(Page(url, 200, "", {}, []), Form(url, "post"), {"do": "pause"})
    assert answer.status == 401
    assert await known(house, connection) == connection


async def test_a_connection_made_by_hand_is_nobodys_to_see(house: House, browser: Browser) -> None:
    await house.connect()
    (connection,) = await house.services.connections.all()
    await sign_in(house, browser, "cy")
    page = await browser.open(f"{house.bridge}/connections/{connection.id}")
    assert page.status == 404


async def test_a_sign_in_that_flowdock_has_ended_leads_to_a_new_one(house: House, browser: Browser) -> None:
    connection = await connected(house)
    await opened(house, browser, connection)
    house.flowdock_journal.faults.append(Fault(path="/flows/acme/main", status=401, answer="{}"))
    page = await browser.open(f"{house.bridge}/connections/{connection.id}")
    assert page.url.startswith(house.flowdock)


# Options and pausing


async def test_options_are_changed(house: House, browser: Browser) -> None:
    connection = await connected(house)
    page = await opened(house, browser, connection)
    # All that the page showed comes along, as a browser sends it: another preset was chosen, nothing else.
    sent = [*form(page, "/options").fields.items(), ("preset", "status")]
    sent += [("group", group) for group in connection.options.groups]
    async with browser.session.post(f"{page.url}/options", data=sent) as response:
        assert (response.status, response.url.query_string) == (200, "")
        assert "Options saved" in await response.text()
    page = await browser.open(page.url)
    assert "Options saved" not in text(page), "it is said once"
    assert (await known(house, connection)).options.groups == ("status",)
    assert re.search(r'value="status" checked', page.text)


async def test_options_that_cannot_be_are_refused(house: House, browser: Browser) -> None:
    connection = await connected(house)
    page = await opened(house, browser, connection)
    page = await browser.press(page, "Save", preset="own", drafts="never")
    assert (page.status, "Nothing was changed" in text(page)) == (400, True)
    assert await known(house, connection) == connection


async def test_a_paused_flow_is_told_nothing_until_it_goes_on(house: House, browser: Browser) -> None:
    connection = await connected(house)
    house.start_worker()
    page = await opened(house, browser, connection)
    page = await browser.press(page, "Pause")
    assert "Paused" in text(page)
    await house.act("ann-gh", "open", title="Unheard", body="", head="fix", base="main")
    await eventually(lambda: house.services.delivery_log.notes(connection.repository_id or 0, connection.id))
    page = await browser.press(page, "Resume")
    assert not (await known(house, connection)).paused
    await house.act("ann-gh", "comment", number=1, body="Heard")
    messages: list[Any] = await eventually(house.messages)
    assert [one["event"] for one in messages] == ["discussion"]
    page = await browser.open(page.url)
    assert "Issue comment created, posted" in text(page)


async def test_a_form_that_asks_neither_is_refused(house: House, browser: Browser) -> None:
    connection = await connected(house)
    page = await opened(house, browser, connection)
    pause = form(page, "/pause")
    assert (await browser.submit(page, pause, pause.fields | {"do": "stop"})).status == 400


# The webhook


async def test_repairing_makes_the_webhook_and_sees_the_ping(house: House, browser: Browser) -> None:
    connection = await connected(house)
    await change_hook(house, connection.hook_id, "DELETE")
    gone = Problem(kind="hook", text="It has no webhook.", since=1)
    await house.services.connections.change(connection.id, problem=gone)
    page = await opened(house, browser, connection)
    assert "Problem, found" in text(page)
    page = await browser.press(page, "Repair the webhook")
    assert "The webhook was created." in text(page)
    assert ("Problem" in text(page), "It has no webhook" in text(page)) == (False, False)
    (hook,) = await hooks(house)
    assert (await known(house, connection)).hook_id == hook["id"]

    async def arrived() -> bool:
        return "GitHub’s ping arrived" in text(await browser.open(page.url))

    await eventually(arrived)


async def test_while_the_ping_is_awaited_the_page_says_so_and_then_what_to_do(
    house: House, browser: Browser
) -> None:
    connection = await connected(house)
    async with house.http.post(f"{house.github}/_sandbox/webhooks", json={"mode": "hold"}):
        pass
    page = await opened(house, browser, connection)
    await house.redis.delete(keys.ping(connection.repository_id or 0, connection.hook_id or 0))
    page = await browser.press(page, "Repair the webhook")
    assert "The webhook was repaired. Waiting for GitHub’s ping." in text(page)
    found = re.search(r'href="([^"]+)">Check again', page.text)
    assert found
    assert house.bridge + unescape(found[1]) == page.url
    page = await browser.open(re.sub(r"since=\d+", "since=1000", page.url))
    assert "No ping came from GitHub" in text(page)


async def test_an_unlinked_person_links_first_and_comes_back(house: House, browser: Browser) -> None:
    connection = await connected(house)
    await house.services.accounts.unlink(CY)
    page = await opened(house, browser, connection, ANN)
    # Another tab, in which the account was linked still.
    page = await browser.submit(
        page,
        Form(f"{house.bridge}/connections/{connection.id}/webhook", "post"),
        form(page, "/test").fields,
    )
    assert page.url == f"{house.bridge}/connections/{connection.id}"
    assert "Link your GitHub account first" in text(page)
    found = re.search(r'href="(/account/link[?][^"]+)"', page.text)
    assert found
    page = await browser.open(house.bridge + unescape(found[1]))
    assert page.url.startswith(house.github)
    page = await browser.press(page, "cy-gh")
    page = await browser.press(page, "Link accounts")
    assert page.url == f"{house.bridge}/connections/{connection.id}"
    assert "Your GitHub account is linked. Now try again." in text(page)
    page = await browser.press(page, "Repair the webhook")
    assert "The webhook was repaired." in text(page)


async def test_the_operators_webhook_is_repaired_by_nobody_but_an_administrator(
    house: House, browser: Browser
) -> None:
    connection = await connected(house)
    await house.services.accounts.unlink(CY)
    await house.services.connections.change(connection.id, hook_id=None)
    await link(house, "bob")
    page = await opened(house, browser, connection, BOB)
    assert "Created by hand: bridge cannot check it, and only sees what arrives" in text(page)
    page = await browser.press(page, "Repair the webhook")
    assert "GitHub did not let you repair the webhook" in text(page)
    assert (await known(house, connection)).hook_id is None
    assert house.services.settings.github_webhook_secrets[0] not in page.text


async def test_somebody_who_administers_it_takes_over(house: House, browser: Browser) -> None:
    connection = await connected(house)
    house.start_monitor()
    await house.services.accounts.unlink(CY)

    async def told() -> bool:
        return (await known(house, connection)).problem is not None

    await eventually(told)
    async with house.http.post(f"{house.github}/_sandbox/users/ann-gh", json={"permission": "admin"}):
        pass
    await link(house, "ann")
    page = await opened(house, browser, connection, ANN)
    assert "Nobody manages the webhook" in text(page)
    page = await browser.press(page, "Manage it as @ann-gh")
    assert "bridge now manages the webhook as you." in text(page)
    assert (await known(house, connection)).installer == ANN

    async def over() -> bool:
        return (await known(house, connection)).problem is None

    await eventually(over)


async def test_only_an_administrator_takes_over(house: House, browser: Browser) -> None:
    connection = await connected(house)
    await link(house, "bob")
    page = await opened(house, browser, connection, BOB)
    page = await browser.press(page, "Manage it as @bob-gh")
    assert "Only administrators of the repository" in text(page)
    assert (await known(house, connection)).installer == CY


# The test message


async def test_a_test_message_arrives_in_a_thread_of_its_own(house: House, browser: Browser) -> None:
    connection = await connected(house)
    page = await opened(house, browser, connection, ANN)
    for _ in range(2):
        page = await browser.press(page, "Send a test message")
        assert "Test message sent" in text(page)
    (thread,) = await house.threads()
    assert thread["external_thread_id"] == f"bridge:test:{connection.id}"
    assert thread["title"] == "bridge: test of acme/component"
    assert [one["title"] for one in await house.messages()] == ["Test message, sent by ann"] * 2


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 400}, "The test message was refused"),
        ({"status": 503}, "The test message was not confirmed"),
        ({"cut": "before"}, "The test message was not confirmed"),
    ],
)
async def test_the_page_says_honestly_that_flowdock_did_not_take_it(
    house: House, browser: Browser, fault: dict[str, Any], said: str
) -> None:
    connection = await connected(house)
    page = await opened(house, browser, connection)
    house.flowdock_journal.faults.append(Fault(path="/messages", **fault))
    page = await browser.press(page, "Send a test message")
    assert said in text(page)
    assert "Flowdock took" not in text(page)


async def test_a_source_that_the_flow_removed_ends_the_connection(house: House, browser: Browser) -> None:
    connection = await connected(house)
    page = await opened(house, browser, connection)
    async with house.http.delete(f"{house.flowdock}/_sandbox/sources/{connection.source_id}"):
        pass
    page = await browser.press(page, "Send a test message")
    assert (page.status, "Someone removed bridge from the flow" in text(page)) == (410, True)
    assert await house.services.connections.get(connection.id) is None


@pytest.mark.parametrize("did", ["", "nonsense", "<b>x</b>", "test'"])
async def test_no_notice_of_anybody_elses_making_is_shown(house: House, browser: Browser, did: str) -> None:
    connection = await connected(house)
    await opened(house, browser, connection)
    query = urlencode({"did": did, "since": "<i>"})
    page = await browser.open(f"{house.bridge}/connections/{connection.id}?{query}")
    assert (page.status, 'class="notice' in page.text) == (200, False)
    assert not did or did not in page.text


# Disconnecting


async def test_disconnecting_is_asked_about_and_removes_what_bridge_made(
    house: House, browser: Browser
) -> None:
    connection = await connected(house)
    await opened(house, browser, connection)
    page = await browser.open(f"{house.bridge}/connections/{connection.id}/disconnect")
    assert "the webhook of acme/component on GitHub" in text(page)
    assert await known(house, connection) == connection, "nothing happens before the POST"
    page = await browser.press(page, "Disconnect acme/component")
    assert page.url == f"{house.bridge}/connections/{connection.id}/disconnected"
    assert "and has removed everything it created" in text(page)
    assert await house.services.connections.get(connection.id) is None
    assert await hooks(house) == []
    redis: Any = house.redis
    assert await redis.keys("bridge:{connections}:connection:*") == [], "no token is left"


async def test_a_webhook_that_another_connection_needs_stays(house: House, browser: Browser) -> None:
    connection = await connected(house)
    other = replace(connection, id="0ther", flow="acme/ops", source_id="77")
    await house.services.connections.add(other)
    await opened(house, browser, connection)
    page = await browser.open(f"{house.bridge}/connections/{connection.id}/disconnect")
    assert "options. The webhook of acme/component stays: another connection needs it." in text(page)
    assert "on GitHub" not in text(page)
    await browser.press(page, "Disconnect acme/component")
    assert [hook["id"] for hook in await hooks(house)] == [connection.hook_id]


async def test_leftovers_are_named(house: House, browser: Browser) -> None:
    connection = await connected(house)
    await opened(house, browser, connection)
    house.github_journal.faults.append(Fault(path=".*/hooks/[0-9]+", method="DELETE", status=502, times=100))
    page = await browser.open(f"{house.bridge}/connections/{connection.id}/disconnect")
    page = await browser.press(page, "Disconnect acme/component")
    assert "The webhook of acme/component could not be removed" in text(page)
    assert await house.services.connections.get(connection.id) is None
    async with Browser() as stranger:
        await sign_in(house, stranger, "bob")
        assert (await stranger.open(page.url)).status == 404, "told to the one who disconnected alone"


async def test_the_state_names_what_was_not_delivered(house: House, browser: Browser) -> None:
    connection = await connected(house)
    page = await opened(house, browser, connection)
    assert "State ○ Waiting for a delivery" in text(page)
    await noted(house, connection, "posted")
    letter = await buried(house, connection, reason="refused")
    page = await browser.open(page.url)
    assert "State ! 1 not delivered" in text(page)
    assert f'href="/connections/{connection.id}/deliveries?outcome=dead"' in page.text
    await house.services.connections.change(connection.id, paused=True)
    assert "State – Paused, ! 1 not delivered" in text(await browser.open(page.url))
    await house.services.connections.change(connection.id, paused=False)
    await house.services.queue.drop(letter)
    assert "State ✓ Works" in text(await browser.open(page.url))


async def test_trouble_is_shown_with_the_button_that_mends_it(house: House, browser: Browser) -> None:
    connection = await connected(house)
    page = await opened(house, browser, connection)
    for kind, button in (
        ("hook", "Repair the webhook"),
        ("account", "Manage it as @cy-gh"),
        ("repository", "Manage it as @cy-gh"),
    ):
        problem = Problem(kind=kind, text=f"It is broken: {kind}.", since=1)  # type: ignore[arg-type]
        await house.services.connections.change(connection.id, problem=problem)
        page = await browser.open(page.url)
        assert f"It is broken: {kind}." in text(page)
        assert button in text(page)
    assert REPOSITORY in text(page)
