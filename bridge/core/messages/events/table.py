"""The table itself: a function for each event and action, and the words they share."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from bridge.core.messages.html import link
from bridge.core.messages.markdown import mentioned, to_html
from bridge.core.model import Delivery, Payload
from bridge.core.options import Group
from bridge.core.pulls.accounts import is_bot, person
from bridge.core.pulls.model import Person, PullRequest
from bridge.core.pulls.snapshot import Snapshot


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A message in words: `title` HTML with links only, `body` safe HTML.

    `people` are the accounts that the event names, `mentions` the logins that its text mentions.
    """

    title: str
    group: Group
    body: str = ""
    kind: Literal["activity", "discussion"] = "activity"
    people: tuple[Person, ...] = ()
    mentions: tuple[str, ...] = ()


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery, with what was known before it and the pull request as it stands after it."""

    delivery: Delivery
    known: Snapshot
    pull: PullRequest

    @property
    def payload(self) -> Payload:
        """The delivery's payload."""
        return self.delivery.payload

    @property
    def is_bot(self) -> bool:
        """True if a bot did it."""
        return is_bot(self.payload.get("sender"))

    def html(self, markdown: str | None, rest_url: str, *, replaced: Sequence[str] = ()) -> str:
        """Render Markdown as safe HTML; `replaced` are the lines that a suggestion in it replaces."""
        return to_html(
            markdown or "",
            base_url=self.pull.url,
            rest_url=rest_url,
            repository_url=self.pull.repository_url,
            replaced=replaced,
        )


Speak = Callable[[Happening], Said | None]
TABLE: dict[tuple[str, str], Speak] = {}
"""The functions by event and action."""


def on(event: str, *actions: str) -> Callable[[Speak], Speak]:
    """Register the decorated function for these actions of an event, each once."""

    def register(speak: Speak) -> Speak:
        for action in actions:
            if (event, action) in TABLE:
                raise ValueError(f"{event}.{action} is defined twice")
            TABLE[event, action] = speak
        return speak

    return register


def say(happening: Happening) -> Said | None:
    """Word a delivery; None if it is not worth a message."""
    speak = TABLE.get((happening.delivery.event, happening.delivery.action))
    return speak(happening) if speak else None


def who(user: Payload | None) -> str:
    """Link a person."""
    found = person(user)
    return link(found["url"], found["login"])


def named(user: Payload | None) -> tuple[Person, ...]:
    """Return the person, for `Said.people`; nobody for a deleted account."""
    found = Person(**person(user))
    return (found,) if found.id else ()


def mentioned_now(changes: Payload, markdown: str | None) -> tuple[str, ...]:
    """Return the logins that an edit newly mentions; the earlier ones were told before."""
    if "body" not in changes:
        return ()
    before = mentioned(given(changes, "body", "from"))
    return tuple(name for name in mentioned(markdown) if name not in before)


def given(payload: Payload, *path: str) -> Any:
    """Return a value deep in a payload, None if a step is missing or null."""
    value: Any = payload
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
