"""GitHub Apps and their installations in the shape GitHub gives them.

https://docs.github.com/rest/apps/apps
"""

from .apps import App, Installation
from .model import World
from .payloads import Json, node_id, stamp, stamp_or_none, user_payload


def app_payload(world: World, app: App) -> Json:
    """Return an App, as `GET /app` shows it."""
    return {
        "id": app.id,
        "slug": app.slug,
        "node_id": node_id("A", app.id),
        "client_id": app.client_id,
        "owner": user_payload(world, app.owner),
        "name": app.name,
        "description": app.manifest.description,
        "external_url": app.manifest.url,
        "html_url": f"{world.config.web_url}/apps/{app.slug}",
        "created_at": stamp(app.created_at),
        "updated_at": stamp(app.created_at),
        "permissions": dict(app.manifest.permissions),
        "events": list(app.manifest.events),
    }


def converted_payload(world: World, app: App) -> Json:
    """Return an App with all its secrets, as the exchange of its code shows it, once.

    https://docs.github.com/rest/apps/apps#create-a-github-app-from-a-manifest
    """
    return app_payload(world, app) | {
        "client_secret": app.client_secret,
        "webhook_secret": app.hook.secret if app.hook else None,
        "pem": app.pem,
    }


def installation_path(installation: Installation) -> str:
    """Return where the page of an installation is."""
    account = installation.account
    below = f"/organizations/{account.login}" if account.kind == "Organization" else ""
    return f"{below}/settings/installations/{installation.id}"


def installation_payload(world: World, installation: Installation) -> Json:
    """Return an installation, as REST and the `installation` event show it."""
    app, api = installation.app, world.config.api_url
    suspended = installation.suspended_by
    return {
        "id": installation.id,
        "account": user_payload(world, installation.account),
        "repository_selection": "all" if installation.every else "selected",
        "access_tokens_url": f"{api}/app/installations/{installation.id}/access_tokens",
        "repositories_url": f"{api}/installation/repositories",
        "html_url": world.config.web_url + installation_path(installation),
        "app_id": app.id,
        "app_slug": app.slug,
        "target_id": installation.account.id,
        "target_type": installation.account.kind,
        "permissions": dict(app.manifest.permissions),
        "events": list(app.manifest.events),
        "created_at": stamp(installation.created_at),
        "updated_at": stamp(installation.updated_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": user_payload(world, suspended) if suspended else None,
        "suspended_at": stamp_or_none(installation.updated_at if suspended else None),
    }
