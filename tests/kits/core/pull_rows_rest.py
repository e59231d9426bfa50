"""Rows of `pull_request`: people, labels, merging and the rest."""

from tests.kits.core.pull_rows import did
from tests.kits.core.row import OPENED, Row, Told
from tests.kits.core.samples import label, milestone, team, user

BOB = "https://github.com/bob"

ENABLED = {
    "enabled_by": user("ann"),
    "merge_method": "squash",
    "commit_title": "Fix bug",
    "commit_message": "",
}


STACK = {"id": 8, "number": 9, "base": {"ref": "main", "sha": "b" * 40}, "position": 2, "size": 3}


def queue_left(reason: str) -> Told:
    return did("dequeued", extra={"reason": reason})


PEOPLE = {
    "assigned": Row(
        told=did("assigned", extra={"assignee": user("bob")}, assignees=[user("bob")]),
        title="Assigned bob",
        group="assignments",
        mentions=("bob",),
        links=(BOB,),
        thread={"Assignees": "bob"},
    ),
    "self-assigned": Row(
        told=did("assigned", by="bob", extra={"assignee": user("bob")}, assignees=[user("bob")]),
        title="Self-assigned pull request",
        group="assignments",
        # Not bob, who did it: it is ann's turn, and nobody told her yet.
        mentions=("ann",),
        before=(),
    ),
    "nobody assigned": Row(
        told=did("assigned", extra={"assignee": None}),
        title="Assigned the pull request",
        group="assignments",
        is_newer=True,
    ),
    "unassigned": Row(
        told=did("unassigned", extra={"assignee": user("bob")}),
        title="Unassigned bob",
        group="assignments",
        links=(BOB,),
        before=(OPENED, did("assigned", extra={"assignee": user("bob")}, assignees=[user("bob")])),
        thread={"Assignees": None},
    ),
    "dropped": Row(
        told=did("unassigned", by="bob", extra={"assignee": user("bob")}),
        title="Removed their assignment",
        group="assignments",
    ),
    "asked for a review": Row(
        told=did(
            "review_requested", extra={"requested_reviewer": user("bob")}, requested_reviewers=[user("bob")]
        ),
        title="Requested a review from bob",
        group="review requests",
        mentions=("bob",),
        links=(BOB,),
        thread={"Reviewers": "… bob (requested)", "Turn": "bob (to review)"},
    ),
    "will review": Row(
        told=did(
            "review_requested",
            by="bob",
            extra={"requested_reviewer": user("bob")},
            requested_reviewers=[user("bob")],
        ),
        title="Self-requested a review",
        group="review requests",
    ),
    "a team asked": Row(
        told=did("review_requested", extra={"requested_team": team("Core")}, requested_teams=[team("Core")]),
        title="Requested a review from Core",
        group="review requests",
        links=("https://github.com/orgs/acme/teams/Core",),
        thread={"Reviewers": "… Core (requested)", "Turn": "Core (to review)"},
    ),
    "nobody asked": Row(
        told=did("review_requested", extra={"requested_reviewer": None}),
        title="Requested a review",
        group="review requests",
        is_newer=True,
    ),
    "no longer asked": Row(
        told=did("review_request_removed", extra={"requested_reviewer": user("bob")}),
        title="Removed the review request for bob",
        group="review requests",
        links=(BOB,),
        # Of the same second as the request: what a delivery removes counts over what others list.
        before=(
            OPENED,
            did(
                "review_requested",
                extra={"requested_reviewer": user("bob")},
                requested_reviewers=[user("bob")],
            ),
        ),
        mentions=(),
        thread={"Reviewers": None, "Turn": "ann (to ask for a review)"},
    ),
    "a team no longer asked": Row(
        told=did("review_request_removed", extra={"requested_team": team("Core")}),
        title="Removed the review request for Core",
        group="review requests",
        links=("https://github.com/orgs/acme/teams/Core",),
    ),
}

REST = {
    "labeled": Row(
        told=did("labeled", extra={"label": label("good first issue")}, labels=[label("good first issue")]),
        title="Added the good first issue label",
        group="labels",
        thread={"Labels": "good first issue"},
    ),
    "labeled with nothing": Row(told=did("labeled"), is_newer=True),
    "unlabeled": Row(
        told=did("unlabeled", extra={"label": label("bug")}),
        title="Removed the bug label",
        group="labels",
        before=(OPENED, did("labeled", extra={"label": label("bug")}, labels=[label("bug")])),
        thread={"Labels": None},
    ),
    "milestoned": Row(
        told=did("milestoned", extra={"milestone": milestone("1.0")}, milestone=milestone("1.0")),
        title="Added to the 1.0 milestone",
        thread={"Milestone": "1.0"},
    ),
    "demilestoned": Row(
        told=did("demilestoned", extra={"milestone": milestone("1.0")}),
        title="Removed from the 1.0 milestone",
        thread={"Milestone": None},
    ),
    "locked": Row(told=did("locked", locked=True), title="Locked the conversation"),
    "locked for a reason": Row(
        told=did("locked", locked=True, active_lock_reason="too heated"),
        title="Locked the conversation as too heated",
    ),
    "unlocked": Row(told=did("unlocked", locked=False), title="Unlocked the conversation"),
    "stacked": Row(
        told=did("stacked", extra={"stack": STACK}, stack=STACK),
        title="Added to a stack: 2 of 3 into main",
        is_newer=True,
        thread={"Stack": "2 of 3 into main, below, above"},
    ),
    "stacked, who knows where": Row(
        told=did("stacked", extra={"stack": None}), title="Added to a stack", is_newer=True
    ),
}

MERGING = {
    "auto-merge on": Row(
        told=did("auto_merge_enabled", extra={"reason": ""}, auto_merge=ENABLED),
        title="Enabled auto-merge",
        thread={"Auto-merge": "on"},
    ),
    "auto-merge off": Row(
        told=did("auto_merge_disabled", extra={"reason": "x"}),
        title="Disabled auto-merge",
        thread={"Auto-merge": None},
    ),
    "queued": Row(
        told=did("enqueued"),
        title="Added to the merge queue",
        thread={"Status": "queued", "Merge queue": "queued"},
    ),
    "left the queue": Row(
        told=queue_left("MANUAL"),
        title="Removed from the merge queue",
        before=(OPENED, did("enqueued", updated_at="2026-03-10T12:00:00Z")),
        thread={"Status": "open", "Merge queue": None},
    ),
    "left the queue for another reason": Row(
        told=queue_left("UNKNOWN_REMOVAL_REASON"), title="Removed from the merge queue"
    ),
    "failed in the queue": Row(
        told=queue_left("CI_FAILURE"), title="Removed from the merge queue: checks failed"
    ),
    "conflicted in the queue": Row(
        told=queue_left("MERGE_CONFLICT"),
        title="Removed from the merge queue: it conflicts with the base branch",
    ),
    "merged by the queue": Row(told=queue_left("MERGE"), title=""),
    "already merged": Row(told=queue_left("ALREADY_MERGED"), title=""),
}
