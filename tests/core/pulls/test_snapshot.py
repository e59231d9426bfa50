"""The pull request as bridge knows it: read from every kind of payload, the newest word on each value."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.core.pulls import extract, kept, snapshot
from bridge.core.pulls.conversations import deletion
from bridge.core.pulls.lww import LwwRegister, LwwSet
from bridge.core.pulls.model import Branch, Changes, Person, PullRequest, Rendered
from bridge.core.pulls.snapshot import Snapshot
from tests.kits.core.pipeline import delivery
from tests.kits.core.samples import SHA, on_comment, on_line, on_pull, on_review, on_thread, pull, user
from tests.kits.core.story import Story, payload_of


def part(event: str, payload: dict[str, Any]) -> Snapshot:
    return extract.delta(delivery(event, payload))


def read(payload: dict[str, Any], event: str = "pull_request") -> PullRequest:
    return snapshot.view(part(event, payload))


# Reading


def test_a_payload_is_read_into_words() -> None:
    story = Story(body="Because", draft=True)
    shown = story.payload["pull_request"]
    component: Any = {"repository": "acme/component", "repository_url": "https://github.com/acme/component"}
    ann = Person(login="ann-gh", url="https://github.com/ann-gh", id=1001)
    assert read(story.payload) == PullRequest(
        **component,
        number=1,
        url="https://github.com/acme/component/pull/1",
        title="Fix bug in thread API",
        body="Because",
        state="open",
        draft=True,
        author=ann,
        named=(ann,),
        head=Branch(ref="fix", sha=shown["head"]["sha"], **component),
        base=Branch(ref="main", sha=shown["base"]["sha"], **component),
        pusher=Person(login="ann-gh", url="https://github.com/ann-gh", id=1001),
        changes=Changes(
            additions=shown["additions"], deletions=shown["deletions"], files=1, commits=shown["commits"]
        ),
        merge_methods=("merge", "squash", "rebase"),
    )


@pytest.mark.parametrize(
    ("action", "state", "draft"),
    [
        ("opened", "open", False),
        ("converted_to_draft", "open", True),
        ("ready_for_review", "open", False),
        ("closed", "closed", False),
        ("merged", "merged", False),
        ("reopened", "open", False),
    ],
)
def test_the_state_is_read_after_each_action(action: str, state: str, draft: bool) -> None:
    shown = read(payload_of(action))
    assert (shown.state, shown.draft) == (state, draft)


def test_a_fork_is_told_from_the_repository() -> None:
    shown = read(Story("dee-gh").payload)
    assert shown.head is not None
    assert shown.base is not None
    assert (shown.head.repository, shown.base.repository) == ("dee-gh/component", "acme/component")
    assert shown.head.repository_url == "https://github.com/dee-gh/component"


@pytest.mark.parametrize(
    "sign", [{"merged": True, "merged_at": None}, {"merged_at": "2026-03-10T12:00:00Z"}], ids=str
)
def test_either_sign_of_a_merge_will_do(sign: dict[str, Any]) -> None:
    assert read(on_pull("closed", pull(state="closed", **sign))).state == "merged"


# GitHub's OpenAPI description has these null somewhere or other; Octokit's older schemas do not know all.
NULLS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("no body", {"body": None}, {"body": ""}),
    ("a deleted author", {"user": None}, {"author": Person(login="ghost", url=""), "named": ()}),
    ("a null among the assignees", {"assignees": [None]}, {"assignees": ()}),
    ("no assignees", {"assignees": None}, {"assignees": ()}),
    ("a null among the asked", {"requested_reviewers": [None]}, {"reviewers": ()}),
    ("a null among the teams", {"requested_teams": [None]}, {"reviewers": ()}),
    ("a null among the labels", {"labels": [None]}, {"labels": ()}),
    ("no milestone", {"milestone": None}, {"milestone": None}),
    ("no word on drafts", {"draft": None}, {"draft": False}),
    ("no auto-merge", {"auto_merge": None}, {"auto_merge": False}),
    ("a state of tomorrow", {"state": "frozen"}, {"state": "open"}),
]


@pytest.mark.parametrize(
    ("fields", "shown"), [pytest.param(fields, shown, id=name) for name, fields, shown in NULLS]
)
def test_a_nullable_field_that_is_null_is_read(fields: dict[str, Any], shown: dict[str, Any]) -> None:
    assert read(on_pull("opened", pull(**fields))) == replace(read(on_pull("opened")), **shown)


def test_a_deleted_fork_leaves_the_branch_without_a_repository() -> None:
    head = read(on_pull("closed", pull(head={**pull()["head"], "repo": None}))).head
    assert head == Branch(ref="fix", sha=SHA)


def test_only_the_beginning_of_a_long_description_is_kept() -> None:
    shown = read(on_pull("opened", pull(body="x" * 100_000)))
    assert shown.body == "x" * extract.MAX_BODY


# The shorter pull request of reviews and their comments, and the issue that it also is

SHORT = [
    ("pull_request_review", lambda full: on_review("submitted", full)),
    ("pull_request_review_comment", lambda full: on_line("created", full)),
    ("pull_request_review_thread", lambda full: on_thread("resolved", full)),
    ("issue_comment", lambda full: on_comment("created", full)),
]


@pytest.mark.parametrize(("event", "make"), SHORT, ids=lambda value: value if isinstance(value, str) else "")
def test_a_field_left_out_by_a_shorter_payload_stays(event: str, make: Any) -> None:
    full = pull(mergeable=False, assignees=[user("bob")], milestone=None, auto_merge=None)
    known = part("pull_request", on_pull("opened", full))
    later = {**full, "updated_at": "2026-03-10T12:00:09Z", "title": "Other", "merged": True, "additions": 0}
    both = snapshot.view(known.merge(part(event, make(later))))
    before = snapshot.view(known)
    kept = ("mergeable", "changes", "head", "base", "merge_methods", "assignees", "state")
    assert both.title == "Other"
    assert {name: getattr(both, name) for name in kept} == {name: getattr(before, name) for name in kept}


@pytest.mark.parametrize(("event", "make"), SHORT, ids=lambda value: value if isinstance(value, str) else "")
def test_a_merge_is_seen_where_merged_is_not_told(event: str, make: Any) -> None:
    payload = make(pull(state="closed", merged_at="2026-03-10T12:00:00Z"))
    assert "merged" not in payload.get("pull_request", {})
    assert read(payload, event).state == "merged"


@pytest.mark.parametrize(("event", "make"), SHORT, ids=lambda value: value if isinstance(value, str) else "")
def test_any_of_them_is_enough_to_draw_a_thread(event: str, make: Any) -> None:
    """bridge may be connected in the middle of a pull request's life."""
    known = part(event, make(pull()))
    assert known.is_known
    assert snapshot.view(known).number == 2


def test_nothing_is_known_of_an_empty_snapshot() -> None:
    assert not Snapshot().is_known
    assert (Snapshot().head_sha, Snapshot().value("title")) == ("", None)


# The newest word


def at(second: int, action: str = "labeled", /, **fields: Any) -> Snapshot:
    return part(
        "pull_request",
        on_pull(action, pull(updated_at=f"2026-03-10T12:00:{second:02}Z", **fields), **extra(action)),
    )


def extra(action: str) -> dict[str, Any]:
    return {"changes": {"title": {"from": "x"}, "body": {"from": "x"}}} if action == "edited" else {}


CLOSED: dict[str, Any] = {"state": "closed"}
MERGED: dict[str, Any] = {"state": "closed", "merged": True, "merged_at": "2026-03-10T12:00:00Z"}

STATES: list[tuple[str, Snapshot, Snapshot, str]] = [
    ("later an edit", at(2, **CLOSED), at(1), "closed"),
    ("an earlier close", at(2), at(1, "closed", **CLOSED), "open"),
    ("closed, reopened later", at(1, "closed", **CLOSED), at(2, "reopened"), "open"),
    ("closed, an earlier reopening", at(2, "closed", **CLOSED), at(1, "reopened"), "closed"),
    ("open, merged later", at(1), at(2, "closed", **MERGED), "merged"),
    ("open, merged at an earlier time", at(2), at(1, "closed", **MERGED), "merged"),
    ("merged, a later reopening", at(1, "closed", **MERGED), at(2, "reopened"), "merged"),
    ("merged, labelled later", at(1, "closed", **MERGED), at(2, **MERGED), "merged"),
    ("same second, closed and an edit", at(1, "closed", **CLOSED), at(1), "closed"),
    ("same second, closed and an edit of then", at(1, "closed", **CLOSED), at(1, **CLOSED), "closed"),
    ("same second, closed and opened", at(1, "closed", **CLOSED), at(1, "opened"), "closed"),
    ("same second, closed and reopened", at(1, "closed", **CLOSED), at(1, "reopened"), "open"),
    (
        "same second, reopened and closed, which it was",
        at(1, "closed", **CLOSED).merge(at(2, "closed", **CLOSED)),
        at(2, "reopened"),
        "closed",
    ),
    (
        "same second, closed and reopened, closed later",
        at(1, "closed", **CLOSED).merge(at(1, "reopened")),
        at(2, **CLOSED),
        "closed",
    ),
    ("same second, merged and an edit", at(1, "closed", **MERGED), at(1), "merged"),
    ("same second, merged and reopened", at(1, "closed", **MERGED), at(1, "reopened"), "merged"),
]


@pytest.mark.parametrize(("one", "other", "state"), [pytest.param(*row, id=name) for name, *row in STATES])
def test_the_newer_state_stands(one: Snapshot, other: Snapshot, state: str) -> None:
    assert snapshot.view(one.merge(other)).state == snapshot.view(other.merge(one)).state == state


@pytest.mark.parametrize(
    "deed",
    [at(1, "edited", title="b"), at(1, "labeled", title="b"), at(1, "converted_to_draft", title="b")],
)
def test_an_event_in_the_second_of_the_opening_is_newer_than_it(deed: Snapshot) -> None:
    opened = at(1, "opened", title="c")
    for order in itertools.permutations([opened, opened, deed, deed]):
        known = Snapshot()
        for one in order:
            known = known.merge(one)
        assert snapshot.view(known).title == "b"


# Keeping

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = (
    st.none() | st.booleans() | st.integers(0, 2**63 - 1) | TEXT | st.dictionaries(TEXT, TEXT, max_size=2)
)
SWITCHED = st.lists(st.tuples(TEXT, VALUES), max_size=2).map(tuple)
REGISTERS = st.builds(LwwRegister, TEXT, st.sampled_from([-1, 0, 1]), VALUES, SWITCHED)
MEMBERS = st.builds(
    LwwSet,
    TEXT,
    st.dictionaries(TEXT, st.dictionaries(TEXT, TEXT, max_size=2), max_size=2),
    st.lists(TEXT, max_size=2),
)


@settings(max_examples=60, deadline=None)
@given(
    values=st.dictionaries(TEXT, REGISTERS, max_size=3),
    sets=st.dictionaries(TEXT, MEMBERS, max_size=2),
    reviews=st.dictionaries(TEXT, REGISTERS, max_size=2),
    said=st.dictionaries(TEXT, TEXT | st.lists(st.integers(0, 9), max_size=3), max_size=2),
    rendered=st.none() | st.builds(Rendered, TEXT, st.text(st.characters(exclude_categories=["Cs"]))),
)
def test_a_kept_snapshot_is_read_as_it_was(
    values: Any, sets: Any, reviews: Any, said: Any, rendered: Any
) -> None:
    kept = Snapshot(
        values=values, sets=sets, reviews=reviews, conversations=reviews, said=said, rendered=rendered
    )
    assert snapshot.load(snapshot.dump(kept)) == kept


def test_nothing_kept_is_an_empty_snapshot() -> None:
    assert snapshot.load(None) == Snapshot()


ODD = [
    "\0",
    "\u2028\u2029",
    "\u202edrow",
    "\ufeff",
    "\N{GRINNING FACE}",
    "e\u0301",
    "\uffff",
    '"\\/',
    "\U0010ffff",
]


@pytest.mark.parametrize("title", ODD, ids=ascii)
def test_odd_characters_survive(title: str) -> None:
    known = part("pull_request", on_pull("opened", pull(title=title)))
    assert snapshot.view(snapshot.load(snapshot.dump(known))).title == title


def test_the_newest_of_very_many_reviews_and_conversations_are_kept_in_any_order() -> None:
    times = [f"2026-03-10T12:{index // 60:02}:{index % 60:02}Z" for index in range(kept.MAX_KEPT + 5)]
    parts = [
        part("pull_request_review", on_review("submitted", id=1000 + index, submitted_at=time))
        for index, time in enumerate(times)
    ]
    known, reverse = Snapshot(), Snapshot()
    for one, other in zip(parts, reversed(parts), strict=True):
        known, reverse = known.merge(one), reverse.merge(other)
    assert len(known.reviews) == kept.MAX_KEPT
    assert known.reviews == reverse.reviews
    assert "1000" not in known.reviews


def with_conversations(*states: tuple[int, str]) -> Snapshot:
    known = part("pull_request", on_pull("opened"))
    for number, state in states:
        value = {"url": f"https://github.com/{number}", "state": state}
        at = f"2026-03-10T12:00:0{number}Z" if state != "gone" else "9999"
        name = str(number) if state != "gone" else deletion(str(number))
        known = known.merge(Snapshot(conversations={name: LwwRegister(at, 1, value)}))
    return known


def test_an_unresolved_conversation_is_never_dropped_for_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MAX_KEPT", 2)
    told = [(1, "unresolved"), (2, "resolved"), (3, "gone"), (4, "resolved"), (5, "unresolved")]
    for order in itertools.permutations(told):
        shown = snapshot.view(with_conversations(*order))
        assert shown.unresolved == ("https://github.com/1", "https://github.com/5")
        assert not shown.more_unresolved


def test_a_reply_that_is_all_that_is_left_is_never_dropped_for_newer_conversations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept, "MAX_KEPT", 3)
    begun, reply = on_line("created", id=7), on_line("created", id=8, in_reply_to_id=7)
    told = [begun, reply, on_line("deleted", id=7)]
    newer = [part("pull_request_review_thread", on_thread("resolved", id=number)) for number in (20, 21, 22)]
    known = part("pull_request", on_pull("opened"))
    for one in (*(part("pull_request_review_comment", payload) for payload in told), *newer):
        known = known.merge(one)
    assert [url.rpartition("_r")[2] for url in snapshot.view(known).unresolved] == ["8"]


def test_a_note_stays_of_unresolved_conversations_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MAX_KEPT", 2)
    monkeypatch.setattr(kept, "MAX_COUNTING", 2)
    known = with_conversations(*((number, "unresolved") for number in range(1, 5)))
    known = known.merge(with_conversations((3, "resolved"), (4, "resolved")))
    assert snapshot.view(known).more_unresolved
    assert len(known.conversations) <= 3


@pytest.mark.parametrize("newer", [user("cy"), user("bob", id=77)], ids=["another", "with the same login"])
def test_the_last_word_of_a_reviewer_is_never_dropped_for_newer_reviews(
    newer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAX_KEPT", 2)
    known = part("pull_request", on_pull("opened"))
    refused = on_review("submitted", id=1, state="changes_requested", user=user("bob"))
    known = known.merge(part("pull_request_review", refused))
    for number in range(2, 6):
        later = on_review("submitted", id=number, submitted_at=f"2026-03-10T13:00:0{number}Z", user=newer)
        known = known.merge(part("pull_request_review", later))
    reviewers = {one.id: one.state for one in snapshot.view(known).reviewers}
    assert reviewers == {user("bob")["id"]: "changes requested", newer["id"]: "approved"}
    assert len(known.reviews) == 2
