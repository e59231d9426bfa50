"""Attacks on who reads the log: lines that bridge never wrote, and what a terminal would obey."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import structlog

from bridge.cli import terminal
from bridge.core.printable import printable
from bridge.process import log
from bridge.web.http import server
from bridge.web.http.middleware import masked
from tests.attacks.test_strangers import GUARDED
from tests.conftest import House, eventually
from tests.kits.commands import serving
from tests.web.http.test_wire import connected, get

FORGED = "2026-01-01 00:00:00 [info     ] signed_in flowdock_user=1"
BREAKS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029"]
OBEYED = ["\x00", "\x08", "\x1b[2J", "\x1b]0;x\x07", "\x7f", "\x9b2J", "\u202e", "\u2066", "\u200f", "\ufeff"]
WORDS = [f"a{odd}{FORGED}" for odd in (*BREAKS, *OBEYED)]
BEGINS = {"console": re.compile(r"20\d\d-\d\d-\d\d[T ][\d:.]+Z? \[\w+ *\] |    "), "json": re.compile(r'\{"')}
"""A line of the log, or of a traceback."""


def forged(text: str, log_format: str) -> list[str]:
    """Forged lines of the log, and escape sequences that a terminal would obey."""
    lines = [line for line in text.splitlines() if line]
    odd = [line for line in lines if not BEGINS[log_format].match(line) or not line.isprintable()]
    return odd + [line for line in lines if line.startswith(FORGED)]


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    log.configure(level="info", log_format="console")
    structlog.reset_defaults()


@GUARDED
@pytest.mark.parametrize("log_format", ["console", "json"])
def test_no_word_in_a_line_ends_it(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, guarded: bool, log_format: str
) -> None:
    if not guarded:
        monkeypatch.setattr(log, "printable", lambda text: text)
    log.configure(level="info", log_format=log_format)
    for word in WORDS:
        structlog.get_logger().info("request", path=word, deep=[{word: (word,)}], odd={word})
        structlog.get_logger().info(word)
    text = capfd.readouterr().out
    assert text.count("\n") >= 2 * len(WORDS)
    assert bool(forged(text, log_format)) is not guarded


@GUARDED
def test_no_word_in_a_traceback_looks_like_a_line(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        monkeypatch.setattr(log, "indented", structlog.dev.plain_traceback)
    log.configure(level="info", log_format="console")
    for word in WORDS:
        try:
            raise ValueError(word)
        except ValueError:
            structlog.get_logger().exception("unexpected")
    lines = capfd.readouterr().out.splitlines()
    assert len([line for line in lines if line.endswith("] unexpected")]) == len(WORDS)
    assert bool([line for line in lines if line.startswith(FORGED)]) is not guarded


def test_a_traceback_in_json_keeps_its_lines_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure(level="info", log_format="json")
    try:
        raise ValueError("\u2028\x1b")
    except ValueError:
        structlog.get_logger().exception("unexpected")
    [line] = capfd.readouterr().out.splitlines()
    assert json.loads(line)["exception"].endswith("\nValueError: \\u2028\\u001b")


def app_event(word: str) -> bytes:
    payload = {
        "action": f"deleted{word}",
        "installation": {"id": 1},
        "sender": {"login": word, "id": 1},
        "repositories_removed": [{"full_name": word}],
        "repositories": [],
    }
    return json.dumps(payload).encode()


@pytest.mark.parametrize("log_format", ["console", "json"])
async def test_nobody_writes_a_line_into_bridges_own_log(
    house: House, redis_url: str, tmp_path: Path, log_format: str
) -> None:
    """By a path, a header, the words of a signed delivery, and by what is no HTTP at all."""
    output = tmp_path / "bridge.log"
    async with serving(house, redis_url, output, half="web", LOG_FORMAT=log_format, TRUST_PROXY="1"):
        for word in WORDS:
            async with connected(house.bridge) as client:
                header = (
                    f"X-Forwarded-For: {word.replace(chr(10), '').replace(chr(13), '').replace(chr(0), '')}"
                )
                path = f"/{quote(word)}".encode()
                client.writer.write(get(path, header.encode(), b"Connection: close"))
                await client.statuses()
            async with connected(house.bridge) as client:
                client.writer.write(f"GET /{word} HTTP/1.1\r\nX: {word}\r\n\r\n".encode())
                client.writer.write_eof()
                await client.statuses()
            event: Any = await house.deliver_bytes(app_event(word), event="installation")
            assert event.status == 204

        async def told() -> bool:
            return output.read_text().count("installation_deleted") >= len(WORDS)

        await eventually(told)
    text = output.read_text()
    assert text.count("signed_in") >= 3 * len(WORDS), "the words are there"
    assert forged(text, log_format) == []


_MALFORMED = [
    b"GET /inbox/invitation/S3CRET\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /auth/github/callback?code=S3CRET HTTP/1.1\nHost: x\n\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer S3CRET\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nCookie: bridge_inbox=1001.S3CRET" + b"a" * 9000 + b"\r\n\r\n",
]


@GUARDED
@pytest.mark.parametrize("malformed", _MALFORMED)
async def test_the_log_quotes_no_malformed_request(
    house: House,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,
    malformed: bytes,
) -> None:
    """A browser's own cookies may be too long, and a proxy may pass on what aiohttp refuses."""
    if not guarded:
        monkeypatch.setattr(server, "HttpProcessingError", ())
    log.configure(level="debug", log_format="json")
    async with connected(house.bridge) as client:
        client.writer.write(malformed)
        assert await client.statuses() == [400]
    text = capfd.readouterr().out
    assert ("S3CRET" in text) is not guarded
    assert ("malformed_request" in text) is guarded


def test_a_terminal_is_shown_no_control_character_either() -> None:
    shown = terminal.table(("REPOSITORY", "REASON"), [(word, word) for word in WORDS])
    assert len(shown.splitlines()) == len(WORDS) + 1
    assert all(line.isprintable() for line in shown.splitlines())


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("/acme/überall 日本 😀", "/acme/überall 日本 😀"),
        ("a\nb", "a\\u000ab"),
        ("\u202e", "\\u202e"),
        ("\U000e0001", "\\U000e0001"),
        ("\ud800", "\\ud800"),
        ("", ""),
    ],
)
def test_unprintable_characters_are_escaped(text: str, written: str) -> None:
    assert printable(text) == written


@pytest.mark.parametrize(
    "path",
    [
        "/handover/S3CRET/confirm",
        "//handover//S3CRET",
        "/inbox/invitation/S3CRET/sign-in",
        "//inbox/invitation/S3CRET",
        "/inbox//mail/confirm/S3CRET",
        "/inbox/mail/unsubscribe/S3CRET",
        "/github/webhook/S3CRET",
        "//github//webhook/S3CRET",
        "/inbox/api/v1/messages/team_inbox/S3CRET",
        "/V1/Messages/Team_Inbox/S3CRET",
        "//example/v1/messages/chat/S3CRET",
    ],
)
def test_a_secret_in_an_address_is_masked_however_it_is_spelt(path: str) -> None:
    assert masked(path) == path.replace("S3CRET", "*")
    assert masked("/repos/acme/component/pulls/1/merge") == "/repos/acme/component/pulls/1/merge"
