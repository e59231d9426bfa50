"""A flow's settings: its sources, its people, its name, its export and its deletion."""

from collections.abc import Awaitable

import structlog
from aiohttp import web

from bridge.core.errors import NotFound, RequestRefused
from bridge.inbox.api.export import exported
from bridge.inbox.context import INBOX, PAGES
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.flows.sources import FlowSource
from bridge.inbox.outcomes import Outcome
from bridge.inbox.pages.flows import MAX_NAME, FlowRefused, configure_uri, refuse_unseen, setup_uri
from bridge.inbox.pages.places import FLOW, opened, path_of, person_with, posted
from bridge.inbox.pages.render import redirect_with, render
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.sweeping import SWEEPER
from bridge.web.render import redirect

SETTINGS = f"{FLOW}/settings"

log = structlog.get_logger()
routes = web.RouteTableDef()


class NotAFlowOwner(RequestRefused):
    """Only owners of the flow may do this."""

    status = 403
    advice = "Ask an owner; the flow's settings say who owns it."
    sentence = "only an owner of the flow may do this"


@routes.get(SETTINGS)
async def show(request: web.Request) -> web.Response:
    """Show a flow's sources and people."""
    person, flow = await opened(request)
    inbox = request.app[INBOX]
    ids, everybody = await inbox.flows.members(flow.id), await inbox.people.all()
    return render(
        request,
        "flow_settings.html",
        person=person,
        flow=flow,
        path=path_of(flow),
        is_owner=_owns(person, flow),
        members=[one for one in everybody if one.id in ids],
        others=[one for one in everybody if one.id not in ids],
        sources=[(one, configure_uri(request, flow, one)) for one in await inbox.sources.of(flow.id)],
        setup=setup_uri(request, flow),
    )


@routes.post(SETTINGS)
async def change(request: web.Request) -> web.Response:
    """Rename a flow, archive it, or take it out of the archive."""
    _, flow = await owned(posted(request))
    form = await request.post()
    name = " ".join(str(form.get("name", "")).split())[:MAX_NAME]
    if not name:
        raise FlowRefused("a flow needs a name")
    refuse_unseen(name)
    await request.app[INBOX].flows.change(flow.id, name=name, is_archived=bool(form.get("archived")))
    return redirect(path_of(flow, "settings"))


@routes.post(f"{SETTINGS}/readers")
async def restrict(request: web.Request) -> web.Response:
    """Show a flow to readers of a repository alone, as GitHub names them; empty: to all members."""
    person, flow = await owned(posted(request))
    name = str((await request.post()).get("repository", "")).strip()
    readers = request.app[INBOX].readers
    repository_id, full_name = await readers.github.find(person.id, name) if name and readers else (0, "")
    await request.app[INBOX].flows.change(flow.id, repository_id=repository_id, repository=full_name)
    log.info("inbox_flow_restricted", flow=flow.path, repository=full_name, by=person.id)
    return redirect(path_of(flow, "settings"))


@routes.post(f"{SETTINGS}/people")
async def add(request: web.Request) -> web.Response:
    """Let a person into a flow."""
    _, flow = await owned(posted(request))
    other = await person_with(request, str((await request.post()).get("person", "")))
    await request.app[INBOX].flows.join(flow.id, other.id)
    return redirect(path_of(flow, "settings"))


@routes.post(f"{SETTINGS}/people/{{person}}/{{role:owner|member}}")
async def change_role(request: web.Request) -> web.Response:
    """Make a member an owner of the flow, or take that from them."""
    _, flow = await owned(posted(request))
    other, inbox = await person_with(request, request.match_info["person"]), request.app[INBOX]
    change = inbox.flows.make_owner if request.match_info["role"] == "owner" else inbox.flows.make_member
    await change(flow.id, other.id)
    return redirect(path_of(flow, "settings"))


@routes.get(f"{SETTINGS}/people/{{person}}/remove")
async def ask_remove(request: web.Request) -> web.Response:
    """Ask for confirmation before somebody leaves."""
    person, flow, other = await _leaving(request, opened(request))
    return render(request, "leave.html", person=person, flow=flow, path=path_of(flow), other=other)


@routes.post(f"{SETTINGS}/people/{{person}}/remove")
async def remove(request: web.Request) -> web.Response:
    """Take a person out of a flow, once it is sure."""
    person, flow, other = await _leaving(request, posted(request))
    if not (await request.post()).get("sure"):
        return redirect(request.path)
    await request.app[INBOX].flows.leave(flow.id, other.id)
    return redirect(PAGES if other.id == person.id else path_of(flow, "settings"))


async def _leaving(
    request: web.Request, asking: Awaitable[tuple[InboxPerson, TeamFlow]]
) -> tuple[InboxPerson, TeamFlow, InboxPerson]:
    """Return who asks, the flow and who is to leave it; an owner may remove anybody, a member themselves."""
    person, flow = await asking
    wanted = request.match_info["person"]
    if wanted != str(person.id) and not _owns(person, flow):
        raise NotAFlowOwner
    return person, flow, await person_with(request, wanted)


@routes.get(f"{SETTINGS}/sources/{{id}}/remove")
async def ask_remove_source(request: web.Request) -> web.Response:
    """Ask for confirmation before a source is removed."""
    person, flow, source = await _source(request, opened(request))
    return render(request, "source_remove.html", person=person, flow=flow, path=path_of(flow), source=source)


@routes.post(f"{SETTINGS}/sources/{{id}}/remove")
async def remove_source(request: web.Request) -> web.Response:
    """Remove a source, once the owner is sure."""
    _, flow, source = await _source(request, posted(request))
    if not (await request.post()).get("sure"):
        return redirect(request.path)
    await request.app[INBOX].sources.remove(source)
    return redirect(path_of(flow, "settings"))


async def _source(
    request: web.Request, asking: Awaitable[tuple[InboxPerson, TeamFlow]]
) -> tuple[InboxPerson, TeamFlow, FlowSource]:
    """Return an owner, the flow and the source in the path; raises as `owned`, or `NotFound`."""
    person, flow = await owned(asking)
    source = await request.app[INBOX].sources.get(request.match_info["id"])
    if source is None or source.flow_id != flow.id or source.is_removed:
        raise NotFound("there is no such source in this flow")
    return person, flow, source


@routes.get(f"{FLOW}/export")
async def export(request: web.Request) -> web.StreamResponse:
    """Send a flow as JSON, for as long as the person owns it: a slow reader is asked about on the way."""
    person, flow = await owned(opened(request))
    log.info("inbox_flow_exported", flow=flow.path, by=person.id)
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/json",
            "Content-Disposition": f'attachment; filename="{flow.slug}.json"',
        }
    )
    await response.prepare(request)
    async for piece in exported(request.app[INBOX], flow):
        await response.write(piece)
        # A refusal breaks it off, so that nobody takes it for whole.
        await owned(opened(request))
    return response


@routes.get(f"{SETTINGS}/delete")
async def ask_delete(request: web.Request) -> web.Response:
    """Ask for the flow's name before it is deleted."""
    person, flow = await owned(opened(request))
    return await _asked_for_name(request, person, flow, is_wrong=False)


@routes.post(f"{SETTINGS}/delete")
async def delete(request: web.Request) -> web.Response:
    """Delete a flow, once its owner typed its name."""
    person, flow = await owned(posted(request))
    typed = (await request.post()).get("typed")
    if typed is None:
        return redirect(request.path)
    if str(typed).strip() != flow.name:
        return await _asked_for_name(request, person, flow, is_wrong=True)
    sweeper = request.app[SWEEPER]
    await sweeper.deletion.begin(flow, by=person.id)
    sweeper.woken.set()
    log.info("inbox_flow_deleted", flow=flow.path, by=person.id)
    said = Outcome(is_done=True, sentence=f"{flow.name} was deleted for everyone.")
    return await redirect_with(request, person, PAGES, said)


async def _asked_for_name(
    request: web.Request, person: InboxPerson, flow: TeamFlow, *, is_wrong: bool
) -> web.Response:
    return render(
        request,
        "flow_delete.html",
        person=person,
        status=422 if is_wrong else 200,
        flow=flow,
        path=path_of(flow),
        is_wrong=is_wrong,
        sources=await request.app[INBOX].sources.of(flow.id),
    )


async def owned(asking: Awaitable[tuple[InboxPerson, TeamFlow]]) -> tuple[InboxPerson, TeamFlow]:
    """Return the person who asks, and the flow; raises `NotAFlowOwner`, or as `opened` or `posted`."""
    person, flow = await asking
    if not _owns(person, flow):
        raise NotAFlowOwner
    return person, flow


def _owns(person: InboxPerson, flow: TeamFlow) -> bool:
    """Tell whether a member may change the flow: one of its owners, or of the inbox's."""
    return person.owner or person.id in flow.owners
