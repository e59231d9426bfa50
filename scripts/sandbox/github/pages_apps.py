"""The pages of GitHub Apps: registering one from a manifest, and installing it.

https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
https://docs.github.com/apps/using-github-apps/installing-a-github-app-from-a-third-party
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from .app_payloads import installation_path
from .apps import App, Installation
from .installing import administered, install, owned_by, register_app
from .manifest import BadManifest, name_problem, read_manifest
from .model import Permission, Repo, World
from .oauth import permission_words
from .pages import form_fields, render, see_other, visitor
from .records import User
from .refusals import Refused, not_found
from .services import SERVICES, Services

NOT_OWNER = "Only an owner of {account} can do this, and {login} is none."
NOTHING_CHOSEN = "Choose at least one repository."


def install_pages(router: web.UrlDispatcher) -> None:
    """Add the pages to `router`."""
    for below in ("", "/organizations/{org}"):
        router.add_post(f"{below}/settings/apps/new", show_manifest)
        router.add_post(f"{below}/settings/apps", create_app)
        router.add_get(f"{below}/settings/installations/{{id:[0-9]+}}", show_installation)
    router.add_get("/apps/{slug}", show_app)
    router.add_get("/apps/{slug}/installations/new", choose_repositories)
    router.add_post("/apps/{slug}/installations/new", install_app)


async def show_manifest(request: web.Request) -> web.Response:
    """Show what a manifest asks for; its name and its owner can be chosen."""
    text = (await form_fields(request)).get("manifest", "")
    return _manifest_page(request, text, request.query.get("state", ""))


async def create_app(request: web.Request) -> web.Response:
    """Register the App and go where its manifest says, with the code for its secrets."""
    services, fields = request.app[SERVICES], await form_fields(request)
    text, state, name = fields.get("manifest", ""), fields.get("state", ""), fields.get("name", "").strip()
    try:
        manifest = read_manifest(text)
    except BadManifest as bad:
        return _bad_manifest(request, bad)
    user = _person(services, fields.get("user", ""))
    account = _organization(request) or user
    if not owned_by(services.world, user, account):
        raise Refused(403, NOT_OWNER.format(account=account.login, login=user.login))
    if problem := name_problem(name, {app.name for app in services.apps.apps.values()}):
        return _manifest_page(request, text, state, problem=problem, name=name)
    app = register_app(services, account, manifest, name)
    code = services.apps.new_code(app)
    if not manifest.redirect_url:
        return see_other(f"/apps/{app.slug}")
    return _go(manifest.redirect_url, code=code, state=state)


async def show_app(request: web.Request) -> web.Response:
    """Show an App, and a way to install it."""
    app = _app(request)
    context = {"app": app, "asked": permission_words(app.manifest.permissions)}
    return render(request, "app.html", context)


async def choose_repositories(request: web.Request) -> web.Response:
    """Choose who one is (`?user=`), then the repositories to give to the App."""
    services, app = request.app[SERVICES], _app(request)
    person = services.world.user(request.query.get("user", ""))
    return _install_page(request, app, person, request.query.get("state", ""))


async def install_app(request: web.Request) -> web.Response:
    """Install the App, or give an installation more repositories, and go where its manifest says."""
    services, app, form = request.app[SERVICES], _app(request), await request.post()
    person = _person(services, str(form.get("user", "")))
    account = _person(services, str(form.get("account", "")))
    state, every = str(form.get("state", "")), form.get("selection") == "all"
    repos = [_repo(services.world, account, str(name)) for name in form.getall("repository", [])]
    if any(repo.permission(person) < Permission.ADMIN for repo in repos) or (
        every and not owned_by(services.world, person, account)
    ):
        raise Refused(403, NOT_OWNER.format(account=account.login, login=person.login))
    if not (app.manifest.public or account == app.owner):
        raise not_found()
    if not repos and not every:
        return _install_page(request, app, person, state, problem=NOTHING_CHOSEN)
    known = services.apps.installed_in(app, account)
    made = install(services, app, person, account, repos, every=every)
    return _after(services, made, person, state, update=known is not None)


async def show_installation(request: web.Request) -> web.Response:
    """Show an installation and the repositories it covers."""
    services = request.app[SERVICES]
    found = services.apps.installations.get(int(request.match_info["id"]))
    if found is None or not request.path.endswith(installation_path(found)):
        raise not_found()
    me = visitor(request)
    repos = [repo for repo in services.apps.repos_of(found) if repo.permission(me) >= Permission.READ]
    return render(request, "app_installation.html", {"installation": found, "repos": repos})


def _after(services: Services, made: Installation, person: User, state: str, *, update: bool) -> web.Response:
    """The address after an installation: the setup URL, the authorization, or its own page.

    https://docs.github.com/apps/creating-github-apps/registering-a-github-app/about-the-setup-url
    """
    manifest = made.app.manifest
    told = {"installation_id": str(made.id), "setup_action": "update" if update else "install"}
    if manifest.request_oauth_on_install and manifest.callback_urls and not update:
        code = services.vault.new_code(person, (), manifest.callback_urls[0], "", app_id=made.app.id)
        return _go(manifest.callback_urls[0], code=code.code, **told, state=state)
    if manifest.setup_url and (manifest.setup_on_update or not update):
        return _go(manifest.setup_url, **told, state=state)
    return see_other(installation_path(made))


def _manifest_page(
    request: web.Request, text: str, state: str, *, problem: str = "", name: str = ""
) -> web.Response:
    try:
        manifest = read_manifest(text)
    except BadManifest as bad:
        return _bad_manifest(request, bad)
    world, account = request.app[SERVICES].world, _organization(request)
    owners = [user for user in world.people() if account is None or owned_by(world, user, account)]
    me = visitor(request)
    context = {
        "manifest": manifest,
        "text": text,
        "state": state,
        "account": account,
        "problem": problem,
        "name": name or manifest.name,
        "owners": owners,
        "chosen": me if me in owners or not owners else owners[0],
        "asked": permission_words(manifest.permissions),
        "action": request.path.removesuffix("/new"),
    }
    return render(request, "app_new.html", context, status=422 if problem else 200)


def _bad_manifest(request: web.Request, bad: BadManifest) -> web.Response:
    return render(request, "app_bad.html", {"errors": bad.errors}, status=422)


def _install_page(
    request: web.Request, app: App, person: User | None, state: str, *, problem: str = ""
) -> web.Response:
    """Show the choice of who one is, or with a `person` that of repositories, by account."""
    services = request.app[SERVICES]
    accounts: dict[str, list[Repo]] = {}
    for repo in administered(services.world, person) if person else []:
        if app.manifest.public or repo.owner == app.owner:
            accounts.setdefault(repo.owner.login, []).append(repo)
    context: Mapping[str, Any] = {
        "app": app,
        "person": person,
        "me": person or visitor(request),
        "state": state,
        "problem": problem,
        "accounts": accounts,
        "covered": [repo for one in services.apps.of(app) for repo in services.apps.repos_of(one)],
        "asked": permission_words(app.manifest.permissions),
    }
    return render(request, "app_install.html", context, status=422 if problem else 200)


def _app(request: web.Request) -> App:
    app = request.app[SERVICES].apps.by_slug(request.match_info["slug"])
    if app is None:
        raise not_found()
    return app


def _organization(request: web.Request) -> User | None:
    """Return the organization of the path; None if the path is a person's own."""
    if "org" not in request.match_info:
        return None
    found = request.app[SERVICES].world.user(request.match_info["org"])
    if found is None or found.kind != "Organization":
        raise not_found()
    return found


def _person(services: Services, login: str) -> User:
    found = services.world.user(login)
    if found is None:
        raise not_found()
    return found


def _repo(world: World, account: User, full_name: str) -> Repo:
    repo = world.repo(full_name)
    if repo is None or repo.owner != account:
        raise not_found()
    return repo


def _go(url: str, **query: str) -> web.Response:
    """To another site, with what is not empty."""
    told = urlencode({name: value for name, value in query.items() if value})
    joint = "&" if urlsplit(url).query else "?"
    return web.Response(status=302, headers={"Location": f"{url}{joint}{told}", "Cache-Control": "no-store"})
