"""Decide which changes of a thread are worth a message of their own.

Flowdock has no silent update: a thread shows a change with its next message. Most deliveries bring one. Where
a delivery brings none and yet changes a thread's status, turn, buttons, labels, conversations or the end of
its checks, a short message does.
"""

from typing import Any

from bridge.core.actions import ACTIONS
from bridge.core.messages import status_changes, thread
from bridge.core.messages.addressing import Round
from bridge.core.messages.events import Said
from bridge.core.messages.html import escape
from bridge.core.pulls import to_merge
from bridge.core.pulls.gathering import REVIEW_SECONDS
from bridge.core.pulls.model import PullRequest
from bridge.core.pulls.own_events import MERGEABLE, RULES, UPDATE
from bridge.core.pulls.snapshot import Snapshot
from bridge.core.pulls.turn import CONFLICTS, Turn

SECONDS = 60
"""The least time between two messages about a thread's labels or its place in the queue."""

_BOOKKEEPING = ("labels", "place")

Shown = dict[str, Any]


def shown(round_: Round) -> Shown:
    """Return the parts of a thread that people act on."""
    pull = round_.pull
    return {
        "status": thread.status(pull)["value"],
        "repository": pull.repository,
        "turn": _lasting(round_.turn) if round_.turn else "",
        "buttons": [action.name for action in ACTIONS.values() if action.offered(pull)],
        "place": pull.place.number,
        "labels": [label.name for label in pull.labels],
        "conversations": len(pull.unresolved),
        # Checks are told when their sum turns.
        "to_merge": [one for one in to_merge.missing(pull) if not one.startswith("checks: ")],
        "checks": status_changes.shown(pull),
    }


def _lasting(found: Turn) -> str:
    """Say whose turn it is and why, in words that a new login does not change."""
    return f"{found.named(lambda one: str(one.id or one.login))} {found.why}"


def update(round_: Round, known: Snapshot, now: Shown) -> Said | None:
    """Return the message that makes a thread true again; None if all that people act on is still true.

    `now` is what `shown` returns for the round.
    """
    delivery, pull = round_.delivery, round_.pull
    before = _before(known, now)
    if not known.said.get("shown") or (delivery.event, delivery.action) == ("pull_request", "dequeued"):
        # It left the merge queue by being merged, and that message comes next.
        return None
    if pull.mergeable is None and CONFLICTS in before["turn"]:
        # GitHub is still working out whether it conflicts.
        return None
    if title := _rerun(before["checks"], now["checks"], pull):
        return Said(title=title, group="checks")
    # GitHub reports a close itself, unless bridge had to ask.
    is_told = not pull.is_open and delivery.event not in (MERGEABLE, RULES, UPDATE)
    title = "" if is_told else _words(before, now, round_)
    return Said(title=title, group="other") if title else None


def wait(round_: Round, known: Snapshot, now: Shown) -> float:
    """Return the seconds until an update may be posted; comments come several at a time."""
    more_parts = REVIEW_SECONDS if round_.delivery.event.startswith("pull_request_review") else 0.0
    before = _before(known, now)
    if now | {name: before[name] for name in _BOOKKEEPING} != before:
        return more_parts
    return max(more_parts, float(known.said.get("updated", 0)) + SECONDS - round_.now)


def _before(known: Snapshot, now: Shown) -> Shown:
    """Return what the thread showed. A part that an older version of bridge did not note did not change."""
    return now | (known.said.get("shown") or {})


def _words(before: Shown, now: Shown, round_: Round) -> str:
    """Word the changes that people must know of, as a title; empty if there are none."""
    pull = round_.pull
    if now["status"] != before["status"]:
        return f"Status: {now['status']}"
    if not pull.is_open or now == before:
        return ""
    if now["turn"] != before["turn"] and not _only_begins(before, now):
        return f"Turn: {thread.worded_turn(round_.turn)}"
    if now["repository"] != before["repository"]:
        return f"Repository: {escape(pull.repository)}"
    if now["place"] != before["place"] and max(now["place"], before["place"]) > 1 and now["place"]:
        return f"Merge queue: position {now['place']}"
    if now["labels"] != before["labels"]:
        return f"Labels: {escape(', '.join(now['labels'][: thread.MAX_NAMED]) or 'none')}"
    if now["conversations"] != before["conversations"]:
        return f"Conversations: {now['conversations'] or 'none'} unresolved"
    if now["to_merge"] != before["to_merge"] and pull.rules and pull.rules.is_known:
        return f"To merge: {escape('; '.join(now['to_merge']) or 'nothing missing')}"
    if new := [name for name in now["buttons"] if name not in before["buttons"]]:
        return f"Now available: {', '.join(new)}"
    if now["buttons"] != before["buttons"]:
        return f"Buttons: {', '.join(now['buttons']) or 'none'}"
    return ""


def _rerun(before: list[Any], now: list[Any], pull: PullRequest) -> str:
    if before[0] != now[0] or (before[1], now[1]) != ("failed", "running") or not pull.is_open:
        return ""
    count = len(pull.checks_that("running"))
    return f"Re-running {'1 check' if count == 1 else f'{count} checks'}"


def _only_begins(before: Shown, now: Shown) -> bool:
    """Tell whether checks merely began to run, on a pull request that was not ready to merge: no news."""
    return bool(now["turn"].startswith("checks") and before["turn"] != "ready to merge ")
