"""The inbox's part of a web application."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine

import aiohttp_jinja2
from aiohttp import web

from bridge.inbox.api import left_out, messages, oauth, push, sources, streaming, threads, users, writing
from bridge.inbox.api.requests import answer_errors
from bridge.inbox.context import INBOX, Inbox
from bridge.inbox.pages import events, flow_settings, flows, message, thread, triage
from bridge.inbox.sweeping import SWEEPER
from bridge.inbox.threads import markup


def install(app: web.Application, inbox: Inbox) -> None:
    """Add the inbox's API and its pages about flows to an application."""
    install_api(app, inbox)
    for module in (flows, thread, message, triage, flow_settings, events):
        app.add_routes(module.routes)
    filters = {"rich": markup.rich, "inline": markup.inline, "plain": markup.plain}
    aiohttp_jinja2.get_env(app).filters.update(filters)
    app.cleanup_ctx.append(_meanwhile(lambda app: app[SWEEPER].run()))


def install_api(app: web.Application, inbox: Inbox) -> None:
    """Add the inbox's API alone."""
    app[INBOX] = inbox
    app.middlewares.append(answer_errors)
    for module in (users, sources, messages, threads, writing, streaming, push, oauth, left_out):
        app.add_routes(module.routes)
    app.cleanup_ctx.append(_meanwhile(lambda app: app[INBOX].feed.run()))
    app.on_shutdown.append(_end_streams)


def _meanwhile(
    run: Callable[[web.Application], Coroutine[None, None, None]],
) -> Callable[[web.Application], AsyncIterator[None]]:
    async def running(app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(run(app))
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return running


async def _end_streams(app: web.Application) -> None:
    """End the streams, which would otherwise hold up the shutdown."""
    app[INBOX].feed.close()
