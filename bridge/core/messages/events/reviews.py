"""What is said about reviews and their conversations."""

from bridge.core.messages.events.table import Happening, Said, given, mentioned_now, named, on, who
from bridge.core.messages.html import link
from bridge.core.messages.markdown import mentioned
from bridge.core.model import Payload
from bridge.core.pulls.model import Person
from bridge.core.urls import web_address

REVIEW = "pull_request_review"

_VERDICTS = {
    "approved": "Approved",
    "changes_requested": "Requested changes",
    "commented": "Reviewed",
}


@on(REVIEW, "submitted")
def submitted(happening: Happening) -> Said | None:
    """A review with what it says; its comments on lines are part of it and not told one by one.

    A single comment on a line comes as a review without a verdict and without words: then the comment
    itself is told.
    """
    review = happening.payload["review"]
    state, body = str(review["state"]).lower(), review.get("body") or ""
    if state == "commented" and not body:
        return None
    verdict = _VERDICTS.get(state, "Reviewed")
    return Said(
        title=link(_url(happening, review), verdict),
        group="reviews",
        kind="discussion" if body else "activity",
        body=happening.html(body, _url(happening, review)),
        people=_author_of(happening),
        mentions=mentioned(body),
    )


def _url(happening: Happening, about: Payload) -> str:
    return web_address(about.get("html_url")) or happening.pull.url


def _author_of(happening: Happening) -> tuple[Person, ...]:
    """The pull request's author wants to know of a review; not of their own."""
    author = given(happening.payload, "pull_request", "user")
    return () if given(author or {}, "id") == given(happening.payload, "sender", "id") else named(author)


@on(REVIEW, "edited")
def edited(happening: Happening) -> Said | None:
    """The words of a review changed."""
    if "body" not in (happening.payload.get("changes") or {}):
        return None
    review = happening.payload["review"]
    url = _url(happening, review)
    return Said(
        title=f"Edited {link(url, 'a review')}",
        group="reviews",
        kind="discussion",
        body=happening.html(review.get("body"), url),
        mentions=mentioned_now(happening.payload["changes"], review.get("body")),
    )


@on(REVIEW, "dismissed")
def dismissed(happening: Happening) -> Said:
    """A review counts no more."""
    review = happening.payload["review"]
    url = _url(happening, review)
    return Said(title=f"Dismissed {link(url, 'the review')} by {who(review.get('user'))}", group="reviews")


@on("pull_request_review_thread", "resolved", "unresolved")
def conversation(happening: Happening) -> Said:
    """A conversation is settled, or taken up again."""
    comments = given(happening.payload, "thread", "comments") or [{}]
    url = _url(happening, comments[0])
    verb = "Resolved" if happening.delivery.action == "resolved" else "Unresolved"
    return Said(title=f"{verb} {link(url, 'a conversation')}", group="reviews")
