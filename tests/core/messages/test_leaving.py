"""A thread that its flow is no longer shown says so once, and is whole again when it comes back."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.messages import thread
from bridge.core.messages.addressing import left_out
from bridge.core.model import Connection
from bridge.core.options import Options
from bridge.core.pulls.own_events import UPDATE
from tests.kits.core import page
from tests.kits.core.pipeline import WEB_URL, Bridge, connection
from tests.kits.core.pull_rows import based_on, did, edited
from tests.kits.core.row import OPENED, Told
from tests.kits.core.samples import on_comment, pull, repository, user

LATER, LAST = "2026-03-10T12:00:02Z", "2026-03-10T12:00:03Z"
MAIN: dict[str, Any] = {"bases": ("main",)}
TIME_TO_UPDATE: Told = (
    UPDATE,
    {"repository": repository(), "pull_request": {"number": 2}, "sender": {"login": "GitHub"}},
)
AWAY: Told = edited({"base": {"ref": {"from": "main"}}}, base=based_on("stable"), updated_at=LATER)
BACK: Told = edited({"base": {"ref": {"from": "stable"}}}, base=based_on("main"), updated_at=LAST)
GONE = "No longer shown here: the base branch stable is not in the option bases"
PAUSED = "No longer shown here: the connection is paused"


def heard(bridge: Bridge, *told: Told) -> list[str]:
    """The messages of the first connection about each."""
    said = [bridge.says(*one) for one in told]
    return [page.text(message.title) if message else "" for message in said]


def comment(at: str, **fields: Any) -> Told:
    return ("issue_comment", on_comment("created", pull(updated_at=at, **fields)))


def test_a_pull_request_that_is_retargeted_away_says_so_once_and_returns() -> None:
    bridge = Bridge(connection(**MAIN))
    away, still = (
        heard(bridge, OPENED, AWAY)[1],
        heard(bridge, TIME_TO_UPDATE, did("labeled", updated_at=LATER)),
    )
    assert (away, still) == (GONE, ["", ""])
    assert heard(bridge, BACK) == ["Changed the base branch from stable to main"]


def test_where_its_return_is_muted_a_word_brings_the_thread_back() -> None:
    bridge = Bridge(connection(groups=("comments",), **MAIN))
    assert heard(bridge, OPENED, AWAY, BACK, TIME_TO_UPDATE) == [
        "Opened pull request",
        GONE,
        "Shown here again",
        "",
    ]


def test_one_that_was_never_shown_is_not_taken_leave_of() -> None:
    bridge = Bridge(connection(bases=("release/*",)))
    assert heard(bridge, OPENED, AWAY, TIME_TO_UPDATE) == ["", "", ""]


BOT: dict[str, Any] = {"user": user("dependabot[bot]")}
CHANGES: list[tuple[str, dict[str, Any], Told, str]] = [
    # What changes about the connection, what was opened, and the last word.
    ("paused", {"paused": True}, OPENED, PAUSED),
    (
        "other bases",
        {"options": Options(bases=("stable",))},
        OPENED,
        "No longer shown here: the base branch main is not in the option bases",
    ),
    (
        "no bots",
        {"options": Options(bots="none")},
        did("opened", **BOT),
        "No longer shown here: the pull request is a bot's (option bots=none)",
    ),
    ("fewer groups", {"options": Options(groups=())}, OPENED, ""),
]


@pytest.mark.parametrize(
    ("changes", "opened", "word"), [pytest.param(*row[1:], id=row[0]) for row in CHANGES]
)
def test_a_changed_connection_takes_leave_and_returns(
    changes: dict[str, Any], opened: Told, word: str
) -> None:
    before = connection()
    bridge = Bridge(before).play([opened])
    bridge.connections = (replace(before, **changes),)
    assert heard(bridge, TIME_TO_UPDATE, TIME_TO_UPDATE) == [word, ""]
    bridge.connections = (before,)
    assert heard(bridge, TIME_TO_UPDATE, TIME_TO_UPDATE) == ["Shown here again" if word else "", ""]


def test_a_draft_that_is_shown_does_not_fall_behind_when_drafts_become_quiet() -> None:
    before = connection()
    bridge = Bridge(before).play([did("opened", draft=True)])
    bridge.connections = (replace(before, options=Options(drafts="quiet")),)
    assert heard(bridge, comment(LATER, draft=True)) == [""]
    assert heard(bridge, did("closed", state="closed", draft=True, updated_at=LAST)) == [
        "Closed pull request"
    ]


def test_a_merged_one_stays_true_and_needs_no_last_word() -> None:
    bridge = Bridge(connection()).play([OPENED, did("closed", state="closed", merged=True)])
    bridge.connections = (replace(connection(), paused=True),)
    assert heard(bridge, TIME_TO_UPDATE, comment(LATER, state="closed")) == ["", ""]


def test_connections_that_still_show_it_get_no_last_message() -> None:
    bridge = Bridge(connection("all"), connection("main", **MAIN)).play([OPENED])
    out = {one.connection.id: page.text(one.message.title) for one in bridge.tell(*AWAY)}
    assert out == {"all": "Changed the base branch from main to stable", "main": GONE}


def test_a_thread_that_is_left_shows_only_what_stays_true() -> None:
    bridge = Bridge().play([OPENED])
    drawn = thread.render(bridge.pull(), web_url=WEB_URL, is_left=True)
    assert drawn["status"]["value"] == "no longer shown"
    assert [field["label"] for field in drawn["fields"]] == ["Author", "Branch"]
    assert {action["@type"] for action in drawn["actions"]} == {"ViewAction"}


STATES = (
    connection(),
    replace(connection(), paused=True),
    connection(**MAIN),
    connection(groups=()),
    connection(drafts="quiet"),
)
STEPS = (AWAY, BACK, TIME_TO_UPDATE, comment(LATER), did("closed", state="closed", updated_at=LAST))


@settings(max_examples=100, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(STATES), st.sampled_from(STEPS)), max_size=12))
def test_the_last_message_of_a_thread_tells_whether_it_is_left(steps: list[tuple[Connection, Told]]) -> None:
    bridge = Bridge(connection())
    titles = heard(bridge, OPENED)
    for state, step in steps:
        bridge.connections = (state,)
        titles += [title for title in heard(bridge, step, TIME_TO_UPDATE) if title]
        is_left = titles[-1].startswith("No longer shown here")
        assert is_left == bool(left_out(state, bridge.pull()))
        assert not any(a == b and a.startswith("No longer") for a, b in pairwise(titles))
