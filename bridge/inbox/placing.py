"""Say what a thread is to the people whom bridge names in it. Pure."""

from collections.abc import Mapping
from typing import Any

from bridge.inbox import keys
from bridge.inbox.extension import PullTurn, pull_of

DONE = frozenset({"merged", "closed", "resolved", "done", "no longer shown"})
"""Words of a status that ends a thread: it leaves the list of open ones."""


def is_done(state: Mapping[str, Any]) -> bool:
    """Tell whether a thread's state ends it."""
    return str((state.get("status") or {}).get("value", "")).lower() in DONE


def places(state: Mapping[str, Any]) -> dict[str, list[keys.Desk]]:
    """Say on which desks a thread is, by the ids of people: whose turn it is, and who waits for others."""
    pull = pull_of(state)
    if pull is None:
        return {}
    holders = {one.id for one in pull.turn.people} if pull.turn else set()
    found: dict[str, list[keys.Desk]] = {}
    for person in sorted({one.id for one in pull.people} | holders):
        kinds: list[keys.Desk] = ["mine"] if person == pull.author.id else []
        if pull.turn:
            kinds += ["turn", section(pull.turn)] if person in holders else ["waiting"]
        found[str(person)] = kinds
    return found


def section(turn: PullTurn) -> keys.Desk:
    """Return the section of *My turn* in which a thread waits for those who hold its turn."""
    if turn.kind in ("review", "ready"):
        return turn.kind
    return "returned"


def actor(content: Mapping[str, Any]) -> int:
    """Return the id of the person who did what bridge tells; 0 if the thread does not name them."""
    pull, name = pull_of(content.get("thread") or {}), content["author"].get("name")
    known = (pull.author, *pull.people) if pull else ()
    return next((one.id for one in known if one.login == name), 0)
