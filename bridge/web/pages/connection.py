"""`/flowdock/configure`, `/connections/{id}`: a connection, shown to and changed by its flow's members."""

import asyncio
import re
import time
import uuid
from contextlib import suppress
from typing import Any

import structlog
from aiohttp import web

from bridge.clients.github_repositories import Repository
from bridge.connections.webhook_repair import NO_RIGHT
from bridge.core.errors import (
    FlowdockFailing,
    FlowdockRejected,
    GitHubRefused,
    Malformed,
    NotFound,
    NotLinked,
    SourceGone,
)
from bridge.core.messages.html import escape
from bridge.core.model import Author, Connection, Message
from bridge.core.urls import path_of
from bridge.services import Services
from bridge.storage.checkups import Checkup
from bridge.web import render
from bridge.web.auth import membership, sessions
from bridge.web.context import LOG, SERVICES, Session
from bridge.web.http import notices
from bridge.web.pages import connection_view, options_form

RESULT_SECONDS = 600
"""Seconds that the result of a disconnect is kept."""
CHECKUP_SECONDS = 8
"""Seconds that a page waits for a checkup; one that takes longer is made later."""

PAGE = "/connections/{id:[0-9a-f]{1,40}}"
_FLOW_PATH = re.compile(r".*/flows/([A-Za-z0-9_-]+)/([A-Za-z0-9_-]+)(?:/.*)?")
_FLOW_ID = re.compile(r"([A-Za-z0-9_-]+)[:/]([A-Za-z0-9_-]+)")

log = structlog.get_logger()
routes = web.RouteTableDef()


class Gone(NotFound):
    """The flow removed the source meanwhile."""

    status = 410
    advice = "Connect the repository again from the flow's settings."


@routes.get("/flowdock/configure")
async def configure(request: web.Request) -> web.Response:
    """Redirect from Flowdock to the page of the connection with this source and flow."""
    session = await sessions.required(request)
    source_id = request.query.get("source") or request.query.get("integration_id") or ""
    flow = _named_flow(request)
    connection = await _of_source(request.app[SERVICES], source_id, flow)
    connection = await membership.member_of(request, session, connection)
    return render.redirect(f"/connections/{connection.id}")


@routes.get(PAGE)
async def show(request: web.Request) -> web.Response:
    """Show the connection's state and what can be done with it."""
    services = request.app[SERVICES]
    session, connection = await _found(request)
    context = await connection_view.context(request, services, connection, session.user.id)
    choices = options_form.choices(connection.options)
    return render.page(request, "configure.html", choices=choices, **context)


@routes.post(f"{PAGE}/options")
async def change_options(request: web.Request) -> web.Response:
    """Change which events the flow gets."""
    _, connection, form = await _posted(request)
    options = options_form.read(form.items())
    await request.app[SERVICES].connections.change(connection.id, options=options)
    return _done(request, connection, "options")


@routes.post(f"{PAGE}/pause")
async def pause(request: web.Request) -> web.Response:
    """Pause the connection (`do=pause`), or resume it (`do=resume`)."""
    _, connection, form = await _posted(request)
    do = form.get("do")
    if do not in ("pause", "resume"):
        raise Malformed("choose Pause or Resume")
    await request.app[SERVICES].connections.change(connection.id, paused=do == "pause")
    return _done(request, connection, "paused" if do == "pause" else "resumed")


@routes.post(f"{PAGE}/webhook")
async def repair(request: web.Request) -> web.Response:
    """Make or repair the webhook as the user's linked account; the page then waits for the ping."""
    services = request.app[SERVICES]
    session, connection, _ = await _posted(request)
    since = int(time.time())
    try:
        mended = await services.webhook_repair.repair(connection, user=session.user.id)
    except NotLinked:
        # A form may not lead to another site (the pages' form-action): the page has the link.
        return _done(request, connection, "link-first")
    except GitHubRefused as refusal:
        if refusal.answered not in NO_RIGHT:
            raise
        return _done(request, connection, "not-mended")
    await _check_up(services, mended.connection)
    return _done(request, connection, mended.hook, since=None if mended.hook == "app" else since)


async def _check_up(services: Services, connection: Connection) -> None:
    """Check a connection whose webhook was just repaired, so that the page shows its present state."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CHECKUP_SECONDS):
            await services.connection_monitor(spacing=0).check(
                Checkup(connection_id=connection.id, hint="heard")
            )
            return
    await services.checkups.schedule([connection], delay=1)


@routes.post(f"{PAGE}/care")
async def take_over(request: web.Request) -> web.Response:
    """Have bridge manage the webhook as the user's linked account."""
    services = request.app[SERVICES]
    session, connection, _ = await _posted(request)
    name = await services.pulls.present_name(connection)

    async def look(token: str) -> tuple[Repository, int | None]:
        repository = await services.hooks.repositories.present(connection.repository_id, name, token=token)
        if not repository.may_hook or await services.hooks.app():
            return repository, None
        hook = await services.hooks.find(repository, token=token)
        return repository, hook.id if hook else None

    try:
        repository, hook_id = await services.accounts.as_user(session.user.id, look)
    except NotLinked:
        # As above.
        return _done(request, connection, "link-first")
    except GitHubRefused:
        return _done(request, connection, "no-right")
    if not repository.may_hook:
        return _done(request, connection, "no-right")
    changes = {"installer": session.user.id} | ({"hook_id": hook_id} if hook_id else {})
    changed = await services.connections.change(connection.id, **changes)
    await services.checkups.schedule([changed], delay=0)
    return _done(request, connection, "taken-over")


@routes.post(f"{PAGE}/test")
async def send_test(request: web.Request) -> web.Response:
    """Post a test message in a thread of its own; the page reports Flowdock's answer."""
    services = request.app[SERVICES]
    session, connection, _ = await _posted(request)
    message = Message(
        event="activity",
        title=f"Test message, sent by {escape(session.user.nick)}",
        author=Author(name="bridge"),
    )
    page = f"{services.settings.web_url}/connections/{connection.id}"
    thread = {
        "title": f"bridge: test of {escape(connection.repository)}",
        "body": "<p>If you can read this, bridge can post to this flow.</p>",
        "external_url": page,
    }
    try:
        await services.flowdock.post(
            message,
            flow_token=connection.flow_token,
            thread_id=f"bridge:test:{connection.id}",
            thread=thread,
            uuid=str(uuid.uuid4()),
        )
    except SourceGone as gone:
        await services.connections.forget_source(connection.id, gone)
        raise Gone(
            "Someone removed bridge from the flow, so bridge has deleted this connection and its token."
        ) from None
    except FlowdockRejected as refusal:
        log.warning("test_message_refused", connection=connection.id, reason=str(refusal))
        return _done(request, connection, "test-refused")
    except FlowdockFailing as failure:
        log.warning("test_message_failed", connection=connection.id, reason=str(failure))
        return _done(request, connection, "test-failing")
    return _done(request, connection, "test")


@routes.get(f"{PAGE}/disconnect")
async def ask_disconnect(request: web.Request) -> web.Response:
    """Ask for confirmation, naming what disconnecting removes; only the POST changes anything."""
    services = request.app[SERVICES]
    _, connection = await _found(request)
    name = await services.pulls.present_name(connection)
    others = await services.connections.others_of(connection.id, connection.repository_id, name)
    return render.page(
        request,
        "configure_disconnect.html",
        connection=connection,
        name=name,
        is_shared=bool(others),
        github_app=await services.hooks.app(),
    )


@routes.post(f"{PAGE}/disconnect")
async def disconnect(request: web.Request) -> web.Response:
    """Remove source, webhook and tokens; the next page names what could not be removed."""
    services = request.app[SERVICES]
    session, connection, _ = await _posted(request)
    name = await services.pulls.present_name(connection)
    left = await services.connect_service.disconnect(
        connection, access_token=session.access_token, user=session.user.id
    )
    result = {"name": name, "flow": connection.flow, "left": left}
    await services.one_time.put(
        "disconnected", _result_of(session, connection.id), result, seconds=RESULT_SECONDS
    )
    return render.redirect(f"/connections/{connection.id}/disconnected")


@routes.get(f"{PAGE}/disconnected")
async def disconnected(request: web.Request) -> web.Response:
    """Show the user who disconnected what was removed, and what remains to be removed by hand."""
    session = await sessions.required(request)
    name = _result_of(session, request.match_info["id"])
    result = await request.app[SERVICES].one_time.peek("disconnected", name)
    if result is None:
        raise membership.NotYours
    return render.page(request, "configure_disconnected.html", **result)


def _result_of(session: Session, connection_id: str) -> str:
    return f"{session.user.id}:{connection_id}"


async def _found(request: web.Request) -> tuple[Session, Connection]:
    return await membership.connection_for(request, request.match_info["id"])


async def _posted(request: web.Request) -> tuple[Session, Connection, Any]:
    """Return the session, the connection and the form's fields; Flowdock confirms the membership again."""
    _, form = await sessions.posted(request)
    session, connection = await _found(request)
    request[LOG] = {"flowdock_user": session.user.id}
    return session, connection, form


def _done(
    request: web.Request, connection: Connection, notice: str, *, since: int | None = None
) -> web.Response:
    """Return to the connection's page; with `since`, the page waits for a ping after that time."""
    ping = "" if since is None else f"?since={since}"
    return notices.redirect(request, f"/connections/{connection.id}{ping}", notice)


async def _of_source(services: Services, source_id: str, flow: str) -> Connection | None:
    for connection in await services.connections.all():
        if connection.source_id == source_id != "" and flow in ("", connection.flow.lower()):
            return connection
    return None


def _named_flow(request: web.Request) -> str:
    """Return the flow (`organization/flow`, in lower case) that the address names; empty if it names none.

    A stranger may choose `source_url`: nothing is ever sent there, and only its path counts.
    """
    address = request.query.get("source_url") or request.query.get("flow") or ""
    found = _FLOW_PATH.fullmatch(path_of(address)) or _FLOW_ID.fullmatch(address)
    return f"{found[1]}/{found[2]}".lower() if found else ""
