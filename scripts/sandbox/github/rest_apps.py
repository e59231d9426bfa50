"""REST: what a GitHub App asks about itself, with a JWT; and how its manifest's code becomes its secrets.

https://docs.github.com/rest/apps/apps
https://docs.github.com/rest/apps/webhooks
"""

from typing import Any

from .app_payloads import app_payload, converted_payload, installation_payload
from .app_permissions import allows
from .apps import App, Installation
from .hooks import Hook, config_payload, delivery_payload
from .installing import uninstall
from .model import Repo
from .payloads import Json, repo_payload, stamp_or_none
from .refusals import Refused, not_found
from .rest import endpoint
from .rest_call import Answer, Call
from .rest_hooks import configure, deliveries_answer, find_delivery, read_config
from .rest_paging import paged

HOOK = "/app/hook"
INSTALLATION = "/app/installations/{installation}"
TOKENS = f"{INSTALLATION}/access_tokens"
SUSPENDED = "This installation has been suspended"
NOT_GRANTED = "The permissions requested are not granted to this installation."
NOT_COVERED = (
    "There is at least one repository that does not exist or is not accessible to the parent installation."
)


@endpoint("POST", "/app-manifests/{code}/conversions", docs="apps/apps#create-a-github-app-from-a-manifest")
async def convert_manifest(call: Call) -> Answer:
    """Answer with the new App with its secrets, for the code its `redirect_url` got: once, within an hour."""
    app = call.services.apps.take_code(call.request.match_info["code"])
    if app is None:
        raise not_found()
    return Answer(converted_payload(call.services.world, app), 201)


@endpoint("GET", "/app", docs="apps/apps#get-the-authenticated-app", jwt=True)
async def get_app(call: Call) -> Answer:
    """Answer with the App itself."""
    app = _app(call)
    count = len(call.services.apps.of(app))
    return Answer(app_payload(call.services.world, app) | {"installations_count": count})


@endpoint("GET", f"{HOOK}/config", docs="apps/webhooks#get-a-webhook-configuration-for-an-app", jwt=True)
async def get_config(call: Call) -> Answer:
    """Answer with the address, content type and masked secret of its webhook."""
    return Answer(config_payload(_hook(call)))


@endpoint("PATCH", f"{HOOK}/config", docs="apps/webhooks#update-a-webhook-configuration-for-an-app", jwt=True)
async def update_config(call: Call) -> Answer:
    """Change some of it, for instance only the address."""
    hook = _hook(call)
    configure(hook, read_config({"config": call.body}))
    hook.updated_at = call.services.world.clock.change()
    return Answer(config_payload(hook))


@endpoint("GET", f"{HOOK}/deliveries", docs="apps/webhooks#list-deliveries-for-an-app-webhook", jwt=True)
async def list_deliveries(call: Call) -> Answer:
    """Newest first, a page at a time; `cursor` comes from the Link header, `status` filters."""
    return deliveries_answer(call, _hook(call))


@endpoint(
    "GET", f"{HOOK}/deliveries/{{delivery}}", docs="apps/webhooks#get-a-delivery-for-an-app-webhook", jwt=True
)
async def get_delivery(call: Call) -> Answer:
    """One attempt, with what was sent and what came back."""
    hook = _hook(call)
    return Answer(delivery_payload(hook, find_delivery(call, hook), full=True))


@endpoint(
    "POST",
    f"{HOOK}/deliveries/{{delivery}}/attempts",
    docs="apps/webhooks#redeliver-a-delivery-for-an-app-webhook",
    jwt=True,
)
async def redeliver(call: Call) -> Answer:
    """Send it again under the same GUID."""
    call.services.hookshot.redeliver(find_delivery(call, _hook(call)))
    return Answer({}, 202)


@endpoint(
    "GET", "/app/installations", docs="apps/apps#list-installations-for-the-authenticated-app", jwt=True
)
async def list_installations(call: Call) -> Answer:
    """Answer with where the App is installed."""
    page, headers = paged(call, call.services.apps.of(_app(call)))
    shown = [installation_payload(call.services.world, one) for one in page]
    return Answer(shown, headers=headers)


@endpoint("GET", INSTALLATION, docs="apps/apps#get-an-installation-for-the-authenticated-app", jwt=True)
async def get_installation(call: Call) -> Answer:
    """One installation."""
    return Answer(installation_payload(call.services.world, _installation(call)))


@endpoint(
    "GET",
    "/repos/{owner}/{repo}/installation",
    docs="apps/apps#get-a-repository-installation-for-the-authenticated-app",
    jwt=True,
)
async def get_installation_of_repository(call: Call) -> Answer:
    """Answer with the installation that covers a repository, also one that is suspended; 404 elsewhere."""
    found = call.services.apps.covering(_app(call), call.named_repo())
    if found is None:
        raise not_found()
    return Answer(installation_payload(call.services.world, found))


@endpoint("DELETE", INSTALLATION, docs="apps/apps#delete-an-installation-for-the-authenticated-app", jwt=True)
async def delete_installation(call: Call) -> Answer:
    """Uninstall the App from an account."""
    uninstall(call.services, _installation(call), _app(call).bot)
    return Answer(status=204)


@endpoint("POST", TOKENS, docs="apps/apps#create-an-installation-access-token-for-an-app", jwt=True)
async def create_token(call: Call) -> Answer:
    """Make a token for the App itself, for an hour, narrowed by `permissions` and repositories."""
    installation, services = _installation(call), call.services
    if installation.suspended_by:
        raise Refused(403, SUSPENDED)
    permissions = _narrowed(call, installation.app)
    repos = _chosen(call, services.apps.repos_of(installation))
    token = services.vault.issue_for_installation(
        installation.app.bot,
        installation.app.id,
        installation.id,
        permissions,
        None if repos is None else frozenset(repo.id for repo in repos),
    )
    every = installation.every and repos is None
    shown: Json = {
        "token": token.access,
        "expires_at": stamp_or_none(token.expires_at),
        "permissions": permissions,
        "repository_selection": "all" if every else "selected",
    }
    if repos is not None:
        shown["repositories"] = [repo_payload(services.world, repo) for repo in repos]
    return Answer(shown, 201)


def _app(call: Call) -> App:
    if call.app is None:
        raise Refused(401, "Requires authentication")
    return call.app


def _hook(call: Call) -> Hook:
    hook = _app(call).hook
    if hook is None:
        raise not_found()
    return hook


def _installation(call: Call) -> Installation:
    number = call.request.match_info["installation"]
    found = call.services.apps.installations.get(int(number)) if number.isdigit() else None
    if found is None or found.app != _app(call):
        raise not_found()
    return found


def _narrowed(call: Call, app: App) -> dict[str, str]:
    """Return the permissions a token is to have: none that the App lacks."""
    held = app.manifest.permissions
    asked: dict[str, str] = call.body.get("permissions") or dict(held)
    if any(not allows(held, ((name, level),)) for name, level in asked.items()):
        raise Refused(422, NOT_GRANTED)
    return {"metadata": "read", **asked} if "metadata" in held else asked


def _chosen(call: Call, covered: list[Repo]) -> list[Repo] | None:
    """Return the repositories a token is to be for, None for all: none that the installation lacks."""
    names: list[Any] = call.body.get("repositories") or []
    numbers: list[Any] = call.body.get("repository_ids") or []
    if not names and not numbers:
        return None
    chosen = [repo for repo in covered if repo.name in names or repo.id in numbers]
    if {*names, *numbers} - {repo.name for repo in chosen} - {repo.id for repo in chosen}:
        raise Refused(422, NOT_COVERED)
    return chosen
