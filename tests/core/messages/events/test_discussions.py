"""Reviews, comments and conversations: what is said, to whom, and what the thread then shows."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.core.messages.events import TABLE
from tests.kits.core.pipeline import Bridge
from tests.kits.core.row import OPENED, Row, Told, hold
from tests.kits.core.samples import PAGE, on_comment, on_line, on_pull, on_review, on_thread, pull, user

BOB = "https://github.com/bob"
REVIEW = f"{PAGE}#pullrequestreview-900"
COMMENT = f"{PAGE}#issuecomment-500"
LINE = f"{PAGE}#discussion_r700"
LATER = "2026-03-10T12:00:01Z"
ASKED: Told = (
    "pull_request",
    on_pull("review_requested", pull(requested_reviewers=[user("bob")]), requested_reviewer=user("bob")),
)
COMMENTED: Told = ("issue_comment", on_comment("created"))
TALKED: Told = ("pull_request_review_comment", on_line("created"))
APPROVED: Told = ("pull_request_review", on_review("submitted"))


def review(action: str, **fields: Any) -> Told:
    return ("pull_request_review", on_review(action, pull(updated_at=LATER), **fields))


def was(text: str) -> dict[str, Any]:
    return {"body": {"from": text}}


REVIEWS = {
    "approved": Row(
        told=review("submitted"),
        title="Approved",
        mentions=("ann",),
        links=(REVIEW,),
        before=(OPENED, ASKED),
        thread={"Status": "approved", "Reviewers": "✓ bob (approved)", "Turn": "ready to merge"},
    ),
    "approved with words": Row(
        told=review("submitted", body="Thanks **@cy**"),
        title="Approved",
        kind="discussion",
        body="<strong><a href=",
        mentions=("cy", "ann"),
        links=(REVIEW,),
    ),
    "changes requested": Row(
        told=review("submitted", state="changes_requested", body="No"),
        title="Requested changes",
        kind="discussion",
        body="<p>No</p>",
        mentions=("ann",),
        links=(REVIEW,),
        thread={
            "Status": "changes requested",
            "Reviewers": "✗ bob (changes requested)",
            "Turn": "ann (changes requested)",
        },
    ),
    "reviewed with words": Row(
        told=review("submitted", state="commented", body="Hm"),
        title="Reviewed",
        kind="discussion",
        body="<p>Hm</p>",
        mentions=("ann",),
        links=(REVIEW,),
        thread={"Status": "open", "Reviewers": None},
    ),
    "without words: its comment is told": Row(told=review("submitted", state="commented")),
    "the author's own": Row(
        told=review("submitted", by="ann", state="commented", body="Done"),
        title="Reviewed",
        kind="discussion",
        body="Done",
        links=(REVIEW,),
    ),
    "of a state of tomorrow": Row(
        told=review("submitted", state="shrugged"),
        title="Reviewed",
        mentions=("ann",),
        links=(REVIEW,),
        is_newer=True,
    ),
    "edited": Row(
        told=review("edited", body="Thanks @cy", changes=was("Thanks")),
        title="Edited a review",
        kind="discussion",
        body="<p>Thanks<ins> @cy</ins></p>",
        mentions=("cy",),
        links=(REVIEW,),
        before=(OPENED, APPROVED),
    ),
    "edited without a change": Row(
        told=review("edited", body="Thanks", changes={}), before=(OPENED, APPROVED)
    ),
    "dismissed": Row(
        told=review("dismissed", by="ann", state="dismissed", user=user("bob")),
        title="Dismissed the review by bob",
        links=(REVIEW, BOB),
        before=(OPENED, APPROVED),
        thread={"Status": "open", "Reviewers": None},
    ),
}

CODE = "<pre><code> a\n-b\n+c &lt; d</code></pre>"
SUGGESTION = "Better:\n```suggestion\nc > d\n```"

COMMENTS = {
    "on the pull request": Row(
        told=("issue_comment", on_comment("created", body="See #7, @cy\nand `@dee`")),
        title="Commented",
        body=">#7</a>",
        mentions=("cy",),
        links=(COMMENT,),
    ),
    "edited": Row(
        told=("issue_comment", on_comment("edited", body="@cy @dee", changes=was("@cy"))),
        title="Edited a comment",
        body="<p>@cy<ins> @dee</ins></p>",
        mentions=("dee",),
        links=(COMMENT,),
        before=(OPENED, COMMENTED),
    ),
    "edited without a change": Row(told=("issue_comment", on_comment("edited", changes={}))),
    "a bot's, edited again": Row(
        told=("issue_comment", on_comment("edited", by="ci[bot]", body="97 %", changes=was("96 %"))),
        before=(OPENED, COMMENTED),
    ),
    "a bot's, edited by a person": Row(
        told=(
            "issue_comment",
            on_comment("edited", by="bob", user=user("ci[bot]"), body="97 %", changes=was("96 %")),
        ),
        title="Edited a comment",
        body="<del>",
        links=(COMMENT,),
        before=(OPENED, COMMENTED),
    ),
    "a bot's, edited so that it names somebody": Row(
        told=("issue_comment", on_comment("edited", by="ci[bot]", body="@cy", changes=was(""))),
        title="Edited a comment",
        body="<ins>@cy</ins>",
        mentions=("cy",),
        links=(COMMENT,),
        before=(OPENED, COMMENTED),
    ),
    "deleted": Row(told=("issue_comment", on_comment("deleted")), title="Deleted a comment", kind="activity"),
    "on a line": Row(
        told=("pull_request_review_comment", on_line("created", pull_request_review_id=901)),
        title="Commented on README.md:7",
        body=CODE + "<p>More emoji</p>",
        mentions=("ann",),
        links=(LINE,),
        thread={"Conversations": "1 unresolved: 1", "Turn": "ann (conversations to resolve)"},
        before=(OPENED, APPROVED),
    ),
    "on an outdated line": Row(
        told=("pull_request_review_comment", on_line("created", line=None, original_line=9)),
        title="Commented on README.md:9 (outdated)",
        body=CODE,
        links=(LINE,),
    ),
    "on a file": Row(
        told=("pull_request_review_comment", on_line("created", line=None, original_line=None, diff_hunk="")),
        title="Commented on README.md",
        body="<p>More emoji</p>",
        links=(LINE,),
        is_newer=True,
    ),
    "with a suggestion": Row(
        told=("pull_request_review_comment", on_line("created", body=SUGGESTION)),
        title="Commented on README.md:7",
        body="<p>Better:</p>\n<pre><code>-c &lt; d\n+c &gt; d\n</code></pre>",
        links=(LINE,),
    ),
    "an answer": Row(
        told=("pull_request_review_comment", on_line("created", in_reply_to_id=699)),
        title="Commented on README.md:7",
        body="<p>More emoji</p>",
        links=(LINE,),
        thread={"Conversations": None},
    ),
    "edited on a line": Row(
        told=("pull_request_review_comment", on_line("edited", body="Fewer", changes=was("More"))),
        title="Edited a comment on README.md:7",
        body="<p><del>More</del><ins>Fewer</ins></p>",
        links=(LINE,),
        before=(OPENED, TALKED),
    ),
    "deleted on a line": Row(
        told=("pull_request_review_comment", on_line("deleted")),
        title="Deleted a comment on README.md:7",
        kind="activity",
        before=(OPENED, ("pull_request_review_comment", on_line("created"))),
        thread={"Conversations": None},
    ),
}

RESOLVED: Told = ("pull_request_review_thread", on_thread("resolved", at=LATER))

CONVERSATIONS = {
    "resolved": Row(
        told=("pull_request_review_thread", on_thread("resolved")),
        title="Resolved a conversation",
        links=(LINE,),
        before=(OPENED, TALKED),
        thread={"Conversations": None},
    ),
    "unresolved": Row(
        told=("pull_request_review_thread", on_thread("unresolved", at="2026-03-10T12:00:01.500Z")),
        title="Unresolved a conversation",
        links=(LINE,),
        before=(OPENED, TALKED, RESOLVED),
        thread={"Conversations": "1 unresolved: 1"},
    ),
}


def rows() -> dict[str, Row]:
    comments = {
        name: replace(row, group="comments", kind="discussion" if row.body else "activity")
        for name, row in COMMENTS.items()
    }
    reviews = {name: replace(row, group="reviews") for name, row in {**REVIEWS, **CONVERSATIONS}.items()}
    return {
        **{f"review {name}": row for name, row in reviews.items()},
        **{f"comment {name}": row for name, row in comments.items()},
    }


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in rows().items()])
def test_each_action_is_told_and_shown(row: Row) -> None:
    hold(row)


EVENTS = {"pull_request_review", "pull_request_review_comment", "pull_request_review_thread", "issue_comment"}


def test_every_action_that_is_told_has_a_row() -> None:
    told = {(row.told[0], row.told[1]["action"]) for row in rows().values() if row.title}
    assert told == {key for key in TABLE if key[0] in EVENTS}


@pytest.mark.parametrize("action", ["pinned", "unpinned", "teleported"])
def test_a_comment_that_is_pinned_is_not_told(action: str) -> None:
    """GitHub's OpenAPI description has these two, and one day more."""
    bridge = Bridge().play([OPENED])
    assert bridge.tell("issue_comment", on_comment("created") | {"action": action}) == []
