"""Protect the pages: security headers, no posts from other sites, readable errors."""

from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp_jinja2
from aiohttp import web

from scripts.sandbox.faults import Handler
from scripts.sandbox.flowdock.requests import Refusal

POLICY = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"
PAGE = "/oauth/authorize"


def is_page(request: web.Request) -> bool:
    """Tell whether people, not programs, read the answer."""
    return request.path == PAGE


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Add the headers that every answer carries.

    No `form-action`: browsers hold it against every redirect that follows a consent, wherever it leads.
    """
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")


@web.middleware
async def readable_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer an error with a page to a person, with JSON to a program."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        message = error.message if isinstance(error, Refusal) else HTTPStatus(error.status).phrase
        if is_page(request) and "application/json" not in request.headers.get("Accept", ""):
            context = {"status": error.status, "message": message}
            return aiohttp_jinja2.render_template("error.html", request, context, status=error.status)
        if isinstance(error, Refusal):
            raise
        return web.json_response({"message": message}, status=error.status, headers=_kept(error))


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a page's form that another site posts in the user's name."""
    if request.method not in {"GET", "HEAD"} and is_page(request) and not _from_here(request):
        raise Refusal(403, "This form was sent from another site.")
    return await handler(request)


def _from_here(request: web.Request) -> bool:
    """By what browsers say of a request's origin; other clients say nothing and have no user to trick."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


def _kept(error: web.HTTPException) -> dict[str, str]:
    return {name: error.headers[name] for name in ("Allow",) if name in error.headers}
