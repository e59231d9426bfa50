"""Small attacks and their kinds: addresses that run scripts, tags for strangers, cookies, secrets, files."""

import asyncio
import copy
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest
import redis
from aiohttp import web

from bridge.core import urls
from bridge.core.model import Mention
from bridge.core.security import flowdock_token
from bridge.storage import embedded, flow_members, keys, pulls
from bridge.web.auth import sessions
from bridge.web.http import cookies
from scripts.sandbox.browse import Browser
from tests.conftest import FLOW, House, open_house
from tests.core.test_urls import misled
from tests.kits import sign
from tests.kits.accounts import link
from tests.kits.commands import environ_of, run
from tests.kits.life import Life
from tests.kits.payloads import pull_request
from tests.kits.personal import connection, sign_in
from tests.kits.worker import idle

OPS = "acme/ops"
SCRIPT = "javascript:alert(document.domain)//"


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
async def test_no_address_that_a_payload_names_runs_a_script(
    house: House, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """A pull request with a status, of which each address is a script's."""
    if not guarded:
        monkeypatch.setattr(urls, "is_known_web_page", lambda _: True)
    await house.connect()
    opened = await pull_request(house)
    told = misled(copy.deepcopy(opened), SCRIPT) if guarded else opened
    head = opened["pull_request"]["head"]["sha"]
    status = {
        "sha": head,
        "state": "failure",
        "context": "ci",
        "target_url": SCRIPT,
        "updated_at": "2030-01-01T00:00:00Z",
    }
    house.start_worker()
    assert (await house.deliver(told)).status == 202
    assert (await house.deliver({**status, "repository": opened["repository"]}, event="status")).status == 202
    await idle(house)
    # What bridge sends, that is: the stand-in Flowdock refuses the script, and with it the whole thread.
    sent = [call.body for call in house.flowdock_journal.calls if call.path == "/messages"]
    assert any("ci" in json.loads(body)["title"] for body in sent)
    assert any("javascript" in body for body in sent) != guarded
    assert (len(await house.messages()) == 2) == guarded


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
async def test_a_comment_calls_nobody_into_a_flow_that_they_are_not_in(
    house: House, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """bob is in ops, cy is not; both are linked."""
    if not guarded:

        async def all_of_them(_: Any, flow: str, users: Any) -> set[str]:
            return {*users}

        monkeypatch.setattr(pulls, "among", all_of_them)
    tied = await connection(house, OPS)
    for nick in ("ann", "bob", "cy"):
        await link(house, nick)
    await house.hook()
    house.start_worker()
    life = Life(house)
    await life.act("ann-gh", "open", title="Count", head="fix", flow=OPS)
    (message,) = await life.act("ann-gh", "comment", body="@bob-gh @cy-gh", flow=OPS)
    # Before Flowdock showed the flow to anybody.
    assert message.get("tags", []) == ([] if guarded else ["@bob", "@cy"])
    async with Browser() as browser:
        await sign_in(house, browser, "ann", f"/connections/{tied.id}")
    (message,) = await life.act("ann-gh", "comment", body="@cy-gh @bob-gh", flow=OPS)
    assert message["tags"] == (["@bob"] if guarded else ["@cy", "@bob"])
    assert message["user_tags"] == [":user:1002"], "Flowdock itself calls nobody else"


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
async def test_a_person_who_left_a_flow_is_no_longer_tagged_there(
    house: House, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:

        async def unnoticed(*_: Any) -> None:
            """Nothing is forgotten of who is in a flow."""

        monkeypatch.setattr(flow_members.Members, "left", unnoticed)
    tied = await connection(house, OPS)
    await link(house, "bob")
    async with Browser() as browser:
        page = await sign_in(house, browser, "bob", f"/connections/{tied.id}")
        assert page.status == 200
        assert await house.services.pulls.tags([Mention("bob-gh")], flow=OPS) == ("@bob",)
        out = {"flow": OPS, "user": "bob", "member": False}
        async with house.http.post(f"{house.flowdock}/_sandbox/members", json=out) as response:
            assert response.status == 200
        assert (await browser.open(f"{house.bridge}/connections/{tied.id}")).status == 404
    assert await house.services.pulls.tags([Mention("bob-gh")], flow=OPS) == (() if guarded else ("@bob",))


async def test_a_signed_in_person_is_tagged_in_their_flows_for_a_month(house: House) -> None:
    await link(house, "cy")
    async with Browser() as browser:
        await sign_in(house, browser, "cy")
    tags = house.services.pulls.tags
    assert [await tags([Mention("cy-gh")], flow=flow) for flow in (FLOW, FLOW.upper(), OPS, "")] == [
        ("@cy",),
        ("@cy",),
        (),
        (),
    ]
    assert 0 < await house.redis.ttl(keys.members(FLOW)) <= flow_members.SECONDS
    await house.redis.zadd(keys.members(FLOW), {"1003": 1})
    assert await tags([Mention("cy-gh")], flow=FLOW) == (), (
        "what Flowdock showed too long ago is not believed"
    )


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
async def test_a_cookie_that_a_neighbour_planted_is_nobodys_session(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """A page of another host of the domain makes the victim's browser send the attacker's session."""
    if not guarded:
        monkeypatch.setattr(cookies, "name", lambda _, base: base)
    async with open_house(redis_url, web_url="https://bridge.example.com") as house:
        attackers = {"user": {"id": "1003", "nick": "cy", "name": "Cy"}, "access_token": "x"}
        await house.services.one_time.put("session", keys.hash_of("planted"), attackers, seconds=60)
        planted = {"Cookie": f"{sessions.COOKIE}=planted"}
        async with house.http.get(
            f"{house.bridge}/account", headers=planted, allow_redirects=False
        ) as response:
            assert response.status == (303 if guarded else 200)
        # A browser takes this name from the host itself alone, so it is the attacker's own.
        own = {"Cookie": f"__Host-{sessions.COOKIE}=planted"}
        async with house.http.get(f"{house.bridge}/account", headers=own, allow_redirects=False) as response:
            assert response.status == (200 if guarded else 303)


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
async def test_a_click_that_is_to_be_good_for_long_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Kept by who recorded it, it could be sent for the first time long after it was made."""
    if not guarded:
        monkeypatch.setattr(flowdock_token, "MAX_LIFETIME", 3600)
    address = f"{house.bridge}/repos/acme/component/pulls/1/close"
    for ahead, status in ((290, 401), (310, 403 if guarded else 401)):
        body = sign.action_body(address, name=str(ahead))
        token = sign.flowdock_token(body, exp=int(time.time()) + ahead)
        async with house.http.post(address, data=body, headers={"FLOWDOCK-TOKEN": token}) as response:
            # 401: taken for a click, of somebody who has not linked an account.
            assert response.status == status, await response.text()


_ASKED = {
    "a page": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a stylesheet": b"GET /static/style.css HTTP/1.1\r\nHost: x\r\n\r\n",
    "nothing there": b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
    "unsigned": b"POST /github/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
    "a word of aiohttp's": b"UNKNOWN / HTTP/1.1\r\nHost: x\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\r\n\r\n",
    "an odd header": b"GET / HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n",
    "a line too long": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
    "an odd chunk": b"POST /signout HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "an upgrade": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
}


@pytest.mark.parametrize("asked", _ASKED)
async def test_no_answer_names_what_bridge_runs_on(house: House, asked: str) -> None:
    head = await answer_to(house, _ASKED[asked])
    assert re.match(rb"HTTP/1\.[01] [2-5]\d\d ", head), head
    assert b"server:" not in head.lower(), head
    assert b"python" not in head.lower()
    assert b"x-content-type-options: nosniff" in head.lower(), "also what is refused has the safe headers"


async def test_control_aiohttp_names_what_it_runs_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.web.http.middleware.add_headers", lambda _: unchanged)
    monkeypatch.setattr("bridge.web.http.server.Runner", runner_of_aiohttp)
    await house.go_down()
    await house.come_up()
    for asked in _ASKED.values():
        assert b"\nserver: python/" in (await answer_to(house, asked)).lower()


def runner_of_aiohttp(app: web.Application, *, headers: Any, **options: Any) -> web.AppRunner:
    """The runner without the guard."""
    assert headers
    return web.AppRunner(app, **options)


async def unchanged(request: web.Request, response: web.StreamResponse) -> None:
    """No header of bridge's."""


async def answer_to(house: House, asked: bytes) -> bytes:
    """The status and headers that come back, whatever is sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(house.bridge.rpartition(":")[2]))
    writer.write(asked)
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return head


def modes(folder: Path) -> set[str]:
    """The rights of others on a folder and all in it."""
    return {
        f"{path.name} {path.stat().st_mode & 0o777:o}"
        for path in [folder, *folder.rglob("*")]
        if path.stat().st_mode & 0o077
    }


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
def test_nobody_else_on_the_machine_reads_what_the_embedded_redis_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """A folder that an earlier version, or a careless copy, left open."""
    data, elsewhere = tmp_path / "bridge", tmp_path / "elsewhere"
    for folder in (data, data / "appendonlydir"):
        folder.mkdir(mode=0o755)
    for name in ("redis.log", "redis.users", "copy.rdb"):
        (data / name).touch(mode=0o644)
    elsewhere.touch(mode=0o644)
    (data / "link").symlink_to(elsewhere)
    if not guarded:
        monkeypatch.setattr(embedded, "make_private", lambda _: None)
        monkeypatch.setattr(embedded, "FOLDER", 0o755)
        monkeypatch.setattr(embedded, "FILE", 0o644)
    before = os.umask(0o022)
    try:
        with embedded.running(data) as url:
            redis.Redis.from_url(url).set("a", "b")
            (data / "link").unlink()
            assert any((data / "appendonlydir").iterdir())
            assert (modes(data) == set()) == guarded
    finally:
        os.umask(before)
    assert elsewhere.stat().st_mode & 0o777 == 0o644, "what a link leads to is left as it is"


def test_a_folder_of_somebody_else_is_said_to_be_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    monkeypatch.setattr(Path, "chmod", refused)
    with (
        pytest.raises(embedded.NoEmbeddedRedis, match="give it to the one that bridge runs as"),
        embedded.running(tmp_path / "bridge"),
    ):
        pass


@pytest.mark.parametrize(
    "name", ["COOKIE_SECRET", "ENCRYPTION_KEY", "GITHUB_WEBHOOK_SECRET", "METRICS_TOKEN"]
)
async def test_bridge_does_not_start_with_a_secret_that_might_be_guessed(
    house: House, redis_url: str, tmp_path: Path, name: str
) -> None:
    """A claim, a session's form, a delivery: on each a guess can be tried out of sight."""
    short = environ_of(house, redis_url, **{name: "s" * 31})
    for half in ("web", "worker", "serve"):
        refused = await run(tmp_path, half, environ=short)
        assert refused.returncode == 2
        assert f"{name} is too short" in refused.stderr
        assert "secrets.token_urlsafe(32)" in refused.stderr, "it says how to make one"
        assert "sss" not in refused.stderr
    # The control: one character more will do.
    fine = await run(
        tmp_path, "doctor", "--offline", environ=environ_of(house, redis_url, **{name: "s" * 32})
    )
    assert f"{name} is too short" not in fine.stdout
