"""Conversations about lines of code: a comment, its replies, and whether they are resolved.

Each comment is a register by GitHub's id. A first comment's register has the conversation's state, a reply's
the comment that it answers; a deleted comment has another register beside it. A conversation outlives its
first comment while a reply is left, and ends with the last.
"""

from collections.abc import Mapping

from bridge.core.pulls.lww import LwwRegister
from bridge.core.urls import in_repository

MORE = "0"
"""The place of a note that more are unresolved than are kept; GitHub's ids begin with 1."""

Registers = Mapping[str, LwwRegister]


def deletion(name: str) -> str:
    """Return the name of the register that marks a comment as deleted."""
    return f"-{name}"


def unresolved(known: Registers) -> dict[str, str]:
    """Return the first comment that is left of each unresolved conversation, by the one that began it."""
    firsts: dict[str, str] = {}
    found: dict[str, str] = {}
    for name in sorted(known, key=int):
        answered = known[name].value.get("of") or name
        first = firsts[name] = firsts.get(answered, answered)
        is_open = first in known and known[first].value["state"] == "unresolved"
        if is_open and deletion(name) not in known:
            found.setdefault(first, name)
    return found


def links(known: Registers, repository_url: str) -> tuple[str, ...]:
    """Return the addresses of the unresolved conversations, under the repository's present name."""
    found = (known[name].value["url"] for name in unresolved(known).values())
    return tuple(in_repository(url, repository_url) for url in found)


def counting(known: Registers) -> set[str]:
    """Return the registers that tell of unresolved conversations."""
    left = unresolved(known)
    return known.keys() & {MORE, *left, *left.values(), *map(deletion, left)}
