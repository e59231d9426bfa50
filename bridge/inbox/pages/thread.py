"""A thread: what happened, what people wrote, and its buttons."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from aiohttp import web

from bridge.core.errors import RequestRefused
from bridge.inbox.clicks import find_button, may_be_clicked, perform
from bridge.inbox.context import INBOX, PAGES
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.outcomes import Outcome
from bridge.inbox.pages.places import THREAD, message_in, opened, path_of, posted, thread_in
from bridge.inbox.pages.render import outcome_for, redirect_with, render
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.replies import MAX_REPLY, post_reply
from bridge.inbox.threads.extension import pull_of
from bridge.inbox.threads.stored import InboxThread, StoredMessage
from bridge.inbox.views import BEGINNING, Entry, beginning, buttons, entry, links, number_of, origin
from bridge.web.render import redirect

PAGE = 100
WHOLE = 512 * 1024
"""Characters of messages that a page shows whole."""
AT_HAND = 2
"""Buttons beside the menu."""
ASKED_BACK = frozenset({"Merge", "Squash", "Rebase", "Close", "Approve and run", "Approve deployment"})

_NO_BUTTON = Outcome(is_done=False, sentence="This thread has changed, and no longer offers that button.")
_NO_MEMBER = Outcome(is_done=False, sentence="That person is not in the flow, or has left it.")
_NO_TURN = Outcome(is_done=False, sentence="The pull request has changed, or it is nobody’s turn.")

routes = web.RouteTableDef()


class ReplyRefused(RequestRefused):
    """The reply is empty or too long."""

    status = 422
    advice = "Go back and change it. Nothing was posted."


@routes.get(THREAD)
async def show(request: web.Request) -> web.Response:
    """Show a thread, from the first unread message on, or messages `?before=` or `?after=` one.

    The person has then read it.
    """
    person, flow = await opened(request)
    inbox, thread = request.app[INBOX], await thread_in(request, flow)
    read = (await inbox.marks.of(person.id, [thread.id]))[thread.id]
    page = await _page(request, thread, read)
    await inbox.marks.read(person.id, thread)
    listed = await entries(request, person, page.messages)
    return render(
        request,
        "thread.html",
        person=person,
        flow=flow,
        path=path_of(flow),
        here=path_of(flow, "threads", thread.id),
        back=PAGES if request.query.get("from") == "turn" else path_of(flow),
        entries=listed,
        older=listed[0].id if page.has_older else None,
        newer=listed[-1].id if page.has_newer else None,
        first_new=next((one.id for one in listed if one.id > read and not one.is_mine), None)
        if read
        else None,
        unread_count=(await inbox.lists.unread(person.id, [flow.id]))[flow.id],
        outcome=await outcome_for(request, person),
        longest=MAX_REPLY,
        **await head(request, person, flow, thread),
    )


class _Page(NamedTuple):
    messages: list[StoredMessage]
    has_older: bool
    has_newer: bool


async def _page(request: web.Request, thread: InboxThread, read: int) -> _Page:
    read_between = partial(request.app[INBOX].messages.messages, thread)
    before, after = message_in(request, "before"), message_in(request, "after")
    if after is None:
        found = await read_between(before=before, limit=PAGE + 1)
        if before is not None or len(found) <= PAGE or found[0].id <= read:
            return _Page(
                found[-PAGE:], has_older=len(found) > PAGE, has_newer=before is not None and found != []
            )
        after = read
    found = await read_between(after=after, limit=PAGE + 1, newest=False)
    older = await read_between(before=found[0].id, limit=1) if found else []
    return _Page(found[:PAGE], has_older=bool(older), has_newer=len(found) > PAGE)


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
        "origin": origin(thread, source),
        "buttons": buttons(inbox, thread, source, person),
        "links": links(thread),
        "at_hand": AT_HAND,
        "turn": pull.turn if pull else None,
        "reader": person,
        "members": await inbox.members(flow),
        "triage": (await inbox.lists.triage_of(person.id, [thread.id]))[thread.id],
    }


async def entries(request: web.Request, person: InboxPerson, found: list[StoredMessage]) -> list[Entry]:
    """Show messages to a person, the newest whole and the others as far as the page has room."""
    writers = await request.app[INBOX].people.get_many(one.author for one in found if one.author)
    shown, room = list[Entry](), WHOLE
    for one in reversed([entry(one, person, writers.get(one.author)) for one in found]):
        room -= one.size
        shown.append(one if room >= 0 or not shown or one.size <= BEGINNING else beginning(one))
    return shown[::-1]


@routes.get(f"{THREAD}/actions")
async def ask(request: web.Request) -> web.Response:
    """Ask for confirmation of a click on the button `?key=`; only the POST performs it."""
    person, flow = await opened(request)
    thread, key = await thread_in(request, flow), request.query.get("key", "")
    here, action = path_of(flow, "threads", thread.id), await _button(request, thread, key)
    if action is None:
        return await redirect_with(request, person, here, _NO_BUTTON)
    return render(
        request,
        "sure.html",
        person=person,
        here=here,
        action=action,
        key=key,
        thread=thread,
        number=number_of(thread),
    )


@routes.post(f"{THREAD}/actions")
async def act(request: web.Request) -> web.Response:
    """Click a button, or first ask for confirmation if that cannot be undone."""
    person, flow = await posted(request)
    thread, form = await thread_in(request, flow), await request.post()
    key = str(form.get("key", ""))
    here, action = path_of(flow, "threads", thread.id), await _button(request, thread, key)
    if action is None:
        return await redirect_with(request, person, here, _NO_BUTTON)
    if action["name"] in ASKED_BACK and not form.get("sure"):
        return redirect(f"{here}/actions?key={key}")
    return await redirect_with(request, person, here, await perform(request.app[INBOX], person, action))


async def _button(request: web.Request, thread: InboxThread, key: str) -> Mapping[str, Any] | None:
    """Return the thread's action with this key; None if the thread offers it no longer."""
    inbox, action = request.app[INBOX], find_button(thread.state, key)
    source = await inbox.sources.get(str(thread.source_id))
    return action if action and source and may_be_clicked(inbox, source, action) else None


@routes.post(f"{THREAD}/turn")
async def pass_turn(request: web.Request) -> web.Response:
    """Pass the turn on to a member, or take it."""
    person, flow = await posted(request)
    inbox, thread = request.app[INBOX], await thread_in(request, flow)
    here = path_of(flow, "threads", thread.id)
    wanted = str((await request.post()).get("to", ""))
    to = next((one for one in await inbox.members(flow) if str(one.id) == wanted), None)
    if to is None:
        return await redirect_with(request, person, here, _NO_MEMBER)
    if not await inbox.lists.pass_turn(thread, to, by=person):
        return await redirect_with(request, person, here, _NO_TURN)
    if to.id == person.id:
        await post_reply(inbox, person, flow, thread.id, "I’ll take this one.")
    else:
        await post_reply(inbox, person, flow, thread.id, f"@{to.nick}, your turn.", passed_to=to.id)
    return redirect(f"{here}#end")


@routes.post(f"{THREAD}/messages")
async def reply(request: web.Request) -> web.Response:
    """Write in a thread."""
    person, flow = await posted(request)
    thread = await thread_in(request, flow)
    await post_reply(request.app[INBOX], person, flow, thread.id, await written(request))
    return redirect(f"{path_of(flow, 'threads', thread.id)}#end")


async def written(request: web.Request) -> str:
    """Return a person's words in a form; raises `ReplyRefused`."""
    text = str((await request.post()).get("content", "")).replace("\r\n", "\n").strip()
    if not text or len(text) > MAX_REPLY:
        raise ReplyRefused(f"a message must have 1 to {MAX_REPLY} characters")
    return text
