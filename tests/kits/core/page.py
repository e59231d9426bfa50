"""Reads HTML as strictly as it is written, so that a test need not trust the sanitiser it tests."""

import html
import re
from dataclasses import dataclass

# What bridge lets out, written down a second time: a tag or attribute more is to be a decision.
BODY_TAGS = frozenset(
    [
        *("a", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "ins", "kbd", "li", "ol", "p", "pre", "s"),
        *("span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"),
    ]
)
BODY_ATTRIBUTES = frozenset(
    [("a", "href"), ("a", "title"), ("a", "rel"), ("td", "align"), ("th", "align"), ("ol", "start")]
)

_PIECE = re.compile(r"""<(/?)([a-z][a-z0-9]*)((?: [a-z-]+="[^"]*")*)>|([^<]+)""")
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')


class Unsafe(AssertionError):
    """HTML that must not reach a flow."""


@dataclass(frozen=True)
class Tag:
    """An opening tag."""

    name: str
    attributes: dict[str, str]


def tags(markup: str) -> list[Tag]:
    """All opening tags; raises `Unsafe` at anything that is neither a plain tag nor text."""
    found = []
    position = 0
    while position < len(markup):
        piece = _PIECE.match(markup, position)
        if piece is None:
            raise Unsafe(f"neither tag nor text: {markup[position : position + 60]!r}")
        position = piece.end()
        if piece[2] and not piece[1]:
            attributes = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(piece[3])}
            found.append(Tag(piece[2], attributes))
    return found


def text(markup: str) -> str:
    """The text that a reader sees."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def check_body(markup: str) -> None:
    """Raise `Unsafe` unless `markup` may be a thread's body."""
    for tag in tags(markup):
        if tag.name not in BODY_TAGS:
            raise Unsafe(f"a tag that is not allowed: {tag}")
        for name in tag.attributes:
            if (tag.name, name) not in BODY_ATTRIBUTES:
                raise Unsafe(f"an attribute that is not allowed: {tag}")
        address = tag.attributes.get("href")
        if address is not None and not address.startswith(("http:", "https:", "mailto:")):
            raise Unsafe(f"an address that is not allowed: {tag}")


def check_line(markup: str) -> None:
    """Raise `Unsafe` unless `markup` may be a title or a field: only links, only to the web."""
    for tag in tags(markup):
        if tag.name != "a" or set(tag.attributes) != {"href"}:
            raise Unsafe(f"a title holds only links: {tag}")
        if not tag.attributes["href"].startswith(("http://", "https://")):
            raise Unsafe(f"an address that is not allowed: {tag}")
