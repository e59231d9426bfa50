"""The log: one event a line, JSON wherever no person watches."""

import json
import logging
import os
import pty
import re
import sys
from collections.abc import Iterator
from datetime import datetime

import pytest
import structlog

from bridge.process import log


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    log.configure(level="info", log_format="console")
    structlog.reset_defaults()


FIELDS = {"method": "POST", "path": "/a", "status": 202, "ms": 1.5}
LINES = [
    ({}, {}),
    ({"path": "/ü"}, {"path": "/ü"}),
    ({"path": "/a\n"}, {"path": "/a\\u000a"}),
    ({"path": "a\\b"}, {"path": "a\\b"}),
    ({"path": "\ud800"}, {"path": "\\ud800"}),
    ({"odd": {1}}, {"odd": "{1}"}),
    ({"odd": [{"\x7f": ("\x1b",)}]}, {"odd": [{"\\u007f": ["\\u001b"]}]}),
    ({"status": 2**64}, {"status": str(2**64)}),
    ({"at": datetime(2030, 1, 1)}, {"at": "2030-01-01T00:00:00"}),
]


@pytest.mark.parametrize(("changes", "written"), LINES, ids=[ascii(row[0]) for row in LINES])
def test_a_line_of_json_holds_every_field_and_no_control_character(
    capfd: pytest.CaptureFixture[str], changes: dict[str, object], written: dict[str, object]
) -> None:
    log.configure(level="info", log_format="json")
    structlog.get_logger().warning("request", **FIELDS | changes)
    (line,) = capfd.readouterr().out.splitlines()
    assert line.isprintable()
    found = json.loads(line)
    assert datetime.fromisoformat(found.pop("timestamp")).tzinfo is not None
    assert found == FIELDS | written | {"event": "request", "level": "warning"}


def test_for_people_a_line_is_text(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure(level="info", log_format="console")
    structlog.get_logger().info("request", **FIELDS)
    (line,) = capfd.readouterr().out.splitlines()
    assert "request" in line
    assert "status=202" in line


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_line_below_the_level_is_left_out(capfd: pytest.CaptureFixture[str], log_format: str) -> None:
    log.configure(level="warning", log_format=log_format)
    structlog.get_logger().info("request", **FIELDS)
    log.repeated("request", method="POST")(path="/a")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("changes", [{}, {"path": "/a\n"}, {"path": "a\x7f"}], ids=ascii)
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_repeated_line_is_as_any_other(
    capfd: pytest.CaptureFixture[str], log_format: str, changes: dict[str, object]
) -> None:
    log.configure(level="info", log_format=log_format)
    with structlog.contextvars.bound_contextvars(request_id="1"):
        structlog.get_logger().info("request", **FIELDS | changes)
        log.repeated("request", method="POST")(**{**FIELDS, **changes})
    usual, repeated = (re.sub(r"20\d\d-[\d:.T-]+Z", "", one) for one in capfd.readouterr().out.splitlines())
    assert repeated == usual


def test_a_librarys_warning_is_a_line_too(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure(level="info", log_format="json")
    logging.getLogger("aiohttp").warning("odd %s", "\n")
    (line,) = capfd.readouterr().out.splitlines()
    found = json.loads(line)
    assert (found["event"], found["level"]) == ("odd \\u000a", "warning")


@pytest.mark.parametrize("log_format", ["auto", "json", "console"])
@pytest.mark.parametrize("terminal", [True, False])
def test_auto_is_text_on_a_terminal_and_json_elsewhere(
    monkeypatch: pytest.MonkeyPatch, log_format: str, terminal: bool
) -> None:
    reader, writer = pty.openpty() if terminal else os.pipe()
    with os.fdopen(writer, "w") as output, os.fdopen(reader, "rb") as shown:
        monkeypatch.setattr(sys, "stdout", output)
        log.configure(level="info", log_format=log_format)
        structlog.get_logger().info("request")
        output.flush()
        line = shown.readline()
        assert line.startswith(b"{") is (log_format == "json" or (log_format == "auto" and not terminal))
        monkeypatch.undo()
