"""A `pull_request` delivery without what bridge never reads: two thirds of it are addresses of GitHub's API.

To read the rest of the JSON, and to free it again, would take longer than to translate what is left. Whatever
the core comes to read of such a payload is added here; a test holds both to each other.
https://docs.github.com/webhooks/webhook-events-and-payloads#pull_request
"""

from typing import Any, TypedDict

import msgspec

from bridge.core.github import webhook
from bridge.core.model import Delivery, Envelope, Payload

EVENT = "pull_request"


class User(TypedDict, total=False):
    """A person, or a team."""

    id: Any
    login: Any
    name: Any
    slug: Any
    type: Any
    html_url: Any
    avatar_url: Any


class Repository(TypedDict, total=False):
    """Of its hundred fields those that are read."""

    id: Any
    full_name: Any
    html_url: Any
    updated_at: Any
    allow_merge_commit: Any
    allow_squash_merge: Any
    allow_rebase_merge: Any


class Side(TypedDict, total=False):
    """The head or the base."""

    ref: Any
    sha: Any
    repo: Repository | None


class Pull(TypedDict, total=False):
    """The pull request."""

    number: Any
    html_url: Any
    title: Any
    body: Any
    state: Any
    draft: Any
    merged: Any
    merged_at: Any
    updated_at: Any
    user: User | None
    head: Side
    base: Side
    assignees: list[User | None] | None
    requested_reviewers: list[User | None] | None
    requested_teams: list[User | None] | None
    labels: Any
    milestone: Any
    auto_merge: Any
    mergeable: Any
    active_lock_reason: Any
    additions: Any
    deletions: Any
    changed_files: Any
    commits: Any


class Narrowed(TypedDict, total=False):
    """The payload."""

    action: Any
    number: Any
    pull_request: Pull
    repository: Repository
    sender: User | None
    changes: Any
    before: Any
    after: Any
    reason: Any
    label: Any
    milestone: Any
    assignee: User | None
    requested_reviewer: User | None
    requested_team: User | None


_DECODER = msgspec.json.Decoder(Narrowed)


def read(envelope: Envelope) -> Delivery:
    """The delivery, of `pull_request` narrowed; raises `Malformed`. What is odd in any way is read whole."""
    if envelope.event != EVENT:
        return webhook.whole(envelope)
    try:
        payload: Payload = {**_DECODER.decode(envelope.body)}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return webhook.whole(envelope)
    return Delivery(id=envelope.id, event=envelope.event, body=envelope.body, payload=payload)
