"""Merge a pull request: the obstacles, auto-merge, and the merge queue."""

from .commits import new_commit
from .deeds import Change, Fields, deed
from .mergeability import DRAFT, NOT_MERGEABLE, obstacle
from .model import Pull
from .payloads import merge_settings
from .records import AutoMerge
from .refusals import Refused, invalid

HEAD_MOVED = "Head branch was modified. Review and try the merge again."
BASE_MOVED = "Base branch was modified. Review and try the merge again."
THROUGH_QUEUE = "Changes must be made through the merge queue."
NOT_STACKED = "Pull request Auto-merge is not supported for stacked pull requests"
NO_AUTO_MERGE = "Pull request Auto merge is not allowed for this repository"
METHODS = {
    "merge": ("allow_merge_commit", "Merge commits are not allowed on this repository."),
    "squash": ("allow_squash_merge", "Squash merges are not allowed on this repository."),
    "rebase": ("allow_rebase_merge", "Rebase merges are not allowed on this repository."),
}
# https://docs.github.com/webhooks/webhook-events-and-payloads?actionType=dequeued#pull_request
REASONS = {
    "MANUAL",
    "MERGE",
    "MERGE_CONFLICT",
    "CI_FAILURE",
    "CI_TIMEOUT",
    "ALREADY_MERGED",
    "QUEUE_CLEARED",
    "ROLL_BACK",
    "BRANCH_PROTECTIONS",
    "GIT_TREE_INVALID",
    "INVALID_MERGE_COMMIT",
    "UNKNOWN_REMOVAL_REASON",
}


@deed("merge")
def merge(change: Change, pull: Pull, fields: Fields) -> None:
    """Merge it by `merge_method`, if its head still is `sha`; the webhook says other values `instead`.

    https://docs.github.com/rest/pulls/pulls#merge-a-pull-request
    """
    change.require_push()
    _refuse_merge(change, pull, fields)
    world, repo, ref = change.world, change.repo, pull.target
    before = repo.heads[ref]
    title = str(fields.get("commit_title") or f"Merge pull request #{pull.number}")
    commit = new_commit(world, change.actor, title, pull.head_sha)
    pull.merge_sha = repo.heads[ref] = commit.sha
    pull.merged_by = change.actor
    change.tell_push(ref, before, commit.sha, aside=True)
    if pull.queued:
        _dequeue(change, pull, "MERGE")
    change.note(pull, "merged", f"merged {commit.sha[:7]} into {ref}")
    pull.closed_at = pull.merged_at = repo.pushed_at = pull.updated_at
    _look_again(change, ref)
    change.tell(pull, "closed", instead=fields.get("instead"))


@deed("race")
def race(change: Change, pull: Pull, fields: Fields) -> None:  # noqa: ARG001 - a deed's signature
    """Refuse the next merge, or the next `times`, as if the base moved just then."""
    pull.races = int(fields.get("times", 1))


@deed("conflict")
def conflict(change: Change, pull: Pull, fields: Fields) -> None:  # noqa: ARG001 - a deed's signature
    """Push a conflicting commit to the base."""
    change.require_push()
    pull.conflict = True
    push_base(change, pull.base_ref, f"Contradict {pull.title}")


@deed("mend")
def mend(change: Change, pull: Pull, fields: Fields) -> None:  # noqa: ARG001 - a deed's signature
    """Somebody takes that back with another push to the base."""
    change.require_push()
    pull.conflict = False
    push_base(change, pull.base_ref, f"Make way for {pull.title}")


def push_base(change: Change, ref: str, message: str) -> None:
    """Push a commit to a branch; GitHub checks mergeability into it again."""
    change.require_push()
    repo = change.repo
    if ref not in repo.heads:
        raise invalid("Ref", "ref", "missing")
    before = repo.heads[ref]
    commit = new_commit(change.world, change.actor, message, before)
    repo.heads[ref], repo.pushed_at = commit.sha, change.world.clock.change()
    _look_again(change, ref)
    change.tell_push(ref, before, commit.sha, aside=False)


@deed("auto_merge")
def auto_merge(change: Change, pull: Pull, fields: Fields) -> None:
    """Have it merged by `merge_method` once it may be; the stand-in never does that by itself.

    https://docs.github.com/graphql/reference/mutations#enablepullrequestautomerge
    """
    change.require_push()
    method = _method(change, pull, fields)
    if not merge_settings(change.repo)["allow_auto_merge"]:
        raise Refused(422, NO_AUTO_MERGE)
    if pull.closed_at or pull.auto_merge:
        return
    if pull.stack:
        raise Refused(422, NOT_STACKED)
    pull.auto_merge = AutoMerge(by=change.actor, method=method)
    change.note(pull, "auto_merge", f"enabled auto-merge ({method})")
    change.tell(pull, "auto_merge_enabled", reason="")


@deed("no_auto_merge")
def no_auto_merge(change: Change, pull: Pull, fields: Fields) -> None:
    """Give auto-merge up, for a `reason`."""
    change.require_push()
    if pull.auto_merge:
        pull.auto_merge = None
        change.note(pull, "auto_merge", "disabled auto-merge")
        change.tell(pull, "auto_merge_disabled", reason=str(fields.get("reason") or "Manually disabled"))


@deed("enqueue")
def enqueue(change: Change, pull: Pull, fields: Fields) -> None:  # noqa: ARG001 - a deed's signature
    """Put it into the merge queue."""
    change.require_push()
    if pull.closed_at or pull.draft:
        raise Refused(405, DRAFT if pull.draft else NOT_MERGEABLE)
    if not pull.queued:
        pull.queued = True
        change.note(pull, "queued", "added this to the merge queue")
        change.tell(pull, "enqueued")


@deed("dequeue")
def dequeue(change: Change, pull: Pull, fields: Fields) -> None:
    """Take it out of the merge queue for a `reason`; with MERGE it is merged."""
    change.require_push()
    reason = str(fields.get("reason") or "MANUAL")
    if reason not in REASONS:
        raise invalid("PullRequest", "reason", "invalid")
    if not pull.queued:
        return
    if reason == "MERGE":
        merge(change, pull, fields)
    else:
        _dequeue(change, pull, reason)


def _refuse_merge(change: Change, pull: Pull, fields: Fields) -> None:
    if pull.closed_at:
        raise Refused(405, NOT_MERGEABLE)
    if pull.draft:
        raise Refused(405, DRAFT)
    if fields.get("sha") and fields["sha"] != pull.head_sha:
        raise Refused(409, HEAD_MOVED)
    _method(change, pull, fields)
    if pull.races:
        pull.races -= 1
        raise Refused(405, BASE_MOVED)
    if pull.conflict:
        raise Refused(405, NOT_MERGEABLE)
    if why := obstacle(change.repo, pull):
        raise Refused(405, why)
    if change.repo.rules_of(pull).queue and not pull.queued:
        raise Refused(405, THROUGH_QUEUE)


def _method(change: Change, pull: Pull, fields: Fields) -> str:
    method = str(fields.get("merge_method") or "merge")
    if method not in METHODS:
        raise Refused(422, "Validation Failed")
    setting, refusal = METHODS[method]
    if not merge_settings(change.repo)[setting]:
        raise Refused(405, refusal)
    rules = change.repo.rules_of(pull)
    if rules.methods and method not in rules.methods:
        raise Refused(405, refusal.replace("on this repository", "into this branch"))
    return method


def _dequeue(change: Change, pull: Pull, reason: str) -> None:
    pull.queued = False
    change.note(pull, "queued", f"removed this from the merge queue ({reason.lower().replace('_', ' ')})")
    change.tell(pull, "dequeued", reason=reason)


def _look_again(change: Change, ref: str) -> None:
    for pull in change.repo.pulls.values():
        if pull.target == ref:
            pull.computed, pull.behind = False, True
