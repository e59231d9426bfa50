"""A person's notifications: about what, in which browsers, and the quiet hours."""

from pathlib import Path
from typing import Any

import aiohttp_jinja2
import structlog
from aiohttp import web

from bridge.inbox.notifications.notifier import Notifier
from bridge.inbox.notifications.preferences import Preferences
from bridge.inbox.notifications.subscriptions import PushSubscription
from bridge.inbox.people import sessions
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.people.user_agents import browser_name
from bridge.web.render import redirect

PAGE = "/inbox/settings"
SECTION = f"{PAGE}#notifications"
_WORKER = Path(__file__).parents[1] / "static" / "service-worker.js"

NOTIFIER = web.AppKey("inbox_notifier", Notifier)

log = structlog.get_logger()
routes = web.RouteTableDef()


async def shown(request: web.Request, person: InboxPerson) -> dict[str, Any]:
    """Return what the settings show of a person's notifications."""
    here = request.app[NOTIFIER]
    return {
        "chosen": await here.preferences.of(person.id),
        "browsers": await here.browsers.of(person.id),
        "vapid_key": await here.web_push.vapid.public_key(),
    }


@routes.get("/inbox/service-worker.js")
async def service_worker(request: web.Request) -> web.Response:  # noqa: ARG001
    """Serve the script that a browser runs for a notification, and while bridge cannot be reached."""
    headers = {"Service-Worker-Allowed": "/"}
    return web.Response(text=_WORKER.read_text(), content_type="text/javascript", headers=headers)


@routes.get("/inbox/away")
async def away(request: web.Request) -> web.Response:
    """Serve the page that the service worker keeps, to show while bridge cannot be reached."""
    return aiohttp_jinja2.render_template("inbox/away.html", request, {"session": None, "visitor": None})


@routes.post(f"{PAGE}/notifications")
async def choose(request: web.Request) -> web.Response:
    """Keep what a person chooses; raises `SettingRefused`."""
    person = await sessions.posted(request)
    form = await request.post()
    chosen = Preferences.chosen(
        turn="turn" in form,
        mentions="mentions" in form,
        zone=str(form.get("zone", "")).strip(),
        quiet_from=str(form.get("quiet_from", "")).strip(),
        quiet_until=str(form.get("quiet_until", "")).strip(),
    )
    await request.app[NOTIFIER].preferences.keep(person.id, chosen)
    return redirect(SECTION)


@routes.post(f"{PAGE}/browsers")
async def subscribe(request: web.Request) -> web.Response:
    """Take this browser's subscription; raises `SubscriptionRefused`."""
    person = await sessions.posted(request)
    added = PushSubscription.read(
        await request.post(),
        name=sessions.session_name(request),
        browser=browser_name(request.headers.get("User-Agent", "")),
    )
    await request.app[NOTIFIER].browsers.add(person.id, added)
    log.info("inbox_browser_subscribed", person=person.id)
    return redirect(SECTION)


@routes.post(PAGE + "/browsers/{name:[0-9a-f]{64}}/remove")
async def unsubscribe(request: web.Request) -> web.Response:
    """Notify a person in one of their browsers no longer."""
    person = await sessions.posted(request)
    await request.app[NOTIFIER].browsers.remove(person.id, request.match_info["name"])
    return redirect(SECTION)
