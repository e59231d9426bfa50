"""The text of a thread that searches look through: what it is about, and what was said last. Pure.

`name:value` on a line of its own is for filters, such as `status:open`.
"""

from collections.abc import Mapping
from typing import Any

from bridge.inbox.threads import markup
from bridge.inbox.threads.extension import pull_of

FILTERS = ("repository", "author", "label", "status")

MOST_SAID = 600
"""Characters of a message."""


def about(state: Mapping[str, Any]) -> str:
    """Return number, title, repository, people, status, turn and labels, and the lines for filters."""
    pull, status = pull_of(state), str((state.get("status") or {}).get("value", ""))
    labels = labels_of(state)
    free = [markup.plain(state["title"]), status, *labels]
    lines = [f"status:{status}", *(f"label:{label}" for label in labels)]
    if pull:
        free += [f"#{pull.number}", pull.repository, str(pull.turn or "")]
        free += [one.login for one in (pull.author, *pull.people)]
        lines += [f"repository:{pull.repository}", f"author:{pull.author.login}"]
    # After a space no word is a filter's, such as of a title `author:ann`.
    every = [f" {' '.join(one.split())}" for one in free] + [" ".join(one.split()) for one in lines]
    return "\n".join(["", *every, ""]).lower()


def said(content: Mapping[str, Any]) -> str:
    """Return who says what in a message."""
    author = (content.get("author") or {}).get("name", "")
    body = markup.plain(content.get("title")), markup.plain(content.get("body")), content.get("content") or ""
    return " ".join(f"{author} {' '.join(body)}".lower().split())[:MOST_SAID] + "\n"


def words(text: str, filters: Mapping[str, str]) -> list[str]:
    """Return what a thread's text must have: the words of a search, and a line for each filter."""
    lines = [f"\n{name}:{' '.join(filters[name].lower().split())}\n" for name in FILTERS if filters.get(name)]
    return [*lines, *text.lower().split()]


def labels_of(state: Mapping[str, Any]) -> list[str]:
    """Return the names of a pull request's labels."""
    values = (one["value"] for one in state.get("fields") or () if one["label"] == "Labels")
    return [one for one in markup.plain(next(values, "")).split(", ") if one]
