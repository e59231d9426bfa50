"""Translate a delivery: into new snapshots, and a message for each connection that wants it."""

from collections.abc import Sequence

from msgspec.structs import replace

from bridge.core.messages import events, status_changes
from bridge.core.messages.addressing import Outgoing, Round
from bridge.core.messages.events import Happening, Said, diffs, pulls, reviews
from bridge.core.messages.events.table import given
from bridge.core.messages.translation import Translation, translation, turn_noted
from bridge.core.model import Connection, Delivery
from bridge.core.pulls import checks, own_events, snapshot, talk, to_merge
from bridge.core.pulls.gathering import DUE, Parts
from bridge.core.pulls.job_log import FailedStep
from bridge.core.pulls.model import Check, PullRequest
from bridge.core.pulls.push import Push
from bridge.core.pulls.snapshot import Snapshot
from bridge.core.pulls.turn import next_action

OWN_EVENTS = own_events.ALL | {DUE}
"""Events that only bridge itself enqueues."""

PULL_EVENTS = frozenset(
    {"issue_comment", own_events.QUEUE, own_events.UPDATE, *(event for event, _ in events.TABLE)}
)
"""Events about one pull request; the others that are needed are about a commit or the repository."""

RULE_EVENTS = frozenset({"repository_ruleset", "branch_protection_rule"})
"""Events after which the rules of branches are read again."""

REPOSITORY_EVENTS = frozenset({"repository", "meta", "push"}) | RULE_EVENTS

APP_EVENTS = frozenset({"deployment_review"})
"""Events that GitHub sends to Apps alone, not to the webhooks of repositories."""

EVENTS = (PULL_EVENTS | checks.EVENTS | REPOSITORY_EVENTS) - OWN_EVENTS
"""The events that bridge needs; all others are answered with 204."""


_OWN_FIELD = {
    "branch_protection_rule": "rule",
    "check_run": "check_run",
    "check_suite": "check_suite",
    "deployment_review": "since",
    "deployment_status": "deployment_status",
    "issue_comment": "comment",
    own_events.JOB_LOG: "job",
    "meta": "hook_id",
    "pull_request": "pull_request",
    "pull_request_review": "review",
    "pull_request_review_comment": "comment",
    "pull_request_review_thread": "thread",
    DUE: "review",
    "push": "ref",
    "repository_ruleset": "repository_ruleset",
    "status": "sha",
    "workflow_run": "workflow_run",
}
"""A field that only deliveries of the event have."""


def subject(delivery: Delivery) -> int | None:
    """Return the number of a delivery's pull request, None without one."""
    if delivery.event not in PULL_EVENTS:
        return None
    if delivery.event == "issue_comment":
        issue = delivery.payload.get("issue")
        found = issue.get("number") if isinstance(issue, dict) and issue.get("pull_request") else None
    else:
        pull = delivery.payload.get("pull_request")
        found = pull.get("number") if isinstance(pull, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def fits_its_event(delivery: Delivery) -> bool:
    """Tell whether a payload fits its event: the signature does not cover the header that names the event."""
    return bool(delivery.payload.get(_OWN_FIELD.get(delivery.event, "repository")))


def is_needed(delivery: Delivery) -> bool:
    """Tell whether a delivery can concern a thread at all."""
    if not isinstance(delivery.payload.get("repository"), dict) or delivery.event in OWN_EVENTS:
        return False
    return delivery.event in checks.EVENTS | REPOSITORY_EVENTS or subject(delivery) is not None


def pushed_branch(delivery: Delivery) -> str:
    """Return the branch that a push moved; empty for other events, tags and deleted branches."""
    ref = str(delivery.payload.get("ref") or "")
    if delivery.event != "push" or delivery.payload.get("deleted") or not ref.startswith("refs/heads/"):
        return ""
    return ref.removeprefix("refs/heads/")


def former_names(delivery: Delivery) -> list[str]:
    """Return the full name that a repository had until it was renamed or transferred.

    https://docs.github.com/webhooks/webhook-events-and-payloads#repository
    """
    if delivery.event != "repository":
        return []
    changes = delivery.payload.get("changes") or {}
    owner, name = delivery.payload["repository"]["full_name"].split("/")
    renamed = given(changes, "repository", "name", "from")
    moved = given(changes, "owner", "from", "user", "login") or given(
        changes, "owner", "from", "organization", "login"
    )
    return [f"{moved or owner}/{renamed or name}"] if renamed or moved else []


def translate_pull(
    delivery: Delivery,
    known: Snapshot,
    merged: Snapshot,
    head_checks: tuple[Check, ...],
    connections: Sequence[Connection],
    *,
    now: float,
) -> Translation:
    """Translate a delivery about one pull request, at the Unix time `now`.

    `merged` is what was `known`, merged with the delivery's `extract.delta`; `head_checks` are those of the
    head commit that results.
    """
    if not merged.is_known:
        return Translation(number=0, snapshot=merged, silence="too little is known of its pull request")
    pull = snapshot.view(merged, head_checks)
    merged = talk.noted(delivery, merged)
    if found := reviews.part(delivery, known):
        return _gathered(delivery, *found, merged, pull, now=now)
    early: tuple[Outgoing, ...] = ()
    if (delivery.event, delivery.action) in reviews.ENDS:
        # Else it would be posted after its own consequences.
        for gathering in known.gathering.values():
            due = Delivery.of(gathering.due["review"]["last"], DUE, gathering.due)
            told = translate_pull(due, merged, merged, head_checks, connections, now=now)
            early, merged = (*early, *told.outgoing), told.snapshot
    happening = Happening(delivery=delivery, known=known, pull=pull)
    said = events.say(happening)
    merged = _noted(happening, merged, said)
    result = translation(Round.of(delivery, pull, connections, now), said, merged)
    silence = "" if delivery.event == DUE else result.silence
    result = replace(result, silence=silence, outgoing=(*early, *result.outgoing))
    if delivery.event != "pull_request" or not diffs.is_wanted(pull, result.snapshot, connections):
        return result
    return replace(result, wants_diff=True, snapshot=result.snapshot.saying(diff=merged.head_sha))


def _noted(happening: Happening, merged: Snapshot, said: Said | None) -> Snapshot:
    if said is not None and happening.delivery.event == own_events.MERGEABLE:
        return merged.saying(conflict=happening.pull.mergeable is False)
    if (happening.delivery.event, happening.delivery.action) == ("pull_request", "synchronize"):
        return Push.expected(merged, happening.delivery)
    if happening.delivery.event == own_events.FORCED:
        return merged.saying(moved=[])
    return reviews.without_told(happening.delivery, merged) if happening.delivery.event == DUE else merged


def _gathered(
    delivery: Delivery, review_id: str, parts: Parts, merged: Snapshot, pull: PullRequest, *, now: float
) -> Translation:
    due = reviews.due(delivery, review_id)
    return Translation(
        number=pull.number,
        snapshot=turn_noted(pull, next_action(pull), merged.gathers(review_id, parts, due), now=now),
        pull=pull,
        due=due,
        silence="it is posted with the rest of its review",
    )


def translate_checks(
    delivery: Delivery,
    known: Snapshot,
    head_checks: tuple[Check, ...],
    connections: Sequence[Connection],
    *,
    now: float,
    queue_commit: tuple[tuple[Check, ...], str] | None = None,
) -> Translation:
    """Translate a delivery about a commit's checks for a pull request whose head it is.

    `queue_commit` are the checks and the SHA where a merge queue made the commit. Post only when the sum of
    the checks turns: the first failure, all green, recovered. Never once a job.
    """
    pull = snapshot.view(known, head_checks)
    failed = to_merge.failed(pull)
    if queue_commit:
        commit = snapshot.view(known, queue_commit[0])
        failed = to_merge.failed(commit)
        nobody, (said, noted) = "Checks", status_changes.of_queue(commit, failed, queue_commit[1], known)
        pull = snapshot.view(noted, head_checks)
    elif delivery.event == "deployment_review":
        said, noted = status_changes.of_review(Happening(delivery=delivery, known=known, pull=pull))
        nobody = "Deployments" if delivery.action == "requested" else ""
    elif delivery.event == "deployment_status":
        nobody, (said, noted) = "Deployments", status_changes.of_deployments(pull, known)
    else:
        nobody, (said, noted) = "Checks", status_changes.of_checks(pull, known)
    result = translation(Round.of(delivery, pull, connections, now, nobody), said, noted)
    if said is None or said.group != "checks" or not result.outgoing:
        return result
    jobs, noted = status_changes.unread(failed, result.snapshot)
    return replace(result, jobs=jobs, snapshot=noted)


def translate_job_log(
    delivery: Delivery,
    check: Check,
    known: Snapshot,
    head_checks: tuple[Check, ...],
    connections: Sequence[Connection],
    *,
    now: float,
) -> Translation:
    """Translate bridge's reading of a failed job."""
    pull, job = snapshot.view(known, head_checks), delivery.payload["job"]
    said = status_changes.of_job(check, FailedStep(number=job["number"], name=job["step"]), job["lines"])
    return translation(Round.of(delivery, pull, connections, now, "Checks"), said, known)


def translate_late_push(
    delivery: Delivery,
    push: Push,
    known: Snapshot,
    head_checks: tuple[Check, ...],
    connections: Sequence[Connection],
    *,
    now: float,
) -> Translation:
    """Translate a forced `push` for a pull request whose `synchronize` was told without it."""
    pull = snapshot.view(known, head_checks)
    said = pulls.force_pushed(Happening(delivery=delivery, known=known, pull=pull), push)
    return translation(Round.of(delivery, pull, connections, now), said, known.saying(moved=[]))
