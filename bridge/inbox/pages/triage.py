"""Done, snooze, mute, and their undoing: one form, whose buttons name the move and the thread."""

import time
from datetime import UTC, datetime, timedelta, tzinfo

import aiohttp_jinja2
from aiohttp import web

from bridge.core.errors import NotFound, RequestRefused
from bridge.inbox.context import INBOX, PAGES
from bridge.inbox.notifications import clock
from bridge.inbox.notifications.clock import SettingRefused
from bridge.inbox.outcomes import Outcome
from bridge.inbox.pages.render import redirect_with
from bridge.inbox.people import sessions
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.threads.lists import UNTIL_ACTIVITY, Move
from bridge.inbox.threads.stored import InboxThread
from bridge.inbox.views import number_of
from bridge.web.http.paths import local_path

PAGE = f"{PAGES}/triage"
LONGEST_WAY_BACK = 1000

MORNING = 9
"""The hour at which what was snoozed for days returns."""
LATER_SECONDS = 3 * 3600

MOVES: dict[str, Move] = {
    "done": "done",
    "mute": "mute",
    "unmute": "unmute",
    "undo": "undo",
    **dict.fromkeys(("later", "tomorrow", "monday", "activity"), "snooze"),
}
"""By the name of a button."""

_SAID = {"done": "done", "mute": "muted", "unmute": "no longer muted", "undo": "back in the inbox"}

UNDONE_BY: dict[Move, Move] = {"done": "undo", "snooze": "undo", "mute": "unmute"}

routes = web.RouteTableDef()


@routes.post(PAGE)
async def move(request: web.Request) -> web.Response:
    """Make the move that the pressed button names, and go back; a script gets what to show instead."""
    person, inbox = await sessions.posted(request), request.app[INBOX]
    form = await request.post()
    pressed = next((name for name in MOVES if name in form), None)
    if pressed is None:
        raise RequestRefused("the form names no action: press one of its buttons")
    thread = await _thread(request, person, str(form[pressed]))
    zone = zone_of(str(form.get("zone", "")))
    until = returns_at(pressed, time.time(), zone)
    await inbox.lists.move(person.id, thread, MOVES[pressed], until=until)
    outcome = Outcome(
        is_done=True,
        sentence=_sentence(thread, pressed, until, zone),
        undo=(UNDONE_BY[MOVES[pressed]], thread.id) if MOVES[pressed] in UNDONE_BY else None,
    )
    if form.get("script"):
        context = {"outcome": outcome, "csrf": form["csrf"], "back": form.get("here", PAGES)}
        return aiohttp_jinja2.render_template("inbox/_outcome.html", request, context)
    here = local_path(str(form.get("here", "")), PAGES, longest=LONGEST_WAY_BACK)
    return await redirect_with(request, person, here, outcome)


async def _thread(request: web.Request, person: InboxPerson, thread_id: str) -> InboxThread:
    """Return a thread of a flow that the person is in; raises `NotFound`."""
    inbox = request.app[INBOX]
    [*found] = await inbox.messages.get_many([thread_id])
    if not found or not await inbox.flows.may_see(found[0].flow_id, person.id):
        raise NotFound("there is no such thread, it is no longer kept, or you are not in its flow")
    return found[0]


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its name, UTC for a name that is none."""
    try:
        return clock.zone(name)
    except SettingRefused:
        return UTC


def returns_at(choice: str, now: float, zone: tzinfo) -> float:
    """Return when a thread snoozed by a button returns, in Unix seconds."""
    if choice == "later":
        return now + LATER_SECONDS
    local = datetime.fromtimestamp(now, zone)
    days = {"tomorrow": 1, "monday": 7 - local.weekday()}.get(choice)
    if days is None:
        return UNTIL_ACTIVITY
    return (local + timedelta(days=days)).replace(hour=MORNING, minute=0, second=0, microsecond=0).timestamp()


def _sentence(thread: InboxThread, pressed: str, until: float, zone: tzinfo) -> str:
    name = number_of(thread) or "The thread"
    if pressed in _SAID:
        return f"{name} is {_SAID[pressed]}."
    if until == UNTIL_ACTIVITY:
        return f"{name} is snoozed until there is activity."
    return f"{name} is snoozed until {datetime.fromtimestamp(until, zone):%A, %-d %B, %H:%M}."
