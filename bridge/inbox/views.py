"""Threads and messages as pages show them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from markupsafe import Markup

from bridge.core.printable import visible
from bridge.inbox.clicks import key_of, may_be_clicked
from bridge.inbox.context import Inbox
from bridge.inbox.flows.sources import FlowSource
from bridge.inbox.keys import Triage
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.threads import markup
from bridge.inbox.threads.extension import pull_of
from bridge.inbox.threads.stored import InboxThread, StoredMessage

_LIKELY = {
    "review": ("Approve", "Request my review"),
    "author": ("Ready for review", "Re-run failed checks", "Update branch", "Assign to me"),
    "ready": ("Merge", "Squash", "Rebase", "Add to merge queue"),
    "maintainer": ("Approve and run", "Approve deployment"),
    "waiting": ("Enable auto-merge",),
}
"""The buttons that take the next step, by whose turn it is, the likeliest first."""

_LAST = ("Merge", "Squash", "Rebase", "Close")
"""The buttons that end a pull request, below all others unless they are the next step."""

_NEVER_OWN = ("Approve", "Request my review")
"""The buttons that GitHub refuses the author of a pull request."""

BEGINNING = 1000
"""Characters of each text of a message that is shown cut."""

_FIRST = 120
"""Characters of a message that a row shows."""

TEXTS = ("title", "body", "content")
"""The members of a message that may be long."""


@dataclass(frozen=True, kw_only=True)
class Button:
    """An UpdateAction; its `key` names exactly this one."""

    key: str
    name: str
    description: str
    is_own: bool = False
    """GitHub refuses the reader this: the pull request is theirs."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A message: who did or wrote it, and what."""

    id: int
    sent: float
    author: str
    avatar: str
    content: Mapping[str, Any]
    is_spoken: bool
    is_mine: bool
    is_edited: bool
    mentioned: bool
    """It mentions the person who looks."""
    is_cut: bool = False
    """Its texts are shown in part."""

    @property
    def size(self) -> int:
        """The characters of its texts."""
        return sum(len(str(self.content.get(name) or "")) for name in TEXTS)

    @cached_property
    def title(self) -> Markup:
        """The title, with nothing but links in it."""
        return markup.inline(self.content.get("title"))

    @cached_property
    def body(self) -> Markup:
        """The body, made safe when a page first shows it."""
        return markup.rich(self.content.get("body"))

    @property
    def text(self) -> str:
        """A person's own words."""
        return str(self.content.get("content") or "")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A thread in a list."""

    id: str
    number: str
    title: str
    source: str
    color: str
    status: str
    turn: str
    since: float | None
    """The Unix time since which it is the reader's turn, as far as that is known."""
    newest: Entry
    said: str
    """The beginning of the newest message, or its title."""
    is_unread: bool
    unread: int
    """Messages that the reader has not seen; 0 if they asked to be reminded."""
    triage: Mapping[Triage, float]
    """The reader's triage of it, with the times."""
    flow_id: str


def number_of(thread: InboxThread) -> str:
    """Return `#42` for bridge's thread of pull request 42, else nothing."""
    pull = pull_of(thread.state)
    return f"#{pull.number}" if pull else ""


def title_of(thread: InboxThread) -> str:
    """Return a thread's number and title."""
    return " ".join(f"{number_of(thread)} {markup.plain(thread.state['title'])}".split())


def entry(message: StoredMessage, reader: InboxPerson, writer: InboxPerson | None = None) -> Entry:
    """Show a message to a reader; `writer` is the person who wrote it in the inbox."""
    content = message.content
    author = content.get("author") or {}
    return Entry(
        id=message.id,
        sent=message.sent / 1000,
        author=writer.nick if writer else visible(str(author.get("name") or "Someone who left")),
        avatar=(writer.avatar if writer else str(author.get("avatar") or "")),
        content=content,
        is_spoken=content["event"] != "activity",
        is_mine=message.author == reader.id,
        is_edited="edited" in content,
        mentioned=f":unread:{reader.id}" in (content.get("tags") or ()),
    )


def said_in(message: StoredMessage, reader: InboxPerson, writer: InboxPerson | None) -> tuple[str, str]:
    """Return the author of a message, and its words in one line."""
    shown = entry(message, reader, writer)
    said = shown.text or markup.plain(str(shown.body)) or markup.plain(str(shown.title))
    return shown.author, " ".join(said.split())


def beginning(entry: Entry) -> Entry:
    """Cut a message's texts."""
    texts = {name: str(entry.content.get(name) or "")[:BEGINNING] for name in TEXTS}
    return replace(entry, content={**entry.content, **texts}, is_cut=True)


def row(
    thread: InboxThread,
    source: FlowSource | None,
    reader: InboxPerson,
    *,
    unread: int | None,
    triage: Mapping[Triage, float],
    writer: InboxPerson | None,
) -> Row:
    """Show a thread in a list to a reader, `unread` the number of its new messages, None if they read it."""
    status = thread.state.get("status") or {}
    newest = beginning(entry(thread.newest, reader, writer))
    pull = pull_of(thread.state)
    turn = pull.turn if pull else None
    mine = turn.of(reader.id) if turn else None
    words = newest.text or markup.words(str(newest.body)) if newest.is_spoken else ""
    return Row(
        id=thread.id,
        number=number_of(thread),
        title=markup.plain(thread.state["title"][:BEGINNING]),
        source=origin(thread, source)[0],
        color=str(status.get("color") or "grey"),
        status=str(status.get("value") or ""),
        turn=turn.why or turn.who if turn and mine else str(turn or ""),
        since=mine.since / 1000 if mine and mine.since else None,
        newest=newest,
        said=_beginning(words) or markup.plain(newest.content.get("title")),
        is_unread=unread is not None,
        unread=unread or 0,
        triage=triage,
        flow_id=thread.flow_id,
    )


def origin(thread: InboxThread, source: FlowSource | None) -> tuple[str, str]:
    """Return name and address of a thread's repository, as GitHub calls it now; else of its source."""
    if pull := pull_of(thread.state):
        return pull.repository, str(thread.state.get("external_url") or "").partition("/pull/")[0]
    return (source.label, source.external_url) if source else ("", "")


def _beginning(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= _FIRST else f"{line[: _FIRST - 1]}…"


def buttons(
    inbox: Inbox, thread: InboxThread, source: FlowSource | None, reader: InboxPerson
) -> list[Button]:
    """List the UpdateActions that a click may perform, those first that take the next step."""
    pull = pull_of(thread.state)
    likely = _LIKELY.get(pull.turn.kind, ()) if pull and pull.turn else ()
    own = _NEVER_OWN if pull and pull.author.id == reader.id else ()
    found = [
        Button(
            key=key_of(one),
            name=one["name"],
            description=one.get("description") or "",
            is_own=one["name"] in own,
        )
        for one in thread.state.get("actions") or ()
        if one["@type"] == "UpdateAction" and source and may_be_clicked(inbox, source, one)
    ]
    last = [one for one in _LAST if one not in likely]
    order = (*likely, *(one.name for one in found if one.name not in (*likely, *last)), *last)
    return sorted(found, key=lambda one: (one.is_own, order.index(one.name)))


def links(thread: InboxThread) -> list[Mapping[str, Any]]:
    """List the ViewActions."""
    return [one for one in thread.state.get("actions") or () if one["@type"] == "ViewAction"]
