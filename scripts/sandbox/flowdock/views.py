"""View models of the pages: rows, panels, and sanitised text."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import nh3
from markupsafe import Markup

from scripts.sandbox.flowdock.state import Message, Source, Thread, World

LINK_SCHEMES = {"http", "https", "mailto"}
LINK_REL = "nofollow noopener noreferrer"
BODY_TAGS = {
    *(
        "a",
        "b",
        "blockquote",
        "br",
        "code",
        "dd",
        "del",
        "details",
        "div",
        "dl",
        "dt",
        "em",
        "h1",
        "h2",
        "h3",
    ),
    *("h4", "h5", "h6", "hr", "i", "img", "input", "ins", "kbd", "li", "ol", "p", "pre", "s", "samp", "span"),
    *("strong", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "tt", "u", "ul"),
}
BODY_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "input": {"checked"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
# A body may show task lists; nothing in it may be typed into.
FORCED = {
    "a": {"target": "_blank"},
    "img": {"loading": "lazy"},
    "input": {"type": "checkbox", "disabled": ""},
}


@dataclass(frozen=True, kw_only=True)
class Button:
    """An action as the menu shows it; `key` names exactly this action, `slug` its name in tests."""

    key: str
    slug: str
    name: str
    description: str
    url: str | None


@dataclass(frozen=True, kw_only=True)
class Item:
    """A thread with what its row and its panel need around it."""

    thread: Thread
    source: Source
    buttons: tuple[Button, ...]

    @property
    def title(self) -> str:
        """The title as plain text."""
        return plain(self.thread.state["title"]).unescape()

    @property
    def links(self) -> list[Button]:
        """The ViewActions."""
        return [button for button in self.buttons if button.url]

    @property
    def updates(self) -> list[Button]:
        """The UpdateActions."""
        return [button for button in self.buttons if not button.url]


def item(world: World, thread: Thread) -> Item:
    """Return the thread with its source and its buttons."""
    actions = thread.state.get("actions") or []
    return Item(thread=thread, source=world.sources[thread.source], buttons=tuple(map(_button, actions)))


def find_action(thread: Thread, key: str) -> Mapping[str, Any] | None:
    """Return the UpdateAction that a button stands for; None if the thread no longer offers it."""
    actions = thread.state.get("actions") or []
    return next((one for one in actions if one["@type"] == "UpdateAction" and _key(one) == key), None)


def _button(action: Mapping[str, Any]) -> Button:
    return Button(
        key=_key(action),
        slug=re.sub(r"[^a-z0-9]+", "-", action["name"].lower()).strip("-"),
        name=action["name"],
        description=action.get("description") or "",
        url=action["url"] if action["@type"] == "ViewAction" else None,
    )


def _key(action: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(action, sort_keys=True).encode()).hexdigest()[:16]


def rich(html: str | None) -> Markup:
    """Return a body as safe HTML: scripts, styles, forms and handlers are gone, links open a new tab."""
    return _clean(html, BODY_TAGS)


def inline(html: str | None) -> Markup:
    """Return a title or value as safe HTML: nothing but links is left."""
    return _clean(html, {"a"})


def plain(html: str | None) -> Markup:
    """Return a title as text alone, where it stands inside a link already."""
    return _clean(html, set())


def _clean(html: str | None, tags: set[str]) -> Markup:
    cleaned = nh3.clean(
        html or "",
        tags=tags,
        attributes={tag: names for tag, names in BODY_ATTRIBUTES.items() if tag in tags},
        set_tag_attribute_values={tag: forced for tag, forced in FORCED.items() if tag in tags},
        url_schemes=LINK_SCHEMES,
        url_relative="deny",
        link_rel=LINK_REL,
    )
    return Markup(cleaned)  # noqa: S704 - nh3 has just made it safe


def initials(name: str) -> str:
    """One or two letters to stand for a face."""
    words = re.findall(r"\w+", name) or ["?"]
    return "".join(word[0] for word in words[:2]).upper()


def hue(name: str) -> int:
    """One of eight colours, always the same for a name."""
    return hashlib.sha256(name.encode()).digest()[0] % 8


def iso(moment: float) -> str:
    """Return a time for `<time datetime>`."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def clock(moment: float) -> str:
    """Return a time as the first paint shows it; the page's script says "5 min" instead."""
    return datetime.fromtimestamp(moment, UTC).strftime("%d %b %H:%M")


def is_spoken(message: Message) -> bool:
    """Tell whether somebody wrote the message, rather than did something."""
    return bool(message.content["event"] == "discussion")


FILTERS: dict[str, Callable[..., Any]] = {
    "rich": rich,
    "inline": inline,
    "plain": plain,
    "initials": initials,
    "hue": hue,
    "iso": iso,
    "clock": clock,
    "spoken": is_spoken,
}
