"""`/flowdock/setup`: connect a flow to repositories.

bridge asks Flowdock for the flow and its members, and GitHub for the repositories that the linked account
sees. `bridge.connections.bulk_connect` connects them, and the pages show its progress.
"""

import re
from collections.abc import Awaitable, Container, Sequence
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bridge.connections.bulk_connect import MOST, Chooser, Line, SetUp
from bridge.core.digits import whole_number
from bridge.core.errors import FlowdockRejected, NotAMember, NotFound, NotLinked, RequestRefused
from bridge.core.model import Flow
from bridge.core.options import Options
from bridge.core.urls import path_of
from bridge.services import Services
from bridge.web import render
from bridge.web.auth import sessions
from bridge.web.context import SERVICES, Session
from bridge.web.pages import options_form, repository_list, setup_result

PATH = "/flowdock/setup"
WAIT_SECONDS = 8
"""Seconds that the answer to the form waits; the next page shows the rest."""

MAX_FLOW_ID = 200

_FLOW_PATH = re.compile(r".*/([A-Za-z0-9_-]+/[A-Za-z0-9_-]+)/?")

routes = web.RouteTableDef()


class NotInFlow(RequestRefused):
    """Flowdock does not show this flow to the user."""

    status = 403
    advice = "Ask a member to add you, or sign in as a member. Then start again from the flow's settings."


class FlowOdd(RequestRefused):
    """The address names no flow."""

    advice = "Start from the flow's settings, or choose a flow at /flowdock/setup."


class ChoiceRefused(RequestRefused):
    """These repositories cannot be connected like this."""


@routes.get(PATH)
async def choose(request: web.Request) -> web.Response:
    """Show the form: the repositories, and the options."""
    session = await sessions.required(request)
    flow = await _flow(request, session)
    if flow is None:
        flows = await request.app[SERVICES].flowdock.flows(session.access_token)
        return render.page(request, "setup_flows.html", flows=flows, path=PATH)
    search = request.query.get("q", "").strip()[:100]
    reload = request.query.get("reload") == "1"
    try:
        listed = await repository_list.read(request.app[SERVICES], session.user.id, reload=reload)
    except NotLinked:
        return render.page(request, "setup_link.html", flow=flow, link=_link_url(flow))
    return await _list(request, flow, listed, search=search)


async def _list(
    request: web.Request,
    flow: Flow,
    listed: repository_list.Listed,
    *,
    search: str = "",
    problem: str = "",
    options: Options | None = None,
) -> web.Response:
    """Show the form; with a `problem`, as it was sent, to be corrected."""
    form = await request.post()
    return render.page(
        request,
        "setup.html",
        status=400 if problem else 200,
        flow=flow,
        search=search,
        **await repository_list.shown(request.app[SERVICES], flow, listed, search),
        chosen={one for value in form.getall("repository", []) if (one := _id(value))},
        choices=options_form.choices(options),
        most=MOST,
        path=PATH,
        problem=problem,
    )


@routes.post(PATH)
async def connect(request: web.Request) -> web.Response:
    """Connect the chosen repositories; the result has a page of its own."""
    session, form = await sessions.posted(request)
    services = request.app[SERVICES]
    flow = await _find(services, session, str(form.get("flow", "")))
    options = options_form.read(form.items())
    try:
        listed = await repository_list.read(services, session.user.id)
    except NotLinked:
        return render.redirect(_setup_url(flow))
    known = {one.id: one for one in listed.repositories}
    try:
        chosen = _chosen(form, known)
    except ChoiceRefused as refusal:
        return await _list(request, flow, listed, problem=str(refusal), options=options)
    lines = sorted((Line.of(known[one]) for one in chosen), key=lambda line: line.full_name.lower())
    return await _begin(request, session, flow, lines, options)


@routes.get(PATH + "/{id}")
async def result(request: web.Request) -> web.Response:
    """Show each repository's result and whether GitHub's ping arrived, as soon as that is known."""
    session = await sessions.required(request)
    setup, lines = await setup_result.awaited(request.app[SERVICES], await _setup(request, session))
    return render.page(
        request,
        "setup_result.html",
        setup=setup,
        lines=lines,
        self_url=request.path,
        setup_url=_setup_url(setup.flow),
        web_url=request.app[SERVICES].settings.web_url,
    )


@routes.post(PATH + "/{id}")
async def again(request: web.Request) -> web.Response:
    """Retry what failed or was interrupted."""
    session, _ = await sessions.posted(request)
    setup = await _setup(request, session)
    lines = [
        Line(repository_id=one.repository_id, full_name=one.full_name, url=one.url)
        for one in setup.unfinished
    ]
    if not lines:
        return render.redirect(f"{PATH}/{setup.id}")
    return await _begin(request, session, setup.flow, lines, setup.options)


async def _begin(
    request: web.Request, session: Session, flow: Flow, lines: Sequence[Line], options: Options
) -> web.Response:
    by = Chooser(user=session.user, access_token=session.access_token)
    begun = await request.app[SERVICES].bulk_connect.begin(by, flow, lines, options, wait=WAIT_SECONDS)
    return render.redirect(f"{PATH}/{begun}")


async def _setup(request: web.Request, session: Session) -> SetUp:
    """Return the set-up in the address, if this user began it and is still in its flow."""
    services = request.app[SERVICES]
    setup = await services.bulk_connect.find(request.match_info["id"], user=session.user.id)
    if setup is None:
        raise NotFound("this page has expired, or belongs to someone else")
    await _member(services.flowdock.flow(setup.flow.path, session.access_token))
    return setup


async def _flow(request: web.Request, session: Session) -> Flow | None:
    """Return the flow that the address names, if any.

    A stranger may choose `flow_url`: nothing is ever sent there, and only its path counts.
    """
    flow_id, flow_url = request.query.get("flow", ""), request.query.get("flow_url", "")
    if flow_id:
        return await _find(request.app[SERVICES], session, flow_id)
    if not flow_url:
        return None
    found = _FLOW_PATH.fullmatch(path_of(flow_url))
    if found is None:
        raise FlowOdd("This address does not name a flow.")
    return await _member(request.app[SERVICES].flowdock.flow(found[1], session.access_token))


async def _find(services: Services, session: Session, flow_id: str) -> Flow:
    if len(flow_id) > MAX_FLOW_ID or not flow_id.isascii() or not flow_id.isprintable():
        raise FlowOdd("This address does not name a flow.")
    return await _member(services.flowdock.find_flow(flow_id, session.access_token))


async def _member(asked: Awaitable[Flow]) -> Flow:
    try:
        return await asked
    except NotAMember as refusal:
        raise NotInFlow(str(refusal)) from None
    except FlowdockRejected:
        raise FlowOdd("There is no such flow.") from None


def _chosen(form: Any, known: Container[int]) -> set[int]:
    chosen = {_id(value) for value in form.getall("repository", [])}
    if not chosen:
        raise ChoiceRefused("Choose at least one repository.")
    if len(chosen) > MOST:
        raise ChoiceRefused(f"You chose {len(chosen)} repositories. Choose at most {MOST}.")
    if not all(one in known for one in chosen):
        raise ChoiceRefused("GitHub no longer shows you one of these repositories.")
    return chosen


def _id(value: object) -> int:
    """Return a repository's id; 0, which none has, for any other value."""
    return whole_number(str(value), longest=19) or 0


def _setup_url(flow: Flow) -> str:
    return f"{PATH}?{urlencode({'flow': flow.id})}"


def _link_url(flow: Flow) -> str:
    return f"/account/link?{urlencode({'then': _setup_url(flow)})}"
