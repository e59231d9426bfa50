"""What is said about comments: on the pull request, and on its lines."""

import re

from bridge.core.messages.events.table import MAX_QUOTED, Happening, Said, mentioned_now, on
from bridge.core.messages.html import escape, link
from bridge.core.messages.markdown import mentioned
from bridge.core.model import Payload
from bridge.core.urls import web_address

COMMENT, ON_LINE = "issue_comment", "pull_request_review_comment"
_SUGGESTION = re.compile(r"^```suggestion[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_CONTEXT_LINES = 4


@on(COMMENT, "created")
@on(ON_LINE, "created")
def created(happening: Happening) -> Said | None:
    """A comment, with the lines it is about. One that belongs to a review with words is told with that."""
    comment = happening.payload["comment"]
    body = comment.get("body") or ""
    return Said(
        title=f"{link(_url(comment), 'Commented')}{_place(comment)}",
        group="comments",
        kind="discussion",
        body=_quote(comment) + happening.html(body, _url(comment), replaced=_replaced(comment)),
        mentions=mentioned(body),
    )


@on(COMMENT, "edited")
@on(ON_LINE, "edited")
def edited(happening: Happening) -> Said | None:
    """The words of a comment changed."""
    if "body" not in (happening.payload.get("changes") or {}):
        return None
    comment = happening.payload["comment"]
    body = comment.get("body") or ""
    return Said(
        title=f"Edited {link(_url(comment), 'a comment')}{_place(comment)}",
        group="comments",
        kind="discussion",
        body=happening.html(body, _url(comment)),
        mentions=mentioned_now(happening.payload["changes"], body),
    )


@on(COMMENT, "deleted")
@on(ON_LINE, "deleted")
def deleted(happening: Happening) -> Said:
    """A comment is gone."""
    return Said(title=f"Deleted a comment{_place(happening.payload['comment'])}", group="comments")


def _url(comment: Payload) -> str:
    return web_address(comment["html_url"])


def _place(comment: Payload) -> str:
    """The file and line of a comment on code; nothing for others."""
    path = comment.get("path")
    if not path:
        return ""
    line = comment.get("line") or comment.get("original_line")
    return f" on {escape(path)}{f':{line}' if line else ''}"


def _quote(comment: Payload) -> str:
    """The end of the hunk that a comment on code hangs on; a suggestion speaks for itself."""
    hunk = comment.get("diff_hunk") or ""
    if not hunk or comment.get("in_reply_to_id") or _SUGGESTION.search(comment.get("body") or ""):
        return ""
    lines = [line for line in hunk.splitlines() if not line.startswith("@@")][-_CONTEXT_LINES:]
    quoted = "\n".join(lines)[:MAX_QUOTED].split("\n")
    return f"<pre><code>{chr(10).join(escape(line) for line in quoted)}</code></pre>" if lines else ""


def _replaced(comment: Payload) -> list[str]:
    """The lines that a suggestion would replace: those of the new side that the comment is about."""
    last = comment.get("line") or comment.get("original_line") or 0
    first = comment.get("start_line") or comment.get("original_start_line") or last
    new = [line[1:] for line in (comment.get("diff_hunk") or "").splitlines() if line[:1] in (" ", "+")]
    return new[-max(1, last - first + 1) :]
