"""Plain text and links as HTML."""

import html
import re
from collections.abc import Iterable, Sequence

from bridge.core.printable import visible
from bridge.core.urls import web_address

TAGS = {
    *("a", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "hr", "i"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "ins", "kbd", "li", "ol", "p", "pre", "s", "span", "strong"),
    *("sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
"""The tags that a text may have."""

_SPECIAL = re.compile(r"""[&<>"']""")


def escape(text: str) -> str:
    """Return plain text as one line of HTML, without invisible characters or ones that reverse it."""
    return _quoted(visible(text))


def _quoted(text: str) -> str:
    # Most texts have nothing to escape, and `html.escape` looks for each of five characters in turn.
    return html.escape(text) if _SPECIAL.search(text) else text


def link(url: str, text: str) -> str:
    """Return a link for a title or a field, where Flowdock allows only `a`; else plain text. Never empty."""
    if not web_address(url):
        return escape(text)
    return f'<a href="{_quoted(url)}">{escape(text) if text.strip() else escape(url)}</a>'


def code(lines: Iterable[str]) -> str:
    """Return lines of plain text as a block of code."""
    return "<pre><code>{}\n</code></pre>".format("\n".join(map(escape, lines)))


def folded(summary: str, safe: str) -> str:
    """Return safe HTML, folded under a plain summary."""
    return f"<details><summary>{escape(summary)}</summary>{safe}</details>"


def listed(parts: Sequence[str], most: int) -> str:
    """Return the first parts of a list of HTML, the rest counted."""
    more = f" and {len(parts) - most} more" if len(parts) > most else ""
    return ", ".join(parts[:most]) + more
