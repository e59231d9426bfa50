"""Linking through both OAuth services, as a browser goes it; and every way in which it is refused."""

import re
import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest

from bridge.storage.flow_members import among
from bridge.storage.one_time import OneTimeStore
from bridge.web.http import cookies
from scripts.sandbox.browse import Browser, Page
from scripts.sandbox.faults import Fault
from tests.conftest import FLOW, House, eventually, open_house
from tests.kits.controls import always, unguarded
from tests.kits.personal import asked_of_flowdock

THREAD = "github:component:pr:1"


@pytest.fixture
async def opened(working: House) -> House:
    """A house whose flow shows one open pull request."""
    await working.act("ann-gh", "open", title="Fix bug in thread API", body="", head="fix", base="main")
    await eventually(working.threads)
    return working


async def challenge(house: House, who: str = "ann", action: str = "Assign to me") -> str:
    outcome = await house.click(who, THREAD, action)
    assert outcome["status"] == 401, outcome
    link: str = outcome["challenge"]
    return link


async def confirm_page(house: House, browser: Browser, *, user: str = "1001", login: str = "ann-gh") -> Page:
    """From a fresh challenge to the page that names both people."""
    page = await browser.open(await challenge(house))
    page = await browser.press(page, user)
    return await browser.press(page, login)


def github_calls(house: House) -> list[str]:
    return [
        call.path for call in house.github_journal.calls if call.path.startswith(("/api/v3/repos", "/login"))
    ]


async def test_linking_in_one_pass_and_the_click_is_done(opened: House, browser: Browser) -> None:
    page = await confirm_page(opened, browser)
    text = re.sub(r"<[^>]+>|\s+", " ", page.text)
    assert "ann in Flowdock will act as @ann-gh" in re.sub(r" +", " ", text)
    assert await opened.services.account_store.get("1001") is None, "nothing is linked before the POST"
    assert await among(opened.redis, FLOW, ["1001", "1002"]) == {"1001"}, "they are tagged there from now on"

    page = await browser.press(page, "Link accounts")
    assert "It is not done yet" in page.text
    account = await opened.services.account_store.get("1001")
    assert account is not None
    assert account.github.login == "ann-gh"
    assert "repo" in account.token.scopes
    # GitHub was asked for a token that ends, and gave one.
    assert account.token.expires_at is not None
    assert 7 * 3600 < account.token.expires_at - time.time() <= 8 * 3600
    assert account.token.refresh is not None

    page = await browser.press(page, "Do it now")
    assert "Assigned acme/component#1 to @ann-gh." in page.text

    # Its end is near: the next click renews it.
    ending = replace(account.token, expires_at=int(time.time()) + 10)
    await opened.services.account_store.link(replace(account, token=ending))
    outcome = await opened.click("ann", THREAD, "Close")
    assert (outcome["status"], outcome["message"]) == (200, "Closed acme/component#1.")
    renewed = await opened.services.account_store.get("1001")
    assert renewed is not None
    assert renewed.token.access != account.token.access


async def test_the_oauth_requests_carry_state_and_pkce(opened: House, browser: Browser) -> None:
    page = await browser.open(await challenge(opened))
    assert re.fullmatch(r"[\w-]{32,}", asked_of_flowdock(page)["state"])
    page = await browser.press(page, "1001")
    assert re.search(r"[?&]state=[\w-]{32,}", page.url)
    assert "code_challenge_method=S256" in page.url
    assert re.search(r"code_challenge=[\w-]{43}(&|$)", page.url)


async def test_a_scope_is_left_out_once_and_no_more(opened: House, browser: Browser) -> None:
    at_github = await browser.press(await browser.open(await challenge(opened)), "1001")
    for asked, status in (("repo", 200), ("", 502)):
        state = parse_qs(urlsplit(at_github.url).query)["state"][0]
        refusal = urlencode({"error": "invalid_scope", "state": state})
        at_github = await browser.open(f"{opened.bridge}/auth/github/callback?{refusal}")
        assert at_github.status == status
        assert parse_qs(urlsplit(at_github.url).query).get("scope", [""]) == [asked]


async def test_somebody_elses_claim_is_refused(opened: House, browser: Browser) -> None:
    page = await browser.open(await challenge(opened, "ann"))
    page = await browser.press(page, "1002")
    assert page.status == 403
    assert "You are signed in as bob, but someone else clicked" in page.text
    assert github_calls(opened) == []
    assert await opened.services.account_store.get("1001") is None
    assert await opened.services.account_store.get("1002") is None


@unguarded("bridge.storage.one_time.OneTimeStore.pop", OneTimeStore.peek)
async def test_a_used_claim_is_refused_in_another_browser(opened: House, browser: Browser) -> None:
    link = await challenge(opened)
    await browser.open(link)
    async with Browser() as other:
        page = await other.open(link)
    assert (page.status, "was already used" in page.text) == (403, True)
    assert "click the button again" in page.text


async def test_a_reload_in_the_same_browser_goes_on(opened: House, browser: Browser) -> None:
    link = await challenge(opened)
    first = await browser.open(link)
    again = await browser.open(link)
    assert again.url.startswith(opened.flowdock)
    page = await browser.press(first, "1001")
    assert page.status == 403, "the first state is no longer valid"
    page = await browser.press(again, "1001")
    assert page.url.startswith(opened.github)


async def test_a_claim_serves_once_also_in_the_same_browser(opened: House, browser: Browser) -> None:
    link = await challenge(opened)
    page = await browser.press(await browser.open(link), "1001")
    page = await browser.press(await browser.press(page, "ann-gh"), "Link accounts")
    assert (await browser.open(link)).status == 403


def forged(house: House, **changes: Any) -> str:
    claims: dict[str, Any] = {"user": "1001", "exp": int(time.time()) + 900, "jti": "x"} | changes
    secret = claims.pop("secret", house.services.settings.cookie_secrets[0])
    algorithm = claims.pop("algorithm", "HS256")
    payload = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(payload, secret, algorithm=algorithm)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"exp": 1}, "has expired"),
        ({"exp": None}, "is damaged"),
        ({"jti": None}, "is damaged"),
        ({"user": None}, "is damaged"),
        ({"user": 1001}, "is damaged"),
        ({"secret": "another secret"}, "is damaged"),
        ({"algorithm": "none", "secret": ""}, "is damaged"),
        ({}, "was already used"),
    ],
    ids=str,
)
async def test_a_bad_claim_is_a_page_that_says_what_to_do(
    house: House, browser: Browser, changes: dict[str, Any], sentence: str
) -> None:
    page = await browser.open(f"{house.bridge}/authorization?claim={forged(house, **changes)}")
    assert (page.status, sentence in page.text) == (403, True), page.text
    assert "click the button again" in page.text
    assert house.github_journal.calls == []
    assert house.flowdock_journal.calls == []


@pytest.mark.parametrize("query", ["", "?claim=", "?claim=x.y.z", "?claim=%00%ff", "?claim=" + "x" * 5000])
async def test_a_link_without_a_claim_is_a_page_too(house: House, browser: Browser, query: str) -> None:
    page = await browser.open(f"{house.bridge}/authorization{query}")
    assert (page.status, "<h1>" in page.text) == (403, True)


@pytest.mark.parametrize("path", ["/auth/flowdock/callback", "/auth/github/callback"])
async def test_a_callback_out_of_nowhere_is_refused(house: House, browser: Browser, path: str) -> None:
    page = await browser.open(f"{house.bridge}{path}?code=x&state=y")
    assert (page.status, cookies.NEEDED in page.text) == (403, True)
    assert house.github_journal.calls == []
    assert house.flowdock_journal.calls == []


@unguarded("hmac.compare_digest", always)
async def test_a_state_of_another_browser_is_refused(opened: House, browser: Browser) -> None:
    """The attack behind it: a victim's browser is led to a callback with the attacker's code."""
    page = await browser.open(await challenge(opened, "bob"))
    attackers = asked_of_flowdock(page)["state"]
    async with Browser() as victim:
        mine = await victim.open(await challenge(opened, "ann"))
        page = await victim.open(f"{opened.bridge}/auth/flowdock/callback?code=stolen&state={attackers}")
        assert (page.status, "does not belong" in page.text) == (403, True)
        page = await victim.press(mine, "1001")
        assert page.url.startswith(opened.github), "the victim's own linking is unharmed"


async def test_the_confirmation_needs_the_pages_own_value(opened: House, browser: Browser) -> None:
    page = await confirm_page(opened, browser)
    form = page.forms[0]
    forged_page = await browser.submit(page, form, {"answer": "link", "state": "guessed"})
    assert forged_page.status == 403
    assert await opened.services.account_store.get("1001") is None


async def test_the_confirmation_serves_once(opened: House, browser: Browser) -> None:
    page = await confirm_page(opened, browser)
    linked = await browser.press(page, "Link accounts")
    opened.github_journal.calls.clear()
    again = await browser.press(page, "Link accounts")
    assert (again.url, again.forms) == (linked.url, linked.forms), (
        "the second of a double click shows what the first did"
    )
    again = await browser.press(page, "Cancel")
    assert (again.status, "is already done" in again.text) == (403, True)
    assert opened.github_journal.calls == []


async def test_do_it_now_serves_once(opened: House, browser: Browser) -> None:
    page = await browser.press(await confirm_page(opened, browser), "Link accounts")
    done = await browser.press(page, "Do it now")
    opened.github_journal.calls.clear()
    again = await browser.press(page, "Do it now")
    assert (again.status, again.text) == (200, done.text)
    assert opened.github_journal.calls == []


async def test_cancelling_links_nothing_and_gives_the_token_back(opened: House, browser: Browser) -> None:
    page = await browser.press(await confirm_page(opened, browser), "Cancel")
    assert "Nothing was linked" in page.text
    assert await opened.services.account_store.get("1001") is None
    assert opened.github_journal.calls[-1].path == "/api/v3/applications/github-client/token"
    assert opened.github_journal.calls[-1].status == 204


@pytest.mark.parametrize("at", ["Flowdock", "GitHub"])
async def test_saying_no_links_nothing(opened: House, browser: Browser, at: str) -> None:
    page = await browser.open(await challenge(opened))
    if at == "Flowdock":
        page = await browser.press(page, "Deny")
    else:
        page = await browser.press(await browser.press(page, "1001"), "Cancel")
    assert (page.status, f"You declined at {at}" in page.text) == (403, True)
    assert await opened.services.account_store.get("1001") is None


@unguarded("bridge.clients.github.can_act", always, row="read:user")
@pytest.mark.parametrize("granted", ["", "read:user", "user:email"])
async def test_too_few_scopes_are_refused_and_the_token_given_back(
    redis_url: str, browser: Browser, granted: str
) -> None:
    async with open_house(redis_url, github_config={"scopes_granted": granted}) as house:
        await house.connect()
        await house.hook()
        house.start_worker()
        await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
        await eventually(house.threads)
        page = await confirm_page(house, browser)
        assert (page.status, "did not give bridge permission" in page.text) == (403, True)
        assert await house.services.account_store.get("1001") is None
        assert house.github_journal.calls[-1].path == "/api/v3/applications/github-client/token"


@pytest.mark.parametrize(
    ("where", "fault", "sentence"),
    [
        ("flowdock", Fault(path="/oauth/token", status=500), "Flowdock answered 500"),
        ("flowdock", Fault(path="/oauth/token", cut="before"), "Flowdock cannot be reached"),
        ("flowdock", Fault(path="/user", status=401), "Flowdock did not say who signed in"),
        (
            "github",
            Fault(path="/login/oauth/access_token", status=200, answer='{"error":"bad_verification_code"}'),
            "GitHub refused: the code was already used or has expired",
        ),
        ("github", Fault(path="/login/oauth/access_token", status=302), "GitHub answered 302"),
        (
            "github",
            Fault(
                path="/login/oauth/access_token", status=200, answer="error=%3Cscript%3E&error_description=x"
            ),
            "GitHub refused: error",
        ),
        ("github", Fault(path="/api/v3/user", status=503), "GitHub answered 503"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_failing_exchange_is_a_page_and_links_nothing(
    opened: House, browser: Browser, where: str, fault: Fault, sentence: str
) -> None:
    journal = opened.flowdock_journal if where == "flowdock" else opened.github_journal
    journal.faults.append(fault)
    page = await browser.press(await browser.open(await challenge(opened)), "1001")
    if where == "github":
        page = await browser.press(page, "ann-gh")
    assert (page.status, sentence in page.text) == (502, True), page.text
    assert "<script>" not in page.text
    assert await opened.services.account_store.get("1001") is None


async def test_no_secret_lies_open_in_redis_or_in_a_page(
    opened: House, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    link = await challenge(opened)
    page = await browser.press(await browser.open(link), "1001")
    pages = [await browser.press(page, "ann-gh")]
    kept = await dump(opened)
    pages.append(await browser.press(pages[0], "Link accounts"))
    kept += await dump(opened)
    account = await opened.services.account_store.get("1001")
    assert account is not None
    printed = capsys.readouterr().out
    everywhere = kept + printed.encode() + b"".join(page.text.encode() for page in pages)
    chosen = opened.services.settings
    claim = link.partition("claim=")[2]
    for secret in (
        account.token.access,
        opened.flow_token,
        chosen.flowdock_client_secret,
        chosen.github_client_secret,
        *chosen.cookie_secrets,
        claim,
        claim.rpartition(".")[2],
        *chosen.encryption_keys,
        *chosen.github_webhook_secrets,
    ):
        assert secret.encode() not in everywhere
        assert secret not in repr(opened.services)


async def dump(house: House) -> bytes:
    """Every string in Redis."""
    redis: Any = house.redis
    found = []
    for name in await redis.keys("*"):
        found.append(name)
        if await redis.type(name) == b"string":
            found.append(await redis.get(name))
    return b"\n".join(found)


async def test_pages_are_safe_to_show(opened: House, browser: Browser) -> None:
    page = await confirm_page(opened, browser)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "script-src" not in page.headers["Content-Security-Policy"], "only an inbox has scripts"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.url == f"{opened.bridge}/authorization/confirm", "no code is left in the address"


async def test_the_cookie_is_for_this_site_alone(opened: House) -> None:
    async with opened.http.get(await challenge(opened), allow_redirects=False) as response:
        cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie, "this bridge is not on https"


async def test_over_https_the_cookie_is_secure(redis_url: str) -> None:
    async with open_house(redis_url, web_url="https://bridge.example.com") as house:
        await house.services.one_time.put(
            "claim",
            "x",
            {"user": "1001", "target": {"owner": "a", "repo": "b", "number": 1, "action": "close"}},
            seconds=60,
        )
        url = f"{house.bridge}/authorization?claim={forged(house)}"
        async with house.http.get(url, allow_redirects=False) as response:
            assert response.headers["Set-Cookie"].startswith("__Host-bridge_linking=")
            assert "Secure" in response.headers["Set-Cookie"]
            assert response.headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize("refuses", [False, True], ids=["ignores the scope", "refuses it"])
async def test_an_enterprise_servers_token_that_never_ends_is_kept(
    redis_url: str, browser: Browser, refuses: bool
) -> None:
    config = {"ghes": True, "refuses_scopes": refuses}
    async with open_house(redis_url, github_config=config) as house:
        await house.connect()
        await house.hook()
        house.start_worker()
        await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
        await eventually(house.threads)
        await browser.press(await confirm_page(house, browser), "Link accounts")
        account = await house.services.account_store.get("1001")
    assert account is not None
    assert (account.token.expires_at, account.token.refresh) == (None, None)


async def test_an_action_that_github_refuses_after_linking_is_a_page(opened: House, browser: Browser) -> None:
    page = await browser.open(await challenge(opened, "bob"))
    page = await browser.press(await browser.press(page, "1002"), "bob-gh")
    page = await browser.press(await browser.press(page, "Link accounts"), "Do it now")
    assert (page.status, "did not assign @bob-gh" in page.text) == (422, True)
    assert f'href="{opened.github}/acme/component/pull/1"' in page.text, "it leads on"
