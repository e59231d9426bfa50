"""Reviews and conversations in more than one word: what counts of them, and what of code is quoted."""

from typing import Any

import pytest

from bridge.core.messages.events.remarks import MAX_QUOTED
from bridge.core.model import Message
from tests.kits.core import page
from tests.kits.core.pipeline import Bridge
from tests.kits.core.row import OPENED, Told
from tests.kits.core.samples import label, on_line, on_pull, on_review, on_thread, pull, user

NOON, LATER, LAST = (f"2026-03-10T12:00:0{second}Z" for second in (0, 1, 2))


def review(review_id: int, state: str, at: str, **fields: Any) -> Told:
    action = "dismissed" if state == "dismissed" else "submitted"
    payload = on_review(action, id=review_id, state=state, submitted_at=at, **fields)
    return ("pull_request_review", payload)


def asked(at: str) -> Told:
    full = pull(updated_at=at, requested_reviewers=[user("bob")])
    return ("pull_request", on_pull("review_requested", full, requested_reviewer=user("bob")))


BOB_APPROVED, BOB_REFUSED = "✓ bob (approved)", "✗ bob (changes requested)"
RENAMED = {"user": user("abe"), "sender": user("ann")}
COUNTS: list[tuple[str, list[Told], str | None]] = [
    ("the later", [review(1, "changes_requested", NOON), review(2, "approved", LATER)], BOB_APPROVED),
    ("the later again", [review(1, "approved", NOON), review(2, "changes_requested", LATER)], BOB_REFUSED),
    # A review that was pending for long has a low number.
    (
        "not the higher number",
        [review(2, "approved", NOON), review(1, "changes_requested", LATER)],
        BOB_REFUSED,
    ),
    (
        "of one second the higher number",
        [review(1, "approved", NOON), review(2, "changes_requested", NOON)],
        BOB_REFUSED,
    ),
    ("a comment changes nothing", [review(1, "approved", NOON), review(2, "commented", LATER)], BOB_APPROVED),
    ("dismissed", [review(1, "approved", NOON), review(1, "dismissed", NOON)], None),
    (
        "dismissed of a renamed account",
        [review(1, "approved", NOON), review(1, "dismissed", NOON, **RENAMED)],
        None,
    ),
    (
        "dismissed, approved anew",
        [review(1, "changes_requested", NOON), review(1, "dismissed", NOON), review(2, "approved", LATER)],
        BOB_APPROVED,
    ),
    ("asked again", [review(1, "approved", NOON), asked(LATER)], "… bob (requested)"),
    ("a ghost's", [review(1, "approved", NOON, user=None)], "✓ ghost (approved)"),
]


@pytest.mark.parametrize(("told", "shown"), [pytest.param(*row, id=name) for name, *row in COUNTS])
def test_the_latest_review_of_each_reviewer_counts(told: list[Told], shown: str | None) -> None:
    for order in (told, told[::-1]):
        assert Bridge().play([OPENED, *order]).fields().get("Reviewers") == shown


def talk(action: str, at: str) -> Told:
    return ("pull_request_review_thread", on_thread(action, at=at))


STARTED: Told = ("pull_request_review_comment", on_line("created"))
DELETED: Told = ("pull_request_review_comment", on_line("deleted"))
ON_LINE = "pull_request_review_comment"


def reply(action: str, number: int = 701, to: int = 700) -> Told:
    return (ON_LINE, on_line(action, id=number, in_reply_to_id=to))


def left(action: str, at: str) -> Told:
    """GitHub's list of a conversation whose first comment was deleted."""
    return ("pull_request_review_thread", on_thread(action, at=at, id=701, in_reply_to_id=700))


TALKS: list[tuple[str, list[Told], str | None]] = [
    ("begun", [STARTED], "1 unresolved: 1"),
    ("resolved", [STARTED, talk("resolved", LATER)], None),
    ("resolved in the second it began", [STARTED, talk("resolved", "")], None),
    ("taken up again", [STARTED, talk("resolved", LATER), talk("unresolved", LAST)], "1 unresolved: 1"),
    # The pull request's own time tells none of these apart.
    ("resolved in the end", [STARTED, talk("unresolved", LATER), talk("resolved", LAST)], None),
    ("deleted", [STARTED, DELETED], None),
    ("deleted, whatever comes late", [DELETED, talk("unresolved", LAST)], None),
    ("begun, and answered", [STARTED, reply("created")], "1 unresolved: 1"),
    ("answered, of which nothing else was heard", [reply("created")], None),
    ("deleted, and a reply is left", [STARTED, reply("created"), DELETED], "1 unresolved: 1"),
    ("deleted with its reply", [STARTED, reply("created"), DELETED, reply("deleted")], None),
    ("only its reply deleted", [STARTED, reply("created"), reply("deleted")], "1 unresolved: 1"),
    (
        "one of two replies left",
        [STARTED, reply("created"), reply("created", 702), DELETED, reply("deleted")],
        "1 unresolved: 1",
    ),
    (
        "a reply to what is left",
        [STARTED, reply("created"), DELETED, reply("created", 702, to=701), reply("deleted")],
        "1 unresolved: 1",
    ),
    (
        "deleted, and what is left resolved",
        [STARTED, reply("created"), DELETED, left("resolved", LATER)],
        None,
    ),
    ("resolved, answered, and deleted", [STARTED, talk("resolved", LATER), reply("created"), DELETED], None),
    ("of what is left only, taken up again", [left("unresolved", LATER)], "1 unresolved: 1"),
    ("of what is left, deleted", [left("unresolved", LATER), reply("deleted")], None),
]


@pytest.mark.parametrize(("told", "shown"), [pytest.param(*row, id=name) for name, *row in TALKS])
def test_a_conversation_is_open_until_it_is_resolved(told: list[Told], shown: str | None) -> None:
    for order in (told, told[::-1]):
        assert Bridge().play([OPENED, *order]).fields().get("Conversations") == shown


# Code


def commented(**fields: Any) -> Message:
    message = (
        Bridge().play([OPENED]).says("pull_request_review_comment", on_line("created", body="Hm", **fields))
    )
    assert message is not None
    return message


def test_the_last_lines_of_the_code_are_quoted() -> None:
    """The comment hangs on the last of them."""
    hunk = "@@ -1,9 +1,9 @@ def x():\n" + "\n".join(f" line {index}" for index in range(9))
    body = commented(diff_hunk=hunk).body
    assert page.text(body) == " line 5\n line 6\n line 7\n line 8Hm"


def test_only_the_beginning_of_a_very_long_line_is_quoted() -> None:
    body = commented(diff_hunk="@@ -1 +1 @@\n+" + "x" * 10_000).body
    assert page.text(body) == "+" + "x" * (MAX_QUOTED - 1) + "Hm"


@pytest.mark.parametrize(
    "fields",
    [{"in_reply_to_id": 1}, {"diff_hunk": ""}, {"diff_hunk": "@@ -0,0 +0,0 @@"}, {"diff_hunk": None}],
    ids=str,
)
def test_an_answer_or_a_comment_without_code_quotes_none(fields: dict[str, Any]) -> None:
    assert commented(**fields).body == "<p>Hm</p>"


@pytest.mark.parametrize(
    ("name", "path"),
    [("good first issue", "good%20first%20issue"), ("a/b", "a/b"), ("c#", "c%23"), ("?", "%3F")],
)
def test_a_label_links_to_what_has_it(name: str, path: str) -> None:
    bridge = Bridge().play([("pull_request", on_pull("opened", pull(labels=[label(name)])))])
    (shown,) = (field["value"] for field in bridge.thread()["fields"] if field["label"] == "Labels")
    assert page.tags(shown)[0].attributes["href"] == f"https://github.com/acme/component/labels/{path}"
    assert page.text(shown) == name
