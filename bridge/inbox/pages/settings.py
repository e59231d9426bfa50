"""A person's own settings: their name, sessions and API tokens, and how they leave."""

import structlog
from aiohttp import web

from bridge.core.errors import Malformed
from bridge.core.printable import printable
from bridge.inbox.admission import ADMISSION
from bridge.inbox.context import INBOX
from bridge.inbox.pages import mail, notifications
from bridge.inbox.pages.render import render
from bridge.inbox.people import api_tokens, sessions
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.people.sessions import SESSIONS
from bridge.web.http import cookies
from bridge.web.render import redirect

PAGE = "/inbox/settings"
LONGEST_NAME = 80

log = structlog.get_logger()
routes = web.RouteTableDef()


@routes.get(PAGE)
async def show(request: web.Request) -> web.Response:
    """Show the settings."""
    return await _page(request, await sessions.required(request))


async def _page(
    request: web.Request, person: InboxPerson, *, token: str = "", problem: str = ""
) -> web.Response:
    return render(
        request,
        "settings.html",
        person=person,
        status=422 if problem else 200,
        token=token,
        problem=problem,
        tokens=await request.app[INBOX].api_tokens.of(person.id),
        offered=api_tokens.OFFERED,
        longest_label=api_tokens.LONGEST_LABEL,
        api_url=request.app[INBOX].api_url,
        sessions=await request.app[SESSIONS].of(person.id),
        here=sessions.session_name(request),
        longest_name=LONGEST_NAME,
        **await notifications.shown(request, person),
        digest=await request.app[mail.DIGESTS].store.of(person.id),
        has_mail=bool(request.app[mail.DIGESTS].server.url),
    )


@routes.post(f"{PAGE}/name")
async def rename(request: web.Request) -> web.Response:
    """Take another name; an empty one follows GitHub's from the next sign-in on."""
    person = await sessions.posted(request)
    name = " ".join(str((await request.post()).get("name", "")).split())
    if len(name) > LONGEST_NAME or name != printable(name):
        raise Malformed(f"A name has at most {LONGEST_NAME} printable characters.")
    await request.app[ADMISSION].people.rename(person.id, name)
    return redirect(PAGE)


@routes.post(f"{PAGE}/tokens")
async def make_token(request: web.Request) -> web.Response:
    """Make an API token, and show it this one time."""
    person = await sessions.posted(request)
    form = await request.post()
    label = " ".join(str(form.get("label", "")).split())
    scopes = tuple(scope for scope in api_tokens.OFFERED if scope in form.getall("scope", []))
    if not 0 < len(label) <= api_tokens.LONGEST_LABEL or label != printable(label):
        problem = f"Name the token, in at most {api_tokens.LONGEST_LABEL} printable characters."
        return await _page(request, person, problem=problem)
    if not scopes:
        return await _page(request, person, problem="Choose at least one thing that the token may do.")
    token = await request.app[INBOX].api_tokens.make(person.id, label=label, scopes=scopes)
    log.info("inbox_token_made", person=person.id, scopes=scopes)
    return await _page(request, person, token=token)


@routes.post(PAGE + "/tokens/{name:[0-9a-f]{64}}/revoke")
async def revoke_token(request: web.Request) -> web.Response:
    """Revoke an API token."""
    person = await sessions.posted(request)
    await request.app[INBOX].api_tokens.revoke(person.id, request.match_info["name"])
    log.info("inbox_token_revoked", person=person.id)
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
    await request.app[ADMISSION].people.end_grants(person.id)
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
    await request.app[ADMISSION].remove(person.id)
    log.info("inbox_person_deleted", person=person.id)
    return _out(request)


def _out(request: web.Request) -> web.Response:
    response = redirect("/inbox/sign-in")
    cookies.forget(request, response, sessions.COOKIE)
    return response
