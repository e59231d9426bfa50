"""A person's own message: its words to change, or to delete."""

from aiohttp import web

from bridge.core.errors import NotFound
from bridge.inbox.context import INBOX
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.pages.places import THREAD, opened, path_of, posted, thread_in
from bridge.inbox.pages.render import render
from bridge.inbox.pages.thread import written
from bridge.inbox.replies import MAX_REPLY, change_reply
from bridge.inbox.threads.changes import NotYourMessage
from bridge.inbox.threads.stored import StoredMessage
from bridge.inbox.views import number_of
from bridge.web.render import redirect

MESSAGE = THREAD + "/messages/{id:[0-9]{1,15}}"

routes = web.RouteTableDef()


@routes.get(MESSAGE)
async def show(request: web.Request) -> web.Response:
    """Show the words in a form."""
    person, flow = await opened(request)
    thread, message = await thread_in(request, flow), await _message(request, flow)
    if message.author != person.id:
        raise NotYourMessage
    return render(
        request,
        "message.html",
        person=person,
        here=path_of(flow, "threads", thread.id),
        thread=thread,
        number=number_of(thread),
        message=message,
        longest=MAX_REPLY,
    )


@routes.post(MESSAGE)
async def change(request: web.Request) -> web.Response:
    """Change a message, or delete it."""
    person, flow = await posted(request)
    inbox, message = request.app[INBOX], await _message(request, flow)
    if (await request.post()).get("delete"):
        await inbox.changes.change(message, person.id, None)
        return redirect(f"{path_of(flow, 'threads', message.thread_id)}#end")
    await change_reply(inbox, person, message, await written(request))
    return redirect(f"{path_of(flow, 'threads', message.thread_id)}#message-{message.id}")


async def _message(request: web.Request, flow: TeamFlow) -> StoredMessage:
    found = await request.app[INBOX].messages.message(flow.id, int(request.match_info["id"]))
    if found is None or found.thread_id != request.match_info["thread"]:
        raise NotFound("there is no such message in this thread, or it is no longer kept")
    return found
