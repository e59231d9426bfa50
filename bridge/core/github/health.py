"""Assess a connection's health from an observation of its repository, webhook and account."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bridge.core.github.redelivery import Attempt
from bridge.core.model import Connection, Delivery, Problem

RECENT_SECONDS = 3600
"""Seconds for which a failed delivery shows that GitHub cannot reach bridge."""

Hint = Literal["", "came", "heard", "removed", "archived"]
"""The kind of event: any delivery; a ping, or an event about the repository; the webhook was removed; the
repository was archived."""


def hint_of(delivery: Delivery) -> Hint:
    """Return the hint that a delivery gives about the health of its repository's connections."""
    happened = (delivery.event, delivery.action)
    return _HINTS.get(happened, "heard" if delivery.event in _ALWAYS else "came")


def changed_installation(delivery: Delivery) -> set[int | str]:
    """Return id and full name, in lower case, of each repository that an installation event names.

    Such events may come late and in any order: only GitHub knows what is installed now.
    https://docs.github.com/webhooks/webhook-events-and-payloads#installation_repositories
    """
    named = [
        repository
        for name in _INSTALLATION_LISTS.get(delivery.event, ())
        for repository in delivery.payload.get(name) or []
        if isinstance(repository, dict)
    ]
    ids = {one["id"] for one in named if type(one.get("id")) is int}
    return ids | {one["full_name"].lower() for one in named if isinstance(one.get("full_name"), str)}


def concerns(delivery: Delivery, connection: Connection) -> bool:
    """Tell whether a delivery is a reason to check a connection.

    A delivery about the repository or its webhook is one; while there is a problem, any delivery is.
    """
    if delivery.event in _ALWAYS:
        return True
    # A dead token does not stop deliveries.
    return connection.problem is not None and connection.problem.kind != "account"


_HINTS: dict[tuple[str, str], Hint] = {
    ("meta", "deleted"): "removed",
    ("repository", "archived"): "archived",
}
_ALWAYS = frozenset({"meta", "ping", "repository"})
_INSTALLATION_LISTS = {
    "installation": ("repositories",),
    "installation_repositories": ("repositories_removed", "repositories_added"),
}


@dataclass(frozen=True, kw_only=True)
class Observation:
    """GitHub's view of a connection, as its installer's account sees it.

    `installed`: the GitHub App has access to the repository; None if its deliveries need no App.
    `linked`: there is such an account. `found`: it sees the repository; `administers`: and its webhooks.
    `hooked`: one leads to bridge, with these `problems` (in words about "it"). `attempts`: its newest
    deliveries, the newest first.
    """

    installed: bool | None = None
    linked: bool = True
    found: bool = True
    archived: bool = False
    administers: bool = True
    hooked: bool = True
    problems: tuple[str, ...] = ()
    attempts: Sequence[Attempt] = ()


UNSEEN = Observation(linked=False)
"""The observation without a linked account."""


def assess(connection: Connection, seen: Observation, hint: Hint, *, now: float) -> Problem | None:
    """Return the problem of a connection, None if it works; `now` in Unix seconds.

    A problem that persists is returned unchanged, so that it is reported once. A webhook made by hand may be
    hidden from the account: events (`hint`) then decide.
    """
    known = connection.problem
    if seen.installed is False:
        text = f"The GitHub App no longer has access to {connection.repository}."
        return _since(known, "hook", f"{text} Install it again, or disconnect.", now)
    if found := _account(connection, seen) or _repository(connection, seen) or _hook(connection, seen):
        return _since(known, *found, now)
    if seen.linked and seen.administers and seen.hooked:
        return _deliveries(connection, seen, now)
    if hint == "removed" and not seen.installed:
        text = f"The webhook of {connection.repository} was deleted on GitHub."
        return _since(known, "hook", f"{text} Add it again, or disconnect.", now)
    if hint == "archived":
        return _since(known, "repository", _archived(connection.repository), now)
    if hint in ("came", "heard") or known is None or known.kind in ("account", "deliveries"):
        return None
    # Seen to be there after all; what events told stands.
    seen_again = seen.linked if known.kind == "repository" else seen.installed
    return None if seen_again else known


Found = tuple[Literal["hook", "repository", "account", "deliveries"], str]


def _account(connection: Connection, seen: Observation) -> Found | None:
    # An operator or an administrator made the webhook, without promising to maintain it.
    if connection.hook_id is None or not connection.installer:
        return None
    if not seen.linked:
        why = "The GitHub account of the person who connected it is no longer linked"
    elif seen.found and not seen.administers:
        why = "The person who connected it is no longer an administrator"
    else:
        return None
    return "account", (
        f"Nobody manages the webhook of {connection.repository}. {why}. Messages still arrive."
        " An administrator of the repository should take over."
    )


def _repository(connection: Connection, seen: Observation) -> Found | None:
    if not seen.linked:
        return None
    if not seen.found:
        return "repository", (
            f"{connection.repository} is gone, or the person who connected it can no longer see it."
            " Someone who can see it should take over, or disconnect."
        )
    return ("repository", _archived(connection.repository)) if seen.archived else None


def _archived(repository: str) -> str:
    return f"{repository} is archived. Disconnect it, or unarchive the repository."


def _hook(connection: Connection, seen: Observation) -> Found | None:
    if not seen.linked or not seen.administers:
        return None
    if not seen.hooked:
        if connection.hook_id is None:
            return None
        text = f"The webhook of {connection.repository} was deleted on GitHub."
    elif seen.problems:
        text = f"The webhook of {connection.repository} does not work: {', and '.join(seen.problems)}."
    else:
        return None
    return "hook", f"{text} Repair the webhook, or disconnect."


def _deliveries(connection: Connection, seen: Observation, now: float) -> Problem | None:
    known = connection.problem if connection.problem and connection.problem.kind == "deliveries" else None
    recent = [attempt for attempt in seen.attempts if now - attempt.at <= RECENT_SECONDS]
    if not seen.attempts or any(attempt.ok for attempt in recent or seen.attempts[:1]):
        return None
    # An hour of silence says nothing new; and each failure may have another status.
    if known or not recent:
        return known
    text = (
        f"GitHub cannot deliver the events of {connection.repository} to bridge: {_status(recent[0])}."
        " bridge requests failed deliveries again. If this continues, tell bridge's operator."
    )
    return _since(None, "deliveries", text, now)


def _status(attempt: Attempt) -> str:
    known = str(attempt.code) in attempt.status or not attempt.code
    return attempt.status if known else f"{attempt.status} ({attempt.code})"


def _since(known: Problem | None, kind: Any, text: str, now: float) -> Problem:
    if known is None or known.kind != kind:
        return Problem(kind=kind, text=text, since=int(now))
    return known if known.text == text else Problem(kind=kind, text=text, since=known.since)
