"""Messages about comments: on the pull request, and on its lines."""

from bridge.core.messages.edits import changes
from bridge.core.messages.events.remarks import place, remark, url_of
from bridge.core.messages.events.table import Happening, Said, mentioned_now, on
from bridge.core.messages.html import escape, link
from bridge.core.messages.markdown import mentioned
from bridge.core.model import Payload
from bridge.core.pulls.accounts import is_bot
from bridge.core.pulls.talk import standing

COMMENT, ON_LINE = "issue_comment", "pull_request_review_comment"


@on(COMMENT, "created")
def created(happening: Happening) -> Said | None:
    """Post a comment on the pull request; comments on lines belong to reviews."""
    if standing(happening.delivery, happening.known) == "stale":
        return None
    comment = happening.payload["comment"]
    body = comment.get("body") or ""
    return Said(
        title=link(url_of(comment), "Commented"),
        group="comments",
        kind="discussion",
        body=happening.html(body, url_of(comment)),
        mentions=mentioned(body),
    )


@on(COMMENT, "edited")
@on(ON_LINE, "edited")
def edited(happening: Happening) -> Said | None:
    """Report an edited comment; one that its edit overtook is posted whole."""
    edits = happening.payload.get("changes") or {}
    stands = standing(happening.delivery, happening.known)
    if "body" not in edits or stands == "stale":
        return None
    if stands == "new" and happening.delivery.event == COMMENT:
        return created(happening)
    comment = happening.payload["comment"]
    mentions = mentioned_now(edits, comment.get("body"))
    if happening.is_bot and is_bot(comment.get("user")) and not mentions:
        # Bots keep one comment up to date, again and again.
        return None
    return Said(
        title=f"Edited {link(url_of(comment), 'a comment')}{_on_place(comment)}",
        group="comments",
        kind="discussion",
        body=changes((edits["body"] or {}).get("from"), comment.get("body")),
        mentions=mentions,
    )


@on(COMMENT, "deleted")
@on(ON_LINE, "deleted")
def deleted(happening: Happening) -> Said:
    """Report a deleted comment."""
    return Said(title=f"Deleted a comment{_on_place(happening.payload['comment'])}", group="comments")


def _on_place(comment: Payload) -> str:
    """Return the file and lines of a comment on code; nothing for others."""
    return f" on {escape(place(remark(comment)))}" if comment.get("path") else ""
