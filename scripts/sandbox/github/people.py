"""What people do to a pull request: who and what it concerns, and what is said about it."""

from typing import Any

from .deeds import Change, Fields, deed
from .model import Comment, Label, Permission, Pull, Review, User
from .payloads import label_payload, milestone_payload, user_payload
from .pull_payloads import (
    comment_payload,
    issue_payload,
    review_payload,
    simple_pull_payload,
)
from .refusals import Refused, invalid, unprocessable

MOST_ASSIGNEES = 10
REVIEW_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
LOCK_REASONS = {"off-topic", "too heated", "resolved", "spam"}
SAID = {
    "APPROVED": "approved these changes",
    "CHANGES_REQUESTED": "requested changes",
    "COMMENTED": "reviewed",
}
NOT_COLLABORATOR = (
    "Reviews may only be requested from collaborators. One or more of the users or teams you specified "
    "is not a collaborator of the {repo} repository."
)
OWN = {
    "APPROVE": "Can not approve your own pull request",
    "REQUEST_CHANGES": "Can not request changes on your own pull request",
}


@deed("assign")
def assign(change: Change, pull: Pull, fields: Fields) -> None:
    """Assign `assignee` or `assignees`; silently nothing without push access, at most ten.

    https://docs.github.com/rest/issues/assignees#add-assignees-to-an-issue
    """
    if not change.may_push:
        return
    for user in _named(change, fields, "assignee"):
        known = change.repo.permission(user) > Permission.NONE and user.login in change.repo.permissions
        if not known or user in pull.assignees or len(pull.assignees) >= MOST_ASSIGNEES:
            continue
        pull.assignees.append(user)
        self_assigned = user == change.actor
        change.note(pull, "assigned", "self-assigned this" if self_assigned else f"assigned {user.login}")
        change.tell(pull, "assigned", assignee=user_payload(change.world, user))


@deed("unassign")
def unassign(change: Change, pull: Pull, fields: Fields) -> None:
    """Remove `assignee` or `assignees`; silently nothing without push access."""
    if not change.may_push:
        return
    for user in _named(change, fields, "assignee"):
        if user in pull.assignees:
            pull.assignees.remove(user)
            change.note(pull, "unassigned", f"unassigned {user.login}")
            change.tell(pull, "unassigned", assignee=user_payload(change.world, user))


@deed("request_review")
def request_review(change: Change, pull: Pull, fields: Fields) -> None:
    """Ask `reviewer` or `reviewers` for a review.

    https://docs.github.com/rest/pulls/review-requests#request-reviewers-for-a-pull-request
    """
    change.require_author_or_push(pull)
    for user in _named(change, fields, "reviewer"):
        if user == pull.author:
            raise Refused(422, "Review cannot be requested from pull request author.")
        if user.login not in change.repo.permissions:
            raise Refused(422, NOT_COLLABORATOR.format(repo=change.repo.full_name))
        if user in pull.reviewers:
            continue
        pull.reviewers.append(user)
        change.note(pull, "review_requested", f"requested a review from {user.login}")
        change.tell(pull, "review_requested", requested_reviewer=user_payload(change.world, user))


@deed("unrequest_review")
def unrequest_review(change: Change, pull: Pull, fields: Fields) -> None:
    """Take a request for review back."""
    change.require_author_or_push(pull)
    for user in _named(change, fields, "reviewer"):
        if user in pull.reviewers:
            pull.reviewers.remove(user)
            change.note(pull, "review_request_removed", f"removed the request for {user.login}'s review")
            change.tell(pull, "review_request_removed", requested_reviewer=user_payload(change.world, user))


@deed("label")
def label(change: Change, pull: Pull, fields: Fields) -> None:
    """Add the label called `label`, which is made if the repository lacks it."""
    change.require_push()
    found = _label(change, str(fields.get("label") or ""))
    if found not in pull.labels:
        pull.labels.append(found)
        change.note(pull, "labeled", f"added the label {found.name}")
        change.tell(pull, "labeled", label=label_payload(change.world, change.repo, found))


@deed("unlabel")
def unlabel(change: Change, pull: Pull, fields: Fields) -> None:
    """Remove the label called `label`."""
    change.require_push()
    found = _label(change, str(fields.get("label") or ""))
    if found in pull.labels:
        pull.labels.remove(found)
        change.note(pull, "unlabeled", f"removed the label {found.name}")
        change.tell(pull, "unlabeled", label=label_payload(change.world, change.repo, found))


@deed("milestone")
def milestone(change: Change, pull: Pull, fields: Fields) -> None:
    """Put it into the milestone called `milestone`, which must exist."""
    change.require_push()
    title = str(fields.get("milestone") or "1.0")
    if title not in change.repo.milestones:
        raise invalid("Issue", "milestone", "invalid")
    if pull.milestone != title:
        pull.milestone = title
        change.note(pull, "milestoned", f"added this to the milestone {title}")
        change.tell(pull, "milestoned", milestone=milestone_payload(change.world, change.repo, title))


@deed("demilestone")
def demilestone(change: Change, pull: Pull, fields: Fields) -> None:  # noqa: ARG001 - a deed's signature
    """Take it out of its milestone."""
    change.require_push()
    if title := pull.milestone:
        pull.milestone = None
        change.note(pull, "demilestoned", f"removed this from the milestone {title}")
        change.tell(pull, "demilestoned", milestone=milestone_payload(change.world, change.repo, title))


@deed("lock")
def lock(change: Change, pull: Pull, fields: Fields) -> None:
    """Lock the conversation, for a `reason` or none."""
    change.require_push()
    reason = fields.get("reason")
    if reason is not None and reason not in LOCK_REASONS:
        raise invalid("Issue", "lock_reason", "invalid")
    if not pull.locked:
        pull.locked, pull.lock_reason = True, reason
        change.note(pull, "locked", "locked the conversation")
        change.tell(pull, "locked")


@deed("unlock")
def unlock(change: Change, pull: Pull, fields: Fields) -> None:  # noqa: ARG001 - a deed's signature
    """Unlock the conversation."""
    change.require_push()
    if pull.locked:
        pull.locked, pull.lock_reason = False, None
        change.note(pull, "unlocked", "unlocked the conversation")
        change.tell(pull, "unlocked")


@deed("comment")
def comment(change: Change, pull: Pull, fields: Fields) -> None:
    """Say `body` in the conversation."""
    body = str(fields.get("body") or "")
    if not body.strip():
        raise invalid("IssueComment", "body", "missing_field")
    if pull.locked and not change.may_push:
        raise Refused(403, "Unable to create comment because issue is locked.")
    world, repo = change.world, change.repo
    said = Comment(id=world.new_id(), author=change.actor, body=body, at=world.clock.now())
    pull.comments.append(said)
    change.note(pull, "commented", "commented", body)
    payload = {
        "action": "created",
        "issue": issue_payload(world, repo, pull),
        "comment": comment_payload(world, repo, pull, said),
    }
    change.emit(repo, "issue_comment", payload | change.sender())


@deed("review")
def review(change: Change, pull: Pull, fields: Fields) -> None:
    """Submit a review: `event` is APPROVE, REQUEST_CHANGES or COMMENT, `body` its text.

    https://docs.github.com/rest/pulls/reviews#create-a-review-for-a-pull-request
    """
    event = str(fields.get("event") or "COMMENT").upper()
    body = str(fields.get("body") or "")
    if event not in REVIEW_STATES:
        raise unprocessable("Variable $event of type PullRequestReviewEvent was provided invalid value")
    if change.actor == pull.author and event in OWN:
        raise unprocessable(OWN[event])
    if not body.strip() and event != "APPROVE":
        raise unprocessable("Could not create review: body can't be blank")
    _submit(change, pull, REVIEW_STATES[event], body, str(fields.get("commit_id") or pull.head_sha))


@deed("approve")
def approve(change: Change, pull: Pull, fields: Fields) -> None:
    """Submit an approving review."""
    review(change, pull, {**fields, "event": "APPROVE"})


@deed("request_changes")
def request_changes(change: Change, pull: Pull, fields: Fields) -> None:
    """Submit a review that requests changes."""
    review(change, pull, {"body": "Please have another look.", **fields, "event": "REQUEST_CHANGES"})


def _submit(change: Change, pull: Pull, state: str, body: str, commit_id: str) -> None:
    world, repo = change.world, change.repo
    if commit_id not in {commit.sha for commit in pull.commits}:
        raise unprocessable("The commit is not part of the pull request")
    # Who reviews is no longer asked to; GitHub sends no event for that.
    if change.actor in pull.reviewers:
        pull.reviewers.remove(change.actor)
    change.note(pull, state.lower(), SAID[state], body)
    given = Review(
        id=world.new_id(),
        author=change.actor,
        state=state,
        body=body,
        commit_id=commit_id,
        at=pull.updated_at,
    )
    pull.reviews.append(given)
    payload: dict[str, Any] = {
        "action": "submitted",
        "review": review_payload(world, repo, pull, given, webhook=True),
        "pull_request": simple_pull_payload(world, repo, pull),
    }
    change.emit(repo, "pull_request_review", payload | change.sender())


def _named(change: Change, fields: Fields, key: str) -> list[User]:
    """The users a field names, in the singular or the plural; the actor if it names none."""
    names = fields.get(f"{key}s")
    if names is None:
        names = [fields.get(key) or change.actor.login]
    if isinstance(names, str):
        names = [names]
    users = [change.world.user(str(name)) for name in names]
    if None in users and key == "reviewer":
        raise Refused(422, NOT_COLLABORATOR.format(repo=change.repo.full_name))
    return [user for user in users if user]


def _label(change: Change, name: str) -> Label:
    if not name:
        raise invalid("Label", "name", "missing_field")
    labels = change.repo.labels
    if name not in labels:
        labels[name] = Label(id=change.world.new_id(), name=name, color="ededed", description="")
    return labels[name]
