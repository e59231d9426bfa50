"""The doctor's rows about GitHub, Flowdock and the public address."""

import socket
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from scripts.sandbox.faults import Fault
from scripts.sandbox.mail_server import mail_server
from tests.kits.doctor import Doctor

LIMITS = "/api/v3/rate_limit"

OF_GITHUB = {"X-GitHub-Request-Id": "1A:2B", "Content-Type": "application/json; charset=utf-8"}


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        ({"GITHUB_CLIENT_SECRET": "wrong"}, "GitHub credentials", "client id or secret in bridge's settings"),
        ({"GITHUB_CLIENT_ID": "wrong"}, "GitHub credentials", "copy GITHUB_CLIENT_ID"),
        (
            {"FLOWDOCK_CLIENT_SECRET": "wrong"},
            "Flowdock credentials",
            "client id or secret in bridge's settings",
        ),
        ({"FLOWDOCK_CLIENT_ID": "wrong"}, "Flowdock credentials", "copy FLOWDOCK_CLIENT_ID"),
        ({"GITHUB_API_URL": "http://127.0.0.1:1"}, "GitHub", "cannot be reached (ClientConnectorError)"),
        ({"GITHUB_URL": "http://127.0.0.1:1"}, "GitHub credentials", "cannot be reached"),
        ({"FLOWDOCK_API_URL": "http://127.0.0.1:1"}, "Flowdock credentials", "cannot be reached"),
    ],
    ids=str,
)
async def test_each_problem_outside_is_a_wrong_row(
    asking: Doctor, changes: dict[str, str], check: str, words: str
) -> None:
    found = await asking.row(check, **changes)
    assert (found[0], words in found[1]) == ("wrong", True), found
    assert "wrong" not in found[1].replace("is wrong", "")


@pytest.mark.parametrize(
    ("path", "status", "headers", "check", "state"),
    [
        (LIMITS, 500, OF_GITHUB, "GitHub", "wrong"),
        (LIMITS, 404, OF_GITHUB, "GitHub", "fine"),
        (LIMITS, 401, OF_GITHUB, "GitHub", "fine"),
        (LIMITS, 200, {"Content-Type": "application/json"}, "GitHub", "wrong"),
        (LIMITS, 200, {"X-GitHub-Request-Id": "1", "Content-Type": "text/html"}, "GitHub", "wrong"),
        (LIMITS, 302, {"Location": "/login"}, "GitHub", "wrong"),
        ("/login/oauth/access_token", 404, {}, "GitHub credentials", "wrong"),
        ("/login/oauth/access_token", 500, {}, "GitHub credentials", "wrong"),
    ],
)
async def test_odd_answers_of_github(
    asking: Doctor, path: str, status: int, headers: dict[str, str], check: str, state: str
) -> None:
    asking.house.github_journal.faults.append(Fault(path=path, status=status, headers=headers, answer="{}"))
    assert (await asking.row(check))[0] == state


async def test_an_enterprise_server_tells_its_version(asking: Doctor) -> None:
    headers = {**OF_GITHUB, "X-GitHub-Enterprise-Version": "3.20.1"}
    asking.house.github_journal.faults.append(Fault(path=LIMITS, status=200, headers=headers))
    assert (await asking.row("GitHub"))[1].endswith("Enterprise Server 3.20.1")


async def test_a_service_that_takes_made_up_codes_is_no_such_service(asking: Doctor) -> None:
    fault = Fault(path="/oauth/token", status=200, answer='{"access_token": "x"}')
    asking.house.flowdock_journal.faults.append(fault)
    assert (await asking.row("Flowdock credentials"))[0] == "warn"


async def test_the_public_address_is_that_of_another_bridge(asking: Doctor) -> None:
    found = await asking.row("public address", GITHUB_WEBHOOK_SECRET="another-webhook-secret".ljust(32, "-"))
    assert (found[0], "a different GITHUB_WEBHOOK_SECRET" in found[1]) == ("wrong", True)


async def test_the_bridge_there_has_another_redis(asking: Doctor, redis_url: str) -> None:
    separator = "&" if "?" in redis_url else "?"
    found = await asking.row("public address", REDIS_URL=f"{redis_url}{separator}db=1")
    assert (found[0], "uses a different Redis" in found[1]) == ("wrong", True), found


async def test_the_look_at_the_address_leaves_nothing_behind(asking: Doctor) -> None:
    assert (await asking.row("public address"))[0] == "fine"
    redis: Any = asking.house.redis
    assert await redis.keys("bridge:ping:*") == []


async def test_at_the_address_is_nobody_or_somebody_else(asking: Doctor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    nobody = await asking.row("public address", WEB_URL=f"http://127.0.0.1:{free}")
    assert (nobody[0], "cannot be reached from here" in nobody[1]) == ("warn", True)
    other = await asking.row("public address", WEB_URL=asking.house.flowdock)
    assert (other[0], "answers, but not as bridge" in other[1]) == ("warn", True)


@pytest.mark.parametrize("page", ['<p>Still "alive"</p>', '["alive"]', '{"status": "ready", "is": "alive"}'])
async def test_a_page_that_only_says_alive_is_no_bridge(asking: Doctor, page: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=page)

    app = web.Application()
    app.router.add_get("/healthz", answer)
    async with TestServer(app) as there:
        other = await asking.row("public address", WEB_URL=str(there.make_url("/")).rstrip("/"))
    assert (other[0], "answers, but not as bridge" in other[1]) == ("warn", True)


async def test_a_bridge_that_fails_at_the_address(asking: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(hook_id: int) -> None:
        raise RuntimeError

    monkeypatch.setattr(asking.house.services.webhook_keys, "note_ping", broken)
    found = await asking.row("public address")
    assert (found[0], "answers a signed ping with 500" in found[1]) == ("wrong", True)


async def test_the_inboxs_mail_server_takes_bridges_login_or_the_row_says_why(asking: Doctor) -> None:
    flowdock = dict.fromkeys(("FLOWDOCK_CLIENT_ID", "FLOWDOCK_CLIENT_SECRET", "FLOWDOCK_API_URL"), "")
    async with mail_server() as (box, port):
        mail = {"SMTP_URL": f"smtp://127.0.0.1:{port}", "MAIL_FROM": "bridge@example.com"}
        there = await asking.row("mail server", **flowdock, **mail)
        nobody = await asking.row(
            "mail server", **flowdock, **mail | {"SMTP_URL": "smtp://u:s3cret@127.0.0.1:1"}
        )
    assert there == ("fine", "sends from bridge@example.com")
    assert (nobody[0], "SMTPConnectError; check SMTP_URL" in nobody[1]) == ("wrong", True)
    assert ("s3cret" in nobody[1], box.mails) == (False, [])
    assert "mail server" not in await asking.asked(**mail), "without an inbox nobody sends mail"
