"""A thread: what happened, what people wrote, and its buttons."""

from typing import Any

from aiohttp import web

from bridge.core.errors import RequestRefused
from bridge.inbox import outcomes
from bridge.inbox.clicks import Outcome, find_button, may_be_clicked, perform
from bridge.inbox.context import INBOX, PAGES
from bridge.inbox.extension import pull_of
from bridge.inbox.flows import TeamFlow
from bridge.inbox.pages.places import THREAD, before_in, opened, path_of, posted, thread_in
from bridge.inbox.pages.render import redirect, render
from bridge.inbox.people import InboxPerson
from bridge.inbox.replies import MAX_REPLY, post_reply
from bridge.inbox.stored import InboxThread, StoredMessage
from bridge.inbox.views import Entry, buttons, entry, links, number_of
from bridge.web.http.middleware import SCRIPTED

PAGE = 100
MOST_NEW = 500
"""Messages of a page that begins with the first unread one."""
AT_HAND = 2
"""Buttons beside the menu."""
ASKED_BACK = frozenset({"Merge", "Close"})

routes = web.RouteTableDef()


class ButtonGone(RequestRefused):
    """The thread does not offer the button any more."""

    status = 409
    advice = "Go back and reload the thread."


class TurnRefused(RequestRefused):
    """The turn cannot be passed on so."""

    status = 409
    advice = "Go back and reload the thread."


class ReplyRefused(RequestRefused):
    """The reply is empty or too long."""

    status = 422
    advice = "Go back and change it: nothing was posted."


@routes.get(THREAD)
async def show(request: web.Request) -> web.Response:
    """Show the newest messages of a thread, or those before `?before=`; the person has then read it."""
    person, flow = await opened(request)
    request[SCRIPTED] = True
    inbox, thread = request.app[INBOX], await thread_in(request, flow)
    before = before_in(request)
    read = (await inbox.marks.of(person.id, [thread.id]))[thread.id]
    found = await inbox.messages.messages(thread, before=before, limit=PAGE + 1)
    page = PAGE
    if before is None and read and found[0].id > read:
        page = MOST_NEW
        found = await inbox.messages.messages(thread, limit=page + 1)
    await inbox.marks.read(person.id, thread)
    listed = await entries(request, person, found[-page:])
    return render(
        request,
        "thread.html",
        person=person,
        flow=flow,
        path=path_of(flow),
        here=path_of(flow, "threads", thread.id),
        back=PAGES if request.query.get("from") == "turn" else path_of(flow),
        entries=listed,
        older=listed[0].id if len(found) > page else None,
        is_newest=before is None,
        first_new=next((one.id for one in listed if one.id > read and not one.is_mine), None)
        if read
        else None,
        unread_count=(await inbox.desks.unread(person.id, [flow.id]))[flow.id],
        outcome=await outcomes.take(inbox.redis, person.id, request.query.get("outcome", "")),
        **await head(request, person, flow, thread),
    )


async def head(
    request: web.Request, person: InboxPerson, flow: TeamFlow, thread: InboxThread
) -> dict[str, Any]:
    """Collect the head of a thread: its state and its buttons."""
    inbox = request.app[INBOX]
    source, pull = await inbox.sources.get(str(thread.source_id)), pull_of(thread.state)
    return {
        "thread": thread,
        "state": thread.state,
        "number": number_of(thread),
        "source": source,
        "buttons": buttons(inbox, thread, source, person),
        "links": links(thread),
        "at_hand": AT_HAND,
        "turn": pull.turn if pull else None,
        "reader": person,
        "members": sorted((await _members(request, flow)).values(), key=lambda one: one.nick.lower()),
        "shelves": (await inbox.desks.shelves(person.id, [thread.id]))[thread.id],
    }


async def entries(request: web.Request, person: InboxPerson, found: list[StoredMessage]) -> list[Entry]:
    """Show messages to a person."""
    writers = await request.app[INBOX].people.those(one.author for one in found if one.author)
    return [entry(one, person, writers.get(one.author)) for one in found]


@routes.post(f"{THREAD}/actions")
async def act(request: web.Request) -> web.Response:
    """Click a button; what cannot be undone is asked back first."""
    person, flow = await posted(request)
    inbox, thread = request.app[INBOX], await thread_in(request, flow)
    form = await request.post()
    action = find_button(thread.state, str(form.get("key", "")))
    source = await inbox.sources.get(str(thread.source_id))
    if action is None or source is None or not may_be_clicked(inbox, source, action):
        raise ButtonGone("the thread has changed and does not offer this button any more")
    here = path_of(flow, "threads", thread.id)
    if action["name"] in ASKED_BACK and not form.get("sure"):
        return render(
            request,
            "sure.html",
            person=person,
            here=here,
            action=action,
            key=form.get("key"),
            thread=thread,
            number=number_of(thread),
        )
    return await _with(request, person, here, await perform(inbox, person, action))


@routes.post(f"{THREAD}/turn")
async def pass_turn(request: web.Request) -> web.Response:
    """Pass the turn on to a member, or take it."""
    person, flow = await posted(request)
    inbox, thread = request.app[INBOX], await thread_in(request, flow)
    to = (await _members(request, flow)).get(str((await request.post()).get("to", "")))
    if to is None:
        raise TurnRefused("that person is not in the flow, or not any more")
    if not await inbox.desks.pass_turn(thread, to, by=person):
        raise TurnRefused("the pull request has changed, or nobody has its turn")
    words = "I take the turn." if to.id == person.id else f"@{to.nick}, it is your turn."
    await post_reply(inbox, person, flow, thread.id, words)
    return redirect(f"{path_of(flow, 'threads', thread.id)}#end")


async def _members(request: web.Request, flow: TeamFlow) -> dict[str, InboxPerson]:
    inbox = request.app[INBOX]
    found = await inbox.people.those(sorted(await inbox.flows.members(flow.id)))
    return {str(one.id): one for one in found.values()}


@routes.post(f"{THREAD}/messages")
async def reply(request: web.Request) -> web.Response:
    """Write in a thread."""
    person, flow = await posted(request)
    thread = await thread_in(request, flow)
    text = str((await request.post()).get("content", "")).replace("\r\n", "\n").strip()
    if not text or len(text) > MAX_REPLY:
        raise ReplyRefused(f"a reply has from 1 to {MAX_REPLY} characters")
    await post_reply(request.app[INBOX], person, flow, thread.id, text)
    return redirect(f"{path_of(flow, 'threads', thread.id)}#end")


async def _with(request: web.Request, person: InboxPerson, here: str, outcome: Outcome) -> web.Response:
    name = await outcomes.keep(request.app[INBOX].redis, person.id, outcome)
    return redirect(f"{here}?outcome={name}")
