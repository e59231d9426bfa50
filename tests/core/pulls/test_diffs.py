"""Small diffs: what is small, and how much of it is shown, whatever is in it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.pulls.diffs import MAX_CHARS, MAX_FILES, MAX_LINE, Diff, FileDiff, is_small, read
from bridge.core.pulls.model import Changes
from tests.kits.core.pulls import a_pull

OLD, NEW = "a" * 40, "b" * 40


def file(name: str = "a.py", *, patch: str | None = "+x", ref: str = NEW, **about: Any) -> dict[str, Any]:
    url = f"https://api.github.com/repos/acme/component/contents/{name}?ref={ref}"
    shown = {"filename": name, "status": "modified", "changes": 1, "contents_url": url, **about}
    return shown if patch is None else {**shown, "patch": patch}


@pytest.mark.parametrize(
    ("added", "removed", "small"),
    [(30, 0, True), (29, 1, True), (30, 1, False), (0, 31, False), (0, 0, False)],
)
def test_few_lines_are_small(added: int, removed: int, small: bool) -> None:
    changes = Changes(additions=added, deletions=removed, files=1, commits=1)
    assert is_small(a_pull(changes=changes)) is small
    assert not is_small(a_pull(changes=None)), "nobody told"


READ: list[tuple[str, list[dict[str, Any]], Diff | None]] = [
    ("none", [], None),
    ("more than it was", [file(changes=30), file("b.py")], None),
    ("one file", [file()], Diff(sha=NEW, files=(FileDiff(name="a.py", lines=("+x",)),))),
    (
        "a newer commit, by those that are left",
        [file(ref=OLD, status="removed", patch="-x"), file("b.py")],
        Diff(sha=NEW, files=(FileDiff(name="a.py", lines=("-x",)), FileDiff(name="b.py", lines=("+x",)))),
    ),
    (
        "only removed: the commit that was asked about",
        [file(ref=NEW, status="removed", patch="-x")],
        Diff(sha=OLD, files=(FileDiff(name="a.py", lines=("-x",)),)),
    ),
    (
        "renamed, no text",
        [file("new.png", patch=None, previous_filename="old.png", changes=0)],
        Diff(sha=NEW, files=(FileDiff(name="new.png", former_name="old.png"),)),
    ),
    (
        "many files",
        [file(f"{at}.py") for at in range(MAX_FILES + 1)],
        Diff(
            sha=NEW,
            files=tuple(FileDiff(name=f"{at}.py", lines=("+x",)) for at in range(MAX_FILES)),
            is_cut=True,
        ),
    ),
    (
        "a giant line",
        [file(patch="+" + "x" * 999)],
        Diff(sha=NEW, files=(FileDiff(name="a.py", lines=("+" + "x" * (MAX_LINE - 2) + "…",)),)),
    ),
]


@pytest.mark.parametrize(("files", "diff"), [row[1:] for row in READ], ids=[row[0] for row in READ])
def test_the_shown_part_of_a_diff(files: list[dict[str, Any]], diff: Diff | None) -> None:
    assert read(files, OLD) == diff


@given(st.lists(st.text(max_size=600).map(lambda text: file(patch=text * 9)), min_size=1, max_size=12))
def test_any_diff_is_bounded(files: list[dict[str, Any]]) -> None:
    diff = read(files, OLD)
    assert diff
    lines = [line for one in diff.files for line in one.lines]
    assert len(diff.files) <= MAX_FILES and sum(map(len, lines)) <= MAX_CHARS
    assert all(len(line) <= MAX_LINE for line in lines)
