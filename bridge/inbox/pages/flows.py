"""The front page, and a flow's threads."""

import re
from collections.abc import Callable

from aiohttp import web

from bridge.core.errors import RequestRefused
from bridge.inbox import flows as store
from bridge.inbox import sessions
from bridge.inbox.context import INBOX, PAGES
from bridge.inbox.flows import TeamFlow
from bridge.inbox.messages import InboxThread
from bridge.inbox.pages.places import FLOW, before_in, opened, path_of
from bridge.inbox.pages.render import redirect, render
from bridge.inbox.people import InboxPerson
from bridge.inbox.sources import FlowSource
from bridge.inbox.views import Row, row
from bridge.web.http.middleware import SCRIPTED

ORGANIZATION = "team"
"""The first half of all flows' paths: bridge's inbox is one organization."""

PAGE = 50
NEWEST = 5
"""Threads of each flow on the front page."""

LOOKED_THROUGH = 200
"""The newest threads of a flow in which a person's turn, what is unread, or words are looked for."""

MAX_NAME = 60

TABS = (("", "Open"), ("turn", "My turn"), ("unread", "Unread"), ("all", "All"))
WANTED: dict[str, Callable[[Row], bool]] = {
    "turn": lambda row: row.is_my_turn,
    "unread": lambda row: row.is_unread,
}

routes = web.RouteTableDef()


class FlowRefused(RequestRefused):
    """The flow cannot be made so."""

    status = 422
    advice = "Choose another name."


@routes.get(PAGES)
async def front(request: web.Request) -> web.Response:
    """Show the threads in which it is a person's turn, and their flows with the newest open threads."""
    person, inbox = await sessions.required(request), request.app[INBOX]
    flows = await inbox.flows.of(person.id)
    listed: list[tuple[TeamFlow, list[Row]]] = []
    mine: list[tuple[TeamFlow, Row]] = []
    for flow in (one for one in flows if not one.is_archived):
        threads = await inbox.messages.threads(flow.id, only_open=True, limit=LOOKED_THROUGH)
        shown = await rows(request, person, threads, await inbox.sources.of(flow.id))
        listed.append((flow, shown[:NEWEST]))
        mine += [(flow, row) for row in shown if row.is_my_turn]
    return render(
        request,
        "front.html",
        person=person,
        flows=listed,
        mine=sorted(mine, key=lambda one: one[1].newest.id, reverse=True),
        archived=[one for one in flows if one.is_archived],
        path_of=path_of,
    )


@routes.post(f"{PAGES}/flows")
async def make(request: web.Request) -> web.Response:
    """Make a flow, of which its maker is the first member and owner."""
    person, inbox = await sessions.posted(request), request.app[INBOX]
    name = " ".join(str((await request.post()).get("name", "")).split())[:MAX_NAME]
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not slug:
        raise FlowRefused("a flow needs a name with a letter or a digit from a to z")
    if await inbox.flows.count() >= store.MOST:
        raise FlowRefused(f"there are {store.MOST} flows, and no more fit")
    flow = await inbox.flows.make(organization=ORGANIZATION, slug=slug, name=name, owner=person.id)
    if flow is None:
        raise FlowRefused("there is a flow with this name already")
    return redirect(path_of(flow))


@routes.get(FLOW)
async def threads(request: web.Request) -> web.Response:
    """List a flow's threads, the newest activity first: the open ones, or `?show=`; `?q=` looks for words."""
    person, flow = await opened(request)
    request[SCRIPTED] = True
    inbox, show, search = request.app[INBOX], request.query.get("show", ""), request.query.get("q", "")[:100]
    before = before_in(request)
    page = LOOKED_THROUGH if search or show in WANTED else PAGE
    found = await inbox.messages.threads(
        flow.id,
        only_open=show != "all",
        before=before,
        limit=page + 1,
    )
    sources = await inbox.sources.of(flow.id)
    listed = await rows(request, person, found[:page], sources)
    return render(
        request,
        "flow.html",
        person=person,
        flow=flow,
        path=path_of(flow),
        rows=[one for one in listed if WANTED.get(show, _any)(one) and one.has_words(search)],
        older=found[page - 1].newest.id if len(found) > page else None,
        show=show,
        tabs=TABS,
        search=search,
        is_live=before is None and not (search or show in WANTED),
        sources=[(one, configure_uri(request, flow, one)) for one in sources],
        setup=setup_uri(request, flow),
        since=await inbox.messages.newest(flow.id),
    )


def _any(_: Row) -> bool:
    return True


async def rows(
    request: web.Request, person: InboxPerson, found: list[InboxThread], sources: list[FlowSource]
) -> list[Row]:
    """Show threads of a flow, whose `sources` are given, to a person."""
    inbox, of_flow = request.app[INBOX], {one.id: one for one in sources}
    marks = await inbox.marks.of(person.id, [one.id for one in found])
    writers = await inbox.people.those(one.newest.author for one in found if one.newest.author)
    return [
        row(
            one,
            of_flow.get(one.source_id),
            person,
            read=marks[one.id],
            writer=writers.get(one.newest.author),
        )
        for one in found
    ]


def configure_uri(request: web.Request, flow: TeamFlow, source: FlowSource) -> str:
    """Return the address at which a source is configured: its own, or its application's."""
    inbox = request.app[INBOX]
    if source.configuration_url or source.client_id != inbox.client_id:
        return source.configuration_url
    source_url = f"{inbox.api_url}/flows/{flow.path}/sources/{source.id}"
    return f"{inbox.web_url}/flowdock/configure?source={source.id}&source_url={source_url}"


def setup_uri(request: web.Request, flow: TeamFlow) -> str:
    """Return the address at which bridge connects a repository to the flow."""
    inbox = request.app[INBOX]
    return f"{inbox.web_url}/flowdock/setup?flow={flow.id}&flow_url={inbox.api_url}/flows/{flow.path}"
