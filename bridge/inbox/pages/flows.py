"""The front page, and a flow's threads."""

import asyncio
import re

from aiohttp import web

from bridge.core.errors import RequestRefused
from bridge.inbox import keys
from bridge.inbox.api import shapes
from bridge.inbox.context import INBOX, PAGES
from bridge.inbox.flows import flows as store
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.flows.sources import FlowSource
from bridge.inbox.limits import LimitReached
from bridge.inbox.pages.places import FLOW, message_in, opened, path_of, posted
from bridge.inbox.pages.render import outcome_for, render
from bridge.inbox.people import sessions
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.threads.extension import pull_of
from bridge.inbox.threads.search import FILTERS, labels_of, words
from bridge.inbox.threads.stored import InboxThread
from bridge.inbox.views import Row, row
from bridge.web.render import redirect

ORGANIZATION = "team"
"""The first half of all flows' paths: bridge's inbox is one organization."""

PAGE = 50
IN_SECTION = 25
"""Threads of each flow in a section of the front page."""

MAX_NAME = 60
MAX_SEARCH = 100

SECTIONS: tuple[tuple[keys.ListName | keys.Triage, str], ...] = (
    ("review", "Needs your review"),
    ("returned", "Returned to you"),
    ("ready", "Ready to merge"),
    ("waiting", "Waiting for others"),
    ("snoozed", "Snoozed"),
    ("done", "Recently done"),
)
TAB_LISTS: dict[str, keys.ListName] = {kind: kind for kind in (*keys.SECTIONS, "turn", "mine", "unread")}
TABS = (("", "Open"), ("turn", "My turn"), ("mine", "Mine"), ("unread", "Unread"), ("all", "All"))

routes = web.RouteTableDef()


class FlowRefused(RequestRefused):
    """The flow cannot be made so."""

    status = 422
    advice = "Choose another name."


@routes.get(PAGES)
async def front(request: web.Request) -> web.Response:
    """Show a person's threads of all flows by section, and their flows."""
    person, inbox = await sessions.required(request), request.app[INBOX]
    since, _, everything = await asyncio.gather(
        inbox.messages.last(), inbox.lists.wake(person.id), inbox.flows.of(person.id)
    )
    flows = {one.id: one for one in everything if not one.is_archived}
    (listed, more), unread, snoozed, done = await asyncio.gather(
        inbox.lists.on(person.id, list(flows), keys.SECTIONS, IN_SECTION),
        inbox.lists.unread(person.id, list(flows)),
        inbox.lists.triaged(person.id, "snoozed", IN_SECTION),
        inbox.lists.triaged(person.id, "done", IN_SECTION),
    )
    listed |= {"snoozed": list(snoozed), "done": list(done)}
    found = await inbox.messages.get_many(sorted({one for ids in listed.values() for one in ids}))
    shown = {
        one.id: one for one in await rows(request, person, [one for one in found if one.flow_id in flows])
    }
    return render(
        request,
        "front.html",
        person=person,
        sections=[
            (kind, title, [shown[one] for one in listed[kind] if one in shown]) for kind, title in SECTIONS
        ],
        unread=unread,
        unread_count=sum(unread.values()),
        flows=list(flows.values()),
        flows_by_id=flows,
        archived=[one for one in everything if one.is_archived],
        path_of=path_of,
        since=since,
        more=more,
        outcome=await outcome_for(request, person),
    )


@routes.get(f"{PAGES}/search")
async def search(request: web.Request) -> web.Response:
    """List the open threads of all of a person's flows in which `?q=` finds its words."""
    person, inbox = await sessions.required(request), request.app[INBOX]
    asked = request.query.get("q", "")[:MAX_SEARCH]
    flows = {one.id: one for one in await inbox.flows.of(person.id) if not one.is_archived}
    found: list[InboxThread] = []
    if wanted := words(asked, {}):
        for flow_id in flows:
            found += await inbox.messages.find(keys.open_threads(flow_id), words=wanted, limit=PAGE)
    found.sort(key=lambda one: one.newest.id, reverse=True)
    return render(
        request,
        "search.html",
        person=person,
        asked=asked,
        rows=await rows(request, person, found[:PAGE]),
        flows_by_id=flows,
        path_of=path_of,
        has_more=len(found) > PAGE,
        outcome=await outcome_for(request, person),
    )


@routes.post(f"{PAGES}/flows")
async def make(request: web.Request) -> web.Response:
    """Make a flow, of which its maker is the first member and owner."""
    person, inbox = await sessions.posted(request), request.app[INBOX]
    name = " ".join(str((await request.post()).get("name", "")).split())[:MAX_NAME]
    refuse_unseen(name)
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not slug:
        raise FlowRefused("a flow needs a name with a letter or a digit from a to z")
    if await inbox.flows.count() >= store.MOST:
        advice = "Ask the owner of an unused flow to delete it."
        raise LimitReached(f"there are already {store.MOST} flows", advice=advice)
    if sum(person.id in one.owners for one in await inbox.flows.of(person.id)) >= store.MOST_OF_ONE:
        raise LimitReached(f"you already own {store.MOST_OF_ONE} flows", advice="Delete one that is unused.")
    flow = await inbox.flows.make(organization=ORGANIZATION, slug=slug, name=name, owner=person.id)
    if flow is None:
        raise FlowRefused("a flow with this name already exists")
    return redirect(path_of(flow))


def refuse_unseen(name: str) -> None:
    """Raise `FlowRefused` for a name with characters that cannot be seen: it could look like another's."""
    if not name.isprintable():
        raise FlowRefused("a flow's name cannot have invisible characters")


@routes.get(FLOW)
async def threads(request: web.Request) -> web.Response:
    """List a flow's threads, the newest activity first: the open ones, or `?show=`; `?q=` looks for words."""
    person, flow = await opened(request)
    inbox, before = request.app[INBOX], message_in(request, "before")
    _, since, sources = await asyncio.gather(
        inbox.lists.wake(person.id), inbox.messages.newest(flow.id), inbox.sources.of(flow.id)
    )
    asked = {name: request.query.get(name, "")[:MAX_SEARCH] for name in ("show", "q", *FILTERS)}
    found = await inbox.messages.find(
        _listed(flow, person, asked["show"]),
        words=words(asked["q"], asked),
        before=before,
        limit=PAGE + 1,
    )
    last = found[PAGE - 1].newest.id if len(found) > PAGE else None
    listed, unread = await asyncio.gather(
        rows(request, person, found[:PAGE]), inbox.lists.unread(person.id, [flow.id])
    )
    narrowed = any(asked[name] for name in ("q", *FILTERS))
    return render(
        request,
        "flow.html",
        person=person,
        flow=flow,
        path=path_of(flow),
        rows=listed,
        older=str(request.rel_url.update_query(before=last)) if last else "",
        asked=asked,
        tabs=TABS,
        narrowed=narrowed,
        some=_some(sources, found),
        unread_count=unread[flow.id],
        is_live=before is None and not narrowed and asked["show"] in ("", "all"),
        sources=[(one, configure_uri(request, flow, one)) for one in sources],
        setup=setup_uri(request, flow),
        since=since,
        outcome=await outcome_for(request, person),
    )


def _some(sources: list[FlowSource], found: list[InboxThread]) -> dict[str, list[str]]:
    """Suggest values for the filters: those of the threads on the page, and the other repositories."""
    pulls = [pull for one in found if (pull := pull_of(one.state))]
    # A source keeps the name that its repository had when it was connected.
    on_page = {one.source_id for one in found}
    some = {
        "repository": {one.repository for one in pulls}
        | {one.name for one in sources if one.id not in on_page},
        "author": {one.author.login for one in pulls},
        "label": {label for one in found for label in labels_of(one.state)},
        "status": {str((one.state.get("status") or {}).get("value", "")) for one in found},
    }
    return {name: sorted(values - {""}) for name, values in some.items()}


def _listed(flow: TeamFlow, person: InboxPerson, show: str) -> str:
    """Return the key of the list that a tab shows."""
    if kind := TAB_LISTS.get(show):
        return keys.personal_list(kind, flow.id, person.id)
    return keys.threads(flow.id) if show == "all" else keys.open_threads(flow.id)


@routes.post(f"{FLOW}/read")
async def read(request: web.Request) -> web.Response:
    """Mark all threads of a flow as read."""
    person, flow = await posted(request)
    await request.app[INBOX].lists.read_all(person.id, flow.id)
    return redirect(path_of(flow))


async def rows(request: web.Request, person: InboxPerson, found: list[InboxThread]) -> list[Row]:
    """Show threads to a person."""
    inbox = request.app[INBOX]
    sources, unread, triage, writers = await asyncio.gather(
        inbox.sources.get_many(one.source_id for one in found),
        inbox.lists.unread_in(person.id, found),
        inbox.lists.triage_of(person.id, [one.id for one in found]),
        inbox.people.get_many(one.newest.author for one in found if one.newest.author),
    )
    return [
        row(
            one,
            sources.get(one.source_id),
            person,
            unread=unread.get(one.id),
            triage=triage[one.id],
            writer=writers.get(one.newest.author),
        )
        for one in found
    ]


def configure_uri(request: web.Request, flow: TeamFlow, source: FlowSource) -> str:
    """Return the address at which a source is configured: its own, or its application's."""
    inbox = request.app[INBOX]
    if source.configuration_url or source.client_id != inbox.client_id:
        return source.configuration_url
    source_url = shapes.source_url(inbox, flow, source)
    return f"{inbox.application_url}/flowdock/configure?source={source.id}&source_url={source_url}"


def setup_uri(request: web.Request, flow: TeamFlow) -> str:
    """Return the address at which bridge connects a repository to the flow."""
    inbox = request.app[INBOX]
    return f"{inbox.application_url}/flowdock/setup?flow={flow.id}&flow_url={shapes.flow_url(inbox, flow)}"
