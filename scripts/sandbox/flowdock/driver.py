"""The routes below `/_sandbox/`, by which a test or a demo drives the stand-in and looks into it."""

from collections.abc import Mapping
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any, TypeVar

from aiohttp import ClientSession, TraceConfig, TraceRequestEndParams, web

from bridge.inbox.api import shapes
from bridge.inbox.clicks import may_be_clicked, perform
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.threads.messages import thread_id
from scripts.sandbox.flowdock import views
from scripts.sandbox.flowdock.config import STAND_IN, RecordingInbox
from scripts.sandbox.flowdock.people import move_in

Wanted = TypeVar("Wanted")

_answered: ContextVar[int] = ContextVar("answered", default=0)
"""The status of the application's answer to the click under way; 0: none."""

routes = web.RouteTableDef()


def traced() -> TraceConfig:
    """Return what notes the application's answers."""
    trace = TraceConfig()
    trace.on_request_end.append(_note)
    return trace


async def _note(_: ClientSession, __: SimpleNamespace, params: TraceRequestEndParams) -> None:
    _answered.set(params.response.status)


async def begin_anew(inbox: RecordingInbox) -> None:
    """Forget all but the made-up people and their flows."""
    redis: Any = inbox.redis
    await redis.flushdb()
    inbox.messages.taken.clear()
    await move_in(inbox)


@routes.post("/_sandbox/reset")
async def reset(request: web.Request) -> web.Response:
    """Forget messages, threads, sources, tokens, and who came into a flow or left it."""
    await begin_anew(request.app[STAND_IN])
    return web.Response(status=204)


@routes.post("/_sandbox/sources")
async def create_source(request: web.Request) -> web.Response:
    """Answer with a source without OAuth: `{"flow": "acme/main", "name": …, "external_url": …}`."""
    inbox, body = request.app[STAND_IN], await request.json()
    flow = await _flow(inbox, body.get("flow"))
    source, flow_token = await inbox.sources.make(
        flow.id,
        name=body["name"],
        external_url=body.get("external_url", ""),
        client_id=inbox.client_id,
        creator=0,
    )
    shown = shapes.source(inbox, flow, source, None)
    return web.json_response({**shown, "flow_token": flow_token}, status=201)


@routes.delete("/_sandbox/sources/{id}")
async def delete_source(request: web.Request) -> web.Response:
    """Remove a source, as a member of its flow would."""
    inbox = request.app[STAND_IN]
    source = await inbox.sources.get(request.match_info["id"])
    await inbox.sources.remove(_found(source, "source"))
    return web.Response(status=204)


@routes.post("/_sandbox/members")
async def set_member(request: web.Request) -> web.Response:
    """Let somebody into a flow or out of it: `{"flow": "acme/ops", "user": 1003 or "cy", "member": true}`."""
    inbox, body = request.app[STAND_IN], await request.json()
    flow, person = await _flow(inbox, body.get("flow")), await _person(inbox, body.get("user"))
    if body.get("member", True):
        await inbox.flows.join(flow.id, person.id)
    else:
        await inbox.flows.leave(flow.id, person.id, is_forced=True)
    return web.json_response({})


@routes.post("/_sandbox/click")
async def click(request: web.Request) -> web.Response:
    """Click a button: `{"user": 1001 or "ann", "flow": …, "thread": external id, "action": name or end}`."""
    inbox, body = request.app[STAND_IN], await request.json()
    flow, person = await _flow(inbox, body.get("flow")), await _person(inbox, body.get("user"))
    if not await inbox.flows.may_see(flow.id, person.id):
        raise web.HTTPForbidden(text=f"{person.name} is not in the flow {flow.name}.")
    sources = await inbox.sources.of(flow.id)
    threads = await inbox.messages.get_many([thread_id(one.id, str(body.get("thread"))) for one in sources])
    action = _button(_found(threads, "thread")[0].state, str(body.get("action")))
    source = next(one for one in sources if one.id == threads[0].source_id)
    if not may_be_clicked(inbox, source, action):
        raise web.HTTPConflict(text=f"The inbox calls no {action['target']['urlTemplate']}.")
    _answered.set(0)
    outcome = await perform(inbox, person, action)
    told = ("message", "error") if outcome.is_done else ("error", "message")
    said = dict(zip(told, (outcome.sentence, None), strict=True))
    return web.json_response({"status": _answered.get(), "challenge": outcome.challenge, **said})


@routes.get("/_sandbox/messages")
async def list_messages(request: web.Request) -> web.Response:
    """Answer with every accepted message, in order, its fields as sent; `?only=uuid,repeat`: those alone."""
    found = views.messages(request.app[STAND_IN], request.query.get("flow"))
    if only := request.query.get("only"):
        found = [{name: one.get(name) for name in only.split(",")} for one in found]
    return web.json_response(found)


@routes.get("/_sandbox/threads")
async def list_threads(request: web.Request) -> web.Response:
    """Answer with every thread in its current state, the newest activity first."""
    return web.json_response(await views.threads(request.app[STAND_IN], request.query.get("flow")))


async def _flow(inbox: RecordingInbox, path: object) -> TeamFlow:
    return _found(await inbox.flows.at(str(path)), f"flow {path}")


async def _person(inbox: RecordingInbox, key: object) -> InboxPerson:
    by_id = str(key).isdecimal()
    return _found(
        await (inbox.people.get(int(str(key))) if by_id else inbox.people.find(str(key))), f"person {key}"
    )


def _found(wanted: Wanted | None, name: str) -> Wanted:
    if not wanted:
        raise web.HTTPNotFound(text=f"There is no {name}.")
    return wanted


def _button(state: Mapping[str, Any], wanted: str) -> Mapping[str, Any]:
    buttons = [one for one in state.get("actions") or [] if one["@type"] == "UpdateAction"]
    for button in buttons:
        if button["name"] == wanted or (wanted and button["target"]["urlTemplate"].endswith(wanted)):
            return dict(button)
    offered = ", ".join(button["name"] for button in buttons) or "none"
    raise web.HTTPNotFound(text=f"The thread has no button {wanted}; it has: {offered}.")
