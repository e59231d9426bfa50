"""Title, status and buttons of one message agree, whatever a payload says beside its action."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.pulls import extract, snapshot, states
from bridge.core.pulls.lww import moment
from tests.core.messages.events.test_pulls import ACTIONS
from tests.kits.core.pipeline import Bridge, delivery
from tests.kits.core.samples import milestone, on_comment, on_pull, on_review, pull, user

AT = "2026-03-10T12:00:00Z"
READ_AT = 1_773_144_010
MISSING: Any = object()
VALUES: dict[str, list[Any]] = {
    "state": [MISSING, "open", "closed", "reticulated"],
    "merged": [MISSING, None, False, True],
    "merged_at": [MISSING, None, AT],
    "draft": [MISSING, None, False, True],
}
CONTRADICTING = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})


def told(action: str, **fields: Any) -> dict[str, Any]:
    """A delivery; a field may be missing."""
    chosen = {name: value for name, value in fields.items() if value is not MISSING}
    kept = {name: value for name, value in pull().items() if name not in fields}
    extra: dict[str, Any] = {"before": "b" * 40, "after": "c" * 40} if action == "synchronize" else {}
    return on_pull(action, {**kept, **chosen}, **extra)


ANY_OF = {
    "opened": {"open", "draft"},
    "reopened": {"open", "draft"},
    "closed": {"closed", "merged"},
    "converted_to_draft": {"draft", "closed", "merged"},
    "ready_for_review": {"open", "closed", "merged"},
}
"""The statuses that go with an action."""


@settings(max_examples=300, deadline=None)
@given(action=st.sampled_from(ACTIONS), fields=CONTRADICTING)
def test_title_status_and_buttons_of_one_message_agree(action: str, fields: dict[str, Any]) -> None:
    bridge = Bridge()
    message = bridge.says("pull_request", told(action, **fields))
    if not bridge.snapshot().is_known:
        assert message is None
        return
    status = bridge.thread()["status"]["value"]
    buttons = {one["name"] for one in bridge.thread()["actions"] if one["@type"] == "UpdateAction"}
    assert status in ANY_OF.get(action, {"open", "draft", "closed", "merged", "queued"})
    if message is not None:
        assert ("Merged" in message.title) == (status == "merged" and action == "closed")
        assert ("draft" in message.title) <= (status != "open")
    assert ("Merge" in buttons) == (status == "open")
    assert ("Close" in buttons) == (status in ("open", "draft", "queued"))
    assert ("Reopen" in buttons) == (status == "closed")
    assert ("Ready for review" in buttons) == (status == "draft")


ROWS: list[tuple[str, str, dict[str, Any], str, bool]] = [
    # What it is, the action, what its payload says; the status, and whether GitHub is asked.
    ("closed", "closed", {"state": "closed"}, "closed", False),
    ("merged", "closed", {"state": "closed", "merged": True, "merged_at": AT}, "merged", False),
    ("closed, said to be open", "closed", {"state": "open"}, "closed", True),
    ("closed, open, no merge told", "closed", {"state": "open", "merged_at": MISSING}, "closed", True),
    ("closed, without a state", "closed", {"state": MISSING}, "closed", False),
    ("merged, said to be open", "closed", {"state": "open", "merged_at": AT}, "merged", True),
    ("merged, at no time", "closed", {"state": "closed", "merged": True}, "merged", True),
    ("merged at a time, and not", "closed", {"state": "closed", "merged_at": AT}, "merged", True),
    (
        "closed, perhaps merged",
        "closed",
        {"state": "closed", "merged": MISSING, "merged_at": MISSING},
        "closed",
        True,
    ),
    ("closed, null", "closed", {"state": "closed", "merged": None}, "closed", False),
    ("reopened, said to be closed", "reopened", {"state": "closed"}, "open", True),
    ("opened, merged before it was drawn", "opened", {"state": "closed", "merged": True}, "open", True),
    ("draft, where nothing says so", "converted_to_draft", {"draft": MISSING}, "draft", False),
    ("draft, said to be ready", "converted_to_draft", {"draft": False}, "draft", True),
    ("ready, said to be a draft", "ready_for_review", {"draft": True}, "open", True),
    ("ready, where nothing says so", "ready_for_review", {"draft": MISSING}, "open", False),
    ("no action on the state", "labeled", {"state": "open", "merged_at": AT}, "merged", True),
]


@pytest.mark.parametrize(
    ("action", "fields", "status", "asks"), [pytest.param(*row[1:], id=row[0]) for row in ROWS]
)
def test_the_action_says_what_happened(action: str, fields: dict[str, Any], status: str, asks: bool) -> None:
    defaults: dict[str, Any] = {"merged": False if "merged_at" in fields else pull()["merged"]}
    payload = told(action, **{**defaults, **fields})
    bridge = Bridge().play([("pull_request", payload)])
    assert bridge.thread()["status"]["value"] == status
    assert states.is_doubtful(delivery("pull_request", payload)) is asks


def test_a_comment_on_a_closed_one_asks_only_where_no_merge_is_told() -> None:
    payload = on_comment("created", pull(state="closed"))
    assert not states.is_doubtful(delivery("issue_comment", payload))
    del payload["issue"]["pull_request"]["merged_at"]
    assert states.is_doubtful(delivery("issue_comment", payload))
    assert not states.is_doubtful(
        delivery("pull_request_review", on_review("submitted", pull(state="closed")))
    )


@pytest.mark.parametrize(
    ("told_first", "answer", "status", "words"),
    [
        pytest.param(*row, id=row[2])
        for row in (
            (
                told("closed", state="closed", merged=MISSING, merged_at=MISSING),
                {"state": "closed", "merged": True, "merged_at": AT},
                "merged",
                "Status: merged",
            ),
            (told("closed", state="open"), {"state": "open"}, "open", "Status: open"),
            (told("converted_to_draft", draft=False), {"draft": True}, "draft", None),
        )
    ],
)
@pytest.mark.parametrize("first", ["delivery", "answer"])
def test_githubs_answer_is_the_last_word_in_any_order(
    told_first: dict[str, Any], answer: dict[str, Any], status: str, words: str | None, first: str
) -> None:
    read = {**on_pull("", pull(**answer)), "read_at": READ_AT}
    steps = [("pull_request", told_first), ("bridge.mergeable", read)]
    bridge = Bridge()
    messages = [bridge.says(*step) for step in (steps if first == "delivery" else steps[::-1])]
    assert bridge.thread()["status"]["value"] == status
    if first == "delivery":
        assert (messages[1].title if messages[1] else None) == words


def test_events_after_githubs_answer_count() -> None:
    read = {**on_pull("", pull(state="closed")), "read_at": READ_AT}
    bridge = Bridge().play([("pull_request", told("closed", state="open")), ("bridge.mergeable", read)])
    bridge.tell("pull_request", on_pull("reopened", pull(updated_at="2026-03-10T12:00:01Z")))
    assert bridge.thread()["status"]["value"] == "open"


NAMED: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("assigned", "assigned", {"assignee": user("bob")}, "Assignees", "bob"),
    ("asked", "review_requested", {"requested_reviewer": user("bob")}, "Reviewers", "… bob (requested)"),
    ("labelled", "labeled", {"label": {"name": "bug"}}, "Labels", "bug"),
    ("planned", "milestoned", {"milestone": milestone("1.0")}, "Milestone", "1.0"),
]


@pytest.mark.parametrize(
    ("action", "extra", "label", "shown"), [pytest.param(*row[1:], id=row[0]) for row in NAMED]
)
def test_a_value_named_by_the_action_is_shown_though_the_payload_does_not_list_it(
    action: str, extra: dict[str, Any], label: str, shown: str
) -> None:
    bridge = Bridge().play([("pull_request", on_pull(action, pull(), **extra))])
    assert bridge.fields()[label] == shown


@pytest.mark.parametrize("action", ["auto_merge_enabled", "auto_merge_disabled"])
@pytest.mark.parametrize("auto_merge", [MISSING, None, {"merge_method": "squash"}])
def test_auto_merge_is_what_the_action_says(action: str, auto_merge: Any) -> None:
    known = extract.delta(delivery("pull_request", told(action, auto_merge=auto_merge)))
    assert snapshot.view(known).auto_merge is (action == "auto_merge_enabled")
    assert known.values["auto_merge"].at == moment(AT)
