"""The pull request as bridge knows it: read from every kind of payload, the newest state in any order."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core import snapshot
from bridge.core.snapshot import Branch, Person, PullRequest
from tests.core.story import Story, changed, payload_of

OPENED = snapshot.from_payload(Story(body="Why").payload)


# Reading


def test_a_payload_is_read_into_words() -> None:
    story = Story(body="Because", draft=True)
    payload = story.payload
    pull = payload["pull_request"]
    assert snapshot.from_payload(payload) == PullRequest(
        repository="acme/component",
        number=1,
        url="https://github.com/acme/component/pull/1",
        title="Fix bug in thread API",
        body="Because",
        state="open",
        draft=True,
        merged=False,
        author=Person(login="ann-gh", url="https://github.com/ann-gh"),
        head=Branch(
            ref="fix",
            sha=pull["head"]["sha"],
            repository="acme/component",
            repository_url="https://github.com/acme/component",
        ),
        base=Branch(
            ref="main",
            sha=pull["base"]["sha"],
            repository="acme/component",
            repository_url="https://github.com/acme/component",
        ),
        assignees=(),
        created_at=pull["created_at"],
        updated_at=pull["updated_at"],
        closed_at="",
    )
    assert snapshot.from_payload(payload).owner_and_name == ("acme", "component")


@pytest.mark.parametrize(
    ("action", "state", "draft", "merged"),
    [
        ("opened", "open", False, False),
        ("converted_to_draft", "open", True, False),
        ("ready_for_review", "open", False, False),
        ("closed", "closed", False, False),
        ("merged", "closed", False, True),
        ("reopened", "open", False, False),
    ],
)
def test_the_state_is_read_after_each_action(action: str, state: str, draft: bool, merged: bool) -> None:
    pull = snapshot.from_payload(payload_of(action))
    assert (pull.state, pull.draft, pull.merged) == (state, draft, merged)
    assert bool(pull.closed_at) == (state == "closed")


def test_assignees_are_read_in_githubs_order() -> None:
    story = Story()
    story.do("assign", assignee="cy-gh")
    story.do("assign", assignee="bob-gh")
    pull = snapshot.from_payload(story.payload)
    assert [user.login for user in pull.assignees] == ["cy-gh", "bob-gh"]


def test_a_fork_is_told_from_the_repository() -> None:
    pull = snapshot.from_payload(Story("dee-gh").payload)
    assert pull.head.repository == "dee-gh/component"
    assert pull.head.repository_url == "https://github.com/dee-gh/component"
    assert pull.base.repository == "acme/component"


def test_a_merge_is_seen_in_a_reviews_payload_which_does_not_say_merged() -> None:
    story = Story()
    story.do("merge", "cy-gh")
    story.do("comment", "bob-gh", body="late")
    review = story.do("approve", "bob-gh")
    assert "merged" not in review["pull_request"]
    assert snapshot.from_payload(review).merged


# GitHub's OpenAPI description has these null somewhere or other; Octokit's older schemas do not know all.
NULLS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("no body", {"body": None}, {"body": ""}),
    ("a deleted author", {"user": None}, {"author": Person(login="ghost", url="")}),
    ("a null among the assignees", {"assignees": [None]}, {"assignees": ()}),
    ("no assignees", {"assignees": None}, {"assignees": ()}),
    ("not closed", {"closed_at": None, "merged_at": None}, {"closed_at": "", "merged": False}),
    ("no word on drafts", {"draft": None}, {"draft": False}),
]


@pytest.mark.parametrize(
    ("fields", "read"), [pytest.param(fields, read, id=name) for name, fields, read in NULLS]
)
def test_what_may_be_null_is_read(fields: dict[str, Any], read: dict[str, Any]) -> None:
    payload = Story().payload
    payload["pull_request"].update(fields)
    assert snapshot.from_payload(payload) == replace(snapshot.from_payload(payload), **read)


def test_a_deleted_fork_leaves_the_branch_without_a_repository() -> None:
    payload = Story("dee-gh").payload
    payload = changed(payload, head={**payload["pull_request"]["head"], "repo": None})
    head = snapshot.from_payload(payload).head
    assert (head.ref, head.repository, head.repository_url) == ("fix", "", "")


def test_of_a_long_description_only_the_beginning_is_kept() -> None:
    pull = snapshot.from_payload(Story(body="x" * 100_000).payload)
    assert pull.body == "x" * snapshot.MAX_BODY


# The newest state


def at(second: int, **fields: Any) -> PullRequest:
    return replace(OPENED, updated_at=f"2026-03-10T12:00:{second:02}Z", **fields)


OPEN = {"state": "open"}
CLOSED = {"state": "closed", "closed_at": "2026-03-10T12:00:00Z"}
MERGED = {**CLOSED, "merged": True}

NEWEST: list[tuple[str, PullRequest | None, PullRequest, str, str]] = [
    ("the first is the newest", None, at(1), "opened", "incoming"),
    ("later", at(1), at(2), "edited", "incoming"),
    ("earlier", at(2), at(1), "edited", "known"),
    ("closed, then an earlier edit", at(2, **CLOSED), at(1), "edited", "known"),
    ("open, then an earlier close", at(2), at(1, **CLOSED), "closed", "known"),
    ("closed, reopened later", at(1, **CLOSED), at(2), "reopened", "incoming"),
    ("closed, an earlier reopening", at(2, **CLOSED), at(1), "reopened", "known"),
    ("open, merged later", at(1), at(2, **MERGED), "closed", "incoming"),
    ("open, merged at an earlier time", at(2), at(1, **MERGED), "closed", "incoming"),
    ("merged, then a later one that is not", at(1, **MERGED), at(2), "edited", "known"),
    ("merged, a later reopening", at(1, **MERGED), at(2), "reopened", "known"),
    ("merged, labelled later", at(1, **MERGED), at(2, **MERGED), "labeled", "incoming"),
    ("merged, labelled earlier", at(2, **MERGED), at(1, **MERGED), "labeled", "known"),
    ("same second, two edits", at(1), at(1, title="b"), "edited", "incoming"),
    ("same second, opened comes late", at(1, title="b"), at(1), "opened", "known"),
    ("same second, opened comes first", at(1), at(1, title="b"), "edited", "incoming"),
    ("same second, closed then an edit", at(1, **CLOSED), at(1), "edited", "known"),
    ("same second, closed then a push", at(1, **CLOSED), at(1), "synchronize", "known"),
    ("same second, closed then reopened", at(1, **CLOSED), at(1), "reopened", "incoming"),
    ("same second, open then closed", at(1), at(1, **CLOSED), "closed", "incoming"),
    ("same second, closed then opened", at(1, **CLOSED), at(1), "opened", "known"),
    ("same second, merged then an edit", at(1, **MERGED), at(1), "edited", "known"),
    ("same second, merged then reopened", at(1, **MERGED), at(1), "reopened", "known"),
    ("same second, open then merged", at(1), at(1, **MERGED), "closed", "incoming"),
    (
        "across a minute",
        replace(at(0), updated_at="2026-03-10T12:09:59Z"),
        replace(at(0), updated_at="2026-03-10T12:10:00Z"),
        "edited",
        "incoming",
    ),
    (
        "across a year",
        replace(at(0), updated_at="2025-12-31T23:59:59Z"),
        replace(at(0), updated_at="2026-01-01T00:00:00Z"),
        "edited",
        "incoming",
    ),
]


@pytest.mark.parametrize(
    ("known", "incoming", "action", "stands"), [pytest.param(*row, id=name) for name, *row in NEWEST]
)
def test_the_newer_state_stands(
    known: PullRequest | None, incoming: PullRequest, action: str, stands: str
) -> None:
    # Told apart by more than what they are compared by.
    incoming = replace(incoming, body="incoming")
    chosen = snapshot.newest(known, incoming, action=action)
    assert chosen is (incoming if stands == "incoming" else known)


def whole_story(*, tick: bool = True) -> Story:
    """All that can happen to a pull request, merged in the end."""
    story = Story(draft=True, tick=tick)
    story.do("ready")
    story.do("edit", title="Another title")
    story.do("assign", assignee="cy-gh")
    story.do("push")
    story.do("close")
    story.do("reopen")
    story.do("unassign", assignee="cy-gh")
    story.do("draft")
    return story


STORY = [(payload["action"], snapshot.from_payload(payload)) for payload in whole_story().payloads]
STEPS = range(len(STORY))


def fold(deliveries: list[tuple[str, PullRequest]]) -> PullRequest | None:
    known: PullRequest | None = None
    for action, pull in deliveries:
        known = snapshot.newest(known, pull, action=action)
    return known


ORDERS = st.tuples(st.permutations(STEPS), st.lists(st.sampled_from(STEPS), max_size=8)).flatmap(
    lambda both: st.permutations([*both[0], *both[1]])
)


@settings(max_examples=2500, deadline=None)
@given(order=ORDERS)
def test_in_any_order_and_however_often_repeated_the_newest_state_stands(order: list[int]) -> None:
    assert fold([STORY[step] for step in order]) == STORY[-1][1]


@settings(max_examples=2500, deadline=None)
@given(order=ORDERS, end=st.integers(1, len(STORY)))
def test_of_what_has_come_so_far_the_newest_stands(order: list[int], end: int) -> None:
    come = order[:end]
    assert fold([STORY[step] for step in come]) == STORY[max(come)][1]


def merged_story() -> list[tuple[str, PullRequest]]:
    story = whole_story()
    story.do("ready")
    story.do("merge", "cy-gh")
    story.do("label", label="bug")
    return [(payload["action"], snapshot.from_payload(payload)) for payload in story.payloads]


MERGED_STORY = merged_story()


@settings(max_examples=2500, deadline=None)
@given(order=st.permutations(range(len(MERGED_STORY))), repeats=st.lists(st.sampled_from(STEPS), max_size=5))
def test_once_merged_a_pull_request_stays_so_whatever_comes_later(
    order: list[int], repeats: list[int]
) -> None:
    known: PullRequest | None = None
    merged = False
    for step in [*order, *repeats]:
        action, pull = MERGED_STORY[step]
        known = snapshot.newest(known, pull, action=action)
        merged = merged or pull.merged
        assert known.merged == merged
    assert known == MERGED_STORY[-1][1]


@pytest.mark.parametrize("deed", ["edit", "assign", "push", "close", "draft"])
def test_what_happens_in_the_second_of_the_opening_is_newer_than_it(deed: str) -> None:
    story = Story(tick=False)
    story.do(deed, title="Another title", assignee="cy-gh")
    # The clock may have gone on between the two.
    told = [
        (payload["action"], replace(snapshot.from_payload(payload), updated_at=OPENED.updated_at))
        for payload in story.payloads
    ]
    for order in itertools.permutations([0, 0, 1, 1]):
        assert fold([told[step] for step in order]) == told[1][1]


# Keeping

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
PEOPLE = st.builds(Person, login=TEXT, url=TEXT)
BRANCHES = st.builds(Branch, ref=TEXT, sha=TEXT, repository=TEXT, repository_url=TEXT)
PULLS = st.builds(
    PullRequest,
    repository=TEXT,
    number=st.integers(1, 2**63 - 1),
    url=TEXT,
    title=TEXT,
    body=TEXT,
    state=st.sampled_from(["open", "closed"]),
    draft=st.booleans(),
    merged=st.booleans(),
    author=PEOPLE,
    head=BRANCHES,
    base=BRANCHES,
    assignees=st.lists(PEOPLE, max_size=3).map(tuple),
    created_at=TEXT,
    updated_at=TEXT,
    closed_at=TEXT,
)


@settings(max_examples=2500, deadline=None)
@given(pull=PULLS)
def test_a_kept_snapshot_is_read_as_it_was(pull: PullRequest) -> None:
    assert snapshot.load(snapshot.dump(pull)) == pull


@pytest.mark.parametrize(
    "title",
    [
        "\0",
        "\u2028\u2029",
        "\u202edrow",
        "\ufeff",
        "\N{GRINNING FACE}",
        "e\u0301",
        "\uffff",
        '"\\/',
        "\U0010ffff",
    ],
    ids=ascii,
)
def test_odd_characters_survive(title: str) -> None:
    assert snapshot.load(snapshot.dump(replace(OPENED, title=title))).title == title
