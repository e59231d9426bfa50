"""The tables of events: a webhook delivery becomes what is said about it.

An event that bridge needs is one decorated function; it gets the payload and returns the title that
reads on after the author's name, or None where nothing is worth saying. The pull request's state is
taken from every `pull_request` delivery, also of an action that GitHub adds tomorrow.
"""

from collections.abc import Callable

from bridge.core.markdown import escape, link
from bridge.core.model import Author, Delivery, Message, Payload
from bridge.core.snapshot import person

Say = Callable[[Payload], str | None]

PULL_REQUEST: dict[str, Say] = {}
"""What each action of `pull_request` says."""

EVENTS = frozenset({"pull_request"})
"""The events that bridge needs; all others are answered with 204."""


def on(*actions: str) -> Callable[[Say], Say]:
    """Register the decorated function for these actions of `pull_request`, each once."""

    def register(say: Say) -> Say:
        for name in actions:
            if name in PULL_REQUEST:
                raise ValueError(f"pull_request.{name} is defined twice")
            PULL_REQUEST[name] = say
        return say

    return register


def is_needed(delivery: Delivery) -> bool:
    """Whether a delivery can concern a thread at all."""
    return (
        delivery.event in EVENTS
        and isinstance(delivery.payload.get("pull_request"), dict)
        and isinstance(delivery.payload.get("repository"), dict)
    )


def messages(delivery: Delivery) -> tuple[Message, ...]:
    """What is said about the delivery, in order; often one message, none for an action without words."""
    say = PULL_REQUEST.get(delivery.action)
    title = say(delivery.payload) if say else None
    if title is None:
        return ()
    return (Message(event="activity", title=title, author=_author(delivery.payload)),)


def _author(payload: Payload) -> Author:
    sender = payload.get("sender") or {}
    avatar = sender.get("avatar_url") or ""
    return Author(name=person(sender).login, avatar=avatar if avatar.startswith("http") else "")


@on("opened")
def opened(payload: Payload) -> str:
    """A new pull request."""
    return "Opened draft pull request" if payload["pull_request"].get("draft") else "Opened pull request"


@on("edited")
def edited(payload: Payload) -> str:
    """Title, description or base changed; GitHub names which."""
    words = {"title": "title", "body": "description", "base": "base branch"}
    changed = [word for key, word in words.items() if key in (payload.get("changes") or {})]
    return f"Edited the {' and '.join(changed)}" if changed else "Edited pull request"


@on("closed")
def closed(payload: Payload) -> str:
    """Closed, or merged: GitHub sends one action for both."""
    if not payload["pull_request"].get("merged_at"):
        return "Closed pull request"
    return f"Merged pull request into {escape(payload['pull_request']['base']['ref'])}"


@on("reopened")
def reopened(payload: Payload) -> str:
    """Open again."""
    return "Reopened pull request"


@on("assigned")
def assigned(payload: Payload) -> str:
    """Somebody takes it, or is given it."""
    if _is_own(payload):
        return "Self-assigned pull request"
    return f"Assigned {_assignee(payload)}"


@on("unassigned")
def unassigned(payload: Payload) -> str:
    """Somebody drops it, or is relieved of it."""
    if _is_own(payload):
        return "Removed their own assignment"
    return f"Unassigned {_assignee(payload)}"


@on("synchronize")
def synchronize(payload: Payload) -> str:
    """New commits on the head branch, with a link to what they change."""
    before, after = payload.get("before") or "", payload.get("after") or ""
    repository = payload["repository"].get("html_url") or ""
    if not (before and after):
        return "Pushed to the branch"
    return f"Pushed {link(f'{repository}/compare/{before}...{after}', after[:7])}"


@on("ready_for_review")
def ready_for_review(payload: Payload) -> str:
    """No longer a draft."""
    return "Marked as ready for review"


@on("converted_to_draft")
def converted_to_draft(payload: Payload) -> str:
    """A draft again."""
    return "Converted to draft"


def _is_own(payload: Payload) -> bool:
    assignee, sender = payload.get("assignee") or {}, payload.get("sender") or {}
    return bool(assignee) and assignee.get("id") == sender.get("id")


def _assignee(payload: Payload) -> str:
    who = person(payload.get("assignee"))
    return link(who.url, who.login)
