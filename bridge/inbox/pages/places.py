"""The flow and the thread in an address, for members of the flow alone."""

import asyncio
from collections.abc import Awaitable
from typing import Literal

from aiohttp import web

from bridge.core.digits import whole_number
from bridge.core.errors import NotFound, RequestRefused
from bridge.inbox.context import INBOX, PAGES
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.people import sessions
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.threads.stored import InboxThread

FLOW = f"{PAGES}/flows/{{org}}/{{flow}}"
THREAD = f"{FLOW}/threads/{{thread}}"


class NotAReader(RequestRefused):
    """GitHub does not show a member the repository whose readers may see the flow, or does not answer."""

    status = 403
    advice = (
        "Link your GitHub account on your account page, ask for access on GitHub, or try again in a minute."
    )
    sentence = "GitHub does not show you this flow's repository"


async def opened(request: web.Request) -> tuple[InboxPerson, TeamFlow]:
    """Return the person and the flow in the path; raises `NotFound`, also for a flow they are not in."""
    return await _flow_for(request, sessions.required(request))


async def posted(request: web.Request) -> tuple[InboxPerson, TeamFlow]:
    """Return the person who sent a form, and the flow in the path; raises as `opened`."""
    return await _flow_for(request, sessions.posted(request))


async def _flow_for(request: web.Request, asking: Awaitable[InboxPerson]) -> tuple[InboxPerson, TeamFlow]:
    inbox = request.app[INBOX]
    path = f"{request.match_info['org']}/{request.match_info['flow']}"
    person, flow = await asyncio.gather(asking, inbox.flows.at(path))
    if flow is None or not await inbox.flows.may_see(flow.id, person.id):
        if flow and flow.repository_id and person.id in await inbox.flows.members(flow.id):
            raise NotAReader
        raise NotFound("this flow does not exist, was deleted, or you are not in it")
    return person, flow


async def thread_in(request: web.Request, flow: TeamFlow) -> InboxThread:
    """Return the thread in the path; raises `NotFound`, for another flow's thread as well."""
    thread = await request.app[INBOX].messages.thread(flow.id, request.match_info["thread"])
    if thread is None:
        raise NotFound("this thread does not exist, or is no longer kept")
    return thread


async def person_with(request: web.Request, person_id: str) -> InboxPerson:
    """Return the person with an id; raises `NotFound`."""
    number = whole_number(person_id, longest=19)
    found = await request.app[INBOX].people.get(number) if number is not None else None
    if found is None:
        raise NotFound("this person is not in the inbox, or has left it")
    return found


def message_in(request: web.Request, name: Literal["before", "after"]) -> int | None:
    """Return the message's id in a parameter, None without one."""
    return whole_number(request.query.get(name, ""), longest=15)


def path_of(flow: TeamFlow, *below: str) -> str:
    """Return the address of a flow's page."""
    return "/".join([f"{PAGES}/flows/{flow.path}", *below])
