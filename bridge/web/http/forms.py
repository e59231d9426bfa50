"""The value that a session's forms bring, and refusals of forms."""

import secrets

from aiohttp import web

from bridge.core.errors import RequestRefused
from bridge.core.security import signing


class FormRefused(RequestRefused):
    """A form that does not come from this session's own page."""

    status = 403
    advice = "Go back, reload the page and try again. Nothing was changed."


def csrf_of_page(csrf: str) -> str:
    """Return a session's value for the forms of one page: another for each page, see `once`."""
    return csrf + secrets.token_hex(8)


def is_csrf(given: str, csrf: str) -> bool:
    """Tell whether the value in a form is one that `csrf_of_page` made."""
    return signing.equal(given[: len(csrf)], csrf)


def is_of_this_site(request: web.Request) -> bool:
    """Tell whether a page of bridge's own sent a form; old browsers do not say."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
