"""Tell on whose lists a thread is, who did what a message reports, and whom it mentions. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from bridge.inbox import keys
from bridge.inbox.threads.extension import PullTurn, pull_of

MOST = 100
"""People whom a message notifies."""

_MENTIONED = re.compile(r":user:([0-9]{1,19})")

DONE = frozenset({"merged", "closed", "resolved", "done", "no longer shown"})
"""Words of a status that ends a thread: it leaves the list of open ones."""


def is_done(state: Mapping[str, Any]) -> bool:
    """Tell whether a thread's state ends it."""
    return str((state.get("status") or {}).get("value", "")).lower() in DONE


def lists_of(state: Mapping[str, Any]) -> dict[str, list[keys.ListName]]:
    """Return on which lists a thread is, by the ids of people: whose turn it is, and who waits for others."""
    pull = pull_of(state)
    if pull is None:
        return {}
    holders = {one.id for one in pull.turn.people} if pull.turn else set()
    found: dict[str, list[keys.ListName]] = {}
    for person in sorted({one.id for one in pull.people} | holders):
        kinds: list[keys.ListName] = ["mine"] if person == pull.author.id else []
        if pull.turn:
            kinds += ["turn", section(pull.turn)] if person in holders else ["waiting"]
        found[str(person)] = kinds
    return found


def section(turn: PullTurn) -> keys.ListName:
    """Return the section of *My turn* in which a thread waits for those who hold its turn."""
    if turn.kind in ("review", "ready"):
        return turn.kind
    return "returned"


def turn_of(state: Mapping[str, Any]) -> str:
    """Return the holders of a thread's turn as `id@since id@since`: a turn that comes back is a new one."""
    pull = pull_of(state)
    people = pull.turn.people[:MOST] if pull and pull.turn else ()
    return " ".join(f"{one.id}@{one.since or ''}" for one in people)


def actor(content: Mapping[str, Any]) -> int:
    """Return the id of the person who did what bridge reports; 0 if the thread does not name them."""
    pull, name = pull_of(content.get("thread") or {}), str(content["author"].get("name", "")).lower()
    known = (pull.author, *pull.people, *(pull.turn.people if pull.turn else ())) if pull else ()
    return next((one.id for one in known if one.login.lower() == name), 0)


def mentioned(content: Mapping[str, Any], *, author: int) -> list[str]:
    """Return the ids of those whom a message mentions, but for its author."""
    tags = (_MENTIONED.fullmatch(tag) for tag in content.get("tags") or () if isinstance(tag, str))
    return [found[1] for found in tags if found and found[1] != str(author)][:MOST]


def does_mention(content: Mapping[str, Any], person_id: int) -> bool:
    """Tell whether a message mentions a person, also after a change or its deletion."""
    return f":user:{person_id}" in (content.get("tags") or ())
