"""Find out why a job of GitHub Actions failed: its failing step, and the last lines that the step wrote.

A pull request's author chooses every word of a log. It is text, whatever it looks like.
https://docs.github.com/rest/actions/workflow-jobs
"""

import re

import msgspec

from bridge.core.model import Payload
from bridge.core.pulls.lww import moment

MAX_LINES = 20
MAX_LINE = 200
MAX_CHARS = 4000
MAX_NAME = 100

_FINE = frozenset({"success", "skipped", "neutral", None})
_TIME = re.compile(r"\ufeff?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.?\d*Z ?")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")
_MARK = re.compile(r"##\[([a-z]{1,20})\]")
_WORDS = {"error": "Error: ", "warning": "Warning: ", "notice": "Notice: "}


class FailedStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a job, 0 and without a name if GitHub names none; the times compare as `moment`."""

    number: int = 0
    name: str = ""
    began: str = ""
    ended: str = ""


def failed_step(job: Payload) -> FailedStep:
    """Return the step at which a job failed: the first that failed, or else that was cut short."""
    steps = [one for one in job.get("steps") or () if one.get("conclusion") not in _FINE]
    steps.sort(key=lambda one: (one["conclusion"] != "failure", one["number"]))
    if not steps:
        return FailedStep()
    began, ended = (moment(steps[0].get(f"{name}_at")) for name in ("started", "completed"))
    name = str(steps[0].get("name") or "")[:MAX_NAME]
    return FailedStep(number=int(steps[0]["number"]), name=name, began=began, ended=ended)


def last_lines(log: bytes, step: FailedStep) -> list[str]:
    """Return the last lines that a step wrote, up to its last error; `log` may begin anywhere.

    Without the step's times, those of the whole log.
    """
    # GitHub times a step to the second, and each line more finely.
    began, ended = step.began[:19], step.ended[:19]
    lines: list[str] = []
    inside, end = not began, 0
    for line in log.decode(errors="replace").split("\n"):
        if timed := _TIME.match(line):
            inside = began <= timed[1] and (not ended or timed[1] <= ended)
        if inside:
            text = line[timed.end() :] if timed else line
            lines.append(text)
            end = len(lines) if text.startswith("##[error]") else end
    shown = [words for line in lines[: end or None] if (words := _shown(line)) is not None]
    return _bounded(shown)


def _shown(line: str) -> str | None:
    """Return a line as GitHub's page shows it; None where it shows none."""
    # A progress bar writes over itself.
    text = _ESCAPES.sub("", line.rstrip("\r").rpartition("\r")[2])
    if mark := _MARK.match(text):
        if mark[1] == "endgroup":
            return None
        text = _WORDS.get(mark[1], "") + text[mark.end() :]
    return text if len(text) <= MAX_LINE else f"{text[: MAX_LINE - 1]}…"


def _bounded(lines: list[str]) -> list[str]:
    kept: list[str] = []
    for line in reversed(lines):
        if len(kept) == MAX_LINES or sum(map(len, kept)) + len(line) > MAX_CHARS:
            break
        if kept or line.strip():
            kept.insert(0, line)
    while kept and not kept[0].strip():
        del kept[0]
    return kept
