"""The values of a connection's page: its health, its webhook's manager, and GitHub's ping."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

from aiohttp import web

from bridge.clients.github_credentials import App
from bridge.core.digits import whole_number
from bridge.core.errors import BridgeError
from bridge.core.model import Connection, LinkedAccount
from bridge.services import Services
from bridge.web.http import notices
from bridge.web.pages import setup_result

T = TypeVar("T")

READ_SECONDS = 3
"""Seconds that the page waits for GitHub's answers."""

NOTICES = {
    "options": ("good", "Options saved. They apply from the next delivery."),
    "paused": (
        "good",
        "Paused. Nothing is posted until you resume, and open threads are no longer shown as open. A pull"
        " request opened meanwhile appears with its next event.",
    ),
    "resumed": ("good", "Resumed. Open threads are shown again, and deliveries are posted."),
    "made": ("good", "The webhook was created."),
    "mended": ("good", "The webhook was repaired."),
    "app": ("good", "There is no webhook to repair: deliveries come through the GitHub App."),
    "not-mended": (
        "bad",
        "GitHub did not let you repair the webhook. Ask an administrator of the repository.",
    ),
    "test": ("good", "Test message sent. Look for it in the flow."),
    "test-refused": ("bad", "The test message was refused. The operator finds the reason in bridge's log."),
    "test-failing": ("bad", "The test message was not confirmed. Try again later."),
    "taken-over": ("good", "bridge now manages the webhook as you."),
    "no-right": ("bad", "Only administrators of the repository can manage its webhook."),
    "link-first": ("bad", "Link your GitHub account first, then try again."),
    "linked": ("good", "Your GitHub account is linked. Now try again."),
}
"""The page's notices by their names: their kind and their sentence."""


async def context(
    request: web.Request, services: Services, connection: Connection, user: str
) -> dict[str, Any]:
    """Return the values of `configure.html` besides the options, for a member of the flow.

    `you` is the member's linked account, `installer` the one that manages the webhook. `lacking` (permissions
    of the App) and `pull_requests` (why not everyone may open them) are as far as you may see them.
    """
    known, store = connection.repository_id, services.account_store
    name = await services.pulls.present_name(connection)
    digests = await services.delivery_log.digests([(known, connection.id)] if known is not None else [])
    app, you, repositories = await services.hooks.app(), await store.get(user), services.hooks.repositories
    installer = await store.get(connection.installer) if connection.installer else None
    shown, lacking = await asyncio.gather(
        _read(services, you, lambda token: repositories.present(known, name, token=token)),
        _read(services, you if app else None, lambda token: repositories.lacking(name, token=token)),
    )
    return {
        "connection": connection,
        "name": name,
        "repository_url": f"{services.settings.github_url}/{name}",
        "recent": recent_deliveries(services, connection, name),
        "last": digests[connection.id].last if connection.id in digests else None,
        "dead": await services.queue_view.dead_letters(known, connection.id) if known is not None else (),
        "installer": installer,
        "you": you,
        "github_app": app,
        "lacking": lacking,
        "pull_requests": shown.pull_requests if shown else "",
        "managed_by": _managed_by(connection, app, installer),
        "link_url": f"/account/link?{urlencode({'then': f'/connections/{connection.id}'})}",
        "self_url": request.path_qs,
        "notice": NOTICES.get(notices.pop(request), ("", "")),
        "ping": await _ping(services, connection, request.query.get("since", "")),
    }


def _managed_by(connection: Connection, app: App | None, installer: LinkedAccount | None) -> str:
    if connection.hook_id is None:
        return "app" if app else "operator"
    if connection.hook_by and not connection.installer:
        return "administrator"
    return "member" if installer else "nobody"


def recent_deliveries(services: Services, connection: Connection, name: str) -> str:
    """Return the address of GitHub's page of the webhook's recent deliveries."""
    own = f"/{connection.hook_id}?tab=deliveries" if connection.hook_id else ""
    return f"{services.settings.github_url}/{name}/settings/hooks{own}"


async def _read(
    services: Services, you: LinkedAccount | None, question: Callable[[str], Awaitable[T]]
) -> T | None:
    """Ask GitHub as you; None if you have no linked account, or GitHub does not answer in time."""
    if you is None:
        return None
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await services.accounts.reading(you.flowdock.id, question)
    except (BridgeError, TimeoutError, LookupError, TypeError, AttributeError):
        return None


async def _ping(services: Services, connection: Connection, repaired_at: str) -> str:
    """Return the state of the ping after a repair: "came", "awaited", "missing", or empty without one."""
    since = whole_number(repaired_at, longest=11)
    if connection.hook_id is None or since is None:
        return ""
    if await services.webhook_keys.pinged(connection.repository_id or 0, connection.hook_id, since):
        return "came"
    return "awaited" if 0 <= time.time() - since < setup_result.PING_SECONDS else "missing"
