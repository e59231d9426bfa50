"""`POST /github/webhook` over a real socket: what is taken, and that a refusal leaves nothing."""

import asyncio
import io
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import pytest
from redis.asyncio import Redis

from bridge.core.messages.translate import OWN_EVENTS
from bridge.storage import keys
from bridge.web import fast_path
from tests.conftest import House, eventually, open_house
from tests.kits import sign
from tests.kits.payloads import pull_request


@pytest.fixture(params=["quick", "plain"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole suite holds with `bridge.web.fast_path`, and without it."""
    if request.param == "plain":
        monkeypatch.setattr(fast_path, "shortcut", lambda _, whole: whole)


@dataclass
class Sent:
    """A request as GitHub would send it; a case changes what it is about."""

    secret: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, payload: Any, secret: str) -> "Sent":
        body = json.dumps(payload).encode()
        return cls(
            secret,
            body,
            {
                "Content-Type": "application/json",
                "X-GitHub-Event": "pull_request",
                "X-GitHub-Delivery": str(uuid.uuid4()),
                "X-Hub-Signature-256": sign.webhook(body, secret),
            },
        )

    def carry(self, body: bytes, content_type: str = "application/json") -> None:
        """Another body, rightly signed."""
        self.body = body
        self.headers["Content-Type"] = content_type
        self.headers["X-Hub-Signature-256"] = sign.webhook(body, self.secret)


def without(header: str) -> Callable[[Sent], None]:
    def change(sent: Sent) -> None:
        del sent.headers[header]

    return change


def having(header: str, value: str) -> Callable[[Sent], None]:
    return lambda sent: sent.headers.update({header: value})


def carrying(body: bytes, content_type: str = "application/json") -> Callable[[Sent], None]:
    return lambda sent: sent.carry(body, content_type)


def sha1_only(sent: Sent) -> None:
    del sent.headers["X-Hub-Signature-256"]
    sent.headers["X-Hub-Signature"] = sign.webhook(sent.body, sent.secret, algorithm="sha1")


def sha1_as_256(sent: Sent) -> None:
    sent.headers["X-Hub-Signature-256"] = sign.webhook(sent.body, sent.secret, algorithm="sha1")


def signed_with_nothing(sent: Sent) -> None:
    sent.headers["X-Hub-Signature-256"] = sign.webhook(sent.body, "")


REFUSALS = [
    ("no signature", without("X-Hub-Signature-256"), 401, "X-Hub-Signature-256 is missing"),
    ("sha1 only", sha1_only, 401, "X-Hub-Signature-256 is missing"),
    ("sha1 in the 256 header", sha1_as_256, 401, "must be 'sha256='"),
    ("wrong signature", having("X-Hub-Signature-256", "sha256=" + "0" * 64), 401, "does not match"),
    ("signature of the empty secret", signed_with_nothing, 401, "does not match"),
    ("non-ASCII signature", having("X-Hub-Signature-256", "sha256=ä"), 401, "the HMAC in hex"),
    ("no event", without("X-GitHub-Event"), 400, "x-github-event is missing"),
    ("no delivery id", without("X-GitHub-Delivery"), 400, "x-github-delivery is missing"),
    ("endless delivery id", having("X-GitHub-Delivery", "x" * 500), 400, "not one that GitHub sends"),
    ("other content type", having("Content-Type", "text/plain"), 415, "content type must be"),
    ("unknown charset", having("Content-Type", "application/json; charset=klingon"), 415, "charset"),
    ("not JSON", carrying(b"{"), 400, "not JSON"),
    ("not UTF-8", carrying(b'{"a": "\xff"}'), 400, "not JSON"),
    ("nothing", carrying(b""), 400, "must begin with"),
    ("a list", carrying(b"[]"), 400, "must begin with"),
    ("deep nesting", carrying(b'{"a":' + b"[" * 200_000), 400, "nested too deeply"),
    (
        "a form without payload",
        carrying(b"a=b", "application/x-www-form-urlencoded"),
        400,
        "one field, 'payload'",
    ),
    (
        "no repository id",
        carrying(b'{"action":"opened","pull_request":{"number":1},"repository":{"full_name":"a/b"}}'),
        400,
        "names no repository id",
    ),
]


async def test_a_refusal_names_its_reason_and_leaves_nothing(house: House) -> None:
    await house.connect()
    payload = await pull_request(house)
    for name, change, status, sentence in REFUSALS:
        sent = Sent.of(payload, house.services.settings.github_webhook_secrets[0])
        change(sent)
        async with house.http.post(
            f"{house.bridge}/github/webhook",
            data=sent.body,
            headers=sent.headers,
            skip_auto_headers=("Content-Type",),
        ) as response:
            answer = await response.json()
        assert (response.status, sentence in answer["error"]) == (status, True), (name, answer)
        assert (await kept(house.redis), posts(house)) == ([], []), name


async def kept(redis: Any) -> list[bytes]:
    """What the queue holds or remembers."""
    names: Any = await redis.keys("bridge:{[0-9]*}:*")
    return [name for name in names if b":lease" not in name and b":fence" not in name]


def posts(house: House) -> list[str]:
    """The calls that Flowdock's API got."""
    return [call.path for call in house.flowdock_journal.calls if call.path == "/messages"]


async def test_a_body_over_25_mib_is_refused_with_413(house: House) -> None:
    async with house.http.post(
        f"{house.bridge}/github/webhook", data=io.BytesIO(b"x" * (25 * 1024 * 1024 + 1))
    ) as response:
        assert response.status == 413
        assert "larger than" in (await response.json())["error"]


async def test_a_body_just_below_25_mib_is_read(house: House) -> None:
    payload = await pull_request(house, body="x" * (25 * 1024 * 1024 - 40_000))
    assert (await house.deliver(payload)).status == 202


async def test_a_delivery_is_taken_once(house: House) -> None:
    payload = await pull_request(house)
    first = await house.deliver(payload, delivery_id="one")
    again = await house.deliver(payload, delivery_id="one")
    assert (first.status, again.status) == (202, 200)
    assert await again.json() == {"status": "duplicate"}


@pytest.mark.parametrize(
    ("line", "header", "stays"),
    [
        (b"HTTP/1.1", b"", True),
        (b"HTTP/1.1", b"Connection: close\r\n", False),
        (b"HTTP/1.0", b"", False),
        (b"HTTP/1.0", b"Connection: keep-alive\r\n", True),
    ],
)
async def test_the_answer_is_whole_however_the_connection_goes_on(
    house: House, line: bytes, header: bytes, stays: bool
) -> None:
    sent = Sent.of(await pull_request(house), house.services.settings.github_webhook_secrets[0])
    headers = "".join(f"{name}: {value}\r\n" for name, value in sent.headers.items()).encode()
    request = b"POST /github/webhook %s\r\nHost: bridge\r\n%s%sContent-Length: %d\r\n\r\n%s" % (
        line,
        header,
        headers,
        len(sent.body),
        sent.body,
    )
    parts = urlsplit(house.bridge)
    for expected, answer in ((b"202 Accepted", "accepted"), (b"200 OK", "duplicate")):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(request)
        first = await reader.readline()
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(re.findall(r"content-length: (\d+)", head)[0])
        assert json.loads(await reader.readexactly(length)) == {"status": answer}
        assert (first.split(b" ", 1)[1].strip(), first[:8]) == (expected, line)
        for said in ("content-type: application/json", "x-content-type-options: nosniff", "no-store"):
            assert said in head
        said_at = parsedate_to_datetime(re.findall(r"date: (.*)\r", head)[0])
        assert abs((datetime.now(UTC) - said_at).total_seconds()) < 60
        if stays:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: bridge\r\n\r\n")
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        else:
            assert await reader.read() == b""
        writer.close()


async def test_the_form_content_type_is_taken_too(house: House) -> None:
    payload = await pull_request(house, title="päper & 100% +1")
    sent = Sent.of(payload, house.services.settings.github_webhook_secrets[0])
    sent.carry(urlencode({"payload": json.dumps(payload)}).encode(), "application/x-www-form-urlencoded")
    await house.connect()
    house.start_worker()
    async with house.http.post(
        f"{house.bridge}/github/webhook", data=sent.body, headers=sent.headers
    ) as response:
        assert response.status == 202
    (thread,) = await eventually(house.threads)
    assert thread["title"] == "päper &amp; 100% +1"


async def test_both_secrets_serve_while_rotating(redis_url: str) -> None:
    async with open_house(redis_url, github_webhook_secrets=("new-secret", "old-secret")) as house:
        payload = await pull_request(house)
        for secret, status in (("new-secret", 202), ("old-secret", 202), ("older", 401)):
            sent = Sent.of(payload, secret)
            async with house.http.post(
                f"{house.bridge}/github/webhook", data=sent.body, headers=sent.headers
            ) as response:
                assert response.status == status


async def test_ping_is_answered_and_not_queued(house: House) -> None:
    assert (await house.deliver({"zen": "Keep it logically awesome."}, event="ping")).status == 200
    assert await kept(house.redis) == []


NOT_NEEDED: list[tuple[str, dict[str, Any]]] = [
    ("star", {}),
    ("an_event_of_tomorrow", {}),
    ("issues", {"issue": {"number": 1}}),
    ("issue_comment", {"issue": {"number": 1}}),
    # An installation has no repository.
    ("installation", {"repository": None}),
    # bridge's own words in its queue are nobody else's.
    ("bridge.message", {}),
    *((event, {"pull_request": {"number": 1}}) for event in sorted(OWN_EVENTS)),
]


async def test_an_event_that_nobody_needs_is_answered_with_204(house: House) -> None:
    for event, payload in NOT_NEEDED:
        about = {"repository": {"id": 1, "full_name": "acme/component"}, **payload}
        assert (await house.deliver(about, event=event)).status == 204, event
        assert await kept(house.redis) == [], event


@pytest.mark.parametrize("team", [None, [], {}, {"id": "5"}, {"id": True}, {"id": 0}, {"id": 2**63}])
async def test_a_change_of_what_is_no_team_asks_nothing(house: House, team: Any) -> None:
    about = {"action": "added", "organization": {"login": "acme"}, "team": team}
    assert (await house.deliver(about, event="membership")).status == 204
    assert await house.redis.zcard(keys.WATCH) == 0


COMMIT_EVENTS = (
    "check_run",
    "check_suite",
    "workflow_run",
    "status",
    "deployment_status",
    "deployment_review",
)


@pytest.mark.parametrize("event", [*COMMIT_EVENTS, "push", "repository", "meta"])
async def test_an_event_about_a_commit_or_the_repository_is_taken_for_its_repository(
    house: House, event: str
) -> None:
    about = {"repository": {"id": 7, "full_name": "acme/component"}}
    assert (await house.deliver(about, event=event)).status == 202
    assert await house.redis.xlen(keys.inbox(keys.partition_of(7))) == 1


async def test_an_unreachable_redis_is_a_503_with_retry_after(redis_url: str) -> None:
    async with open_house(redis_url) as house:
        payload = await pull_request(house)
        pool = cast(Redis, house.redis).connection_pool
        await pool.disconnect()
        pool.connection_kwargs["path"] = "/nowhere.sock"
        response = await house.deliver(payload)
        assert response.status == 503
        assert int(response.headers["Retry-After"]) > 0
        assert "Redis" in (await response.json())["error"]
        async with house.http.get(f"{house.bridge}/readyz") as ready:
            assert ready.status == 503
        async with house.http.get(f"{house.bridge}/healthz") as alive:
            assert alive.status == 200


async def test_get_is_answered_with_405(house: House) -> None:
    async with house.http.get(f"{house.bridge}/github/webhook") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "POST"
