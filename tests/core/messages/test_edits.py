"""An edit's changes, and no more than those."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.messages.edits import CONTEXT, MAX_SHOWN, changes
from tests.kits.core import page

LONG = " ".join(f"w{number}" for number in range(30))
ROWS: list[tuple[str, str | None, str | None, str]] = [
    ("a word", "The quick fox", "The slow fox", "The <del>quick</del><ins>slow</ins> fox"),
    ("behind", "Thanks", "Thanks @cy", "Thanks<ins> @cy</ins>"),
    ("of nothing", None, "New", "<ins>New</ins>"),
    ("to nothing", "Old", None, "<del>Old</del>"),
    ("a line", "a\nb\nc", "a\nB\nc", "a<br><del>b</del><ins>B</ins><br>c"),
    ("a task", "- [ ] a", "- [x] a", "- <del>[ ]</del><ins>[x]</ins> a"),
    ("markup", "<b>", "<i> & `x`", "<del>&lt;b&gt;</del><ins>&lt;i&gt; &amp; `x`</ins>"),
    (
        "far away",
        f"{LONG} a {LONG}",
        f"{LONG} b {LONG}",
        "…w24 w25 w26 w27 w28 w29 <del>a</del><ins>b</ins> w0 w1 w2 w3 w4 w5…",
    ),
    (
        "twice",
        f"a {LONG} a",
        f"b {LONG} b",
        "<del>a</del><ins>b</ins> w0 w1 w2 w3 w4 w5…w24 w25 w26 w27 w28 w29 <del>a</del><ins>b</ins>",
    ),
    ("nothing", "a", "a", "a"),
    ("very long words", "x" * 5000, "y", f"<del>{'x' * MAX_SHOWN}…</del><ins>y</ins>"),
]


@pytest.mark.parametrize(("before", "after", "shown"), [pytest.param(*row, id=name) for name, *row in ROWS])
def test_an_edit_shows_what_changed(before: str | None, after: str | None, shown: str) -> None:
    assert changes(before, after) == f"<p>{shown}</p>"


WORDS = st.lists(st.sampled_from(["a", "b", "c", " ", "\n", "<d>"]), max_size=CONTEXT).map("".join)


@given(before=WORDS, after=WORDS)
def test_either_text_is_left_without_the_marked_words(before: str, after: str) -> None:
    html = changes(before, after).replace("<br>", "\n")
    page.check_body(html)
    assert page.text(re.sub("<ins>.*?</ins>", "", html, flags=re.DOTALL)) == before
    assert page.text(re.sub("<del>.*?</del>", "", html, flags=re.DOTALL)) == after


@pytest.mark.parametrize("size", [300, 65_000])
def test_texts_made_to_be_slow_are_not(size: int) -> None:
    before, after = (
        " ".join("ab"[at % 2] for at in range(size)),
        " ".join("bca"[at % 3] for at in range(size)),
    )
    start = time.process_time()
    assert len(changes(before, after)) < 20_000
    assert time.process_time() - start < 1
