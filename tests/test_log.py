"""The log: one event a line, and those of every delivery like all others."""

import asyncio
import json
from collections.abc import Iterator

import pytest
import structlog

from bridge import log


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # A logger keeps for good how it was configured when it was used first.
    monkeypatch.setattr(log, "log", structlog.get_logger())
    yield
    log.configure(level="info", log_format="console")
    structlog.reset_defaults()


FIELDS = {"method": "POST", "path": "/a\n", "status": 202, "ms": 1.5, "odd": {1}}


async def test_a_line_of_every_delivery_in_json_says_what_any_line_says_and_so(
    capfd: pytest.CaptureFixture[str],
) -> None:
    log.configure(level="info", log_format="json")
    structlog.get_logger().info("request", **FIELDS)
    log.often("request", **FIELDS)
    await asyncio.sleep(0)

    usual, short = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert usual["timestamp"][:13] == short["timestamp"][:13]
    assert len(usual.pop("timestamp")) == len(short.pop("timestamp"))
    said = {"event": "request", "level": "info", "path": "/a\\u000a", "odd": repr({1})}
    assert usual == short == FIELDS | said


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_line_of_every_delivery_is_left_out_where_the_level_is_higher(
    capfd: pytest.CaptureFixture[str], log_format: str
) -> None:
    log.configure(level="warning", log_format=log_format)
    log.often("request", **FIELDS)
    assert capfd.readouterr().out.splitlines() == []


def test_for_people_a_line_of_every_delivery_is_like_the_others(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure(level="info", log_format="console")
    log.often("request", **FIELDS)
    (line,) = capfd.readouterr().out.splitlines()
    assert "request" in line
    assert "status=202" in line
