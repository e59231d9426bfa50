"""`/github/manifest`: GitHub makes bridge's App from a manifest, and bridge stores it.

The form posts straight to GitHub, which sends the browser back with a code; for the code GitHub returns the
App's secrets, once. The state is bound to the operator's browser and serves once.
"""

import re
import secrets
from urllib.parse import urlencode, urlsplit

import orjson
import structlog
from aiohttp import web

from bridge.clients.github_app import CodeRefused
from bridge.clients.github_credentials import App, AppThere
from bridge.core.errors import BridgeError, GitHubFailing, RequestRefused
from bridge.core.github import app_manifest
from bridge.core.github.webhook import WEBHOOK_PATH
from bridge.core.urls import origin
from bridge.services import Services
from bridge.web import render
from bridge.web.auth import operator
from bridge.web.auth.operator import Operator
from bridge.web.context import FORM_TARGET, SERVICES
from bridge.web.http import notices

PAGE = "/github/manifest"
SECONDS = 3600
"""The time limit for creating an App, as GitHub sets it."""

_START_OVER = (
    f"Start over at {PAGE}. If GitHub has created an App, delete it there (Settings, Developer settings,"
    " GitHub Apps): bridge does not have its secrets."
)
_ORGANIZATION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]*")
_CREATED = "app-created"
_CODE = re.compile(r"[A-Za-z0-9_-]{1,200}")

log = structlog.get_logger()
routes = web.RouteTableDef()


class SetByEnvironment(BridgeError):
    """The settings name an OAuth App: an App made here would have no effect."""

    status = 409
    advice = (
        "To use a GitHub App instead, remove GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET, set GITHUB_APP=1 and"
        " start bridge again."
    )


class ManifestRefused(RequestRefused):
    """GitHub's answer does not belong to a manifest of this browser."""

    status = 403
    advice = _START_OVER


class NotMade(BridgeError):
    """GitHub did not return the App's secrets, but may do so yet."""

    status = 502
    advice = "Reload this page to ask GitHub again. If that does not help, start over at /github/manifest."


@routes.get(PAGE)
async def show(request: web.Request) -> web.Response:
    """Show the existing App, or the form that makes one; `?replace=ID` shows the form all the same."""
    services = request.app[SERVICES]
    try:
        browser = await operator.required(request)
    except operator.SecretAsked as asked:
        return render.page(request, "manifest_operator.html", status=asked.status, wrong=False)
    _refuse_set_by_environment(services)
    # Another process may have stored one just now.
    await services.credentials.changed()
    app = await services.credentials.app()
    is_replacing = app is not None and browser.may_replace and request.query.get("replace") == str(app.id)
    if app is not None and not is_replacing:
        return render.page(
            request,
            "manifest_app.html",
            github_app=app,
            created=notices.pop(request) == _CREATED,
            may_replace=browser.may_replace,
        )
    return await _form(request, browser, app)


@routes.post(f"{PAGE}/operator")
async def admit(request: web.Request) -> web.Response:
    """Take SETUP_SECRET."""
    form = await request.post()
    response = render.redirect(PAGE)
    if await operator.admitted(request, response, given=str(form.get("secret", ""))):
        return response
    return render.page(request, "manifest_operator.html", status=403, wrong=True)


@routes.get(f"{PAGE}/created")
async def created(request: web.Request) -> web.Response:
    """Take GitHub's callback: exchange the code, and store the App."""
    services = request.app[SERVICES]
    browser = await operator.required(request)
    _refuse_set_by_environment(services)
    name = browser.name(request.query.get("state", ""))
    # It is used up only once the exchange succeeds, so that a failed page can be reloaded.
    state = await services.one_time.peek("manifest", name)
    if state is None:
        raise ManifestRefused("this browser did not start creating this App")
    app = await _converted(services, request.query.get("code", ""), name)
    if await services.one_time.pop("manifest", name) is None:
        raise ManifestRefused("this answer was already used")
    try:
        await services.credentials.keep(app, instead_of=state["instead_of"])
    except AppThere as there:
        there.advice = f"Delete the App you have just created: {app.url}. Then see {PAGE}."
        raise
    log.info("github_app_saved", app=app.slug, app_id=app.id, replaces=state["instead_of"])
    return notices.redirect(request, PAGE, _CREATED)


async def _converted(services: Services, code: str, name: str) -> App:
    if not _CODE.fullmatch(code):
        raise ManifestRefused("GitHub sent you back without a code")
    try:
        return await services.github.convert(code)
    except CodeRefused:
        await services.one_time.pop("manifest", name)
        raise
    except GitHubFailing as error:
        raise NotMade(str(error)) from None


async def _form(request: web.Request, browser: Operator, app: App | None) -> web.Response:
    services = request.app[SERVICES]
    settings = services.settings
    name = request.query.get("name", "").strip() or app_manifest.default_name(settings.web_url)
    organization = request.query.get("organization", "").strip()
    problem = _problem(name, organization)
    state = secrets.token_urlsafe(24)
    value = {"instead_of": app.id if app else None}
    await services.one_time.put("manifest", browser.name(state), value, seconds=SECONDS)
    wishes = _wishes(request, bool(settings.inbox_organizations))
    asked = app_manifest.permissions(**wishes)
    whole = app_manifest.manifest(
        web_url=settings.web_url,
        name=name,
        webhook=settings.web_url + WEBHOOK_PATH,
        asked=asked,
    )
    request[FORM_TARGET] = origin(settings.github_url)
    response = render.page(
        request,
        "manifest.html",
        status=422 if problem else 200,
        problem=problem,
        is_chosen=not problem and "name" in request.query and "change" not in request.query,
        change=request.rel_url.update_query(change="1"),
        action=_action(settings.github_url, organization, state),
        manifest=orjson.dumps(whole).decode(),
        asked=asked,
        **wishes,
        events=[one.replace("_", " ") for one in whole["default_events"]],
        webhook=settings.web_url + WEBHOOK_PATH,
        name=name,
        organization=organization,
        longest=app_manifest.LONGEST_NAME,
        github=urlsplit(settings.github_url).netloc,
        github_app=app,
    )
    if browser.is_new:
        operator.remember(request, response, browser)
    return response


def _wishes(request: web.Request, has_organizations: bool) -> dict[str, bool]:
    """Return which of the permissions that the operator chooses to ask for."""
    if "name" not in request.query:
        return {"merging": True, "members": has_organizations, "rules": False}
    return {name: name in request.query for name in ("merging", "members", "rules")}


def _action(github_url: str, organization: str, state: str) -> str:
    """Return the address at which GitHub takes manifests, for a user or an organization."""
    below = f"/organizations/{organization}" if organization else ""
    return f"{github_url}{below}/settings/apps/new?{urlencode({'state': state})}"


def _problem(name: str, organization: str) -> str:
    if len(name) > app_manifest.LONGEST_NAME or not _NAME.fullmatch(name):
        return f"An App's name has at most {app_manifest.LONGEST_NAME} letters, digits, spaces and hyphens."
    if organization and not _ORGANIZATION.fullmatch(organization):
        return "That is not an organization's name. Write it as in its address on GitHub."
    return ""


def _refuse_set_by_environment(services: Services) -> None:
    if services.credentials.from_settings:
        raise SetByEnvironment("an OAuth App is configured already")
