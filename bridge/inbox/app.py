"""The inbox's part of a web application."""

from aiohttp import web

from bridge.inbox.api import messages, oauth, sources, users
from bridge.inbox.api.requests import answer_errors
from bridge.inbox.context import INBOX, Inbox


def install(app: web.Application, inbox: Inbox) -> None:
    """Add the inbox's API to an application; its errors pass no other middleware."""
    app[INBOX] = inbox
    app.middlewares.append(answer_errors)
    for module in (users, sources, messages, oauth):
        app.add_routes(module.routes)
