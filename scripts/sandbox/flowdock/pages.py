"""The web client's pages: the team inbox, a thread, the integrations, and their buttons."""

from dataclasses import asdict
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from yarl import URL

from scripts.sandbox.flowdock.actions import perform
from scripts.sandbox.flowdock.config import CONFIG, HTTP, WORLD, Config
from scripts.sandbox.flowdock.people import ANN, FLOWS, USERS, Flow, User, find_user
from scripts.sandbox.flowdock.requests import Refusal, flow_of, read_body, require_member
from scripts.sandbox.flowdock.sources import flow_url, source_in, source_url
from scripts.sandbox.flowdock.state import Source, Thread
from scripts.sandbox.flowdock.views import find_action, item

# Cookies know no ports: the name keeps it apart from those of other servers on localhost.
COOKIE = "flowdock_user"

routes = web.RouteTableDef()


@routes.get("/")
async def home(_: web.Request) -> web.Response:
    """Everyone begins in the main flow."""
    return _see(f"/app/{FLOWS[0].path}")


@routes.get("/app/{org}/{flow}")
async def inbox(request: web.Request) -> web.Response:
    """Show the team inbox with no thread open."""
    return _render(request, "inbox.html", members_flow(request))


@routes.get("/app/{org}/{flow}/threads/{thread}")
async def thread(request: web.Request) -> web.Response:
    """Show the team inbox with a thread open."""
    flow = members_flow(request)
    world, shown = request.app[WORLD], _thread(request, flow)
    messages = world.messages_of(shown)
    return _render(request, "thread.html", flow, item=item(world, shown), messages=messages, open_id=shown.id)


@routes.get("/app/{org}/{flow}/integrations")
async def integrations(request: web.Request) -> web.Response:
    """Show the flow's sources and the actions on them."""
    return _render(request, "integrations.html", members_flow(request))


@routes.post("/app/{org}/{flow}/threads/{thread}/actions")
async def act(request: web.Request) -> web.Response:
    """Click the button `{"key": …}`: answers how it ended, as JSON."""
    flow = members_flow(request)
    action = find_action(_thread(request, flow), str((await read_body(request)).get("key")))
    if action is None:
        raise Refusal(409, "The thread has changed: that button is no longer offered.")
    outcome = await perform(request.app[HTTP], request.app[CONFIG], current_user(request), action)
    return web.json_response(asdict(outcome))


@routes.post("/app/{org}/{flow}/sources/{id}/remove")
async def remove_source(request: web.Request) -> web.Response:
    """Remove a source from its flow."""
    flow = members_flow(request)
    request.app[WORLD].change_source(source_in(request, flow), removed=True)
    return _see(f"/app/{flow.path}/integrations")


@routes.post("/app/user")
async def switch_user(request: web.Request) -> web.Response:
    """Switch to another user."""
    form = await read_body(request)
    user, back = find_user(form.get("user", "")), str(form.get("back", "/"))
    if user is None:
        raise Refusal(404, "There is no such user.")
    response = _see(back if back.startswith("/app/") else "/")
    response.set_cookie(COOKIE, user.nick, httponly=True, samesite="Lax", max_age=30 * 86400)
    return response


@routes.get("/avatars/{nick}.svg")
async def avatar(request: web.Request) -> web.Response:
    """Show a user's face: their initials on their colour."""
    user = find_user(request.match_info["nick"])
    if user is None:
        raise Refusal(404, "There is no such user.")
    response = aiohttp_jinja2.render_template("avatar.svg", request, {"user": user})
    response.content_type = "image/svg+xml"
    response.headers["Cache-Control"] = "max-age=3600"
    return response


def current_user(request: web.Request) -> User:
    """Return the visitor's chosen user; Ann by default."""
    return find_user(request.cookies.get(COOKIE, "")) or ANN


def members_flow(request: web.Request) -> Flow:
    """Return the flow in the path; 403 if the visitor is not in it."""
    flow = flow_of(request)
    require_member(request, current_user(request), flow)
    return flow


def add_uri(flow: Flow, config: Config) -> str:
    """Return where a user starts to add the application to the flow (the documents' "Setup URI")."""
    if not config.setup_uri:
        return ""
    return str(URL(config.setup_uri).extend_query(flow=flow.id, flow_url=flow_url(flow, config)))


def configure_uri(source: Source, config: Config) -> str:
    """Return where a user configures the source: at its own address, or at the application's."""
    if source.configuration_url or not config.configure_uri:
        return source.configuration_url
    query = {"source": str(source.id), "source_url": source_url(source, config)}
    return str(URL(config.configure_uri).extend_query(query))


def sources_context(request: web.Request, flow: Flow) -> dict[str, Any]:
    """Return the context of the banners and the list of integrations."""
    config, sources = request.app[CONFIG], request.app[WORLD].live_sources(flow)
    return {
        "config": config,
        "flow": flow,
        "sources": [(source, configure_uri(source, config)) for source in sources],
        "add_uri": add_uri(flow, config),
    }


def _render(request: web.Request, template: str, flow: Flow, **context: Any) -> web.Response:
    """Show the page, or with `?fragment` only its main part, for a script that has the rest already."""
    world = request.app[WORLD]
    user = current_user(request)
    context = {
        **sources_context(request, flow),
        "fragment": "fragment" in request.query,
        "user": user,
        "users": USERS,
        "flows": [flow for flow in FLOWS if world.has(flow, user)],
        "items": [item(world, thread) for thread in world.threads_of(flow)],
        "since": f"{world.epoch}-{world.last_message}",
        "sources_version": world.sources_version,
        "here": request.path,
        "open_id": None,
        **context,
    }
    response = aiohttp_jinja2.render_template(template, request, context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _thread(request: web.Request, flow: Flow) -> Thread:
    found = request.app[WORLD].threads.get(request.match_info["thread"])
    if found is None or found.flow != flow:
        raise Refusal(404, "There is no such thread in this flow.")
    return found


def _see(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})
