"""A delivery to what goes out about it: who gets it, under which name, and what needs no word."""

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.messages import translate, updates
from bridge.core.messages.addressing import message_uuid
from bridge.core.model import Connection
from bridge.core.pulls import checks, own_events, snapshot
from tests.examples import example
from tests.kits.core import check_samples
from tests.kits.core.life import AUTO_MERGE
from tests.kits.core.page import text
from tests.kits.core.pipeline import NUMBER, Bridge, connection, delivery, tagged
from tests.kits.core.pull_rows import did
from tests.kits.core.row import OPENED, Told
from tests.kits.core.samples import (
    PAGE,
    label,
    on_comment,
    on_line,
    on_pull,
    on_review,
    on_thread,
    pull,
    repository,
    user,
)

LATER = "2026-03-10T12:00:01Z"


def changed(second: int, **fields: Any) -> Told:
    """A delivery of an action that bridge has no words for."""
    full = pull(updated_at=f"2026-03-10T12:00:0{second}Z", **fields)
    return ("pull_request", on_pull("teleported", full))


def ruled(second: int, **rules: Any) -> Told:
    """bridge's reading of the base branch's rules."""
    return (own_events.RULES, {**on_pull(""), "rules": {"branch": "main", **rules}, "read_at": second})


def closed() -> Told:
    return ("pull_request", on_pull("closed", pull(state="closed", updated_at=LATER)))


def test_a_delivery_becomes_a_message_for_each_connection() -> None:
    out = Bridge(connection("main"), connection("ops")).tell(*OPENED)
    assert [one.connection.id for one in out] == ["main", "ops"]
    assert {one.message.title for one in out} == {"Opened pull request"}
    assert len({one.uuid for one in out}) == 2
    assert {one.number for one in out} == {2}


def test_a_late_delivery_is_still_told_but_does_not_turn_the_state_back() -> None:
    bridge = Bridge().play([closed()])
    before = bridge.thread()
    message = bridge.says(*OPENED)
    assert message is not None
    assert message.title == "Opened pull request"
    assert bridge.thread() == before
    assert before["status"]["value"] == "closed"


def test_without_a_connection_that_wants_it_the_state_is_kept() -> None:
    bridge = Bridge(connection(bases=("release/*",))).play([OPENED])
    assert bridge.tell(*closed()) == []
    assert bridge.thread()["status"]["value"] == "closed"


def test_a_repeated_delivery_has_the_same_uuid() -> None:
    first, again = (Bridge().tell(*OPENED)[0].uuid for _ in range(2))
    assert first == again


def test_a_review_that_was_told_early_and_the_update_after_it_have_each_a_uuid() -> None:
    bridge = Bridge()
    bridge.waits = True
    bridge.play(
        [OPENED, ("pull_request_review", on_review("submitted", body="Two things.", state="commented"))]
    )
    told = bridge.tell(*did("converted_to_draft", draft=True))
    for name in ("bug", "docs"):
        labels = [label(one) for one in ("bug", "docs")][: 1 + (name == "docs")]
        told += bridge.tell(*did("labeled", extra={"label": label(name)}, labels=labels, draft=True))
    bridge.now += updates.SECONDS + 1
    told += bridge.settle()
    assert [text(one.message.title) for one in told] == [
        "Reviewed",
        "Converted to draft",
        "Labels: bug",
        "Labels: bug, docs",
    ]
    assert len({one.uuid for one in told}) == len(told)


def test_a_message_has_the_uuid_that_earlier_versions_gave_it() -> None:
    """Change it, and a delivery under way during an upgrade is no longer known as a repeat."""
    assert (
        message_uuid("72d3162e-cc78-11e3-81ab-4c9367dc0958", "main", 0)
        == "663a69e4-01eb-522d-8ef0-a09191203ca4"
    )


IDS = st.tuples(
    st.uuids().map(str),
    st.text("0123456789abcdef", max_size=12),
    st.integers(0, 9),
    st.sampled_from(["", "/update", "/leaving"]),
)


@settings(max_examples=60, deadline=None)
@given(one=IDS, other=IDS)
def test_a_uuid_tells_messages_apart(
    one: tuple[str, str, int, str], other: tuple[str, str, int, str]
) -> None:
    first, second = message_uuid(*one), message_uuid(*other)
    assert (first == second) == (one == other)
    assert (uuid.UUID(first).version, uuid.UUID(first).variant) == (5, uuid.RFC_4122)


@pytest.mark.parametrize(
    ("full_name", "thread_id"),
    [("acme/component", "github:component:pr:42"), ("acme/.github", "github:.github:pr:42")],
)
def test_a_thread_is_named_after_the_repository_when_it_was_connected(full_name: str, thread_id: str) -> None:
    connected = Connection(
        id="main", repository=full_name, repository_id=1, name="", flow_token="token", created_at=0
    )
    assert connected.thread_id(42) == thread_id


# What is needed, and about which pull request


@pytest.mark.parametrize(
    ("event", "payload", "needed"),
    [
        ("pull_request", {"pull_request": {"number": 1}, "repository": {}}, True),
        ("pull_request", {"pull_request": {"number": 1}}, False),
        ("pull_request", {"repository": {}}, False),
        ("pull_request", {"pull_request": {}, "repository": {}}, False),
        ("pull_request", {"pull_request": {"number": True}, "repository": {}}, False),
        ("pull_request", {"pull_request": {"number": "1"}, "repository": {}}, False),
        ("pull_request", {"pull_request": None, "repository": {}}, False),
        ("pull_request", {"pull_request": [], "repository": {}}, False),
        ("pull_request", {"pull_request": {"number": 1}, "repository": "acme/component"}, False),
        ("PULL_REQUEST", {"pull_request": {"number": 1}, "repository": {}}, False),
        ("issue_comment", {"issue": {"number": 1}, "repository": {}}, False),
        ("issue_comment", {"issue": {"number": 1, "pull_request": {}}, "repository": {}}, False),
        ("issue_comment", {"issue": {"number": 1, "pull_request": {"url": "x"}}, "repository": {}}, True),
        ("issue_comment", {"issue": None, "repository": {}}, False),
        ("issues", {"issue": {"number": 1}, "repository": {}}, False),
        ("ping", {"repository": {}}, False),
        ("star", {"repository": {}}, False),
        *(
            (own, {"pull_request": {"number": 1}, "repository": {}}, False)
            for own in sorted(translate.OWN_EVENTS)
        ),
        *((event, {"repository": {}}, True) for event in sorted(checks.EVENTS)),
        *((event, {"repository": {}}, True) for event in ("repository", "meta", "push")),
        *((event, {}, False) for event in ("repository", "meta", "push", "check_run")),
    ],
    ids=repr,
)
def test_needed_is_what_can_concern_a_thread(event: str, payload: dict[str, Any], needed: bool) -> None:
    assert translate.is_needed(delivery(event, payload)) is needed


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("pull_request", on_pull("opened")),
        ("pull_request_review", on_review("submitted")),
        ("pull_request_review_comment", on_line("created")),
        ("pull_request_review_thread", on_thread("resolved")),
        ("issue_comment", on_comment("created")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_events_about_a_pull_request_name_it(event: str, payload: dict[str, Any]) -> None:
    assert translate.subject(delivery(event, payload)) == 2


@pytest.mark.parametrize("event", ["push", "check_run", "status", "repository", "ping", "issues"])
def test_others_do_not(event: str) -> None:
    assert translate.subject(delivery(event, {"pull_request": {"number": 1}})) is None


# The repository


def owner(kind: str) -> dict[str, Any]:
    return {"owner": {"from": {kind: {"login": "octo"}}}}


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"repository": {"name": {"from": "old"}}}, ["acme/old"]),
        (owner("user"), ["octo/component"]),
        (owner("organization"), ["octo/component"]),
        ({**owner("user"), "repository": {"name": {"from": "old"}}}, ["octo/old"]),
        ({"owner": {"from": {"user": None, "organization": {"login": "octo"}}}}, ["octo/component"]),
        ({"default_branch": {"from": "master"}}, []),
        ({"owner": {"from": {}}}, []),
        ({}, []),
        (None, []),
    ],
    ids=str,
)
def test_a_repository_is_known_by_its_former_name(changes: Any, names: list[str]) -> None:
    payload = {"action": "renamed", "repository": repository(), "changes": changes}
    assert translate.former_names(delivery("repository", payload)) == names


def test_former_names_are_read_from_what_github_sends() -> None:
    renamed, transferred = example("repository", "renamed"), example("repository", "transferred")
    assert translate.former_names(delivery("repository", renamed)) == ["Octocoders/Hello-World"]
    assert translate.former_names(delivery("repository", transferred)) == ["octocat/Hello-World"]
    assert translate.former_names(delivery(*OPENED)) == []


@pytest.mark.parametrize(
    ("event", "payload", "branch"),
    [
        ("push", {"ref": "refs/heads/main"}, "main"),
        ("push", {"ref": "refs/heads/feature/x"}, "feature/x"),
        ("push", {"ref": "refs/heads/main", "deleted": True}, ""),
        ("push", {"ref": "refs/tags/v1"}, ""),
        ("push", {"ref": None}, ""),
        ("push", {}, ""),
        ("create", {"ref": "refs/heads/main"}, ""),
    ],
    ids=str,
)
def test_a_push_names_the_branch_that_it_moved(event: str, payload: dict[str, Any], branch: str) -> None:
    assert translate.pushed_branch(delivery(event, payload)) == branch


# Conflict watch: what bridge read of a pull request, as a delivery of its own


def looked(mergeable: bool | None, *, at: int = 1773144060) -> Told:
    sender = {"login": "GitHub"}
    payload = {"action": "", "repository": repository(), "pull_request": pull(mergeable=mergeable)}
    return (own_events.MERGEABLE, {**payload, "sender": sender, "read_at": at})


WATCHES: list[tuple[str, list[bool | None], list[str]]] = [
    ("no conflict", [True], []),
    ("a conflict", [False], ["Found conflicts with main"]),
    ("still", [False, False], ["Found conflicts with main"]),
    ("mended", [False, True], ["Found conflicts with main", "No more conflicts with main"]),
    ("not worked out in between", [False, None, False], ["Found conflicts with main"]),
    (
        "twice",
        [False, True, True, False],
        ["Found conflicts with main", "No more conflicts with main", "Found conflicts with main"],
    ),
]


@pytest.mark.parametrize(("mergeable", "said"), [pytest.param(*row, id=name) for name, *row in WATCHES])
def test_a_conflict_is_told_once_and_once_when_it_is_mended(
    mergeable: list[bool | None], said: list[str]
) -> None:
    bridge = Bridge().play([OPENED])
    told = [looked(each, at=1773144060 + index) for index, each in enumerate(mergeable)]
    assert [message.title for one in told if (message := bridge.says(*one))] == said
    turn = "conflicts with the base branch" if mergeable[-1] is False else "to ask for a review"
    assert bridge.fields()["Turn"] == f"ann ({turn})"


def test_a_later_reading_of_mergeable_stands_against_an_earlier_one() -> None:
    """GitHub works it out in the background, without changing the pull request's own time."""
    bridge = Bridge().play([OPENED, looked(False)])
    bridge.tell("pull_request", on_pull("labeled", pull(updated_at=LATER, mergeable=True)))
    assert bridge.pull().mergeable is False
    bridge.tell("pull_request", on_pull("labeled", pull(updated_at="2026-03-10T13:00:00Z", mergeable=None)))
    assert bridge.pull().mergeable is None


# A change without words of its own


ALLOWED = {**pull()["base"], "repo": {**pull()["base"]["repo"], "allow_auto_merge": True}}
AT_ONCE: list[tuple[str, list[Told], list[str]]] = [
    (
        "status",
        [changed(1, draft=True), changed(2)],
        ["Status: draft", "Status: open"],
    ),
    (
        "turn",
        [changed(1, requested_reviewers=[user("bob")]), changed(2)],
        ["Turn: bob (to review)", "Turn: ann (to ask for a review)"],
    ),
    ("a new login of the one whose turn it is", [changed(1, user={**user("ann"), "login": "ann-2"})], []),
    (
        "buttons",
        [changed(1, base=ALLOWED), changed(2, base=ALLOWED, auto_merge=AUTO_MERGE), changed(3)],
        [
            "Now available: Enable auto-merge",
            "Now available: Disable auto-merge",
            "Buttons: Assign to me, Close, Approve, Request my review, Merge, Squash",
        ],
    ),
    (
        "what the branch demands",
        [ruled(1, approvals=1), ruled(2, approvals=2), ruled(3)],
        ["To merge: 0 of 1 approval", "To merge: 0 of 2 approvals", "To merge: nothing missing"],
    ),
    (
        "requirements that no account can read any longer",
        [ruled(1, approvals=1), ruled(2, is_known=False), ruled(3, approvals=1)],
        ["To merge: 0 of 1 approval"],
    ),
    ("nothing", [changed(1), ruled(2), changed(3)], []),
]


@pytest.mark.parametrize(("told", "said"), [pytest.param(*row, id=name) for name, *row in AT_ONCE])
def test_a_change_that_people_act_on_is_told_at_once(told: list[Told], said: list[str]) -> None:
    bridge = Bridge().play([OPENED])
    assert [text(message.title) for one in told if (message := bridge.says(*one))] == said


def test_a_part_of_a_thread_that_an_older_version_did_not_note_did_not_change() -> None:
    """As after an update: no delivery may become a dead letter for it."""
    names = Bridge().play([OPENED]).snapshot().said["shown"]
    assert len(names) >= 8
    for name in names:
        bridge = Bridge(connection(labels=False)).play([OPENED])
        known = bridge.snapshot()
        noted = {one: value for one, value in known.said["shown"].items() if one != name}
        bridge.snapshots[NUMBER] = snapshot.dump(known.saying(shown=noted))
        assert bridge.tell(*changed(1)) == [], name
        bridge.tell("check_run", check_samples.run("a", "failure"))
        [closing] = bridge.tell(*closed())
        assert closing.message.title == "Closed pull request"


def test_one_message_about_labels_is_posted_a_minute() -> None:
    bridge = Bridge().play([OPENED])
    names = [[label(one) for one in ("bug", "docs", "ui")][:count] for count in (1, 2, 3)]
    said = [bridge.says(*changed(at, labels=labels)) for at, labels in enumerate(names, start=1)]
    assert [message and message.title for message in said] == ["Labels: bug", None, None]
    bridge.now += updates.SECONDS
    late = bridge.says(*changed(4, labels=names[2]))
    assert late is not None
    assert late.title == "Labels: bug, docs, ui"


# Whose turn it is, told once


def asked(login: str, at: str) -> Told:
    full = pull(updated_at=at, requested_reviewers=[user(login)])
    return ("pull_request", on_pull("review_requested", full, requested_reviewer=user(login)))


def test_a_person_is_tagged_when_the_turn_comes_to_them_and_not_again() -> None:
    bridge = Bridge().play([OPENED])
    mentions = []
    for event, payload in [
        asked("bob", "2026-03-10T12:00:01Z"),
        ("issue_comment", on_comment("created", pull(updated_at=LATER), by="cy")),
        ("pull_request_review", on_review("submitted", state="changes_requested", submitted_at=LATER)),
        ("issue_comment", on_comment("created", pull(updated_at=LATER), by="cy", id=501)),
    ]:
        message = bridge.says(event, payload)
        assert message is not None
        mentions.append(tagged(message))
    assert mentions == [("bob",), (), ("ann",), ()]


def test_a_turn_that_no_message_told_is_told_by_the_next() -> None:
    bridge = Bridge(connection(groups=("comments",))).play([OPENED])
    assert bridge.says(*asked("bob", LATER)) is None
    comment = on_comment("created", pull(updated_at="2026-03-10T12:00:02Z"), by="cy")
    message = bridge.says("issue_comment", comment)
    assert message is not None
    assert tagged(message) == ("bob",)
    assert PAGE in message.title
