"""Pages from templates, and errors as pages."""

from typing import Any

import aiohttp_jinja2
from aiohttp import web

from bridge.core.printable import reveal
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
        sentence=whole(sentence),
        advice=advice,
        signed_out=status == 401,
        unsent=request.get(UNSENT),
        request_id=request.get(REQUEST_ID) if status >= 500 else None,
    )


def whole(sentence: str) -> str:
    """Give a refusal's sentence a capital and a full stop; names such as acme/api#1 stay as they are."""
    first = sentence.partition(" ")[0]
    if first.isalpha() and first != "bridge":
        sentence = sentence[:1].upper() + sentence[1:]
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def redirect(url: str) -> web.Response:
    """Redirect to another page, by GET."""
    return web.Response(status=303, headers={"Location": url})
