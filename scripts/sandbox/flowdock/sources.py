"""The API's users, flows and sources (Flowdock's API documents, "Flows" and "Sources")."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bridge.inbox.validation import BLANK, NOT_TEXT, url_problem
from scripts.sandbox.flowdock.config import CONFIG, WORLD, Config
from scripts.sandbox.flowdock.people import FLOWS, USERS, Flow, User, find_user
from scripts.sandbox.flowdock.requests import Refusal, bearer, flow_of, invalid, read_body, require_member
from scripts.sandbox.flowdock.state import Source

routes = web.RouteTableDef()


@routes.get("/user")
async def show_user(request: web.Request) -> web.Response:
    """Answer with the user whose access token this is."""
    user, _ = bearer(request)
    return web.json_response(user_json(user, request.app[CONFIG]))


@routes.get("/flows")
async def list_flows(request: web.Request) -> web.Response:
    """Answer with the user's flows, with their users if `?users=1` (the documents' "List Flows")."""
    user, _ = bearer(request)
    shown = [flow_json(flow, request) for flow in FLOWS if request.app[WORLD].has(flow, user)]
    if request.query.get("users") != "1":
        shown = [{name: value for name, value in flow.items() if name != "users"} for flow in shown]
    return web.json_response(shown)


@routes.get("/flows/find")
async def find_flow_by_id(request: web.Request) -> web.Response:
    """Answer with the flow with `?id=`."""
    user, _ = bearer(request)
    wanted = request.query.get("id", "")
    flow = next((flow for flow in FLOWS if flow.id == wanted), None)
    if flow is None:
        raise Refusal(404, "There is no such flow.")
    require_member(request, user, flow)
    return web.json_response(flow_json(flow, request))


@routes.get("/flows/{org}/{flow}")
async def show_flow(request: web.Request) -> web.Response:
    """One flow."""
    return web.json_response(flow_json(_members_flow(request), request))


@routes.get("/flows/{org}/{flow}/sources")
async def list_sources(request: web.Request) -> web.Response:
    """Answer with the flow's sources, without their tokens."""
    flow = _members_flow(request)
    sources = request.app[WORLD].live_sources(flow)
    return web.json_response([source_json(source, request.app[CONFIG]) for source in sources])


@routes.post("/flows/{org}/{flow}/sources")
async def create_source(request: web.Request) -> web.Response:
    """Tie the application to the flow; the one answer that shows the `flow_token`."""
    user, access = bearer(request)
    flow = flow_of(request)
    require_member(request, user, flow)
    if "integration" not in access.scopes:
        raise Refusal(403, "The access token lacks the scope integration.")
    return await add_source(request, flow, await read_body(request), creator=user.id)


@routes.get("/flows/{org}/{flow}/sources/{id}")
async def show_source(request: web.Request) -> web.Response:
    """One source, without its token."""
    return web.json_response(source_json(_members_source(request), request.app[CONFIG]))


@routes.delete("/flows/{org}/{flow}/sources/{id}")
async def delete_source(request: web.Request) -> web.Response:
    """Remove a source: from now on its token answers 410."""
    request.app[WORLD].change_source(_members_source(request), removed=True)
    return web.Response(status=204)


@routes.get("/sources")
async def list_all_sources(request: web.Request) -> web.Response:
    """All sources that the user sees, without their tokens; with `?flow_token=` only the token's own.

    The documents ("Sources", "Source Token Authentication") do not show the second answer: a list as well.
    """
    world = request.app[WORLD]
    if "flow_token" in request.query:
        shown = [source_of_token(request, request.query["flow_token"])]
    else:
        user, _ = bearer(request)
        shown = [source for flow in FLOWS if world.has(flow, user) for source in world.live_sources(flow)]
    return web.json_response([source_json(source, request.app[CONFIG]) for source in shown])


@routes.put("/sources")
async def update_source(request: web.Request) -> web.Response:
    """Set `error_message` (empty clears it) and `configuration_url` of the source with this `flow_token`."""
    body = await read_body(request)
    source = source_of_token(request, body.get("flow_token"))
    changes = {name: body[name] for name in ("error_message", "configuration_url") if name in body}
    errors: dict[str, list[str]] = {
        name: [NOT_TEXT] for name, value in changes.items() if not isinstance(value, str)
    }
    url = changes.get("configuration_url")
    if isinstance(url, str) and url and (problem := url_problem(url)):
        errors["configuration_url"] = [problem]
    if errors:
        raise invalid(errors)
    return web.json_response(
        source_json(request.app[WORLD].change_source(source, **changes), request.app[CONFIG])
    )


async def add_source(
    request: web.Request, flow: Flow, body: dict[str, Any], *, creator: int | None
) -> web.Response:
    """Create a source from `name` and `external_url`: 201 with its `flow_token`, or a validation error."""
    name, external_url = body.get("name"), body.get("external_url") or ""
    errors = {}
    if not isinstance(name, str) or not name.strip():
        errors["name"] = [BLANK]
    problem = url_problem(external_url) if isinstance(external_url, str) else NOT_TEXT
    if external_url and problem:
        errors["external_url"] = [problem]
    if errors:
        raise invalid(errors)
    source = request.app[WORLD].add_source(flow, name=str(name), external_url=external_url, creator=creator)
    answer = source_json(source, request.app[CONFIG]) | {"flow_token": source.flow_token}
    return web.json_response(answer, status=201)


def source_of_token(request: web.Request, flow_token: object) -> Source:
    """Return the source of a `flow_token`: 401 if it is missing or unknown, 410 if the source was removed.

    410 is documented ("Removing integrations"); the 401 is the stand-in's choice.
    """
    source = request.app[WORLD].source_of_token(flow_token) if isinstance(flow_token, str) else None
    if source is None:
        raise Refusal(401, "The flow_token is missing or unknown.")
    if source.removed:
        raise Refusal(410, "The source was removed from its flow: stop posting and forget its token.")
    return source


def source_in(request: web.Request, flow: Flow) -> Source:
    """Return the flow's source with the id in the path; 404 if there is none, or no longer."""
    sources = request.app[WORLD].live_sources(flow)
    source = next((one for one in sources if str(one.id) == request.match_info["id"]), None)
    if source is None:
        raise Refusal(404, "There is no such source in this flow.")
    return source


def _members_flow(request: web.Request) -> Flow:
    user, _ = bearer(request)
    flow = flow_of(request)
    require_member(request, user, flow)
    return flow


def _members_source(request: web.Request) -> Source:
    return source_in(request, _members_flow(request))


def user_json(user: User, config: Config) -> dict[str, Any]:
    """Return a user as the API shows one."""
    return {
        "id": user.id,
        "nick": user.nick,
        "name": user.name,
        "email": user.email,
        "avatar": user.avatar(config.web_url),
    }


def flow_json(flow: Flow, request: web.Request) -> dict[str, Any]:
    """Return a flow as the API shows one."""
    config, world = request.app[CONFIG], request.app[WORLD]
    return {
        "id": flow.id,
        "name": flow.name,
        "parameterized_name": flow.slug,
        "organization": {
            "id": 42,
            "name": flow.organization.title(),
            "parameterized_name": flow.organization,
            "active": True,
            "url": f"{config.web_url}/organizations/{flow.organization}",
        },
        "open": True,
        "joined": True,
        "access_mode": "invitation",
        "url": flow_url(flow, config),
        "web_url": f"{config.web_url}/app/{flow.path}",
        "users": [user_json(user, config) for user in USERS if world.has(flow, user)],
    }


def source_json(source: Source, config: Config) -> dict[str, Any]:
    """Return a source as the API shows one, without its token."""
    creator = find_user(source.creator)
    return {
        "id": source.id,
        "name": source.name,
        "url": source_url(source, config),
        "external_url": source.external_url or None,
        "created_at": _iso(source.created),
        "updated_at": _iso(source.updated),
        "error_message": source.error_message,
        "configuration_url": source.configuration_url or None,
        "application": {"id": 1, "name": config.application_name, "configuration_uri": config.configure_uri},
        "creator": user_json(creator, config) if creator else None,
    }


def flow_url(flow: Flow, config: Config) -> str:
    """Return the flow's address in the API."""
    return f"{config.web_url}/flows/{flow.path}"


def source_url(source: Source, config: Config) -> str:
    """Return the source's address in the API."""
    return f"{flow_url(source.flow, config)}/sources/{source.id}"


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
