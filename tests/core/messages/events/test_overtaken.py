"""Overtaken comments and reviews: a thread is told the newest words, and no older ones after them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.pulls import talk
from tests.kits.core import page
from tests.kits.core.pipeline import Bridge
from tests.kits.core.row import OPENED, Told
from tests.kits.core.samples import on_comment, on_line, on_review, pull

COMMENT, ON_LINE, REVIEW = "issue_comment", "pull_request_review_comment", "pull_request_review"
WORDS = ("first", "second", "third")


def at(second: int, day: int = 10) -> str:
    return f"2026-03-{day}T12:00:0{second}Z"


def version(event: str, number: int, *, day: int = 10, by: str = "bob", about: int = 700) -> Told:
    """A comment or review as it is made (0), or edited the first or second time."""
    words, changes = WORDS[number], {"body": {"from": WORDS[number - 1]}}
    full, outside = pull(updated_at=at(number, day)), {"changes": changes} if number else {}
    fields: dict[str, Any] = {"id": about, "body": words, "by": by, **outside}
    if event == REVIEW:
        action = "edited" if number else "submitted"
        return event, on_review(action, full, state="commented", submitted_at=at(0), **fields)
    action, times = "edited" if number else "created", {"created_at": at(0), "updated_at": at(number, day)}
    make = on_comment if event == COMMENT else on_line
    return event, make(action, full, **times, **fields)


def deleted(event: str) -> Told:
    make = on_comment if event == COMMENT else on_line
    return event, make("deleted", pull(updated_at=at(3)), id=700, body=WORDS[2])


def said(*told: Told, bridge: Bridge | None = None) -> list[tuple[str, str]]:
    """The thread's words on each, once nothing more comes for a while."""
    bridge = bridge or Bridge().play([OPENED])
    messages = [message for one in told if (message := bridge.says(*one))]
    return [(page.text(one.title), page.text(one.body).replace("\n", "")) for one in messages]


WHOLE = {COMMENT: "Commented", ON_LINE: "Commented on README.md:7", REVIEW: "Reviewed"}


@pytest.mark.parametrize("event", WHOLE)
@pytest.mark.parametrize("by", ["bob", "ci[bot]"])
def test_an_edit_that_overtakes_is_told_as_the_whole_and_what_it_overtook_is_not(event: str, by: str) -> None:
    made, first, second = (version(event, number, by=by) for number in range(3))
    told = said(first, made)
    assert [title for title, _ in told] == [WHOLE[event]]
    assert all("second" in body and "first" not in body for _, body in told if by == "bob")
    assert said(second, first, made)[1:] == []
    assert said(made, second, first) == said(made, second)


@pytest.mark.parametrize("event", [COMMENT, ON_LINE])
def test_a_deleted_comment_is_not_told_afterwards(event: str) -> None:
    for late in (version(event, 0), version(event, 1)):
        assert [title.partition(" on ")[0] for title, _ in said(deleted(event), late)] == [
            "Deleted a comment"
        ]


def test_an_edit_of_no_words_leaves_them_to_be_told() -> None:
    event, payload = version(COMMENT, 1)
    assert said((event, payload | {"changes": {}}), version(COMMENT, 0)) == [("Commented", "first")]


@pytest.mark.parametrize("event", WHOLE)
def test_an_edit_of_what_is_long_known_says_what_changed(event: str) -> None:
    ((title, body),) = said(version(event, 1, day=12))
    assert title.startswith("Edited a ")
    assert body == "firstsecond"


@pytest.mark.parametrize("event", WHOLE)
def test_only_the_newest_are_remembered(event: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk, "MAX_TOLD", 2)
    bridge = Bridge().play([OPENED])
    for number in (1, 2, 3):
        said(version(event, 0, about=number), bridge=bridge)
    assert len(bridge.snapshot().said["told"][event]) == 2
    ((title, _),) = said(version(event, 1, about=1), bridge=bridge)
    assert title.startswith("Edited a ")


@settings(max_examples=60, deadline=None)
@given(
    event=st.sampled_from([*WHOLE]),
    order=st.permutations(["made", "edited", "edited again", "deleted"]),
    again=st.booleans(),
)
def test_older_words_are_never_told_after_newer_ones_in_any_order(
    event: str, order: list[str], again: bool
) -> None:
    steps = {name: version(event, number) for number, name in enumerate(["made", "edited", "edited again"])}
    if event != REVIEW:
        steps["deleted"] = deleted(event)
    came = [name for name in order * (1 + again) if name in steps]
    bridge, newest = Bridge().play([OPENED]), -1
    for name in came:
        number = [*steps].index(name)
        for _, body in said(steps[name], bridge=bridge):
            shown = max((at for at, word in enumerate(WORDS) if word in body), default=number)
            assert shown >= newest
            newest = max(newest, number)
        newest = max(newest, number if name == "deleted" else -1)
