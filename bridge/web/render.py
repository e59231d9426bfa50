"""Pages from templates with their filters, and errors as pages."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from markupsafe import Markup

from bridge.core.printable import reveal
from bridge.core.security.redaction import mask_text
from bridge.web.context import REQUEST_ID, SERVICES, SESSION, UNSENT
from bridge.web.http.visits import VISITOR

_HEADINGS = {
    401: "Sign in first",
    403: "You can’t continue here",
    404: "Not found",
    405: "That doesn’t work at this address",
    429: "Too many requests",
    502: "GitHub or {chat} answered with an error",
    503: "Temporarily unavailable",
    504: "GitHub or {chat} is too slow",
}
_ACTIONS = {"synchronize": "got new commits"}
_UNITS = ((1, 60, "s"), (60, 3600, "min"), (3600, 86400, "h"), (86400, 86400 * 60, "days"))
"""Each unit's seconds, the seconds up to which it is used, and its name."""


def page(request: web.Request, template: str, *, status: int = 200, **context: Any) -> web.Response:
    """Render a page from its template, with the signed-in user's header.

    Names come from other people, so whatever would hide or reverse text on the page is escaped.
    """
    whole = {"session": request.get(SESSION), "visitor": request.get(VISITOR), **context}
    text = reveal(aiohttp_jinja2.render_string(template, request, whole))
    return web.Response(status=status, text=text, content_type="text/html")


def error(request: web.Request, *, status: int, sentence: str, advice: str) -> web.Response:
    """Render an error as a page: the problem, and what to do."""
    chat = request.app[SERVICES].settings.chat
    heading = _HEADINGS.get(status, "That didn’t work").format(chat=chat)
    return page(
        request,
        "error.html",
        status=status,
        heading=heading,
        sentence=as_sentence(sentence),
        advice=advice,
        signed_out=status == 401,
        unsent=request.get(UNSENT),
        request_id=request.get(REQUEST_ID) if status >= 500 else None,
    )


def as_sentence(sentence: str) -> str:
    """Give a refusal's sentence a capital and a full stop; names such as acme/api#1 stay as they are."""
    first = sentence.partition(" ")[0]
    if first.isalpha() and first != "bridge":
        sentence = sentence[:1].upper() + sentence[1:]
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def redirect(url: str) -> web.Response:
    """Redirect to another page, by GET."""
    return web.Response(status=303, headers={"Location": url})


def exact(seconds: float) -> str:
    """Format Unix seconds for people: `24 Nov 2026, 22:10 UTC`."""
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%-d %b %Y, %H:%M} UTC"


def words(seconds: float, now: float) -> str:
    """Format a time relative to `now`: `just now`, `5 min ago`, `in 20 s`; a date if it is long ago."""
    distance = abs(now - seconds)
    if distance < 1 or (distance < 10 and seconds <= now):
        return "just now"
    for length, limit, unit in _UNITS:
        if distance < limit:
            count = int(distance // length)
            name = "day" if (unit, count) == ("days", 1) else unit
            return f"{count} {name} ago" if seconds <= now else f"in {count} {name}"
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%-d %b %Y}"


def ago(seconds: float) -> Markup:
    """Make a `<time>` that shows Unix seconds relative to now: so it is right in every time zone."""
    machine = f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        machine, exact(seconds), words(seconds, time.time())
    )


def event_name(event: str, action: str = "") -> str:
    """Name a delivery's event and action in words: `Check run completed`."""
    # The events that bridge makes itself begin so.
    name = f"{event.removeprefix('bridge.')} {_ACTIONS.get(action, action)}".replace("_", " ").strip()
    return (name or "delivery").capitalize()


FILTERS: dict[str, Callable[..., str]] = {
    "ago": ago,
    "event_name": event_name,
    "masked": mask_text,
    "as_sentence": as_sentence,
}
"""The templates' filters."""
