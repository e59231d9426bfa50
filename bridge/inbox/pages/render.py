"""Rendering of the inbox's pages, and the outcomes of forms on them."""

from typing import Any

import aiohttp_jinja2
from aiohttp import web
from yarl import URL

from bridge.inbox import outcomes
from bridge.inbox.context import INBOX
from bridge.inbox.outcomes import Outcome
from bridge.inbox.people import sessions
from bridge.inbox.people.people import InboxPerson
from bridge.web.http.visits import VISITOR
from bridge.web.render import redirect


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


async def outcome_for(request: web.Request, person: InboxPerson) -> Outcome | None:
    """Return the outcome that the address names, once, for the page to show."""
    return await outcomes.take(request.app[INBOX].redis, person.id, request.query.get("outcome", ""))


async def redirect_with(request: web.Request, person: InboxPerson, to: str, outcome: Outcome) -> web.Response:
    """Redirect to a page that shows an outcome once."""
    name = await outcomes.keep(request.app[INBOX].redis, person.id, outcome)
    return redirect(str(URL(to).update_query(outcome=name)))
