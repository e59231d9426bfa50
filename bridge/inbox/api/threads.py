"""The API's reading of threads and messages (Flowdock's API documents, "Threads" and "List Messages")."""

import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web

from bridge.core.digits import whole_number
from bridge.inbox.api import shapes
from bridge.inbox.api.requests import ApiRefusal, answer_to, invalid, member
from bridge.inbox.context import API, INBOX
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.threads.stored import InboxThread, StoredMessage

MOST = 100
"""Threads or messages of one answer."""

PAGES = 20
"""Pages that are looked through at most."""

LATEST = 10**15

FLOW = f"{API}/flows/{{org}}/{{flow}}"
THREAD = f"{FLOW}/threads/{{thread}}"

routes = web.RouteTableDef()


@routes.get(f"{FLOW}/threads")
async def list_threads(request: web.Request) -> web.Response:
    """List threads, the newest activity first: `limit` of them, between `since` and `until`, two dates."""
    person, flow = await member(request)
    matches, limit, position = await _thread_filter(request, flow), _limit(request), LATEST
    found: list[InboxThread] = []
    for _ in range(PAGES):
        page = await request.app[INBOX].messages.threads(
            flow.id, before=position, limit=_size(request, "since", "until", "application")
        )
        found += [one for one in page if matches(one)]
        if not page or len(found) >= limit:
            break
        position = page[-1].newest.id
    return answer_to(person, [shapes.thread(one) for one in found[:limit]])


@routes.get(THREAD)
async def show_thread(request: web.Request) -> web.Response:
    """Show a thread."""
    person, flow = await member(request)
    return answer_to(person, shapes.thread(await wanted_thread(request, flow)))


@routes.get(f"{THREAD}/messages")
async def list_thread_messages(request: web.Request) -> web.Response:
    """List a thread's messages, as `list_messages` does a flow's."""
    person, flow = await member(request)
    read = partial(request.app[INBOX].messages.messages, await wanted_thread(request, flow))
    return answer_to(person, await _listed(request, read))


@routes.get(f"{FLOW}/messages")
async def list_messages(request: web.Request) -> web.Response:
    """List messages by `event` and `tags`: the newest, or with `sort=asc` the oldest; by id in any case."""
    person, flow = await member(request)
    read = partial(request.app[INBOX].messages.flow_messages, flow.id)
    return answer_to(person, await _listed(request, read))


@routes.get(f"{FLOW}/messages/{{id}}")
async def show_message(request: web.Request) -> web.Response:
    """Show a message with its thread."""
    person, flow = await member(request)
    found = await wanted_message(request, flow, request.match_info["id"])
    thread = await request.app[INBOX].messages.thread(flow.id, found.thread_id)
    return answer_to(person, shapes.message(found, thread))


async def wanted_message(request: web.Request, flow: TeamFlow, wanted: str) -> StoredMessage:
    """Return the flow's message with an id; raises `ApiRefusal`."""
    message_id = whole_number(wanted, longest=15)
    found = await request.app[INBOX].messages.message(flow.id, message_id) if message_id is not None else None
    if found is None:
        raise ApiRefusal(404, "There is no such message in this flow, or it is no longer kept.")
    return found


async def wanted_thread(request: web.Request, flow: TeamFlow) -> InboxThread:
    """Return the flow's thread in the path; raises `ApiRefusal`."""
    found = await request.app[INBOX].messages.thread(flow.id, request.match_info["thread"])
    if found is None:
        raise ApiRefusal(404, "There is no such thread in this flow, or it is no longer kept.")
    return found


async def _listed(
    request: web.Request, read: Callable[..., Awaitable[list[StoredMessage]]]
) -> list[dict[str, Any]]:
    """Look through messages for those that are asked for; each is shown with its thread."""
    if "search" in request.query:
        raise ApiRefusal(404, "The API has no search: use the flow's page.")
    matches, newest = await _message_filter(request), request.query.get("sort") != "asc"
    after, before = _number(request, "since_id", 0), _number(request, "until_id", LATEST)
    limit, found = _limit(request), list[StoredMessage]()
    for _ in range(PAGES):
        page = await read(after=after, before=before, limit=_size(request, "event", "tags"), newest=newest)
        kept = [one for one in page if matches(one)]
        found = kept + found if newest else found + kept
        if not page or len(found) >= limit:
            break
        after, before = (after, page[0].id) if newest else (page[-1].id, before)
    found = found[-limit:] if newest else found[:limit]
    threads = await request.app[INBOX].messages.get_many(list({one.thread_id for one in found}))
    about = {one.id: one for one in threads}
    return [shapes.message(one, about.get(one.thread_id)) for one in found]


async def _message_filter(request: web.Request) -> Callable[[StoredMessage], bool]:
    """Make the filter by `event` and by `tags`: all of them, or any of them with `tag_mode=or`."""
    people, given = request.app[INBOX].people, _names(request, "tags")
    events, any_of = _names(request, "event"), request.query.get("tag_mode") == "or"
    called = {tag: await people.find(tag[1:]) for tag in given if tag.startswith("@")}
    tags = {f":user:{person.id}" if (person := called.get(tag)) else tag.lower() for tag in given}

    def matches(one: StoredMessage) -> bool:
        has = tags & {tag.lower() for tag in one.content.get("tags") or ()}
        return (not events or one.content["event"] in events) and (
            not tags or (bool(has) and (any_of or has == tags))
        )

    return matches


async def _thread_filter(request: web.Request, flow: TeamFlow) -> Callable[[InboxThread], bool]:
    """Make the filter by `application` (bridge is 1), and by the date of the newest message."""
    inbox, application = request.app[INBOX], request.query.get("application", "inbox")
    since, until = _moment(request, "since", 0), _moment(request, "until", math.inf)
    sources = await inbox.sources.of(flow.id)
    own = {one.id for one in sources if one.client_id == inbox.client_id}

    def matches(one: InboxThread) -> bool:
        is_of = application == "inbox" or (application == "1" and one.source_id in own)
        return is_of and since < one.newest.sent < until

    return matches


def _names(request: web.Request, parameter: str) -> set[str]:
    return {one.strip().removeprefix("#") for one in request.query.get(parameter, "").split(",")} - {""}


def _limit(request: web.Request) -> int:
    return max(1, min(MOST, _number(request, "limit", 30)))


def _size(request: web.Request, *filters: str) -> int:
    """Return the size of the pages to look through."""
    return MOST if any(name in request.query for name in filters) else _limit(request)


def _moment(request: web.Request, name: str, default: float) -> float:
    """Return a date in Unix milliseconds; raises `ApiRefusal`."""
    if not (value := request.query.get(name)):
        return default
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise invalid({name: ["must be an ISO 8601 date"]}) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def _number(request: web.Request, name: str, default: int) -> int:
    value = request.query.get(name, "")
    number = whole_number(value, longest=15) if value else default
    if number is None:
        raise invalid({name: ["must be a number"]})
    return number
