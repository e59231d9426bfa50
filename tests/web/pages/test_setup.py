"""The pages of `/flowdock/setup`: who gets in, what is listed, what is refused and what is told."""

import asyncio
import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from bridge.clients.github_repositories import Repository
from bridge.web.pages.repository_list import rows
from scripts.sandbox.browse import Browser, Page
from scripts.sandbox.faults import Fault
from tests.conftest import PATIENCE, REPOSITORY, House, eventually
from tests.kits.accounts import link
from tests.kits.connecting import COMPONENT_ID, Installer, permit
from tests.kits.github_app import made_at_github, open_app_house
from tests.kits.personal import text

SETUP = "/flowdock/setup"
MAIN = f"{SETUP}?flow=acme:main"


async def visit(house: House, browser: Browser, path: str = MAIN, nick: str = "cy") -> Page:
    """Sign in as somebody who is linked, and land on a page."""
    if nick not in ("", "bob"):
        await link(house, nick)
    page = await browser.open(f"{house.bridge}{path}")
    return await browser.press(page, {"ann": "1001", "bob": "1002", "cy": "1003"}[nick])


async def send(browser: Browser, page: Page, chosen: list[int], **fields: Any) -> Page:
    """Send the form with these repositories chosen; `fields` replace what it holds."""
    form = next(form for form in page.forms if form.method == "post" and "flow" in form.fields)
    held = {name: value for name, value in form.fields.items() if name != "shown"}
    data = [*(held | {"preset": "everything"} | fields).items()]
    data += [("repository", str(one)) for one in chosen]
    url = page.url[: page.url.index("/", 8)] + SETUP
    async with browser.session.post(url, data=data) as response:
        text = await response.text()
        return Page(str(response.url), response.status, text, response.headers, [])


async def many(house: House, count: int, **fields: Any) -> None:
    body = {"owner": "acme", "prefix": "many", "count": count, "permissions": {"cy-gh": "admin"}, **fields}
    async with house.http.post(f"{house.github}/_sandbox/repositories", json=body) as response:
        assert response.status == 200, await response.text()


def listed(page: Page) -> list[str]:
    return re.findall(r"<strong>([\w-]+/[\w-]+)</strong>", page.text)


async def test_signing_in_leads_back_and_the_token_goes_to_flowdock_alone(
    house: House, browser: Browser
) -> None:
    page = await visit(house, browser, f"{MAIN}&flow_url={house.github}/flows/acme/main")
    assert "Connect repositories to Main" in text(page)
    assert listed(page) == ["acme/component", "acme/gadgets"]
    assert page.headers["Cache-Control"] == "no-store"
    assert [call.path for call in house.github_journal.calls] == ["/api/v3/user/repos"]


async def test_an_unlinked_person_is_told_why_and_led_to_linking(house: House, browser: Browser) -> None:
    page = await visit(house, browser, nick="bob")
    assert "First, link your GitHub account" in text(page)
    assert 'href="/account/link?then=%2Fflowdock%2Fsetup%3Fflow%3Dacme%253Amain"' in page.text


@pytest.mark.parametrize(
    ("query", "nick", "status", "says"),
    [
        ("?flow=acme:ops", "cy", 403, "You are not in this flow"),
        ("?flow=acme:unknown", "cy", 403, "You are not in this flow"),
        ("?flow=" + "x" * 300, "cy", 400, "This address does not name a flow"),
        ("?flow=a%00b", "cy", 400, "This address does not name a flow"),
        ("?flow=%C3%A4", "cy", 400, "This address does not name a flow"),
        ("?flow_url=https://evil.example/nothing", "cy", 400, "This address does not name a flow"),
        ("?flow_url=http://[", "cy", 400, "This address does not name a flow"),
        ("?flow_url=https://evil.example/flows/acme/ops", "cy", 403, "You are not in this flow"),
        ("?flow_url=https://evil.example/flows/acme/main", "cy", 200, "Connect repositories to Main"),
        ("?flow_url=https://evil.example/flows/../user", "cy", 400, "This address does not name a flow"),
        ("", "cy", 200, "Which flow?"),
        ("/unknown", "cy", 404, "this page has expired"),
    ],
)
async def test_the_chosen_flow(
    house: House, browser: Browser, query: str, nick: str, status: int, says: str
) -> None:
    await visit(house, browser, SETUP, nick)
    page = await browser.open(house.bridge + SETUP + query)
    assert (page.status, says.lower() in text(page).lower()) == (status, True), text(page)
    if query == "":
        assert 'href="/flowdock/setup?flow=acme%3Amain"' in page.text
        assert "ops" not in page.text


@pytest.mark.parametrize(
    ("service", "fault", "status", "says"),
    [
        (
            "flowdock",
            {"path": "/flows/find", "status": 503},
            502,
            "answered 503. Try again in a minute.",
        ),
        ("flowdock", {"path": "/flows/find", "cut": "before", "times": 2}, 502, "Flowdock cannot be reached"),
        ("github", {"path": ".*/user/repos", "status": 500}, 502, "GitHub answered 500"),
        (
            "github",
            {"path": ".*/user/repos", "status": 429, "headers": {"Retry-After": "77"}},
            429,
            "You have reached GitHub's rate limit: try again in 77 s",
        ),
    ],
)
async def test_a_service_that_is_down_is_a_page_that_says_so(
    house: House, browser: Browser, service: str, fault: dict[str, Any], status: int, says: str
) -> None:
    await visit(house, browser)
    journal = house.flowdock_journal if service == "flowdock" else house.github_journal
    journal.faults.append(Fault(**fault))
    page = await browser.open(house.bridge + MAIN)
    assert (page.status, says in text(page)) == (status, True), text(page)
    if status == 429:
        assert page.headers["Retry-After"] == "77"


async def test_a_revoked_link_leads_to_linking_again(house: House, browser: Browser) -> None:
    await visit(house, browser)
    async with house.http.delete(f"{house.github}/_sandbox/tokens?user=cy-gh"):
        pass
    assert "First, link your GitHub account" in text(await browser.open(house.bridge + MAIN))


async def test_a_sign_in_that_ended_at_flowdock_begins_anew(house: House, browser: Browser) -> None:
    await visit(house, browser)
    house.flowdock_journal.faults.append(Fault(path="/flows/find", status=401))
    page = await browser.open(house.bridge + MAIN)
    assert "/oauth/authorize" in page.url


async def test_rights_archives_and_connections_are_explained(house: House, browser: Browser) -> None:
    await house.act("cy-gh", "archive", repo="acme/gadgets")
    page = await visit(house, browser, nick="ann")
    assert f'value="{COMPONENT_ID}"' in page.text
    assert "You are not an administrator here. You get a link to send to one." in text(page)
    assert "Archived." in text(page)
    assert len(re.findall('name="repository"', page.text)) == 1
    cy = await Installer.of(house)
    connected = await cy.connect(await cy.repository())
    page = await browser.open(house.bridge + MAIN)
    assert "Connected to this flow." in text(page)
    assert f'href="/connections/{connected.connection.id}"' in page.text
    assert "Nothing here can be connected." in text(page)
    assert 'name="repository"' not in page.text
    assert "Connected to this flow." not in text(await browser.open(f"{house.bridge}{SETUP}?flow=acme:ops"))


async def test_repositories_hidden_until_single_sign_on_are_counted(house: House, browser: Browser) -> None:
    async with house.http.post(f"{house.github}/_sandbox/users/cy-gh", json={"sign_on": False}):
        pass
    page = await visit(house, browser)
    assert "GitHub hides the repositories of 1 organization until you sign in by single sign-on." in text(
        page
    )
    assert REPOSITORY not in page.text


async def test_no_repositories_at_all(house: House, browser: Browser) -> None:
    await permit(house, "cy-gh", "none")
    page = await visit(house, browser)
    assert "@cy-gh cannot see any repository." in text(page)


async def test_all_pages_are_searched_and_the_list_is_narrowed(house: House, browser: Browser) -> None:
    await many(house, 250)
    page = await visit(house, browser)
    assert (len(listed(page)), "202 more" in page.text) == (50, True)
    asked = len(house.github_journal.calls)
    page = await browser.open(f"{house.bridge}{MAIN}&q=MANY+25")
    assert listed(page) == ["acme/many-025", "acme/many-125", "acme/many-225", "acme/many-250"]
    assert 'value="MANY 25"' in page.text
    assert len(house.github_journal.calls) == asked, "a search asks GitHub for nothing"
    page = await browser.open(f"{house.bridge}{MAIN}&q=nothing%20fits")
    assert "None of 252 repositories matches “nothing fits”" in text(page)
    await house.act("cy-gh", "rename", repo="acme/gadgets", name="gizmos")
    assert listed(await browser.open(f"{house.bridge}{MAIN}&q=gizmos")) == []
    assert listed(await browser.open(f"{house.bridge}{MAIN}&q=gizmos&reload=1")) == ["acme/gizmos"]


async def test_one_of_the_last_page_is_connected(house: House, browser: Browser) -> None:
    await many(house, 150)
    page = await visit(house, browser, f"{MAIN}&q=many-150")
    [chosen] = re.findall(r'name="repository" value="(\d+)"', page.text)
    page = await send(browser, page, [int(chosen)])
    assert "Main is connected" in text(page)
    [connection] = await house.services.connections.all()
    assert connection.repository == "acme/many-150"


async def test_the_form_connects_with_its_options(house: House, browser: Browser) -> None:
    page = await visit(house, browser)
    fields = {"preset": "own", "group": "reviews", "drafts": "quiet", "bots": "none"}
    page = await send(browser, page, [COMPONENT_ID], **fields, bases="main, release/*")
    assert re.search(r"/flowdock/setup/[\w-]{20,}$", page.url)
    [connection] = await house.services.connections.all()
    options = connection.options
    assert (options.groups, options.drafts, options.bots, options.labels, options.bases) == (
        ("status", "reviews"), "quiet", "none", False, ("main", "release/*"),
    )  # fmt: skip
    assert (connection.flow, connection.installer) == ("acme/main", "1003")
    assert "GitHub’s ping arrived" in page.text


@pytest.mark.parametrize(
    ("chosen", "fields", "status", "says"),
    [
        ([], {}, 400, "Choose at least one repository."),
        (list(range(1, 22)), {}, 400, "You chose 21 repositories. Choose at most 20."),
        ([4711], {}, 400, "GitHub no longer shows you one of these repositories."),
        ([COMPONENT_ID], {"repository": "x"}, 400, "GitHub no longer shows you one of these repositories."),
        ([COMPONENT_ID], {"preset": "loud"}, 400, "There is no such preset."),
        ([COMPONENT_ID], {"preset": "own", "bots": "some"}, 400, "These options are not valid"),
        ([COMPONENT_ID], {"flow": "acme:ops"}, 403, "You are not in this flow"),
        ([COMPONENT_ID], {"flow": ""}, 403, "You are not in this flow"),
        ([COMPONENT_ID], {"csrf": "made up"}, 403, "This form does not belong to your session"),
    ],
)
async def test_impossible_choices_are_refused(
    house: House, browser: Browser, chosen: list[int], fields: dict[str, str], status: int, says: str
) -> None:
    page = await send(browser, await visit(house, browser), chosen, **fields)
    assert (page.status, says in text(page)) == (status, True), text(page)
    assert await house.services.connections.all() == []


async def test_another_flows_repository_list_is_not_believed(house: House, browser: Browser) -> None:
    """A repository that the linked account does not see cannot be connected by its id."""
    await permit(house, "ann-gh", "none")
    page = await visit(house, browser, nick="ann")
    form = {"csrf": page.forms[0].fields["csrf"], "flow": "acme:main", "repository": str(COMPONENT_ID)}
    async with browser.session.post(house.bridge + SETUP, data=form) as response:
        assert response.status == 400
    assert await house.services.connections.all() == []


async def test_one_failure_keeps_no_other_from_succeeding(house: House, browser: Browser) -> None:
    page = await visit(house, browser)
    house.flowdock_journal.faults.append(
        Fault(path="/flows/acme/main/sources", method="POST", body="component", cut="after")
    )
    page = await send(browser, page, [COMPONENT_ID, COMPONENT_ID + 1])
    said = text(page)
    assert "1 of 2 connected" in said
    assert "acme/component ✕ Not connected: Flowdock cannot be reached" in said
    assert "acme/gadgets ✓ Connected." in said
    assert [one.repository for one in await house.services.connections.all()] == ["acme/gadgets"]


async def test_at_githubs_limit_the_others_are_not_tried(house: House, browser: Browser) -> None:
    page = await visit(house, browser)
    house.github_journal.faults.append(
        Fault(path=".*/component/hooks", status=429, headers={"Retry-After": "60"}, times=9)
    )
    before = len(house.github_journal.calls)
    page = await send(browser, page, [COMPONENT_ID, COMPONENT_ID + 1])
    said = text(page)
    assert "Nothing was connected" in said
    assert "acme/gadgets ✕ Not connected: not tried: you have reached GitHub's rate limit" in said
    assert not [call for call in house.github_journal.calls[before:] if "gadgets" in call.path]


async def test_the_same_choice_twice_is_one_connection(house: House, browser: Browser) -> None:
    page = await visit(house, browser)
    for _ in range(2):
        assert "Main is connected" in text(await send(browser, page, [COMPONENT_ID]))
    assert len(await house.services.connections.all()) == 1


async def test_a_result_is_its_owners_and_a_members(house: House, browser: Browser) -> None:
    page = await send(browser, await visit(house, browser, nick="ann"), [COMPONENT_ID])
    assert "/handover/" in page.text
    async with Browser() as other:
        stranger = await visit(house, other, page.url.removeprefix(house.bridge), "cy")
        assert (stranger.status, "/handover/" in stranger.text) == (404, False)
    body = {"flow": "acme/main", "user": "ann", "member": False}
    async with house.http.post(f"{house.flowdock}/_sandbox/members", json=body):
        pass
    left = await browser.open(page.url)
    assert (left.status, "/handover/" in left.text) == (403, False)


async def test_administered_repositories_are_connected_and_the_rest_handed_on(
    house: House, browser: Browser
) -> None:
    page = await visit(house, browser)
    async with house.http.post(
        f"{house.github}/_sandbox/users/cy-gh", json={"permission": "write", "repo": "acme/gadgets"}
    ) as response:
        assert response.status == 200
    page = await send(browser, page, [COMPONENT_ID, COMPONENT_ID + 1])
    said = text(page)
    assert "1 of 2 connected" in said
    assert "Send the link below to an administrator of the repository, who connects it." in said
    assert "Try again" not in said
    assert [one.repository for one in await house.services.connections.all()] == ["acme/component"]


async def test_an_interrupted_set_up_says_so_and_is_completed(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault(path=".*/component/hooks", method="POST", delay=PATIENCE, status=500)
    house.github_journal.faults.append(fault)

    async def met() -> bool:
        return fault.times == 0

    page = await visit(house, browser)
    cy = await Installer.of(house)
    monkeypatch.setattr("bridge.web.pages.setup.WAIT_SECONDS", 0)
    monkeypatch.setattr("bridge.web.pages.setup_result.HOLD_SECONDS", 0)
    running = await send(browser, page, [COMPONENT_ID])
    assert "0 of 1 done" in text(running)
    await eventually(met)
    await house.services.bulk_connect.stop()
    await house.services.connect_service.settled(seconds=0)
    fault.released.set()
    monkeypatch.setattr("bridge.connections.bulk_connect.INTERRUPTED_SECONDS", 0)
    page = await browser.open(running.url)
    assert "bridge was interrupted. Try again." in text(page)
    monkeypatch.setattr("bridge.web.pages.setup.WAIT_SECONDS", 8)
    done = await browser.press(page, "Try again")
    assert "Main is connected" in text(done)
    assert (len(await cy.sources()), len(await cy.hooks())) == (1, 1)


async def test_a_repository_that_changed_meanwhile_is_refused(house: House, browser: Browser) -> None:
    await many(house, 101)
    page = await visit(house, browser, f"{MAIN}&q=component")
    await house.act("cy-gh", "archive")
    page = await send(browser, page, [COMPONENT_ID])
    assert "acme/component is archived. Choose it from the list again." in text(page)
    assert await house.services.connections.all() == []


async def test_no_ping_is_said_with_what_to_check(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.web.pages.setup_result.PING_SECONDS", 0)
    async with house.http.post(f"{house.github}/_sandbox/webhooks", json={"mode": "hold"}):
        pass
    page = await send(browser, await visit(house, browser), [COMPONENT_ID])
    assert "The webhook was created, but no ping came from GitHub." in text(page)
    assert f"GitHub cannot reach {house.bridge}" in text(page)
    assert f"{house.github}/{REPOSITORY}/settings/hooks" in page.text


async def test_the_page_is_answered_once_the_ping_is_there(house: House, browser: Browser) -> None:
    async with house.http.post(f"{house.github}/_sandbox/webhooks", json={"mode": "hold"}):
        pass
    page = await visit(house, browser)
    sending = asyncio.create_task(send(browser, page, [COMPONENT_ID]))

    async def held() -> bool:
        async with house.http.get(f"{house.github}/_sandbox/webhooks") as response:
            return bool((await response.json())["held"])

    await eventually(held)
    async with house.http.post(f"{house.github}/_sandbox/webhooks/release", json={}):
        pass
    assert "GitHub’s ping arrived" in text(await sending)


async def test_with_a_github_app_there_is_no_webhook_to_make(redis_url: str, browser: Browser) -> None:
    async with open_app_house(redis_url) as house:
        await made_at_github(house)
        page = await browser.open(house.bridge + MAIN)
        page = await browser.press(page, "1003")
        assert "First, link your GitHub account" in text(page)
        [linking] = re.findall(r'href="(/account/link[^"]+)"', unescape(page.text))
        page = await browser.press(await browser.open(house.bridge + linking), "cy-gh")
        page = await browser.press(page, "Link accounts")
        assert "Connect repositories to Main" in text(page)
        assert "/installations/new" in page.text
        assert re.findall(r'name="repository" value="(\d+)"', page.text) == [str(COMPONENT_ID)]
        page = await send(browser, page, [COMPONENT_ID])
        assert "Deliveries come through the GitHub App. No webhook is needed." in text(page)
        assert not [call for call in house.github_journal.calls if "/hooks" in call.path]
        [connection] = await house.services.connections.all()
        assert (connection.hook_id, connection.repository) == (None, REPOSITORY)
        asked = text(await browser.open(f"{house.bridge}/connections/{connection.id}/disconnect"))
        assert re.search("options. The GitHub App .+ stays installed.", asked)
        assert "on GitHub" not in asked


@pytest.mark.parametrize(
    ("changes", "with_app", "barred", "note"),
    [
        ({}, False, "", ""),
        ({"may_hook": False}, False, "", "You are not an administrator"),
        ({"archived": True, "may_hook": False}, False, "Archived", ""),
        ({"id": 2, "archived": True}, False, "Connected to this flow", ""),
        ({"id": 3, "full_name": "A/By-Command"}, False, "Connected to this flow", ""),
        ({"may_hook": False}, True, "", "You are not an administrator"),
        ({"installed": False}, True, "The GitHub App is not installed here", ""),
        ({"installed": False, "archived": True}, True, "Archived", ""),
    ],
)
def test_why_a_repository_cannot_be_chosen(
    changes: dict[str, Any], with_app: bool, barred: str, note: str
) -> None:
    plain = Repository(id=1, full_name="a/b", url="", private=False, archived=False, may_hook=True)
    [row] = rows([replace(plain, **changes)], {2: "7", "a/by-command": "7"}, with_app=with_app)
    for said, begins in ((row.barred, barred), (row.note, note)):
        assert said.startswith(begins) and bool(said) == bool(begins)
    assert row.connection_id == ("7" if row.repository.id > 1 else "")
