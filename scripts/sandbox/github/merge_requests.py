"""Merge in the background, as GitHub's asynchronous endpoint does.

A request is `pending` until it ran; its result is kept for a day. The rules of the branch are judged when it
runs, not when it is asked for.
https://docs.github.com/rest/pulls/pulls#merge-a-pull-request-asynchronously
"""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from .deeds import Change, Fields, deed, perform
from .merging import METHODS, THROUGH_QUEUE
from .model import Pull
from .payloads import Json
from .records import MergeRequest
from .refusals import Refused, invalid
from .stacks import members

RETRIES = 2
KEPT = timedelta(hours=24)
ACTIONS = {"default", "direct_merge", "merge_queue"}
NO_CUSTOM = "Custom merge params are not supported when merging via a merge queue"
NO_QUEUE = "There is no merge queue for the base branch."
STACKED = (
    "Merging stacked PRs via this endpoint is not supported. Use the asynchronous merge endpoint instead."
)
ENDS = {"merged": "Pull request was merged.", "enqueued": "Pull request is in the merge queue."}


def ask(change: Change, pull: Pull, body: Mapping[str, Any]) -> tuple[int, Json]:
    """Ask for a merge; the status and the answer."""
    change.require_push()
    method, action = body.get("merge_method"), body.get("merge_action") or "default"
    if method not in (None, *METHODS) or action not in ACTIONS:
        raise invalid("PullRequest", "merge_method" if action in ACTIONS else "merge_action", "invalid")
    if pull.merged_at:
        return 200, _told("merged", "Pull request is already merged.", sha=pull.merge_sha)
    if pull.queued:
        return 200, _told("enqueued", "Pull request is already in the merge queue.")
    if pull.closed_at or pull.draft:
        return 400, _told("failed", f"Pull request is {'closed' if pull.closed_at else 'a draft'}.")
    known = pull.merge_request
    if known and known.status == "pending":
        return 409, _shown(pull, known, "A merge request already exists for this pull request.")
    pull.merge_request = MergeRequest(
        uuid=str(uuid.uuid4()),
        by=change.actor,
        sha=str(body.get("sha") or pull.head_sha),
        method=method or "default",
        action=action,
        status="pending",
        message="Merge request is in progress.",
        updated_at=change.world.clock.now(),
    )
    return 202, _shown(pull, pull.merge_request, "Merge request enqueued.")


def result(change: Change, pull: Pull, wanted: str) -> Json | None:
    """Tell what became of a request; None if it is unknown or too old."""
    known = pull.merge_request
    if known is None or known.uuid != wanted or change.world.clock.now() - known.updated_at > KEPT:
        return None
    return _shown(pull, known, known.message)


def run(change: Change, pull: Pull) -> None:
    """Do what was asked for, if nobody did yet."""
    asked = pull.merge_request
    if asked is None or asked.status != "pending":
        return
    try:
        status = _merge(change, pull, asked)
        message = ENDS[status]
    except Refused as refused:
        status, message = "failed", str(refused)
    pull.merge_request = replace(asked, status=status, message=message, updated_at=change.world.clock.now())


@deed("finish_merge")
def finish_merge(change: Change, pull: Pull, fields: Fields) -> None:  # noqa: ARG001 - a deed's signature
    """Do the merge that was asked for, where the repository `holds_merges`."""
    run(change, pull)


def _merge(change: Change, pull: Pull, asked: MergeRequest) -> str:
    has_queue = change.repo.rules_of(pull).queue
    if asked.action == "merge_queue" and not has_queue:
        raise Refused(422, NO_QUEUE)
    if has_queue and asked.action == "direct_merge":
        raise Refused(422, THROUGH_QUEUE)
    fields: Fields = {"sha": asked.sha}
    if has_queue:
        if asked.method != "default":
            raise Refused(422, NO_CUSTOM)
        for one in _with_those_below(change, pull):
            perform(change, "enqueue", one, fields)
        return "enqueued"
    for below in _with_those_below(change, pull)[:-1]:
        perform(change, "merge", below, _method(asked))
    # GitHub tries again by itself where the base moves meanwhile.
    pull.races = max(0, pull.races - RETRIES)
    perform(change, "merge", pull, {**fields, **_method(asked)})
    return "merged"


def _with_those_below(change: Change, pull: Pull) -> list[Pull]:
    """The open pull requests of its stack up to this one, the bottom first."""
    stack = members(change.repo, pull.stack.number) if pull.stack else [pull]
    return [one for one in stack[: stack.index(pull) + 1] if not one.closed_at]


def _method(asked: MergeRequest) -> Fields:
    return {} if asked.method == "default" else {"merge_method": asked.method}


def _shown(pull: Pull, asked: MergeRequest, message: str) -> Json:
    if asked.status == "merged":
        return _told("merged", message, sha=pull.merge_sha)
    if asked.status != "pending":
        return _told(asked.status, message)
    return _told(
        "pending",
        message,
        uuid=asked.uuid,
        merge_method=asked.method,
        merge_action=asked.action,
        expected_head_sha=asked.sha,
    )


def _told(status: str, message: str, **details: Any) -> Json:
    return {"status": status, "details": {"message": message, **details}}
