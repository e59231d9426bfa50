"""The stand-in GitHub's events: for whatever can be done, what is sent, held against GitHub's schemas."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.kits.sandbox_github import GitHub, Received, Receiver, receiving, running
from tests.sandbox.schemas import validate

Step = tuple[str, str, dict[str, Any], str]
LINES = [
    {"path": "a.py", "line": 3, "body": "Why?"},
    {"path": "b.py", "line": 9, "start_line": 7, "body": "Oh"},
]
LINE = "pull_request_review.submitted pull_request_review_comment.created"
REVIEWED = f"pull_request_review_comment.created {LINE}"

# Each begins with a pull request of Ann's: who, what, with what, and all events that are sent, in order.
STORIES: dict[str, tuple[Step, ...]] = {
    "milestone": (
        ("ann-gh", "milestone", {"milestone": "1.0"}, "pull_request.milestoned"),
        ("ann-gh", "demilestone", {}, "pull_request.demilestoned"),
    ),
    "lock": (
        ("ann-gh", "lock", {"reason": "resolved"}, "pull_request.locked"),
        ("ann-gh", "unlock", {}, "pull_request.unlocked"),
    ),
    "requests": (
        (
            "ann-gh",
            "request_review",
            {"reviewers": ["bob-gh", "cy-gh"], "team": "makers"},
            "pull_request.review_requested " * 3,
        ),
        ("ann-gh", "unrequest_review", {"teams": ["acme/makers"]}, "pull_request.review_request_removed"),
        ("ann-gh", "unrequest_review", {"reviewer": "bob-gh"}, "pull_request.review_request_removed"),
    ),
    "auto-merge": (
        ("cy-gh", "settings", {"allow_auto_merge": True}, ""),
        ("ann-gh", "auto_merge", {"merge_method": "squash"}, "pull_request.auto_merge_enabled"),
        ("ann-gh", "no_auto_merge", {}, "pull_request.auto_merge_disabled"),
    ),
    "queue": (
        ("ann-gh", "enqueue", {}, "pull_request.enqueued"),
        ("ann-gh", "dequeue", {"reason": "CI_FAILURE"}, "pull_request.dequeued"),
        ("ann-gh", "enqueue", {}, "pull_request.enqueued"),
        ("ann-gh", "dequeue", {"reason": "MERGE"}, "pull_request.dequeued pull_request.closed"),
    ),
    "stack": (("ann-gh", "stack", {"base": "stable", "position": 2}, "pull_request.stacked"),),
    "force-push": (
        ("ann-gh", "push", {"count": 3}, "pull_request.synchronize"),
        ("ann-gh", "push", {"force": True}, "pull_request.synchronize"),
    ),
    "comments": (
        ("bob-gh", "comment", {"body": "Hm"}, "issue_comment.created"),
        ("bob-gh", "edit_comment", {"body": "Hm."}, "issue_comment.edited"),
        ("ann-gh", "delete_comment", {}, "issue_comment.deleted"),
    ),
    "reviews": (
        ("bob-gh", "review", {"body": "Two things", "comments": LINES}, REVIEWED),
        ("bob-gh", "edit_review", {"body": "Three things"}, "pull_request_review.edited"),
        ("cy-gh", "request_changes", {}, "pull_request_review.submitted"),
        ("ann-gh", "dismiss_review", {"message": "Done"}, "pull_request_review.dismissed"),
        ("cy-gh", "approve", {}, "pull_request_review.submitted"),
    ),
    "line comments": (
        ("bob-gh", "review_comment", {"path": "a.py", "line": 3, "body": "Why?"}, LINE),
        ("ann-gh", "reply", {"body": "Because"}, LINE),
        ("ann-gh", "edit_review_comment", {"body": "Because."}, "pull_request_review_comment.edited"),
        ("ann-gh", "resolve", {}, "pull_request_review_thread.resolved"),
        ("ann-gh", "unresolve", {}, "pull_request_review_thread.unresolved"),
        ("ann-gh", "push", {"force": True}, "pull_request.synchronize"),
        ("ann-gh", "resolve", {}, "pull_request_review_thread.resolved"),
        ("ann-gh", "delete_review_comment", {}, "pull_request_review_comment.deleted"),
    ),
    "checks": (
        ("ann-gh", "check", {"name": "test", "status": "queued"}, "workflow_run.requested check_run.created"),
        ("ann-gh", "check", {"name": "lint", "status": "queued"}, "check_run.created"),
        ("ann-gh", "check", {"name": "test", "status": "in_progress"}, "workflow_run.in_progress"),
        ("ann-gh", "check", {"name": "test", "conclusion": "failure"}, "check_run.completed"),
        (
            "ann-gh",
            "check",
            {"name": "lint", "conclusion": "success", "title": "Fine", "summary": "**Fine**"},
            "check_run.completed check_suite.completed workflow_run.completed",
        ),
        ("ann-gh", "rerun", {}, "workflow_run.requested check_run.created workflow_run.in_progress"),
        (
            "ann-gh",
            "check",
            {"name": "test", "conclusion": "skipped"},
            "check_run.completed check_suite.completed workflow_run.completed",
        ),
    ),
    "an app's check": (
        (
            "ann-gh",
            "check",
            {"name": "cover", "app": "coverage", "conclusion": "neutral"},
            "check_run.created check_run.completed check_suite.completed",
        ),
        ("ann-gh", "check", {"name": "cover", "app": "coverage"}, "check_run.created"),
    ),
    "statuses": (
        ("ann-gh", "status", {"context": "ci/x", "state": "pending"}, "status."),
        (
            "ann-gh",
            "status",
            {"context": "ci/x", "state": "error", "description": "No", "target_url": "https://ci.example/1"},
            "status.",
        ),
    ),
    "deployments": (
        ("ann-gh", "deploy", {"state": "in_progress"}, "deployment_status.created"),
        ("ann-gh", "deploy", {"state": "inactive"}, ""),
        (
            "ann-gh",
            "deploy",
            {"environment": "production", "url": "https://acme.example"},
            "deployment_status.created",
        ),
    ),
    "conflict": (
        ("cy-gh", "conflict", {}, "push."),
        ("cy-gh", "mend", {}, "push."),
        ("cy-gh", "push_base", {"branch": "stable"}, "push."),
        ("cy-gh", "settings", {"required_approvals": 2}, ""),
    ),
    "repository": (
        ("cy-gh", "archive", {}, "repository.archived"),
        ("cy-gh", "unarchive", {}, "repository.unarchived"),
        ("cy-gh", "rename", {"name": "part"}, "repository.renamed"),
    ),
}


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running() as server:
        yield server


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as server:
        yield server


def payload(received: Received) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(received.body)
    return body


def names(receiver: Receiver) -> list[str]:
    return [f"{one.event}.{payload(one).get('action', '')}" for one in receiver.received]


def hold_against_schema(received: Received) -> None:
    """As `validate`, but for what the published schemas do not know yet, or know wrongly."""
    body = payload(received)
    pull = body.get("pull_request")
    if body.get("action") == "stacked":
        assert body.pop("stack") == pull.pop("stack") if pull else False
        body["action"] = "ready_for_review"
    if body.get("action") == "demilestoned" and pull:
        assert pull["milestone"] is None
        pull["milestone"] = body["milestone"]
    validate(received.event, body)


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("fork", [False, True], ids=["branch", "fork"])
async def test_every_event_is_what_github_would_send(
    github: GitHub, receiver: Receiver, story: str, fork: bool
) -> None:
    await github.drive("/hooks", repo="acme/component", url=receiver.url)
    # Who may not push opens it from a fork.
    await github.drive("/users/ann-gh", permission="read" if fork else "write")
    await github.act("ann-gh", "open", title="Count once", body="All.")
    await github.drive("/users/ann-gh", permission="write")
    for who, do, fields, events in STORIES[story]:
        await github.idle()
        receiver.received.clear()
        await github.act(who, do, 1, **fields)
        await github.idle()
        assert names(receiver) == events.split()
        for received in receiver.received:
            hold_against_schema(received)
            assert payload(received)["sender"]["login"] == who
