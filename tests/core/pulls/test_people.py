"""People are who they are by GitHub's id: a login may change, and be taken by somebody else."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.pulls.model import PullRequest
from tests.kits.core import life_deeds
from tests.kits.core.life import DEEDS, PEOPLE, Life
from tests.kits.core.pipeline import Bridge, tagged
from tests.kits.core.row import OPENED, Told
from tests.kits.core.samples import label, on_comment, on_pull, on_review, pull, team, user

assert life_deeds

LATER, LAST = "2026-03-10T12:00:01Z", "2026-03-10T12:00:02Z"
BOB_2 = user("bob-2", id=user("bob")["id"])
TAKEN = user("bob", id=77)
"""A stranger who took the login that bob gave up."""


def review(state: str, who: dict[str, Any] | None, at: str, number: int) -> Told:
    fields: Any = {"state": state, "id": number, "submitted_at": at, "user": who}
    return "pull_request_review", on_review("submitted", pull(updated_at=at), sender=who, **fields)


def listed(action: str, at: str, *, by: str = "ann", extra: Any = None, **fields: Any) -> Told:
    return "pull_request", on_pull(action, pull(updated_at=at, **fields), by=by, **(extra or {}))


ROWS: dict[str, tuple[list[Told], str, str]] = {
    "a reviewer who renamed themselves approves": (
        [review("changes_requested", user("bob"), LATER, 1), review("approved", BOB_2, LAST, 2)],
        "✓ bob-2 (approved)",
        "",
    ),
    "a stranger with the old login takes no refusal back": (
        [review("changes_requested", user("bob"), LATER, 1), review("approved", TAKEN, LAST, 2)],
        "✗ bob (changes requested), ✓ bob (approved)",
        "",
    ),
    "an old review carries the newest login": (
        [
            review("changes_requested", user("bob"), LATER, 1),
            listed("assigned", LAST, assignees=[BOB_2], extra={"assignee": BOB_2}),
        ],
        "✗ bob-2 (changes requested)",
        "bob-2",
    ),
    "asked under one login, decided under another": (
        [
            listed("review_requested", LATER, requested_reviewers=[user("bob")]),
            review("approved", BOB_2, LAST, 1),
            listed("labeled", "2026-03-10T12:00:03Z", requested_reviewers=[]),
        ],
        "✓ bob-2 (approved)",
        "",
    ),
    "asked once more under a new login": (
        [
            review("approved", user("bob"), LATER, 1),
            listed("review_requested", LAST, requested_reviewers=[BOB_2]),
        ],
        "… bob-2 (requested)",
        "",
    ),
    "taken off under a new login, within the second": (
        [
            listed("assigned", LATER, assignees=[user("bob")], extra={"assignee": user("bob")}),
            listed("unassigned", LATER, assignees=[], extra={"assignee": BOB_2}),
        ],
        "",
        "",
    ),
    "two deleted accounts": (
        [review("approved", None, LATER, 1), review("changes_requested", None, LAST, 2)],
        "✓ ghost (approved), ✗ ghost (changes requested)",
        "",
    ),
    "two deleted accounts that GitHub calls ghost": (
        [
            review("changes_requested", user("ghost", id=10137), LATER, 1),
            review("approved", user("ghost", id=10137), LAST, 2),
        ],
        "✗ ghost (changes requested), ✓ ghost (approved)",
        "",
    ),
    "a team renamed, and taken off within the second": (
        [
            listed("review_requested", LATER, requested_teams=[team("Core") | {"id": 5}]),
            listed(
                "review_request_removed",
                LATER,
                requested_teams=[],
                extra={"requested_team": team("Kernel") | {"id": 5}},
            ),
        ],
        "",
        "",
    ),
}


@pytest.mark.parametrize(
    ("told", "reviewers", "assignees"), [pytest.param(*row, id=name) for name, row in ROWS.items()]
)
def test_people_are_one_by_id(told: list[Told], reviewers: str, assignees: str) -> None:
    fields = Bridge().play([OPENED, *told]).fields()
    assert fields.get("Reviewers", "") == reviewers
    assert fields.get("Assignees", "") == assignees


def test_the_ghost_has_no_turn_that_anybody_is_tagged_for() -> None:
    gone = pull(updated_at=LATER, requested_reviewers=[user("ghost", id=10137)])
    message = Bridge().play([OPENED]).says("pull_request", on_pull("labeled", gone, label={"name": "x"}))
    assert message is None or tagged(message) == ()


# Tags


def asked(who: dict[str, Any], at: str) -> Told:
    full = pull(updated_at=at, requested_reviewers=[who])
    return "pull_request", on_pull("review_requested", full, requested_reviewer=who)


def opened(*who: dict[str, Any], body: str = "Why") -> Told:
    return "pull_request", on_pull("opened", pull(requested_reviewers=[*who], body=body))


def assigned(who: dict[str, Any], at: str) -> Told:
    return "pull_request", on_pull("assigned", pull(updated_at=at, assignees=[who]), assignee=who)


AT = "2026-03-10T12:00:00Z"
ONCE: dict[str, list[Told]] = {
    "opened, and asked in the same second": [opened(user("bob")), asked(user("bob"), AT)],
    "asked, and opened": [asked(user("bob"), AT), opened(user("bob"))],
    "asked under one login, then another": [opened(user("bob")), asked(BOB_2, LATER)],
    "mentioned, and asked": [opened(body="@bob"), asked(user("bob"), AT)],
    "asked, and mentioned": [asked(user("bob"), AT), opened(body="@Bob")],
    "mentioned, and asked a moment later": [opened(body="@bob"), asked(user("bob"), LAST)],
    "mentioned, asked and assigned": [
        opened(user("bob"), body="@bob"),
        asked(user("bob"), AT),
        assigned(user("bob"), LATER),
    ],
    "mentioned, a bot labels, and asked": [
        opened(body="@bob"),
        listed("labeled", AT, by="ci[bot]", labels=[label("x")], extra={"label": label("x")}),
        asked(user("bob"), AT),
    ],
}


@pytest.mark.parametrize("told", [pytest.param(told, id=name) for name, told in ONCE.items()])
def test_a_request_tags_a_person_once(told: list[Told]) -> None:
    bridge = Bridge()
    messages = [message for one in told if (message := bridge.says(*one))]
    found = [one for message in messages for one in message.mentions]
    assert [one.login.lower() for one in found if not one.unless_by_login] == ["bob"]


APART: dict[str, list[Told]] = {
    "minutes later": [opened(body="@bob"), asked(user("bob"), "2026-03-10T12:05:00Z")],
    "by another person": [
        opened(body="@bob"),
        listed("assigned", AT, by="cy", assignees=[user("bob")], extra={"assignee": user("bob")}),
    ],
    "in comments": [
        ("issue_comment", on_comment("created", pull(), by="ann", body="@bob", id=number))
        for number in (1, 2)
    ],
}


@pytest.mark.parametrize("told", [pytest.param(told, id=name) for name, told in APART.items()])
def test_each_deed_tags_a_person(told: list[Told]) -> None:
    bridge = Bridge().play([OPENED])
    assert [tagged(message) for one in told if (message := bridge.says(*one))] == [("bob",), ("bob",)]


def test_being_asked_again_tags_again() -> None:
    bridge = Bridge().play([opened(user("bob")), review("approved", user("bob"), LATER, 1)])
    message = bridge.says(*asked(user("bob"), LAST))
    assert message is not None
    assert tagged(message) == ("bob",)


def test_a_text_that_names_somebody_at_work_tags_the_account() -> None:
    bridge = Bridge().play([OPENED, asked(BOB_2, LATER)])
    body = "@Bob-2 and @cy, and @bob-2 once more"
    comment = on_comment("created", pull(updated_at=LAST), by="dee", body=body)
    message = bridge.says("issue_comment", comment)
    assert message is not None
    assert [(one.login, one.id) for one in message.mentions] == [("bob-2", BOB_2["id"]), ("cy", 0)]


TAKEN_OVER: dict[str, list[Told]] = {
    "asked since": [review("approved", user("bob"), LATER, 1), asked(TAKEN, LAST)],
    "assigned since": [
        asked(user("bob"), LATER),
        listed("assigned", LAST, assignees=[TAKEN], extra={"assignee": TAKEN}),
    ],
}


@pytest.mark.parametrize("told", [pytest.param(told, id=name) for name, told in TAKEN_OVER.items()])
def test_a_text_means_who_has_the_login_now(told: list[Told]) -> None:
    comment = on_comment("created", pull(updated_at=LAST), by="dee", body="@bob")
    message = Bridge().play([OPENED, *told]).says("issue_comment", comment)
    assert message is not None
    assert [one.id for one in message.mentions if one.login == "bob"] == [TAKEN["id"]]


def test_nobody_is_tagged_for_what_they_did_under_a_new_login() -> None:
    bridge = Bridge().play([OPENED])
    full = pull(updated_at=LATER, assignees=[user("ann")])
    payload = on_pull("assigned", full, assignee=user("ann"))
    message = bridge.says("pull_request", payload | {"sender": user("ann-2", id=user("ann")["id"])})
    assert message is not None
    assert message.mentions == ()


# Whoever renames themselves, whenever


def renamed(told: Told, who: str) -> Told:
    """The delivery as GitHub writes it once somebody has another login."""
    old, new = json.dumps(user(who)), json.dumps(user(f"{who}-2", id=user(who)["id"]))
    event, payload = told
    return event, json.loads(json.dumps(payload).replace(old, new))


def test_a_rename_is_one() -> None:
    assert renamed(asked(user("bob"), LATER), "bob") == asked(BOB_2, LATER)


def by_id(pull_request: PullRequest) -> Any:
    reviewers = sorted((one.id, one.state) for one in pull_request.reviewers)
    return reviewers, sorted(one.id for one in pull_request.assignees), pull_request.author.id


@settings(max_examples=60, deadline=None)
@given(
    plan=st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(0, 2), st.just(True)), max_size=16),
    who=st.sampled_from(PEOPLE),
    since=st.integers(0, 16),
    order=st.randoms(use_true_random=False),
)
def test_a_rename_changes_names_and_nothing_else(plan: Any, who: str, since: int, order: Any) -> None:
    sent = Life().play(plan).sent
    after = [renamed(told, who) if index >= since else told for index, told in enumerate(sent)]
    order.shuffle(after)
    before, now = Bridge().play(sent), Bridge().play(after)
    assert by_id(now.pull()) == by_id(before.pull())
    turns = [one.fields().get("Turn", "").replace(f"{who}-2", who) for one in (before, now)]
    assert turns[0] == turns[1]
