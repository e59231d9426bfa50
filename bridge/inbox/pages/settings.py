"""A person's own settings: their name, where they are signed in, and the way out."""

import structlog
from aiohttp import web

from bridge.core.errors import Malformed
from bridge.core.printable import printable
from bridge.inbox import sessions
from bridge.inbox.door import DOOR
from bridge.inbox.pages.render import redirect, render
from bridge.inbox.sessions import SESSIONS
from bridge.web.http import cookies

PAGE = "/inbox/settings"
LONGEST_NAME = 80

log = structlog.get_logger()
routes = web.RouteTableDef()


@routes.get(PAGE)
async def show(request: web.Request) -> web.Response:
    """Show the settings."""
    person, cookie = await sessions.required(request), sessions.cookie_of(request)
    return render(
        request,
        "settings.html",
        person=person,
        sessions=await request.app[SESSIONS].of(person.id),
        here=cookie.name if cookie else "",
        longest_name=LONGEST_NAME,
    )


@routes.post(f"{PAGE}/name")
async def rename(request: web.Request) -> web.Response:
    """Take another name; an empty one follows GitHub's from the next sign-in on."""
    person = await sessions.posted(request)
    name = " ".join(str((await request.post()).get("name", "")).split())
    if len(name) > LONGEST_NAME or name != printable(name):
        raise Malformed(f"A name has at most {LONGEST_NAME} printable characters.")
    await request.app[DOOR].people.rename(person.id, name)
    return redirect(PAGE)


@routes.post(PAGE + "/sessions/{name:[0-9a-f]{64}}/end")
async def end_session(request: web.Request) -> web.Response:
    """Sign out in one other browser."""
    person = await sessions.posted(request)
    await request.app[SESSIONS].end_named(person.id, request.match_info["name"])
    return redirect(PAGE)


@routes.post(f"{PAGE}/sign-out-everywhere")
async def sign_out_everywhere(request: web.Request) -> web.Response:
    """End all sessions, this one too."""
    person = await sessions.posted(request)
    await request.app[SESSIONS].end_all(person.id)
    await request.app[DOOR].people.end_grants(person.id)
    log.info("inbox_signed_out_everywhere", person=person.id)
    return _out(request)


@routes.get(f"{PAGE}/delete")
async def ask(request: web.Request) -> web.Response:
    """Ask back before a person is deleted."""
    return render(request, "settings_delete.html", person=await sessions.required(request))


@routes.post(f"{PAGE}/delete")
async def delete(request: web.Request) -> web.Response:
    """Delete the person who asks."""
    person = await sessions.posted(request)
    await request.app[DOOR].remove(person.id)
    log.info("inbox_person_deleted", person=person.id)
    return _out(request)


def _out(request: web.Request) -> web.Response:
    response = redirect("/inbox/sign-in")
    cookies.forget(request, response, sessions.COOKIE)
    return response
