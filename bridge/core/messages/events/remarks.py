"""A comment on lines of code, as it is kept until its review is told, and as HTML."""

import re
from collections.abc import Mapping
from typing import Any

from bridge.core.messages.events.table import Happening
from bridge.core.messages.html import escape, link
from bridge.core.messages.markdown import MAX_SOURCE, mentioned
from bridge.core.model import Payload
from bridge.core.urls import web_address

CONTEXT_LINES, MAX_LINES = 4, 12
"""Lines of code that are quoted with a comment on one of them, and with one on many."""

MAX_QUOTED = 1000
"""Characters of code that are quoted."""

MAX_REPLACED = 40
"""Lines that a suggestion is shown to replace."""

MAX_MENTIONED = 20

Remark = Mapping[str, Any]

_SUGGESTION = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*suggestion\b", re.MULTILINE)


def remark(comment: Payload, *, gone: bool = False) -> dict[str, Any]:
    """Return the parts of a comment on code to keep; `order` is its place in the file."""
    last = _number(comment.get("line")) or _number(comment.get("original_line"))
    first = _number(comment.get("start_line")) or _number(comment.get("original_start_line")) or last
    hunk = [line for line in str(comment.get("diff_hunk") or "").splitlines() if not line.startswith("@@")]
    body = comment.get("body") or ""
    return {
        "url": url_of(comment),
        "path": str(comment.get("path") or ""),
        "order": [last, first],
        "is_outdated": bool(last and not comment.get("line")),
        "is_reply": bool(comment.get("in_reply_to_id")),
        # One character more than is shown marks a longer text.
        "body": body[: MAX_SOURCE + 1],
        "code": [line[:MAX_QUOTED] for line in hunk[-MAX_REPLACED:]],
        "mentions": list(mentioned(body))[:MAX_MENTIONED],
        "gone": gone,
    }


def url_of(comment: Payload) -> str:
    """Return the address of the comment's page."""
    return web_address(comment["html_url"])


def place(one: Remark) -> str:
    """Name the file and lines of a comment on code."""
    last, first = one["order"]
    lines = f":{first}–{last}" if 0 < first < last else f":{last}" if last else ""
    removed = " (removed)" if last and one["code"] and one["code"][-1].startswith("-") else ""
    return f"{one['path']}{lines}{removed}{' (outdated)' if one['is_outdated'] else ''}"


def words(happening: Happening, one: Remark) -> str:
    """Return safe HTML of a comment with its code; of a suggestion with the lines that it replaces."""
    new_side = [line[1:] for line in one["code"] if line[:1] in (" ", "+")]
    return _quote(one) + happening.html(one["body"], one["url"], replaced=new_side[-_span(one) :])


def headed(happening: Happening, one: Remark) -> str:
    """Return the same with its file and lines as heading, as one of several."""
    return f"<p><strong>{link(one['url'], place(one))}</strong></p>{words(happening, one)}"


def _quote(one: Remark) -> str:
    """Quote the end of the hunk; a suggestion and a reply need no quotation."""
    if not one["order"][0] or one["is_reply"] or _SUGGESTION.search(one["body"]):
        return ""
    lines = one["code"][-min(max(_span(one), CONTEXT_LINES), MAX_LINES) :]
    quoted = "\n".join(lines)[:MAX_QUOTED].split("\n")
    return f"<pre><code>{chr(10).join(map(escape, quoted))}</code></pre>" if lines else ""


def _span(one: Remark) -> int:
    last, first = one["order"]
    span: int = max(1, last - first + 1)
    return span


def _number(value: object) -> int:
    """Return a line's number; 0 if there is none."""
    return value if isinstance(value, int) else 0
