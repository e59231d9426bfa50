"""Rendering of the inbox's pages from their templates."""

from typing import Any

import aiohttp_jinja2
from aiohttp import web

from bridge.inbox.people import sessions
from bridge.inbox.people.people import InboxPerson
from bridge.web.http.visits import VISITOR


def render(
    request: web.Request, template: str, *, person: InboxPerson | None, status: int = 200, **context: Any
) -> web.Response:
    """Make a page, with the header of the person who is signed in and the value for their forms."""
    cookie = sessions.cookie_of(request)
    whole = {
        "session": None,
        "visitor": request.get(VISITOR),
        "person": person,
        "back": str(request.rel_url.without_query_params("outcome")),
        "csrf": cookie.csrf if person and cookie else "",
        **context,
    }
    return aiohttp_jinja2.render_template(f"inbox/{template}", request, whole, status=status)
