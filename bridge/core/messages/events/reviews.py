"""Messages about reviews and their conversations.

GitHub sends a review and each of its comments as separate events. They are gathered, and posted as one
message once no more have come for a while (`DUE`).
"""

from collections.abc import Sequence

from bridge.core.messages import edits
from bridge.core.messages.events import remarks
from bridge.core.messages.events.remarks import Remark, remark
from bridge.core.messages.events.table import Happening, Said, given, mentioned_now, named, on, who
from bridge.core.messages.html import escape, link
from bridge.core.messages.markdown import MAX_SOURCE, mentioned
from bridge.core.model import Delivery, Payload
from bridge.core.pulls.gathering import DUE, MAX_REMARKS, Gathering, Parts
from bridge.core.pulls.gathering import REVIEW as ITSELF
from bridge.core.pulls.lww import ABOUT, CARRIED, LwwRegister, moment
from bridge.core.pulls.model import Person
from bridge.core.pulls.snapshot import Snapshot
from bridge.core.pulls.talk import standing
from bridge.core.urls import web_address

REVIEW, ON_LINE = "pull_request_review", "pull_request_review_comment"
MAX_GATHERED = 20
"""Reviews of a pull request that are gathered at a time; the next ones are told piece by piece."""

MAX_HTML = 24_000
"""Bytes of HTML of a review's comments; the rest of them is counted."""

_VERDICTS = {
    "approved": "Approved",
    "changes_requested": "Requested changes",
    "commented": "Reviewed",
}
ENDS = frozenset(
    {
        (REVIEW, "dismissed"),
        *(("pull_request", action) for action in ("closed", "reopened", "enqueued", "converted_to_draft")),
    }
)
"""The events that are told only after reviews whose parts are still coming in."""

_GONE = "9999"
"""Later than any time, so that a deletion is final."""


def part(delivery: Delivery, known: Snapshot) -> tuple[str, Parts] | None:
    """Return the id of a delivery's review, and its part of it; None if it is told by itself."""
    found = parts_of(delivery)
    if found is None:
        return None
    review_id, parts = found
    gathering = known.gathering.get(review_id)
    if gathering and parts.keys() <= gathering.parts.keys():
        return found
    has_room = gathering is not None or len(known.gathering) < MAX_GATHERED
    return found if review_id and has_room and standing(delivery, known) == "new" else None


def without_told(delivery: Delivery, known: Snapshot) -> Snapshot:
    """Return the snapshot without the review that a delivery reported."""
    about = delivery.payload["review"]
    gathering = known.gathering.get(about["id"])
    return known.gathered(about["id"]) if gathering and gathering.due["review"] == about else known


def due(delivery: Delivery, review_id: str) -> Payload:
    """Return the event that posts a review once its part in `delivery` stays the last."""
    payload = delivery.payload
    pull, about = payload["pull_request"], payload.get("comment") or payload["review"]
    # The sender of a comment's change need not be the reviewer.
    is_new = delivery.action in ("submitted", "created")
    reviewer = payload.get("sender") if is_new else about.get("user")
    return {
        "repository": _of(payload["repository"], "id", "full_name", "html_url", "updated_at"),
        "sender": _of(reviewer, "id", "login", "type", "html_url", "avatar_url"),
        "pull_request": {"number": pull["number"], "user": _of(pull.get("user"), "id", "login", "html_url")},
        "review": {"id": review_id, "last": delivery.id},
    }


def _of(value: Payload | None, *names: str) -> Payload | None:
    return {name: value.get(name) for name in names} if value else None


def parts_of(delivery: Delivery) -> tuple[str, Parts] | None:
    """Return the id of a delivery's review, empty if it names none, and its part of it."""
    payload, action = delivery.payload, delivery.action
    if delivery.event == REVIEW and action in ("submitted", "edited"):
        return str(payload["review"].get("id") or ""), {ITSELF: _itself(payload)}
    if delivery.event == ON_LINE and action in ("created", "edited", "deleted"):
        comment, weight = payload["comment"], ABOUT if action == "edited" else CARRIED
        at = _GONE if action == "deleted" else moment(comment.get("updated_at"))
        value = remark(comment, gone=action == "deleted")
        review_id = str(comment.get("pull_request_review_id") or "")
        return review_id, {str(comment["id"]): LwwRegister(at, weight, value)}
    return None


def _itself(payload: Payload) -> LwwRegister:
    review = payload["review"]
    is_edited = payload.get("action") == "edited"
    # GitHub tells no time of a review's edit.
    at = payload["pull_request"].get("updated_at") if is_edited else review.get("submitted_at")
    body = review.get("body") or ""
    value = {
        "state": str(review["state"]).lower(),
        "body": body[: MAX_SOURCE + 1],
        "url": web_address(review.get("html_url")),
        "mentions": list(mentioned(body))[: remarks.MAX_MENTIONED],
    }
    return LwwRegister(moment(at), ABOUT if is_edited else CARRIED, value)


@on(REVIEW, "submitted")
@on(ON_LINE, "created")
def at_once(happening: Happening) -> Said | None:
    """Report a part of a review that is told by itself."""
    found = parts_of(happening.delivery)
    is_stale = standing(happening.delivery, happening.known) == "stale"
    return _told(happening, Gathering(found[1])) if found and not is_stale else None


@on(DUE, "")
def gathered(happening: Happening) -> Said | None:
    """Report a review with all its comments, in reading order; None if more of it came meanwhile."""
    about = happening.payload["review"]
    gathering = happening.known.gathering.get(about["id"])
    return _told(happening, gathering) if gathering and gathering.due["review"] == about else None


def _told(happening: Happening, gathering: Gathering) -> Said | None:
    review, said = gathering.review, gathering.remarks
    state, body = (review["state"], review["body"]) if review else ("commented", "")
    if state == "commented" and not body:
        if not said:
            return None
        if len(said) == 1 and not happening.is_bot:
            return _comment(happening, said[0])
    url = (review["url"] if review else said[0]["url"]) or happening.pull.url
    # Bots write much: one line leads to it.
    has_words = bool(body or said) and not happening.is_bot
    return Said(
        title=_title(url, state if review else "", len(said)),
        # A review that only comments is muted with other comments.
        group="comments" if state == "commented" and not body else "reviews",
        kind="discussion" if has_words else "activity",
        body=happening.html(body, url) + _remarks(happening, said, url) if has_words else "",
        people=_author_of(happening),
        mentions=(*(review["mentions"] if review else ()), *_mentioned(said)),
    )


def _comment(happening: Happening, one: Remark) -> Said:
    return Said(
        title=f"{link(one['url'], 'Commented')} on {escape(remarks.place(one))}",
        group="comments",
        kind="discussion",
        body=remarks.words(happening, one),
        mentions=_mentioned([one]),
    )


def _title(url: str, state: str, count: int) -> str:
    """Word the title; without a `state` the review itself is missing."""
    comments = f"{count} comment{'' if count == 1 else 's'}"
    if not state:
        return link(url, f"Left {comments}")
    return link(url, _VERDICTS.get(state, "Reviewed")) + (f" with {comments}" if count else "")


def _remarks(happening: Happening, said: Sequence[Remark], url: str) -> str:
    shown: list[str] = []
    size = 0
    for one in said[:MAX_REMARKS]:
        html = remarks.headed(happening, one)
        size += len(html.encode())
        if shown and size > MAX_HTML:
            break
        shown.append(html)
    left = len(said) - len(shown)
    more = f"<p>{link(url, f'{left} more comment' + ('' if left == 1 else 's'))}</p>" if left else ""
    return "".join(shown) + more


def _mentioned(said: Sequence[Remark]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(login for one in said for login in one["mentions"]))


def _url(happening: Happening, about: Payload) -> str:
    return web_address(about.get("html_url")) or happening.pull.url


def _author_of(happening: Happening) -> tuple[Person, ...]:
    """Return the pull request's author, to be told of a review; nobody if it is their own."""
    author = given(happening.payload, "pull_request", "user")
    return () if given(author or {}, "id") == given(happening.payload, "sender", "id") else named(author)


@on(REVIEW, "edited")
def edited(happening: Happening) -> Said | None:
    """Report a change to the words of a review."""
    if "body" not in (happening.payload.get("changes") or {}):
        return None
    review = happening.payload["review"]
    if happening.is_bot or standing(happening.delivery, happening.known) == "stale":
        return None
    url = _url(happening, review)
    return Said(
        title=f"Edited {link(url, 'a review')}",
        group="reviews",
        kind="discussion",
        body=edits.changes(given(happening.payload, "changes", "body", "from"), review.get("body")),
        mentions=mentioned_now(happening.payload["changes"], review.get("body")),
    )


@on(REVIEW, "dismissed")
def dismissed(happening: Happening) -> Said:
    """Report a dismissed review."""
    review = happening.payload["review"]
    url = _url(happening, review)
    return Said(title=f"Dismissed {link(url, 'the review')} by {who(review.get('user'))}", group="reviews")


@on("pull_request_review_thread", "resolved", "unresolved")
def conversation(happening: Happening) -> Said:
    """Report a conversation resolved or unresolved."""
    comments = given(happening.payload, "thread", "comments") or [{}]
    url = _url(happening, comments[0])
    verb = "Resolved" if happening.delivery.action == "resolved" else "Unresolved"
    return Said(title=f"{verb} {link(url, 'a conversation')}", group="reviews")
