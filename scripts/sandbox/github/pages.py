"""The stand-in's pages: small, like GitHub's, as any user the visitor picks.

Nobody signs in: a cookie says who one is. The pages work without JavaScript, which only refreshes
them.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp_jinja2
from aiohttp import web

from scripts.sandbox.faults import Handler

from .changes import open_pull
from .model import Permission, Repo
from .records import User
from .refusals import Refused, not_found
from .seed import PEOPLE
from .services import SERVICES
from .show import avatar_svg

COOKIE = "sandbox_user"
STATIC = Path(__file__).with_name("static")
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEARTBEAT = 15.0
# Other sites post an App's manifest here; it only shows a page.
OPEN_TO_OTHERS = re.compile(r"(/organizations/[^/]+)?/settings/apps/new")

Page = Callable[[web.Request], Awaitable[web.StreamResponse]]


def install(router: web.UrlDispatcher) -> None:
    """Add the pages to `router`, last: a user's page matches every remaining address."""
    router.add_static("/_static", STATIC)
    router.add_get("/_sandbox/changes", stream_changes)
    router.add_get("/avatars/u/{id:[0-9]+}", show_avatar)
    router.add_get("/favicon.ico", show_icon)
    router.add_post("/_switch", switch_user)
    router.add_get("/", go_home)
    base = "/{owner}/{repo}"
    router.add_get(base, go_to_pulls)
    router.add_get(f"{base}/pulls", list_pulls)
    router.add_post(f"{base}/pulls", create_pull)
    router.add_get(f"{base}/compare", new_pull)
    router.add_get("/{login}", show_user)


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse posts from other sites, show refusals as pages, and add security headers."""
    if request.path.startswith(("/api/", "/login/oauth/access_token")):
        return await handler(request)
    origin = request.headers.get("Origin")
    foreign = origin and urlsplit(origin).netloc != request.host
    if request.method not in {"GET", "HEAD"} and foreign and not OPEN_TO_OTHERS.fullmatch(request.path):
        return web.Response(status=403, text="This comes from another site.")
    if request.path.startswith("/_sandbox/"):
        return await handler(request)
    try:
        response = await handler(request)
    except Refused as refused:
        if refused.url:
            return web.Response(status=refused.status, headers={"Location": refused.url})
        response = render(request, "refused.html", {"refused": refused}, status=refused.status)
    except web.HTTPNotFound:
        response = render(request, "refused.html", {"refused": not_found()}, status=404)
    if not response.prepared:
        # No form-action: a browser would hold the redirects of the OAuth form against it.
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


def render(
    request: web.Request, template: str, context: Mapping[str, Any], *, status: int = 200
) -> web.Response:
    """Render a page with the context that all pages share."""
    services = request.app[SERVICES]
    common = {
        "me": visitor(request),
        "people": services.world.people(),
        # What a form answers cannot be opened again.
        "here": str(request.rel_url) if request.method == "GET" else "/",
        "links": services.config.links,
        "version": services.watch.version,
    }
    return aiohttp_jinja2.render_template(template, request, {**common, **context}, status=status)


def visitor(request: web.Request) -> User:
    """Return the visitor by cookie; Ann by default."""
    return request.app[SERVICES].world.user(request.cookies.get(COOKIE, "")) or PEOPLE[0]


def page_repo(request: web.Request) -> Repo:
    """Return the repository of the path, if the visitor may see it."""
    match, world = request.match_info, request.app[SERVICES].world
    name = f"{match['owner']}/{match['repo']}"
    moved = world.repo_by_id(world.moved.get(name.lower(), 0))
    if moved and moved.permission(visitor(request)) >= Permission.READ:
        there = request.rel_url.raw_path_qs.replace(f"/{name}", f"/{moved.full_name}", 1)
        raise Refused(301 if request.method == "GET" else 307, "It is called otherwise now", url=there)
    repo = world.repo(name)
    if repo is None or repo.permission(visitor(request)) < Permission.READ:
        raise not_found()
    return repo


def see_other(location: str) -> web.Response:
    """Go there, after a form."""
    return web.Response(status=303, headers={"Location": location})


async def go_home(_request: web.Request) -> web.Response:
    """Show the first page is the list of pull requests."""
    return web.Response(status=302, headers={"Location": "/acme/component/pulls"})


async def go_to_pulls(request: web.Request) -> web.Response:
    """Show a repository has no page of its own here."""
    return web.Response(status=302, headers={"Location": f"/{page_repo(request).full_name}/pulls"})


async def list_pulls(request: web.Request) -> web.Response:
    """Show the pull requests of a repository, open or closed."""
    repo, state = page_repo(request), request.query.get("state", "open")
    pulls = list(reversed(repo.pulls.values()))
    context = {
        "repo": repo,
        "state": "closed" if state == "closed" else "open",
        "pulls": [pull for pull in pulls if pull.state == state],
        "open_count": sum(pull.state == "open" for pull in pulls),
        "closed_count": sum(pull.state == "closed" for pull in pulls),
    }
    return render(request, "pulls.html", context)


async def new_pull(request: web.Request) -> web.Response:
    """Show the form for a new one."""
    repo = page_repo(request)
    return render(request, "new.html", {"repo": repo, "head": f"patch-{len(repo.pulls) + 1}"})


async def create_pull(request: web.Request) -> web.Response:
    """Open one."""
    repo, fields = page_repo(request), await form_fields(request)
    pull = open_pull(request.app[SERVICES].change(visitor(request), repo), fields)
    return see_other(f"/{repo.full_name}/pull/{pull.number}")


async def show_user(request: web.Request) -> web.Response:
    """Show a person, or an organization with its repositories."""
    world, me = request.app[SERVICES].world, visitor(request)
    user = world.user(request.match_info["login"])
    if user is None:
        raise not_found()
    visible = [repo for repo in world.repos.values() if repo.permission(me) >= Permission.READ]
    context = {
        "user": user,
        "repos": [repo for repo in visible if repo.owner == user],
        "roles": [(repo, repo.permissions[user.login]) for repo in visible if user.login in repo.permissions],
        "pulls": [
            (repo, pull) for repo in visible for pull in reversed(repo.pulls.values()) if pull.author == user
        ],
    }
    return render(request, "user.html", context)


async def show_avatar(request: web.Request) -> web.Response:
    """Show the picture of a user."""
    wanted = int(request.match_info["id"])
    for user in request.app[SERVICES].world.users.values():
        if user.id == wanted:
            headers = {"Cache-Control": "max-age=3600"}
            return web.Response(text=avatar_svg(user), content_type="image/svg+xml", headers=headers)
    raise not_found()


async def show_icon(_request: web.Request) -> web.FileResponse:
    """For browsers that ask without being told."""
    return web.FileResponse(STATIC / "icon.svg")


async def switch_user(request: web.Request) -> web.Response:
    """Be somebody else."""
    fields = await form_fields(request)
    user = request.app[SERVICES].world.user(fields.get("user", ""))
    if user is None:
        raise not_found()
    back = fields.get("back", "/")
    response = see_other(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/")
    response.set_cookie(COOKIE, user.login, httponly=True, samesite="Lax")
    return response


async def stream_changes(request: web.Request) -> web.StreamResponse:
    """Server-sent events: the number of the latest change, whenever there is a new one."""
    watch = request.app[SERVICES].watch
    headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    try:
        while not watch.closed:
            await response.write(f"data: {watch.version}\n\n".encode())
            await watch.wait(HEARTBEAT)
    except ConnectionResetError:
        pass  # the page was closed
    return response


async def end_streams(app: web.Application) -> None:
    """Let the pages' event streams end, which would otherwise hold up the shutdown."""
    app[SERVICES].watch.close()


async def form_fields(request: web.Request) -> dict[str, str]:
    """Read a form's fields, without files."""
    return {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
