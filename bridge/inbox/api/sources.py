"""The API's sources (Flowdock's API documents, "Sources")."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bridge.inbox.api import shapes
from bridge.inbox.api.requests import (
    CLIENT_ID,
    ApiRefusal,
    answer_to,
    caller,
    invalid,
    member,
    posting_source,
    read_object,
)
from bridge.inbox.context import API, INBOX
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.flows.sources import FlowSource
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.threads.validation import BLANK, NOT_TEXT, url_problem

MAX_TEXT = 2000

_OF_FLOW = f"{API}/flows/{{org}}/{{flow}}/sources"

routes = web.RouteTableDef()


@routes.get(_OF_FLOW)
async def list_sources(request: web.Request) -> web.Response:
    """List a flow's sources, without their tokens."""
    person, flow = await member(request)
    found = await request.app[INBOX].sources.of(flow.id)
    return answer_to(person, [await _shown(request, flow, one) for one in found])


@routes.post(_OF_FLOW)
async def make_source(request: web.Request) -> web.Response:
    """Make a source: the one answer that shows its `flow_token`."""
    person, flow = await member(request, "integration")
    body = await read_object(request)
    name, external_url = body.get("name"), body.get("external_url") or ""
    errors = {}
    if not isinstance(name, str) or not name.strip():
        errors["name"] = [BLANK]
    elif not name.isprintable():
        errors["name"] = ["has invisible characters"]
    if external_url and (problem := _text_problem(external_url) or url_problem(external_url)):
        errors["external_url"] = [problem]
    if errors:
        raise invalid(errors)
    source, flow_token = await request.app[INBOX].sources.make(
        flow.id,
        name=str(name)[:MAX_TEXT],
        external_url=external_url,
        client_id=request[CLIENT_ID],
        creator=person.id,
    )
    return answer_to(person, await _shown(request, flow, source) | {"flow_token": flow_token}, status=201)


@routes.get(f"{_OF_FLOW}/{{id}}")
async def show_source(request: web.Request) -> web.Response:
    """Show a source, without its token."""
    person, flow, source = await _members_source(request, "flow")
    return answer_to(person, await _shown(request, flow, source))


@routes.delete(f"{_OF_FLOW}/{{id}}")
async def delete_source(request: web.Request) -> web.Response:
    """Remove a source: from now on its token answers 410."""
    person, _, source = await _members_source(request, "integration")
    await request.app[INBOX].sources.remove(source)
    return web.Response(status=204, headers={"Flowdock-User": str(person.id)})


@routes.get(f"{API}/sources")
async def list_all_sources(request: web.Request) -> web.Response:
    """List the sources that a person sees, or with `?flow_token=` the token's own, in a list as well."""
    inbox = request.app[INBOX]
    if "flow_token" in request.query:
        source = await posting_source(request, {})
        flow = await inbox.flows.get(source.flow_id)
        return web.json_response([await _shown(request, flow, source)] if flow else [])
    person = await caller(request, "flow")
    return answer_to(
        person,
        [
            await _shown(request, flow, source)
            for flow in await inbox.flows.of(person.id)
            for source in await inbox.sources.of(flow.id)
        ],
    )


@routes.put(f"{API}/sources")
async def update_source(request: web.Request) -> web.Response:
    """Set the `error_message` (empty clears it) and `configuration_url` of the token's source."""
    body = await read_object(request)
    source = await posting_source(request, body)
    flow = await request.app[INBOX].flows.get(source.flow_id)
    return web.json_response(await _changed(request, flow, source, body) if flow else {})


@routes.put(f"{_OF_FLOW}/{{id}}")
async def update_members_source(request: web.Request) -> web.Response:
    """Set them for the application that made the source, on behalf of a member of the flow."""
    person, flow, source = await _members_source(request, "integration")
    if source.client_id != request[CLIENT_ID]:
        # Its words and its address are shown as the application's own.
        raise ApiRefusal(403, "Only the application that created the source can change it.")
    return answer_to(person, await _changed(request, flow, source, await read_object(request)))


async def _changed(
    request: web.Request, flow: TeamFlow, source: FlowSource, body: Mapping[str, Any]
) -> dict[str, Any]:
    given = {name: body[name] for name in ("error_message", "configuration_url") if name in body}
    errors: dict[str, list[str]] = {
        name: [problem] for name, value in given.items() if (problem := _text_problem(value))
    }
    url = given.get("configuration_url")
    if not errors and url and (problem := url_problem(url)):
        errors["configuration_url"] = [problem]
    if errors:
        raise invalid(errors)
    return await _shown(request, flow, await request.app[INBOX].sources.report(source, **given))


def _text_problem(value: object) -> str:
    if not isinstance(value, str):
        return NOT_TEXT
    return "" if len(value) <= MAX_TEXT else f"is longer than {MAX_TEXT} characters"


async def _members_source(request: web.Request, scope: str) -> tuple[InboxPerson, TeamFlow, FlowSource]:
    person, flow = await member(request, scope)
    source = await request.app[INBOX].sources.get(request.match_info["id"])
    if source is None or source.flow_id != flow.id or source.is_removed:
        raise ApiRefusal(404, "There is no such source in this flow.")
    return person, flow, source


async def _shown(request: web.Request, flow: TeamFlow, source: FlowSource) -> dict[str, Any]:
    inbox = request.app[INBOX]
    return shapes.source(inbox, flow, source, await inbox.people.get(source.creator))
