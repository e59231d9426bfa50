"""Threads and messages as pages show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from bridge.inbox import markup
from bridge.inbox.clicks import key_of, may_be_clicked
from bridge.inbox.context import Inbox
from bridge.inbox.extension import pull_of
from bridge.inbox.messages import InboxThread, StoredMessage
from bridge.inbox.people import InboxPerson
from bridge.inbox.sources import FlowSource

_FIRST = 120
"""Characters of a message that a row shows."""


@dataclass(frozen=True, kw_only=True)
class Button:
    """An UpdateAction; its `key` names exactly this one."""

    key: str
    name: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A message: who did or wrote it, and what."""

    id: int
    sent: float
    author: str
    avatar: str
    title: Markup
    body: Markup
    text: str
    """A person's own words."""
    is_spoken: bool
    is_mine: bool
    called: bool
    """It calls the person who looks."""


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
    is_my_turn: bool
    newest: Entry
    said: str
    """The beginning of the newest message."""
    is_unread: bool

    def has_words(self, search: str) -> bool:
        """Tell whether number, title, source, status, turn and newest message have all words of a search."""
        text = " ".join(
            (self.number, self.title, self.source, self.status, self.turn, self.newest.author, self.said)
        )
        return all(word in text.lower() for word in search.lower().split())


def number_of(thread: InboxThread) -> str:
    """Return `#42` for bridge's thread of pull request 42, else nothing."""
    pull = pull_of(thread.state)
    return f"#{pull.number}" if pull else ""


def entry(message: StoredMessage, reader: InboxPerson, writer: InboxPerson | None = None) -> Entry:
    """Show a message to a reader; `writer` is the person who wrote it in the inbox."""
    content = message.content
    author = content.get("author") or {}
    return Entry(
        id=message.id,
        sent=message.sent / 1000,
        author=(writer.name if writer else str(author.get("name") or "Somebody who left")),
        avatar=(writer.avatar if writer else str(author.get("avatar") or "")),
        title=markup.inline(content.get("title")),
        body=markup.rich(content.get("body")),
        text=str(content.get("content") or ""),
        is_spoken=content["event"] != "activity",
        is_mine=message.author == reader.id,
        called=f":unread:{reader.id}" in (content.get("tags") or ()),
    )


def row(
    thread: InboxThread,
    source: FlowSource | None,
    reader: InboxPerson,
    *,
    read: int,
    writer: InboxPerson | None,
) -> Row:
    """Show a thread in a list to a reader who has read it up to a message."""
    status = thread.state.get("status") or {}
    newest = entry(thread.newest, reader, writer)
    pull = pull_of(thread.state)
    turn = pull.turn if pull else None
    words = newest.text or markup.plain(str(newest.body)) if newest.is_spoken else ""
    return Row(
        id=thread.id,
        number=number_of(thread),
        title=markup.plain(thread.state["title"]),
        source=source.name if source else "",
        color=str(status.get("color") or "grey"),
        status=str(status.get("value") or ""),
        turn=str(turn or ""),
        is_my_turn=bool(turn and turn.of(reader.id)),
        newest=newest,
        said=" ".join(words.split())[:_FIRST],
        is_unread=thread.newest.id > read and not newest.is_mine,
    )


def buttons(inbox: Inbox, thread: InboxThread, source: FlowSource | None) -> list[Button]:
    """List the UpdateActions that a click may perform."""
    return [
        Button(key=key_of(one), name=one["name"], description=one.get("description") or "")
        for one in thread.state.get("actions") or ()
        if one["@type"] == "UpdateAction" and source and may_be_clicked(inbox, source, one)
    ]


def links(thread: InboxThread) -> list[Mapping[str, Any]]:
    """List the ViewActions."""
    return [one for one in thread.state.get("actions") or () if one["@type"] == "ViewAction"]
