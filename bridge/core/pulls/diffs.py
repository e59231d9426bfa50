"""Small diffs: which are shown, and how much of them.

A pull request's author chooses every word of a diff and the names of its files. They are text.
"""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from bridge.core.model import Payload
from bridge.core.pulls.model import PullRequest

MAX_CHANGED = 30
"""Changed lines of a pull request whose diff is shown."""

MAX_FILES = 10
MAX_NAME = 200
MAX_LINE = 200
MAX_CHARS = 4000


class FileDiff(msgspec.Struct, frozen=True, kw_only=True):
    """A file's changes; no lines where it was only renamed, or is no text."""

    name: str
    former_name: str = ""
    lines: tuple[str, ...] = ()


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """A small diff of a commit; `is_cut` if more changed than its files show."""

    sha: str
    files: tuple[FileDiff, ...]
    is_cut: bool = False


def is_small(pull: PullRequest) -> bool:
    """Tell whether a pull request changes few lines."""
    changes = pull.changes
    return changes is not None and 0 < changes.additions + changes.deletions <= MAX_CHANGED


def read(files: list[Payload], sha: str) -> Diff | None:
    """Read GitHub's list of changed files, of `sha` unless it names a newer commit; None if it is not small.

    https://docs.github.com/rest/pulls/pulls#list-pull-requests-files
    """
    if not files or sum(one["changes"] for one in files) > MAX_CHANGED:
        return None
    # A removed file's address leads to the commit before.
    named = (one["contents_url"] for one in files if one["status"] != "removed")
    refs = [ref for url in named for ref in parse_qs(urlsplit(url).query).get("ref", ())]
    room, shown, is_cut = MAX_CHARS, [], len(files) > MAX_FILES
    for one in files[:MAX_FILES]:
        lines, rest = _bounded(str(one.get("patch") or "").split("\n"), room)
        room, is_cut = rest, is_cut or rest < 0
        shown.append(_file(one, lines))
    return Diff(sha=refs[0] if refs else sha, files=tuple(shown), is_cut=is_cut)


def _file(one: Any, lines: list[str]) -> FileDiff:
    former = str(one.get("previous_filename") or "")[:MAX_NAME]
    return FileDiff(name=str(one["filename"])[:MAX_NAME], former_name=former, lines=tuple(lines))


def _bounded(lines: list[str], room: int) -> tuple[list[str], int]:
    """Return the lines that fit, and the room that is left: less than none if some do not."""
    kept: list[str] = []
    for line in filter(None, lines):
        shown = line if len(line) <= MAX_LINE else f"{line[: MAX_LINE - 1]}…"
        room -= len(shown)
        if room < 0:
            break
        kept.append(shown)
    return kept, room
