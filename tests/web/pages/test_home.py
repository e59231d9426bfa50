"""The home page: the same for every visitor, and for those signed in what is theirs and nothing else."""

import re
import time
from dataclasses import replace
from typing import Any, cast

import pytest
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisAway

from bridge.core.model import Connection, Problem
from bridge.services import Services
from bridge.storage import keys
from bridge.web.app import create_app
from scripts.sandbox.browse import Browser
from scripts.sandbox.faults import Fault
from tests.conftest import House, eventually
from tests.kits.github_app import made_at_github, open_app_house
from tests.kits.personal import SHORTLY_AGO, buried, connection, many, noted, sign_in, text


async def visit(house: House, browser: Browser) -> str:
    page = await browser.open(house.bridge)
    assert page.status == 200
    return text(page)


# A visitor


async def test_a_visitor_learns_what_bridge_is_and_how_to_install_it(house: House, browser: Browser) -> None:
    shown = await visit(house, browser)
    assert "One thread per pull request, with buttons that work" in shown
    assert "then Add integration and bridge" in shown
    assert f"Payload URL {house.bridge}/github/webhook" in shown
    assert f"At Flowdock {house.bridge}/auth/flowdock/callback" in shown
    assert f"Flowdock setup {house.bridge}/flowdock/setup" in shown
    assert "check_run, check_suite, deployment_status" in shown


async def test_a_visitor_sees_nothing_of_any_team_and_no_secret(house: House, browser: Browser) -> None:
    one = await connection(house)
    await noted(house, one, "dead", reason="a telling reason")
    page = await browser.open(house.bridge)
    chosen = house.services.settings
    for hidden in (
        "acme", one.id, "telling", house.flow_token, chosen.flowdock_client_secret,
        chosen.github_client_secret, *chosen.cookie_secrets, *chosen.encryption_keys,
        *chosen.github_webhook_secrets,
    ):  # fmt: skip
        assert hidden not in page.text
    assert house.flowdock_journal.calls[1:] == [], "Flowdock is asked nothing for a visitor"


async def test_the_state_of_an_installation_that_only_just_runs(house: House, browser: Browser) -> None:
    shown = await visit(house, browser)
    assert "Redis ✓ answers. It is the embedded one" in shown
    assert "none. Deliveries wait until you start" in shown
    assert "Last webhook delivery none in four days" in shown
    assert f"Public address ✓ {house.bridge} is for this machine alone" in shown
    assert f"{house.github}, with an OAuth App" in shown
    assert f"Flowdock ✓ {house.services.settings.flowdock_api_url}" in shown


async def test_the_state_of_an_installation_at_work(working: House, browser: Browser) -> None:
    await working.act("ann-gh", "open", title="Count", head="fix")

    async def at_work() -> bool:
        shown = await visit(working, browser)
        return "1 running" in shown and re.search(f"Last webhook delivery {SHORTLY_AGO}", shown) is not None

    await eventually(at_work)


async def test_a_worker_that_died_does_not_count(house: House, browser: Browser) -> None:
    await house.redis.zadd(keys.WORKERS, {"dead": time.time() - 60, "living": time.time() + 60})
    assert "1 running" in await visit(house, browser)


async def test_a_redis_of_ones_own_and_https_are_fine(house: House, browser: Browser) -> None:
    changed = replace(
        house.services.settings, redis_url="redis://example.com", web_url="https://bridge.example.com"
    )
    known = house.services
    services = Services(changed, known.redis, known.session, outside=known.outside)
    async with TestServer(create_app(services)) as server:
        shown = text(await browser.open(str(server.make_url("/"))))
    assert "Redis ✓ answers Workers" in shown
    assert "Public address ✓ https://bridge.example.com GitHub" in shown
    assert "example.com:6379" not in shown


async def test_without_a_github_app_that_shall_be_made_the_way_to_it_is_shown(
    redis_url: str, browser: Browser
) -> None:
    async with open_app_house(redis_url) as house:
        page = await browser.open(house.bridge)
    assert "without a GitHub App yet" in text(page)
    assert '<a href="/github/manifest">Create it</a>' in page.text
    assert "GITHUB_WEBHOOK_SECRET" not in page.text, "it has no value"


async def test_with_a_github_app_the_webhook_comes_with_it(redis_url: str, browser: Browser) -> None:
    async with open_app_house(redis_url) as house:
        app = await made_at_github(house)
        page = await browser.open(house.bridge)
    assert f"with the GitHub App {app.name}" in text(page)
    assert f'"{app.install_url}"' in page.text
    assert "GITHUB_WEBHOOK_SECRET" not in page.text
    for secret in (app.client_secret, app.webhook_secret, app.pem):
        assert secret not in page.text


async def test_the_page_comes_while_redis_is_away(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(house, browser)

    async def away(*_: Any, **__: Any) -> Any:
        raise RedisAway("gone")

    monkeypatch.setattr(house.redis, "execute_command", away)
    shown = await visit(house, browser)
    assert "does not answer. Until it does, bridge accepts no deliveries and posts nothing" in shown
    assert "One thread per pull request" in shown
    assert "Workers" not in shown


# Signed in


async def test_a_member_of_flows_without_connections_is_told_what_to_do(
    house: House, browser: Browser
) -> None:
    page = await sign_in(house, browser, then="/")
    assert "Main acme/main No repository is connected yet. Connect one" in text(page)
    assert "/flowdock/setup?flow=acme%3Amain" in page.text


async def test_only_the_flows_that_one_is_in_are_shown(house: House, browser: Browser) -> None:
    main, ops = await connection(house), await connection(house, "acme/ops")
    by_hand = await house.services.connections.connect("acme/by-hand", flow_token="x", name="by hand")
    ann = await sign_in(house, browser, "ann", then="/")
    async with Browser() as second:
        cy = await sign_in(house, second, "cy", then="/")
    for page, seen in ((ann, [main, ops]), (cy, [main])):
        for one in (main, ops, by_hand[0]):
            assert (f'"/connections/{one.id}"' in page.text) == (one in seen)
        assert "by-hand" not in page.text
    assert "Ops" not in text(cy)


async def test_a_connection_is_shown_with_what_came_of_it(house: House, browser: Browser) -> None:
    one = await connection(house)
    await noted(house, one, "dead", number=3, ago=7300)
    await buried(house, one, reason="token=s3cret was refused")
    for _ in range(4):
        await noted(house, one, "posted", ago=3700)
    await noted(house, one, "skipped", number=7, reason="it is a draft", ago=200)
    await house.redis.hset(keys.REPOSITORY_NAMES, str(one.repository_id), "acme/renamed")
    page = await sign_in(house, browser, then="/")
    shown = text(page)
    troubled = rf"acme/renamed 1 not delivered Last error {SHORTLY_AGO}: token=\(masked\) was refused"
    assert re.search(troubled, shown)
    assert "3 min ago Pull request (#7), skipped" in shown
    assert 'aria-label="The last 24 hours: 4 posted, 1 skipped, 1 not delivered."' in page.text
    assert "4 posted 1 skipped 1 not delivered" in shown
    assert f'"/connections/{one.id}/deliveries"' in page.text
    assert " style=" not in page.text, "the policy allows none"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, ""),
        ({"paused": True}, "Paused "),
        ({"problem": Problem(kind="hook", text="Gone.", since=1)}, "Problem Gone. "),
    ],
)
async def test_undelivered_messages_are_shown_until_they_are_retried(
    house: House, browser: Browser, changes: dict[str, Any], state: str
) -> None:
    one, other = await connection(house, **changes), await connection(house, "acme/ops", **changes)
    letter = await buried(house, one, reason="once")
    for _ in range(101):
        await noted(house, one, "posted", ago=5)
    shown = text(await sign_in(house, browser, then="/"))
    assert f"acme/component {state}1 not delivered Last error" in shown
    assert shown.count("Last error") == 1, f"{other.id} lacks nothing"
    await house.services.queue.drop(letter)
    shown = text(await browser.open(f"{house.bridge}/"))
    assert ("Last error" in shown, f"acme/component {state or 'Works '}" in shown) == (False, True), shown


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Waiting for a delivery"),
        ({"repository_id": None}, "Waiting for a delivery"),
        ({"paused": True}, "Paused"),
        (
            {"problem": Problem(kind="hook", text="The webhook was <gone>.", since=1), "paused": True},
            "Problem The webhook was <gone>.",
        ),
    ],
)
async def test_the_state_of_a_connection(
    house: House, browser: Browser, changes: dict[str, Any], words: str
) -> None:
    await connection(house, **changes)
    assert words in text(await sign_in(house, browser, then="/"))


@pytest.mark.parametrize(
    "fault",
    [Fault(path="/flows", status=503), Fault(path="/flows", cut="before", times=9)],
    ids=["503", "cut"],
)
async def test_the_page_comes_while_flowdock_is_down(house: House, browser: Browser, fault: Fault) -> None:
    await connection(house)
    await sign_in(house, browser)
    house.flowdock_journal.faults.append(fault)
    shown = await visit(house, browser)
    assert "bridge cannot get your flows" in shown
    assert "acme/component" not in shown
    assert "This installation" in shown


async def test_two_hundred_connections_take_no_more_trips_to_redis_than_one(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Connection] = await many(house, 1)
    await noted(house, made[0], "posted")
    await sign_in(house, browser)
    trips = await _trips(house, browser, monkeypatch)
    for one in await many(house, 200, first=1):
        await noted(house, one, "posted")
    assert await _trips(house, browser, monkeypatch) == trips


async def _trips(house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many times one view of the page sends something to Redis."""
    pool: Any = cast(Redis, house.redis).connection_pool
    taken: list[object] = []
    original = pool.get_connection

    async def get_connection(*given: Any, **named: Any) -> Any:
        taken.append(given)
        return await original(*given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(pool, "get_connection", get_connection)
        page = await browser.open(house.bridge)
    assert "acme/service-000" in page.text
    return len(taken)
