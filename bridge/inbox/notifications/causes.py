"""The causes of notifications: a message that mentions people, and a thread whose turn becomes theirs."""

import re
from collections.abc import Mapping
from typing import Any

from bridge.inbox.extension import pull_of

MOST = 100
"""People whom a message notifies."""

_MENTIONED = re.compile(r":user:([0-9]{1,19})")


def does_mention(content: Mapping[str, Any], person_id: int) -> bool:
    """Tell whether a message mentions a person, also after a change or its deletion."""
    return f":user:{person_id}" in (content.get("tags") or ())


def mentioned(content: Mapping[str, Any], *, author: int) -> list[str]:
    """Return the ids of those whom a message mentions, but for its author."""
    tags = (_MENTIONED.fullmatch(tag) for tag in content.get("tags") or () if isinstance(tag, str))
    return [found[1] for found in tags if found and found[1] != str(author)][:MOST]


def of(content: Mapping[str, Any], *, author: int, state: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the turn by a thread's state, the sender, and those whom a message mentions, for `accept.lua`.

    Each of the turn is `id@since`, so that a turn that comes back is a new one. The sender needs no
    notification of their own turn: `author` if they wrote in the inbox, else the one with the author's login.
    """
    pull = pull_of(state)
    people = pull.turn.people[:MOST] if pull and pull.turn else ()
    login = str((content.get("author") or {}).get("name", "")).lower()
    sender = author or next((one.id for one in people if one.login.lower() == login), 0)
    turn = " ".join(f"{one.id}@{one.since or ''}" for one in people)
    return turn, str(sender), " ".join(mentioned(content, author=author))
