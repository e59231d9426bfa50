"""A delivery to what goes out about it: new snapshots, and a message for each connection that wants it."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from bridge.core.messages import description, events, leaving, status_changes, tags, updates
from bridge.core.messages.addressing import Outgoing, Round, addressed
from bridge.core.messages.events import Happening, Said, merging, pulls, reviews
from bridge.core.messages.events.table import given
from bridge.core.model import Author, Connection, Delivery, Payload
from bridge.core.pulls import checks, extract, snapshot
from bridge.core.pulls.gathering import DUE, Parts
from bridge.core.pulls.model import Check, Person, PullRequest
from bridge.core.pulls.push import Push
from bridge.core.pulls.snapshot import Snapshot
from bridge.core.pulls.turn import Turn, next_action, since

MERGEABLE = merging.MERGEABLE
PRIVATE_EVENTS = frozenset({MERGEABLE, extract.MERGE_FAILED, extract.QUEUE, extract.RULES, extract.UPDATE})
"""Events that bridge makes of what it read at GitHub: no delivery of GitHub's."""
OWN_EVENTS = PRIVATE_EVENTS | {DUE}
"""Events that only bridge itself enqueues."""

PULL_EVENTS = frozenset(
    {"issue_comment", extract.QUEUE, extract.UPDATE, *(event for event, _ in events.TABLE)}
)
"""Events about one pull request; the others that are needed are about a commit or the repository."""

RULE_EVENTS = frozenset({"repository_ruleset", "branch_protection_rule"})
"""Events after which the rules of branches are read again."""

REPOSITORY_EVENTS = frozenset({"repository", "meta", "push"}) | RULE_EVENTS

EVENTS = (PULL_EVENTS | checks.EVENTS | REPOSITORY_EVENTS) - OWN_EVENTS
"""The events that bridge needs; all others are answered with 204."""


_OWN_FIELD = {
    "branch_protection_rule": "rule",
    "check_run": "check_run",
    "check_suite": "check_suite",
    "deployment_status": "deployment_status",
    "issue_comment": "comment",
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
"""A field that only deliveries of the event have. No signature covers the header with the event."""


UNSPOKEN = "it only updates the thread"


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """The snapshot that stands after the delivery, and what to say."""

    number: int
    snapshot: Snapshot
    pull: PullRequest | None = None
    """The state for its thread; None if too little is known."""
    outgoing: tuple[Outgoing, ...] = ()
    muted: Mapping[str, str] = msgspec.field(default_factory=dict)
    """The reason why a connection gets no message, by its id."""
    again_in: float = 0
    """Seconds after which the thread has to be brought up to date; 0: it is."""
    due: Payload | None = None
    """A delivery of the event `DUE` to enqueue after a while, so that this one is posted."""
    silence: str = UNSPOKEN
    """The reason why there is no message; empty if it is of no interest."""


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


def is_what_it_is_called(delivery: Delivery) -> bool:
    """Tell whether a payload has what its event's have: it may have been signed as another one."""
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
    round_ = Round(delivery, happening.author, happening.sender, happening.is_bot, pull, connections, now)
    result = _translation(round_, said, merged)
    silence = "" if delivery.event == DUE else result.silence
    return replace(result, silence=silence, outgoing=(*early, *result.outgoing))


def _noted(happening: Happening, merged: Snapshot, said: Said | None) -> Snapshot:
    if said is not None and happening.delivery.event == MERGEABLE:
        return merged.saying(conflict=happening.pull.mergeable is False)
    if (happening.delivery.event, happening.delivery.action) == ("pull_request", "synchronize"):
        return Push.expected(merged, happening.delivery)
    return reviews.without_told(happening.delivery, merged) if happening.delivery.event == DUE else merged


def _gathered(
    delivery: Delivery, review_id: str, parts: Parts, merged: Snapshot, pull: PullRequest, *, now: float
) -> Translation:
    due = reviews.due(delivery, review_id)
    return Translation(
        number=pull.number,
        snapshot=_turn_noted(pull, next_action(pull), merged.gathers(review_id, parts, due), now=now),
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
    if queue_commit:
        author, (said, noted) = "Checks", status_changes.of_queue(pull, *queue_commit, known)
    elif delivery.event == "deployment_status":
        author, (said, noted) = "Deployments", status_changes.of_deployments(pull, known)
    else:
        author, (said, noted) = "Checks", status_changes.of_checks(pull, known)
    nobody = Person(login="")
    round_ = Round(delivery, Author(name=author), nobody, False, pull, connections, now)
    return _translation(round_, said, noted)


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
    happening = Happening(delivery=delivery, known=known, pull=pull)
    round_ = Round(delivery, happening.author, happening.sender, happening.is_bot, pull, connections, now)
    return _translation(round_, pulls.force_pushed(happening, push), known.saying(moved=[]))


def _translation(round_: Round, said: Said | None, merged: Snapshot) -> Translation:
    """Address the message, and a short update to those whose thread would fall behind."""
    pull, again_in = round_.pull, 0.0
    outgoing, muted = addressed(round_, said, merged, round_.connections) if said else ((), {})
    behind = [one for one in round_.connections if said is None or _is_update_enough(said, one)]
    # A review that is gathered brings the thread up to date.
    if behind and not merged.gathering and (update := updates.update(round_, merged)):
        again_in = updates.wait(round_.delivery, update.group, merged, round_.now)
        if not again_in:
            more, silent = addressed(round_, update, merged, behind, part="/update")
            outgoing, muted = (*outgoing, *more), {**muted, **silent}
            merged = updates.noted(update.group, merged, round_.now) if more else merged
    if said and not pull.draft:
        merged = merged.saying(ready=True)
    last_words, merged = leaving.last_words(round_, merged, outgoing)
    noted = _turn_noted(pull, round_.turn, merged, outgoing, now=round_.now)
    pull = replace(pull, turn_since=noted.said["since"])
    if outgoing:
        noted = noted.saying(shown=updates.shown(round_))
        noted, pull = description.keeping_html(noted, pull)
    return Translation(
        number=pull.number,
        snapshot=noted,
        pull=pull,
        outgoing=(*outgoing, *last_words),
        muted=muted,
        again_in=again_in,
    )


def _is_update_enough(said: Said, connection: Connection) -> bool:
    """Tell whether a connection did not ask for messages about labels, and has to be kept up to date only."""
    return said.group == "labels" and not connection.options.labels


def _turn_noted(
    pull: PullRequest,
    found: Turn | None,
    merged: Snapshot,
    outgoing: Sequence[Outgoing] = (),
    *,
    now: float,
) -> Snapshot:
    """Note since when it is whose turn, and who was tagged for that; the next message tags the others."""
    before, people = list(merged.said.get("turn", ())), [one.id for one in tags.on_turn(found)]
    told = people if outgoing else [one for one in before if one in people]
    times = since(pull, found, merged.said.get("since") or {}, now)
    return merged.saying(since=times) if told == before else merged.saying(since=times, turn=told)
