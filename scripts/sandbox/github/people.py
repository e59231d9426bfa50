"""The people and things of a pull request: assignees, reviewers, labels and more."""

from .deeds import Change, Fields, deed
from .label_payloads import label_payload, milestone_payload, team_payload
from .model import Permission, Pull
from .payloads import user_payload
from .records import Label, Team, User
from .refusals import Refused, invalid

MOST_ASSIGNEES = 10
LOCK_REASONS = {"off-topic", "too heated", "resolved", "spam"}
NOT_COLLABORATOR = (
    "Reviews may only be requested from collaborators. One or more of the users or teams you specified "
    "is not a collaborator of the {repo} repository."
)


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
    """Ask `reviewer` or `reviewers`, and `team` or `teams`, for a review.

    https://docs.github.com/rest/pulls/review-requests#request-reviewers-for-a-pull-request
    """
    change.require_author_or_push(pull)
    users, teams = _asked(change, fields)
    if pull.author in users:
        raise Refused(422, "Review cannot be requested from pull request author.")
    if any(user.login not in change.repo.permissions and user.kind != "Bot" for user in users):
        raise Refused(422, NOT_COLLABORATOR.format(repo=change.repo.full_name))
    for user in users:
        if user not in pull.reviewers:
            pull.reviewers.append(user)
            change.note(pull, "review_requested", f"requested a review from {user.login}")
            change.tell(pull, "review_requested", requested_reviewer=user_payload(change.world, user))
    for team in teams:
        if team not in pull.teams:
            pull.teams.append(team)
            change.note(pull, "review_requested", f"requested a review from {_full(change, team)}")
            shown = team_payload(change.world, change.repo.owner, team)
            change.tell(pull, "review_requested", requested_team=shown)


@deed("unrequest_review")
def unrequest_review(change: Change, pull: Pull, fields: Fields) -> None:
    """Take a request for review back, of `reviewer` or `reviewers`, and `team` or `teams`."""
    change.require_author_or_push(pull)
    users, teams = _asked(change, fields)
    for user in users:
        if user in pull.reviewers:
            pull.reviewers.remove(user)
            change.note(pull, "review_request_removed", f"removed the request for {user.login}'s review")
            change.tell(pull, "review_request_removed", requested_reviewer=user_payload(change.world, user))
    for team in teams:
        if team in pull.teams:
            pull.teams.remove(team)
            change.note(
                pull, "review_request_removed", f"removed the request for {_full(change, team)}'s review"
            )
            shown = team_payload(change.world, change.repo.owner, team)
            change.tell(pull, "review_request_removed", requested_team=shown)


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


def _named(change: Change, fields: Fields, key: str) -> list[User]:
    """Return the users a field names, in the singular or the plural; the actor if it names none."""
    names = fields.get(f"{key}s")
    if names is None:
        names = [fields.get(key) or change.actor.login]
    if isinstance(names, str):
        names = [names]
    users = [change.world.user(str(name)) for name in names]
    if None in users and key == "reviewer":
        raise Refused(422, NOT_COLLABORATOR.format(repo=change.repo.full_name))
    return [user for user in users if user]


def _asked(change: Change, fields: Fields) -> tuple[list[User], list[Team]]:
    """The people that the fields name; the actor if they name nobody, not even a team."""
    names = fields.get("teams") or ([fields["team"]] if fields.get("team") else [])
    teams = [change.world.teams.get(str(name).rsplit("/", 1)[-1]) for name in names]
    if None in teams:
        raise Refused(422, NOT_COLLABORATOR.format(repo=change.repo.full_name))
    named = "reviewers" in fields or fields.get("reviewer") or not names
    users = _named(change, fields, "reviewer") if named else []
    return users, [team for team in teams if team]


def _full(change: Change, team: Team) -> str:
    return f"{change.repo.owner.login}/{team.slug}"


def _label(change: Change, name: str) -> Label:
    if not name:
        raise invalid("Label", "name", "missing_field")
    labels = change.repo.labels
    if name not in labels:
        labels[name] = Label(id=change.world.new_id(), name=name, color="ededed", description="")
    return labels[name]
