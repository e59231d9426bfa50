"""The fields that bridge reads of a delivery about a pull request: the others are not decoded.

Most of such a delivery are links, and three times its repository with 80 fields. Name a field here before
you read it.
"""

from typing import Any, TypedDict

import msgspec

from bridge.core.github import webhook
from bridge.core.model import Delivery, Envelope

EVENTS = frozenset(
    {
        "pull_request",
        "pull_request_review",
        "pull_request_review_comment",
        "pull_request_review_thread",
    }
)
"""The events whose other fields are not decoded."""


class _AccountFields(TypedDict, total=False):
    """A person, or a team among the people."""

    avatar_url: Any
    html_url: Any
    id: Any
    login: Any
    name: Any
    slug: Any
    type: Any


class _RepositoryFields(TypedDict, total=False):
    allow_auto_merge: Any
    allow_merge_commit: Any
    allow_rebase_merge: Any
    allow_squash_merge: Any
    allow_update_branch: Any
    full_name: Any
    html_url: Any
    id: Any
    updated_at: Any


class _BranchFields(TypedDict, total=False):
    ref: Any
    repo: _RepositoryFields | None
    sha: Any


class _PullRequestFields(TypedDict, total=False):
    active_lock_reason: Any
    additions: Any
    assignees: list[_AccountFields | None] | None
    auto_merge: Any
    base: _BranchFields | None
    body: Any
    changed_files: Any
    commits: Any
    deletions: Any
    draft: Any
    head: _BranchFields | None
    html_url: Any
    labels: Any
    mergeable: Any
    mergeable_state: Any
    merged: Any
    merged_at: Any
    milestone: Any
    number: Any
    requested_reviewers: list[_AccountFields | None] | None
    requested_teams: Any
    stack: Any
    state: Any
    title: Any
    updated_at: Any
    user: _AccountFields | None


class _PayloadFields(TypedDict, total=False):
    action: Any
    after: Any
    assignee: Any
    before: Any
    changes: Any
    comment: Any
    label: Any
    milestone: Any
    pull_request: _PullRequestFields
    reason: Any
    repository: _RepositoryFields
    requested_reviewer: Any
    requested_team: Any
    review: Any
    sender: _AccountFields | None
    thread: Any
    updated_at: Any


_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_PayloadFields)


def read(envelope: Envelope) -> Delivery:
    """Return the delivery in an envelope, whose text must be UTF-8; raises `Malformed`.

    An odd payload is decoded whole, so that an error says what is wrong.
    """
    if envelope.event not in EVENTS:
        return webhook.whole(envelope)
    try:
        payload = _DECODER.decode(envelope.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return webhook.whole(envelope)
    return envelope.opened(payload)
