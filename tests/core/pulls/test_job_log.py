"""The reason of a job's failure: its failing step and its last lines, with anything in the log."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.messages.html import code
from bridge.core.pulls.job_log import MAX_CHARS, MAX_LINE, MAX_LINES, FailedStep, failed_step, last_lines
from tests.kits.controls import unguarded

STEP = FailedStep(number=2, name="Test", began="2026-03-10T12:00:05.000Z", ended="2026-03-10T12:00:07.000Z")


def step(number: int, conclusion: str | None, **about: Any) -> dict[str, Any]:
    return {"number": number, "name": f"step {number}", "conclusion": conclusion, **about}


def log(*lines: tuple[int, str]) -> bytes:
    """A log of lines, each at a second."""
    return "".join(f"2026-03-10T12:00:{at:02}.1234567Z {line}\n" for at, line in lines).encode()


STEPS: list[tuple[str, list[dict[str, Any]] | None, int]] = [
    ("none are told", None, 0),
    ("all went well", [step(1, "success"), step(2, "skipped"), step(3, None)], 0),
    ("the first that failed", [step(1, "success"), step(2, "failure"), step(3, "failure")], 2),
    ("one that failed, before one that was cut short", [step(1, "cancelled"), step(2, "failure")], 2),
    ("one that was cut short", [step(1, "success"), step(2, "cancelled"), step(3, "skipped")], 2),
    ("out of order", [step(3, "failure"), step(2, "failure")], 2),
]


@pytest.mark.parametrize(("steps", "number"), [row[1:] for row in STEPS], ids=[row[0] for row in STEPS])
def test_the_failing_step_is_named(steps: list[dict[str, Any]] | None, number: int) -> None:
    found = failed_step({"steps": steps})
    assert (found.number, found.name) == (number, f"step {number}" if number else "")


def test_the_times_of_a_step_may_have_an_offset() -> None:
    times = {"started_at": "2026-03-10T04:00:05-08:00", "completed_at": "2026-03-10T12:00:07Z"}
    found = failed_step({"steps": [step(2, "failure", **times)]})
    assert (found.began, found.ended) == (STEP.began, STEP.ended)


BAD = "##[error]Process completed with exit code 1."
LOGS: list[tuple[str, bytes, list[str]]] = [
    ("nothing", b"", []),
    ("only others' lines", log((1, "set up"), (9, "cleaned up")), []),
    ("between its times", log((4, "before"), (5, "one"), (7, "two"), (8, "after")), ["one", "two"]),
    (
        "up to its last error",
        log((6, "##[error]a"), (7, BAD), (7, "Post job cleanup.")),
        ["Error: a", "Error: Process completed with exit code 1."],
    ),
    ("begun in the middle of a line", b"e\xbc\n" + log((5, "one")), ["one"]),
    ("with a byte order mark", b"\xef\xbb\xbf" + log((5, "one")), ["one"]),
    (
        "lines without a time go with the one before",
        log((4, "x")) + b"y\n" + log((5, "a")) + b"b\n",
        ["a", "b"],
    ),
    ("colours", log((5, "\x1b[1;31mred\x1b[0m \x1b]0;title\x07\x1b[2K.")), ["red ."]),
    ("a bar that writes over itself", log((5, "10 %\r50 %\r100 %\r")), ["100 %"]),
    (
        "GitHub's marks",
        log(
            (5, "##[group]Run x"),
            (5, "##[endgroup]"),
            (5, "##[warning]w"),
            (5, "##[notice]n"),
            (5, "##[command]c"),
        ),
        ["Run x", "Warning: w", "Notice: n", "c"],
    ),
    ("what looks like a mark, within a line", log((5, "a ##[error]b")), ["a ##[error]b"]),
    ("masked secrets", log((5, "token: ***")), ["token: ***"]),
    (
        "blank lines around",
        log((5, ""), (5, " "), (5, "one"), (5, ""), (5, "two"), (5, "")),
        ["one", "", "two"],
    ),
    ("the last twenty", log(*((5, str(at)) for at in range(50))), [str(at) for at in range(30, 50)]),
    ("a giant line", log((5, "x" * 999)), ["x" * (MAX_LINE - 1) + "…"]),
]


@pytest.mark.parametrize(("data", "lines"), [row[1:] for row in LOGS], ids=[row[0] for row in LOGS])
def test_the_last_lines_of_a_step(data: bytes, lines: list[str]) -> None:
    assert last_lines(data, STEP) == lines


def test_without_its_times_the_whole_log_counts() -> None:
    assert last_lines(log((1, "one"), (9, BAD), (9, "two")), FailedStep()) == ["one", f"Error: {BAD[9:]}"]


@unguarded("bridge.core.messages.html.escape", str)
def test_a_log_is_text() -> None:
    assert "<script" not in code(last_lines(b"</code></pre><script>alert(1)</script>", FailedStep()))


@given(st.binary(max_size=3000) | st.text(max_size=3000).map(lambda text: f"{text}\n{text * 9}".encode()))
def test_any_log_becomes_a_bounded_text(data: bytes) -> None:
    lines = last_lines(data, FailedStep())
    assert len(lines) <= MAX_LINES and sum(map(len, lines)) <= MAX_CHARS
    assert all(len(line) <= MAX_LINE for line in lines)
    shown = code(lines).removeprefix("<pre><code>").removesuffix("\n</code></pre>")
    assert shown.count("\n") == max(len(lines) - 1, 0)
    assert not set(shown) & set("<>\"'\x00\x1b\u202e\r")
