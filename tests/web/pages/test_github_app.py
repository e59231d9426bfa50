"""`/github/manifest`: who may, what GitHub is asked for, and that an App is kept whole or not at all."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from bridge.clients import github_credentials
from bridge.clients.github_webhooks import EVENTS
from bridge.core.github import app_manifest
from scripts.sandbox.browse import Browser
from scripts.sandbox.faults import Fault
from scripts.sandbox.house import ROOT
from tests.conftest import House, eventually, open_house
from tests.kits.github_app import (
    CHOSEN,
    PAGE,
    SECRETS,
    another_process,
    delivered,
    made_at_github,
    make,
    open_app_house,
    stored,
)
from tests.kits.personal import text
from tests.web.auth.test_linking import dump

CONVERSION = "/api/v3/app-manifests/.*/conversions"
GUIDE = ROOT / "docs/install/github-app.md"
SECRET = "the-operators-own-secret-of-setting-up"


@pytest.fixture
async def house(redis_url: str) -> AsyncIterator[House]:
    async with open_app_house(redis_url) as opened:
        yield opened


async def nothing_kept(house: House) -> None:
    redis: Any = house.redis
    assert await redis.exists("bridge:github-app") == 0


# What GitHub is asked for


def test_the_manifest_asks_for_what_bridge_needs_and_no_more() -> None:
    asked = app_manifest.manifest(
        web_url="https://b.example",
        name="x",
        webhook="https://b.example/github/webhook",
        asked=app_manifest.permissions(),
    )
    assert asked["hook_attributes"] == {"url": "https://b.example/github/webhook", "active": True}
    assert asked["redirect_url"] == "https://b.example/github/manifest/created"
    assert asked["callback_urls"] == ["https://b.example/auth/github/callback"]
    assert asked["public"] is False
    only_hooks = {"meta", "repository_ruleset", "branch_protection_rule"}
    assert set(asked["default_events"]) == set(EVENTS) - only_hooks | {"deployment_review"}
    assert asked["default_permissions"] == {
        **dict.fromkeys(("actions", "contents", "deployments", "issues", "pull_requests"), "write"),
        **dict.fromkeys(("checks", "metadata", "statuses"), "read"),
    }


@pytest.mark.parametrize(
    ("web_url", "name"),
    [
        ("https://bridge.example.com", "bridge-bridge-example-com"),
        ("http://localhost:8080", "bridge-localhost"),
        ("https://a-name-that-is-much-too-long.example.com", "bridge-a-name-that-is-much-too-lon"),
        ("http://[::1]:8080", "bridge-1"),
    ],
)
def test_the_name_tells_installations_apart(web_url: str, name: str) -> None:
    assert app_manifest.default_name(web_url) == name
    assert len(name) <= app_manifest.LONGEST_NAME


# The way


async def test_from_the_page_to_an_app_that_is_kept(house: House, browser: Browser) -> None:
    page = await make(house, browser)
    app = await stored(house)
    assert page.url == house.bridge + PAGE, "neither a code nor a sentence is left in the address"
    assert (app.slug, app.url) == ("bridge-test", f"{house.github}/apps/bridge-test")
    assert "bridge-test was created" in text(page)
    assert f'href="{house.github}/apps/bridge-test/installations/new"' in page.text
    assert 'href="/flowdock/setup"' in page.text
    again = await browser.open(house.bridge + PAGE)
    assert "bridge uses the GitHub App bridge-test" in text(again)
    assert again.headers["Cache-Control"] == "no-store"


async def test_the_form_goes_straight_to_github_and_no_other_page_may(house: House, browser: Browser) -> None:
    page = await browser.open(house.bridge + CHOSEN)
    assert f"form-action 'self' {house.github};" in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"] == "strict-origin"
    (form,) = [form for form in page.forms if form.method == "post"]
    asked = json.loads(form.fields["manifest"])
    assert asked["name"] == "bridge-127-0-0-1"
    for other in ("/", "/nowhere"):
        elsewhere = await browser.open(house.bridge + other)
        assert "form-action 'self';" in elsewhere.headers["Content-Security-Policy"]
        assert elsewhere.headers["Referrer-Policy"] == "no-referrer"
    made = await make(house, browser, page=page)
    assert "form-action 'self';" in made.headers["Content-Security-Policy"]


async def test_for_an_organization_under_another_name(house: House, browser: Browser) -> None:
    page = await browser.open(f"{house.bridge}{PAGE}?organization=acme&name=Our+bridge")
    (form,) = [form for form in page.forms if form.method == "post"]
    assert urlsplit(form.action).path == "/organizations/acme/settings/apps/new"
    assert json.loads(form.fields["manifest"])["name"] == "Our bridge"
    at_github = await browser.press(page, "Create the App on GitHub")
    await browser.press(at_github, "Create GitHub App", name="Our bridge", user="cy-gh")
    assert (await stored(house)).slug == "our-bridge"


async def test_no_app_is_created_with_choices_that_were_not_sent(house: House, browser: Browser) -> None:
    chosen = f"{house.bridge}{PAGE}?organization=acme&name=Our+bridge"
    for address, methods in ((PAGE, ["get"]), (chosen, ["post"]), (f"{chosen}&change=1", ["get"])):
        page = await browser.open(urljoin(house.bridge, address))
        assert [form.method for form in page.forms] == methods, address
    assert 'value="acme"' in page.text
    chooses = re.findall(r"^- \*(.+)\*:", GUIDE.read_text(), re.MULTILINE)
    assert len(chooses) == 3
    assert [label for label in chooses if label not in page.text] == [], "the guide names them as the page"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("name=" + "x" * 35, "at most 34 letters"),
        ("name=<script>", "at most 34 letters"),
        ("organization=../../evil", "That is not an organization"),
        ("organization=a%2Fb", "That is not an organization"),
        ("organization=" + "x" * 40, "That is not an organization"),
    ],
)
async def test_odd_names_are_refused_before_github_sees_them(
    house: House, browser: Browser, query: str, sentence: str
) -> None:
    page = await browser.open(f"{house.bridge}{PAGE}?{query}")
    assert (page.status, sentence in page.text) == (422, True)
    assert [form.method for form in page.forms] == ["get"]
    assert "<script>" not in page.text


# Nothing half-kept


async def at_the_callback(house: House, browser: Browser) -> str:
    """Everything is done on GitHub; the address it sends the browser to, unopened."""
    page = await browser.press(await browser.open(house.bridge + CHOSEN), "Create the App on GitHub")
    form = next(form for form in page.forms if "manifest" in form.fields)
    data = {**form.fields, "name": "bridge-test", "user": "cy-gh"}
    url = f"{house.github}{form.action}"
    async with browser.session.post(url, data=data, allow_redirects=False) as response:
        assert response.status == 302, await response.text()
        return response.headers["Location"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path=CONVERSION, status=500),
        Fault(path=CONVERSION, status=403),
        Fault(path=CONVERSION, status=302),
        Fault(path=CONVERSION, cut="before"),
        Fault(path=CONVERSION, status=201, answer="<html>"),
        Fault(path=CONVERSION, status=201, answer="[]"),
        Fault(path=CONVERSION, status=201, answer='{"id": 1, "slug": "x", "client_secret": "s3cret"}'),
    ],
    ids=lambda fault: f"{fault.status or fault.cut} {fault.answer}",
)
async def test_a_github_that_fails_keeps_nothing_and_can_be_asked_again(
    house: House, browser: Browser, fault: Fault
) -> None:
    address = await at_the_callback(house, browser)
    house.github_journal.faults.append(fault)
    failed = await browser.open(address)
    assert (failed.status, "Reload this page" in failed.text) == (502, True)
    assert "s3cret" not in failed.text
    await nothing_kept(house)
    assert "was created" in (await browser.open(address)).text


async def test_an_answer_that_was_lost_is_a_code_that_was_used(house: House, browser: Browser) -> None:
    address = await at_the_callback(house, browser)
    house.github_journal.faults.append(Fault(path=CONVERSION, cut="after"))
    assert (await browser.open(address)).status == 502
    again = await browser.open(address)
    assert (again.status, "Start over at /github/manifest" in again.text) == (422, True)
    await nothing_kept(house)


@pytest.mark.parametrize("status", [404, 422])
async def test_a_code_that_github_does_not_know_ends_it(house: House, browser: Browser, status: int) -> None:
    address = await at_the_callback(house, browser)
    house.github_journal.faults.append(Fault(path=CONVERSION, status=status))
    page = await browser.open(address)
    assert (page.status, "was used already, or is older than an hour" in page.text) == (422, True)
    await nothing_kept(house)
    assert (await browser.open(address)).status == 403, "its state is spent"


async def test_a_redis_that_goes_away_in_between_keeps_nothing(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await at_the_callback(house, browser)

    async def away(*_: Any, **__: Any) -> None:
        raise RedisConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(house.services.credentials, "keep", away)
        assert (await browser.open(address)).status == 503
    await nothing_kept(house)
    await make(house, browser, name="bridge-second")
    assert (await stored(house)).slug == "bridge-second"


async def test_a_state_serves_once(house: House, browser: Browser) -> None:
    address = await at_the_callback(house, browser)
    await browser.open(address)
    asked = len(house.github_journal.calls)
    again = await browser.open(address)
    assert (again.status, "This browser did not start creating this App" in again.text) == (403, True)
    assert len(house.github_journal.calls) == asked, "GitHub is not even asked"


async def test_a_state_is_this_browsers_own(house: House, browser: Browser) -> None:
    """The attack behind it: an operator is led to a callback with the code of an attacker's App."""
    address = await at_the_callback(house, browser)
    async with Browser() as victim:
        assert (await victim.open(address)).status == 403, "one that has begun nothing"
        await victim.open(house.bridge + PAGE)
        assert (await victim.open(address)).status == 403, "one that has begun another"
    await nothing_kept(house)


@pytest.mark.parametrize("query", ["", "?code=x", "?state=", "?code=x&state=y", "?state=%ff%00&code=%00"])
async def test_an_answer_out_of_nowhere(house: House, browser: Browser, query: str) -> None:
    page = await browser.open(f"{house.bridge}{PAGE}/created{query}")
    assert (page.status, "<h1>" in page.text) == (403, True)
    assert house.github_journal.calls == []


@pytest.mark.parametrize("code", ["", "..%2F..%2Fuser", "a%20b", "x" * 201])
async def test_an_odd_code_is_not_sent_to_github(house: House, browser: Browser, code: str) -> None:
    address = await at_the_callback(house, browser)
    state = parse_qs(urlsplit(address).query)["state"][0]
    house.github_journal.calls.clear()
    page = await browser.open(f"{house.bridge}{PAGE}/created?state={state}&code={code}")
    assert (page.status, "without a code" in page.text) == (403, True)
    assert house.github_journal.calls == []


async def test_no_secret_lies_open_or_is_shown(
    house: House, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = [await make(house, browser), await browser.open(house.bridge + PAGE)]
    app = await stored(house)
    everywhere = await dump(house) + capsys.readouterr().out.encode()
    everywhere += b"".join(page.text.encode() for page in pages)
    for name in SECRETS:
        assert getattr(app, name).encode() not in everywhere
    assert app.pem.startswith("-----BEGIN")


# An App in place of another


async def test_replacing_is_confirmed_and_keeps_the_new_one(house: House, browser: Browser) -> None:
    await make(house, browser)
    first = await stored(house)
    page = await browser.open(house.bridge + PAGE)
    assert "Create the App on GitHub" not in page.text
    confirm = await browser.open(f"{house.bridge}{CHOSEN}&replace={first.id}")
    assert "Replace bridge-test?" in text(confirm)
    assert "everyone has to link their GitHub account again" in text(confirm)
    at_github = await browser.press(confirm, "Create the new App on GitHub")
    assert (await stored(house)) == first, "nothing has happened yet"
    await browser.press(at_github, "Create GitHub App", name="bridge-new", user="cy-gh")
    second = await stored(house)
    assert second.slug == "bridge-new"
    assert await delivered(house, second) == 202
    assert await delivered(house, first) == 401


async def test_replacing_one_that_is_not_there_shows_the_one_that_is(house: House, browser: Browser) -> None:
    await make(house, browser)
    page = await browser.open(f"{house.bridge}{PAGE}?replace=999")
    assert "bridge uses the GitHub App bridge-test" in text(page)


async def test_two_operators_at_once_keep_the_first(house: House, browser: Browser) -> None:
    address = await at_the_callback(house, browser)
    async with Browser() as other:
        await make(house, other, name="bridge-other")
    page = await browser.open(address)
    assert page.status == 409
    assert f"Delete the App you have just created: {house.github}/apps/bridge-test" in page.text
    assert (await stored(house)).slug == "bridge-other"


# Who may


@pytest.mark.parametrize("path", ["", "/created?code=x&state=y"])
async def test_an_app_set_by_the_environment_is_not_replaced(
    redis_url: str, browser: Browser, path: str
) -> None:
    async with open_house(redis_url, github_app=True) as house:
        page = await browser.open(f"{house.bridge}{PAGE}{path}")
        assert (page.status, "OAuth App is configured already" in page.text) == (409, True)
        assert "remove GITHUB_CLIENT_ID" in page.text


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "True-Client-IP"])
@pytest.mark.parametrize("path", ["", "/created?code=x&state=y"])
async def test_without_a_secret_it_opens_at_the_machine_alone(house: House, header: str, path: str) -> None:
    headers = {header: "for=203.0.113.7", "Accept": "text/html"}
    async with house.http.get(f"{house.bridge}{PAGE}{path}", headers=headers) as response:
        assert (response.status, "Set SETUP_SECRET" in await response.text()) == (403, True)


async def test_without_a_secret_another_name_of_the_machine_does_not_open_it(house: House) -> None:
    async with house.http.get(house.bridge + PAGE, headers={"Host": "rebound.example"}) as response:
        assert (response.status, f"Open {house.bridge}{PAGE}" in await response.text()) == (403, True)


@pytest.fixture
async def guarded(redis_url: str) -> AsyncIterator[House]:
    async with open_app_house(redis_url, setup_secret=SECRET) as opened:
        yield opened


async def test_with_a_secret_it_is_asked_for(guarded: House, browser: Browser) -> None:
    page = await browser.open(guarded.bridge + PAGE)
    assert (page.status, "Create the App" in page.text) == (401, False)
    wrong = await browser.press(page, "Continue", secret="guessed")
    assert (wrong.status, "That is not the value" in wrong.text) == (403, True)
    assert (await browser.open(guarded.bridge + PAGE)).status == 401
    page = await browser.press(wrong, "Continue", secret=SECRET)
    assert (page.status, page.url) == (200, guarded.bridge + PAGE)
    assert "was created" in (await make(guarded, browser)).text
    async with Browser() as other:
        assert (await other.open(guarded.bridge + PAGE)).status == 401
        assert (await other.open(f"{guarded.bridge}{PAGE}/created?code=x&state=y")).status == 401


@pytest.mark.parametrize("given", ["", "guessed", SECRET.upper(), SECRET + " ", "ü", "\ud800"])
async def test_a_wrong_secret_opens_nothing(guarded: House, given: str) -> None:
    data = {"secret": given.encode("utf-8", "surrogatepass").decode("utf-8", "replace")}
    async with guarded.http.post(
        f"{guarded.bridge}{PAGE}/operator", data=data, allow_redirects=False
    ) as response:
        assert response.status == 403
        assert "Set-Cookie" not in response.headers


async def test_the_operators_cookie(guarded: House) -> None:
    async with guarded.http.post(
        f"{guarded.bridge}{PAGE}/operator", data={"secret": SECRET}, allow_redirects=False
    ) as response:
        cookie = response.headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=Lax", "Max-Age=3600"):
        assert part in cookie
    secret = re.findall("bridge_operator=([^;]+)", cookie)[0]
    assert secret.encode() not in await dump(guarded)


async def test_another_secret_ends_what_the_old_one_opened(
    guarded: House, browser: Browser, redis_url: str
) -> None:
    page = await browser.open(guarded.bridge + PAGE)
    await browser.press(page, "Continue", secret=SECRET)
    cookies = {
        cookie.key: cookie.value for cookie in browser.session.cookie_jar if cookie.key == "bridge_operator"
    }
    assert cookies
    for secret, status in ((SECRET, 200), ("another-secret-altogether", 401)):
        async with (
            another_process(guarded, redis_url, setup_secret=secret) as address,
            guarded.http.get(address + PAGE, cookies=cookies) as response,
        ):
            assert response.status == status


async def test_without_a_secret_there_is_none_to_give(house: House) -> None:
    async with house.http.post(f"{house.bridge}{PAGE}/operator", data={"secret": ""}) as response:
        assert response.status == 403


# What comes of it


async def test_a_delivery_is_taken_once_there_is_an_app(house: House, browser: Browser) -> None:
    app = await made_at_github(house)
    assert await delivered(house, app) == 202
    assert await delivered(house, app, secret="another") == 401


async def test_a_process_that_was_started_before_takes_them_too(
    house: House, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github_credentials, "AGAIN_SECONDS", 0.2)
    async with another_process(house, redis_url) as other:
        first = await made_at_github(house)
        assert await delivered(house, first, other) == 202
        second = await made_again(house, first.id)

        async def taken() -> bool:
            return await delivered(house, second, other) == 202

        await eventually(taken)
        assert await delivered(house, first, other) == 401


async def made_again(house: House, instead_of: int) -> Any:
    other = replace(await stored(house), id=instead_of + 1, webhook_secret="another-secret")
    await house.services.credentials.keep(other, instead_of=instead_of)
    return other


async def test_before_there_is_an_app_everything_says_so(house: House, browser: Browser) -> None:
    assert (await browser.open(house.bridge + "/")).status == 200
    async with house.http.post(f"{house.bridge}/github/webhook", data=b"{}") as response:
        assert response.status in (400, 401, 415)
    page = await browser.open(f"{house.bridge}/account/link")
    page = await browser.press(page, "1001")
    assert (page.status, "bridge has no GitHub App yet" in page.text) == (503, True), page.text
    assert "creates it at /github/manifest" in page.text


async def test_an_app_that_cannot_be_decrypted_is_said_in_a_sentence(house: House, redis_url: str) -> None:
    app = await made_at_github(house)
    async with another_process(house, redis_url, encryption_keys=("n" * 32,)) as other:
        assert await delivered(house, app, other) == 500
        async with house.http.get(other + "/") as response:
            assert response.status == 200, "what needs no App goes on"
