"""Attacks by headers of proxies: on whom bridge takes somebody for, and who its operator is."""

import re

import pytest
from aiohttp import web

from bridge.settings import Settings
from bridge.web.auth import operator
from bridge.web.http import middleware, rate_limit
from tests.attacks.test_strangers import GUARDED
from tests.conftest import House, open_house
from tests.kits.github_app import PAGE, open_app_house
from tests.web.http.test_wire import connected, get

OWN = b"203.0.113.7"
"""The client as the proxy names it: in a line of its own, or after the client's own words."""


@GUARDED
@pytest.mark.parametrize("how", ["a line of its own", "at the end of theirs"])
async def test_a_client_chooses_no_address(
    redis_url: str, guarded: bool, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a proxy that adds a line, as of one that adds to the line that came."""
    if not guarded:
        monkeypatch.setattr(rate_limit, "client_address", first_of_the_first)
        monkeypatch.setattr(middleware, "client_address", first_of_the_first)
    async with open_house(redis_url, page_limit=6, trust_proxy=True) as house:
        statuses = []
        for number in range(6):
            claimed = b"X-Forwarded-For: 198.51.100.%d" % number
            lines = (
                [claimed, b"X-Forwarded-For: " + OWN]
                if how == "a line of its own"
                else [claimed + b", " + OWN]
            )
            async with connected(house.bridge) as client:
                client.writer.write(get(b"/nowhere", *lines, b"Connection: close"))
                statuses += await client.statuses()
    assert statuses == ([404] * 3 + [429] * 3 if guarded else [404] * 6)


def first_of_the_first(request: web.Request, _: Settings) -> str:
    return request.headers.get("X-Forwarded-For", "").partition(",")[0]


@pytest.mark.parametrize("lines", [[b"203.0.113.7", b""], [b"203.0.113.7, "], [b""], []])
async def test_without_a_name_from_the_proxy_the_client_is_the_peer(
    redis_url: str, lines: list[bytes]
) -> None:
    async with open_house(redis_url, page_limit=2, trust_proxy=True) as house:
        statuses = []
        for _ in range(2):
            async with connected(house.bridge) as client:
                headers = [b"X-Forwarded-For: " + line for line in lines]
                client.writer.write(get(b"/nowhere", *headers, b"Connection: close"))
                statuses += await client.statuses()
        async with house.http.get(f"{house.bridge}/nowhere") as response:
            statuses.append(response.status)
    assert statuses == [404, 429, 429]


# The operator

PROXIES = [
    b"X-Forwarded-For: 127.0.0.1", b"X-Forwarded-Host: x", b"X-Forwarded-Proto: https",
    b"X-Forwarded-Server: x",
    b"Forwarded: for=127.0.0.1", b"Via: 1.1 varnish", b"X-Real-IP: 127.0.0.1", b"X-Client-IP: 127.0.0.1",
    b"True-Client-IP: 127.0.0.1", b"CF-Connecting-IP: ::1", b"Fastly-Client-IP: ::1", b"CDN-Loop: cloudflare",
    b"X-Cluster-Client-IP: ::1", b"X-Envoy-External-Address: ::1", b"X-Original-Forwarded-For: ::1",
    b"X-Request-Start: t=1", b"X-Amzn-Trace-Id: x", b"Proxy-Connection: close", b"x-forwarded: x",
    b"Client-IP: 127.0.0.1", b"X-ProxyUser-Ip: 127.0.0.1", b"X-Remote-Addr: 127.0.0.1",
]  # fmt: skip
"""Each by itself tells of a proxy on this machine, through which the world asks."""

DIRECT = [
    b"User-Agent: Mozilla/5.0", b"Accept: text/html", b"Sec-Fetch-Site: none",
    b"Upgrade-Insecure-Requests: 1",
    b"DNT: 1", b"Sec-CH-UA: x", b"Cookie: a=b", b"X-Prometheus-Scrape-Timeout-Seconds: 10", b"Priority: u=0",
]  # fmt: skip


async def answered(
    house: House, path: bytes, *headers: bytes, version: bytes = b"1.1", host: str = ""
) -> int:
    named = b"Host: " + (host or house.bridge.removeprefix("http://")).encode()
    lines = (b"GET " + path + b" HTTP/" + version, named, b"Connection: close", *headers, b"", b"")
    async with connected(house.bridge) as client:
        client.writer.write(b"\r\n".join(lines))
        [status] = await client.statuses()
    return status


@GUARDED
async def test_a_client_behind_a_proxy_is_not_local(
    redis_url: str, guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "GUESSES", 1000)
    if not guarded:
        monkeypatch.setattr(operator, "PROXIED", re.compile("never"))
    async with open_app_house(redis_url) as house:
        for path, refused in ((PAGE.encode(), 403), (b"/metrics", 404)):
            statuses = {header: await answered(house, path, header) for header in PROXIES}
            assert set(statuses.values()) == {refused if guarded else 200}, statuses
            assert await answered(house, path, version=b"1.0") == refused, "as proxies speak that say nothing"


@pytest.mark.parametrize("path", [PAGE.encode(), b"/metrics"])
async def test_a_local_client_is_let_in(redis_url: str, path: bytes) -> None:
    async with open_app_house(redis_url) as house:
        assert {await answered(house, path, header) for header in DIRECT} == {200}
        assert await answered(house, path, *DIRECT) == 200


@GUARDED
async def test_a_web_page_whose_name_points_to_the_machine_reads_no_metrics(
    redis_url: str, guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its script runs in the operator's browser: it asks from loopback, and the answer is of its origin."""
    monkeypatch.setattr(rate_limit, "GUESSES", 1000)
    if not guarded:
        monkeypatch.setattr(operator, "OWN_NAME", re.compile(".*"))
    async with open_app_house(redis_url) as house:
        for name in ("evil.example", "127.0.0.1.evil.example:80", "1.2.3", "[::1", "0x7f.0.0.1"):
            assert await answered(house, b"/metrics", host=name) == (404 if guarded else 200)
        for name in ("localhost", "LOCALHOST:8080", "127.0.0.1", "[::1]:8080"):
            assert await answered(house, b"/metrics", host=name) == 200


@pytest.mark.parametrize("way", ["form", "bearer", "cookie"])
async def test_a_scrapers_token_makes_nobody_the_operator(redis_url: str, way: str) -> None:
    token, secret = "t" * 40, "s" * 40
    async with open_app_house(redis_url, metrics_token=token, setup_secret=secret) as house:
        forms = {"token": token, "secret": token}
        if way == "form":
            async with house.http.post(
                f"{house.bridge}{PAGE}/operator", data=forms, allow_redirects=False
            ) as response:
                assert (response.status, "Set-Cookie" in response.headers) == (403, False)
        header = f"Authorization: Bearer {token}" if way == "bearer" else f"Cookie: bridge_operator={token}"
        assert await answered(house, PAGE.encode(), header.encode()) == 401
        assert await answered(house, b"/metrics", f"Authorization: Bearer {secret}".encode()) == 404
        assert await answered(house, b"/metrics", f"Authorization: Bearer {token}".encode()) == 200
        async with house.http.post(
            f"{house.bridge}{PAGE}/operator", data={"secret": secret}, allow_redirects=False
        ) as response:
            assert (response.status, "Set-Cookie" in response.headers) == (303, True), "the control"


async def test_with_a_metrics_token_alone_the_page_is_the_machines(redis_url: str) -> None:
    async with open_app_house(redis_url, metrics_token="t" * 40) as house:
        assert await answered(house, PAGE.encode(), b"X-Forwarded-For: 127.0.0.1") == 403
        assert await answered(house, PAGE.encode()) == 200
