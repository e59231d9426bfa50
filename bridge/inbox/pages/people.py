"""The people's page: everybody sees who is in the inbox, owners invite, make owners, and remove."""

import structlog
from aiohttp import web

from bridge.core.errors import RequestRefused
from bridge.core.names import is_login
from bridge.inbox.admission import ADMISSION
from bridge.inbox.pages.places import person_with
from bridge.inbox.pages.render import render
from bridge.inbox.people import sessions
from bridge.inbox.people.people import InboxPerson
from bridge.web.render import redirect

PAGE = "/inbox/people"
_PERSON = PAGE + "/{id:[0-9]{1,19}}"

log = structlog.get_logger()
routes = web.RouteTableDef()


class NotAnOwner(RequestRefused):
    """Only owners may do this."""

    status = 403
    advice = "Ask an owner; the people's page says who owns the inbox."
    sentence = "only an owner of the inbox may do this"


@routes.get(PAGE)
async def show(request: web.Request) -> web.Response:
    """List everybody, and to owners the open invitations."""
    return await _page(request, await sessions.required(request))


async def _page(
    request: web.Request, person: InboxPerson, *, link: str = "", login: str = "", problem: str = ""
) -> web.Response:
    admission = request.app[ADMISSION]
    everybody = await admission.people.all()
    return render(
        request,
        "people.html",
        person=person,
        status=422 if problem else 200,
        people=everybody,
        nicks={one.id: one.nick for one in everybody},
        owners=sum(one.owner for one in everybody),
        invitations=await admission.open_invitations() if person.owner else [],
        organizations=admission.memberships.organizations,
        link=link,
        login=login,
        problem=problem,
    )


@routes.post(f"{PAGE}/invitations")
async def invite(request: web.Request) -> web.Response:
    """Make an invitation, and show its link this one time."""
    person = await _owner(request)
    login = str((await request.post()).get("login", "")).strip().removeprefix("@")
    if login and not is_login(login):
        problem = "That is not a GitHub user name. Copy it from the address of their profile."
        return await _page(request, person, login=login, problem=problem)
    secret = await request.app[ADMISSION].invitations.invite(by=person.id, login=login)
    log.info("inbox_invited", by=person.id, login=login)
    link = f"{request.app[ADMISSION].web_url}/inbox/invitation/{secret}"
    return await _page(request, person, link=link, login=login)


@routes.post(PAGE + "/invitations/{name:[0-9a-f]{64}}/withdraw")
async def withdraw(request: web.Request) -> web.Response:
    """Close an invitation."""
    person = await _owner(request)
    await request.app[ADMISSION].invitations.withdraw(request.match_info["name"])
    log.info("inbox_invitation_withdrawn", by=person.id)
    return redirect(PAGE)


@routes.post(_PERSON + "/{role:owner|member}")
async def change_role(request: web.Request) -> web.Response:
    """Make a person an owner, or take their ownership."""
    person, other = await _owner(request), await person_with(request, request.match_info["id"])
    people, role = request.app[ADMISSION].people, request.match_info["role"]
    await (people.make_owner if role == "owner" else people.make_member)(other.id)
    log.info("inbox_role_changed", by=person.id, person=other.id, role=role)
    return redirect(PAGE)


@routes.get(_PERSON + "/remove")
async def ask(request: web.Request) -> web.Response:
    """Ask back before a person is removed."""
    person = await sessions.required(request)
    if not person.owner:
        raise NotAnOwner
    found = await request.app[ADMISSION].open_invitations()
    return render(
        request,
        "person_remove.html",
        person=person,
        other=await person_with(request, request.match_info["id"]),
        for_anyone=sum(not one.login for one in found),
    )


@routes.post(_PERSON + "/remove")
async def remove(request: web.Request) -> web.Response:
    """Remove a person: their next request is refused."""
    person, other = await _owner(request), await person_with(request, request.match_info["id"])
    await request.app[ADMISSION].remove(other.id, bar=True)
    log.info("inbox_person_removed", by=person.id, person=other.id)
    return redirect(PAGE)


async def _owner(request: web.Request) -> InboxPerson:
    """Return the owner who sent a form; raises `NotAnOwner`, or as `sessions.posted`."""
    person = await sessions.posted(request)
    if not person.owner:
        raise NotAnOwner
    return person
