"""How often somebody may ask: whom a limit hits, whom it leaves alone, and what is said."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.web.http import rate_limit
from bridge.web.http.rate_limit import Limiter
from tests.conftest import REPOSITORY, House, open_house
from tests.kits import sign
from tests.kits.accounts import link
from tests.kits.controls import always, unguarded
from tests.kits.github_app import open_app_house

CLICK = f"/repos/{REPOSITORY}/pulls/1/assign-to-me"
BURST = 3
"""Of twice as many a minute."""

CLIENT = {"X-Forwarded-For": "203.0.113.7"}
OTHER = {"X-Forwarded-For": "203.0.113.8"}


@asynccontextmanager
async def limited(redis_url: str, **changes: Any) -> AsyncIterator[House]:
    low = {"page_limit": 2 * BURST, "action_limit": 2 * BURST, "trust_proxy": True}
    async with open_house(redis_url, **low | changes) as house:
        yield house


async def get(house: House, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> int:
    async with house.http.request(
        method, house.bridge + path, headers=headers or CLIENT, allow_redirects=False
    ) as response:
        return response.status


async def click(house: House, headers: dict[str, str] | None = None, **changes: Any) -> tuple[int, Any]:
    body = sign.action_body(house.bridge + CLICK)
    headers = {"FLOWDOCK-TOKEN": sign.flowdock_token(body, **changes), **(headers or CLIENT)}
    async with house.http.post(house.bridge + CLICK, data=body, headers=headers) as response:
        return response.status, await response.json()


async def fresh(house: House, count: int, user: str = "1001", headers: Any = None) -> list[int]:
    return [(await click(house, headers, sub=user, jti=f"{user}-{n}"))[0] for n in range(count)]


@unguarded("bridge.web.http.rate_limit.Limits.check", always, row="/nowhere")
@pytest.mark.parametrize(
    "path", ["/", "/signin", "/account", "/authorization?claim=x", "/auth/github/callback", "/nowhere"]
)
async def test_pages_are_limited_by_address(redis_url: str, path: str) -> None:
    async with limited(redis_url) as house:
        statuses = [await get(house, path) for _ in range(BURST + 2)]
        assert 429 not in statuses[:BURST]
        assert statuses[BURST:] == [429, 429]
        assert await get(house, path, OTHER) == statuses[0], "everybody has a limit of their own"


async def test_a_visitor_over_the_limit_is_told_to_wait(redis_url: str) -> None:
    async with limited(redis_url) as house:
        with structlog.testing.capture_logs() as logged:
            for _ in range(BURST + 5):
                async with house.http.get(f"{house.bridge}/", headers=CLIENT) as response:
                    text = await response.text()
        assert (response.status, response.content_type) == (429, "text/html")
        assert 1 <= int(response.headers["Retry-After"]) <= 10
        assert "Too many requests" in text
        assert f"Wait {response.headers['Retry-After']} seconds" in text
        assert len([line for line in logged if line["event"] == "request"]) == BURST
        assert [line["who"] for line in logged if line["event"] == "rate_limited"] == ["203.0.113.7"]


async def test_a_header_of_ones_own_makes_no_new_address(redis_url: str) -> None:
    async with limited(redis_url, trust_proxy=False) as house:
        statuses = [await get(house, "/", {"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(BURST + 1)]
        assert statuses == [200] * BURST + [429]
    async with limited(redis_url) as house:
        chains = [{"X-Forwarded-For": f"198.51.100.{n}, 203.0.113.7"} for n in range(BURST + 1)]
        assert [await get(house, "/", chain) for chain in chains] == [200] * BURST + [429]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/static/style.css"])
async def test_requests_without_a_limit(redis_url: str, path: str) -> None:
    async with limited(redis_url) as house:
        assert [await get(house, path) for _ in range(4 * BURST)] == [200] * 4 * BURST


async def test_deliveries_are_free_also_where_pages_are_used_up(redis_url: str) -> None:
    async with limited(redis_url, trust_proxy=False) as house:
        assert [await get(house, "/") for _ in range(BURST + 1)][-1] == 429
        ping = {"zen": "Keep it logically awesome.", "hook_id": 1}
        assert [(await house.deliver(ping, event="ping")).status for _ in range(4 * BURST)] == [
            200
        ] * 4 * BURST
        unsigned = [await get(house, "/github/webhook", method="POST") for _ in range(4 * BURST)]
        assert 429 not in unsigned


async def test_clicks_are_limited_by_user_wherever_they_come_from(redis_url: str) -> None:
    async with limited(redis_url) as house:
        await link(house, "ann")
        assert await fresh(house, BURST + 1) == [422] * BURST + [429], "422: there is no such pull request"
        status, answer = await click(house, OTHER, jti="more")
        assert (status, answer["error"]) == (429, "Too many clicks in a short time.")
        assert await fresh(house, 1, "1002") == [401], "another is asked to link"


async def test_a_forgers_requests_keep_no_click_out(redis_url: str) -> None:
    async with limited(redis_url) as house:
        forged = [(await click(house, sub="1001", exp=1))[0] for _ in range(4 * BURST)]
        assert forged == [403] * BURST + [429] * 3 * BURST
        assert await fresh(house, 1) == [401], "from the same address, and for the same user"
        assert await get(house, "/") == 200, "and pages are counted apart"


async def test_a_click_that_is_sent_again_costs_its_user_nothing(redis_url: str) -> None:
    async with limited(redis_url, page_limit=0) as house:
        # One token: its expiry does not move with the clock.
        exp = int(time.time()) + 60
        again = [(await click(house, jti="one", exp=exp))[0] for _ in range(4 * BURST)]
        assert again == [401] + [403] * (4 * BURST - 1)
        assert await fresh(house, BURST - 1) == [401] * (BURST - 1)


async def test_zero_switches_off(redis_url: str) -> None:
    async with limited(redis_url, page_limit=0, action_limit=0) as house:
        assert {await get(house, "/") for _ in range(4 * BURST)} == {200}
        assert set(await fresh(house, 4 * BURST)) == {401}


async def test_guesses_at_the_operators_secret_are_few(redis_url: str) -> None:
    async with open_app_house(redis_url, metrics_token="right", setup_secret="right", page_limit=0) as house:
        address = f"{house.bridge}/github/manifest/operator"

        async def guess(token: str) -> int:
            async with house.http.post(address, data={"secret": token}, allow_redirects=False) as response:
                return response.status

        guesses = [await guess("wrong") for _ in range(rate_limit.GUESSES)]
        assert guesses == [403] * rate_limit.GUESSES
        assert await guess("right") == 429, "the right one gets the same answer as a wrong one"
        assert await get(house, "/metrics", {"Authorization": "Bearer right"}) == 429, "here neither"


async def test_guesses_at_metrics_are_few_and_scrapes_are_not(redis_url: str) -> None:
    async with limited(redis_url, metrics_token="right") as house:
        right, wrong = ({**CLIENT, "Authorization": f"Bearer {token}"} for token in ("right", "wrong"))
        assert {await get(house, "/metrics", right) for _ in range(4 * rate_limit.GUESSES)} == {200}
        assert [await get(house, "/metrics", wrong) for _ in range(rate_limit.GUESSES + 1)] == [
            404
        ] * rate_limit.GUESSES + [429]
        assert await get(house, "/metrics", right) == 429
        assert await get(house, "/metrics", right | OTHER) == 200


BUCKETS = [
    ("203.0.113.7", "203.0.113.7"),
    ("::ffff:203.0.113.7", "203.0.113.7"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64 2001:db8:1::/48"),
    ("2001:db8:1:2::ffff", "2001:db8:1:2::/64 2001:db8:1::/48"),
    ("fe80::1%eth0", "fe80::/64 fe80::/48"),
    ("not-an-address", "not-an-address"),
    ("", ""),
]


@pytest.mark.parametrize(("address", "buckets"), BUCKETS)
def test_the_client_that_an_address_stands_for(address: str, buckets: str) -> None:
    assert " ".join(rate_limit.buckets(address)) == buckets


# What is asked for (seconds since the first), and how long each is told to wait.
ASKED: list[tuple[str, list[float], list[int]]] = [
    ("a burst, then no more", [0, 0, 0, 0], [0, 0, 0, 6]),
    ("one more after the time that was named", [0, 0, 0, 0, 6], [0, 0, 0, 6, 0]),
    ("not a moment before", [0, 0, 0, 5.9], [0, 0, 0, 1]),
    ("a refusal costs nothing", [0, 0, 0, 1, 2, 3, 4, 5, 6], [0, 0, 0, 5, 4, 3, 2, 1, 0]),
    ("a long rest fills it, no more than that", [0, 0, 0, 1000, 1000, 1000, 1000], [0, 0, 0, 0, 0, 0, 6]),
    ("a clock that goes back", [100, 100, 100, 0, 106], [0, 0, 0, 6, 0]),
]


@pytest.mark.parametrize(("asked", "waits"), [pytest.param(*row, id=name) for name, *row in ASKED])
def test_a_client_over_the_limit_waits(asked: list[float], waits: list[int]) -> None:
    limiter = Limiter(10, burst=3)
    assert [limiter.wait("ann", now) for now in asked] == waits


def test_half_of_a_minutes_may_come_at_once_and_0_is_no_limit() -> None:
    limiter, unlimited = Limiter(10), Limiter(0)
    assert [limiter.wait("ann", 0) for _ in range(6)] == [0, 0, 0, 0, 0, 6]
    assert {unlimited.wait("ann", 0) for _ in range(100)} == {0}


def test_each_has_a_bucket_of_their_own() -> None:
    limiter = Limiter(1)
    assert [limiter.wait(who, 0) for who in ("ann", "bob", "ann", "bob")] == [0, 0, 60, 60]


def test_the_remembered_clients_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MAX_REMEMBERED", 2)
    limiter = Limiter(1)
    for who in ("ann", "bob", "ann", "cy"):
        limiter.wait(who, 0)
    assert limiter.wait("ann", 0) > 0, "who asked lately is remembered"
    assert limiter.wait("bob", 0) == 0, "who asked longest ago is forgotten"


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.floats(0, 30), min_size=1, max_size=60),
    per_minute=st.integers(1, 600),
    burst=st.integers(1, 20),
)
def test_never_more_than_the_burst_and_what_came_back(gaps: list[float], per_minute: int, burst: int) -> None:
    limiter = Limiter(per_minute, burst=burst)
    now, allowed = 0.0, 0
    for gap in gaps:
        now += gap
        allowed += limiter.wait("ann", now) == 0
    assert allowed <= burst + now * per_minute / 60 + 1e-6


def test_a_refund_gives_back_up_to_the_burst() -> None:
    limiter = Limiter(10, burst=2)
    for now in range(20):
        assert limiter.wait("ann", now) == 0
        limiter.refund("ann")
    limiter.refund("ann")
    limiter.refund("nobody")
    assert [limiter.wait("ann", 19) for _ in range(3)] == [0, 0, 6], "no more than the burst"
