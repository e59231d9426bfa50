"""How a page is made from its template, and every error as a page."""

from typing import Any

import aiohttp_jinja2
from aiohttp import web

from bridge.web.context import SESSION

_HEADINGS = {
    401: "Sign in first",
    403: "This cannot go on",
    404: "There is nothing here",
    405: "Not like this",
    429: "Too many at once",
    502: "The other side did not answer as it should",
    503: "Not now",
    504: "The other side is slow",
}


def render(request: web.Request, template: str, *, status: int = 200, **context: Any) -> web.Response:
    """A page from its template, with the header of whoever is signed in."""
    whole = {"session": request.get(SESSION), **context}
    return aiohttp_jinja2.render_template(template, request, whole, status=status)


def error(request: web.Request, *, status: int, sentence: str, advice: str) -> web.Response:
    """An error as a page: what happened, what to do."""
    heading = _HEADINGS.get(status, "That did not work")
    sentence = sentence[:1].upper() + sentence[1:]
    return render(
        request,
        "error.html",
        status=status,
        heading=heading,
        sentence=sentence,
        advice=advice,
        signed_out=status == 401,
    )


def redirect(url: str) -> web.Response:
    """On to another page, by GET."""
    return web.Response(status=303, headers={"Location": url})
