"""The driver routes of GitHub Apps: to have one without a browser, and to change where it is installed."""

import json

from .app_payloads import converted_payload, installation_payload
from .apps import App, Installation
from .installing import install, register_app, remove, suspend, uninstall
from .manifest import BadManifest, name_problem, read_manifest
from .model import Repo
from .payloads import Json, user_payload
from .records import User
from .services import Services


def make_app(services: Services, actor: User, owner: User, body: Json, repos: list[Repo]) -> Json:
    """Register an App from a manifest and install it; answers as the code exchange does."""
    try:
        manifest = read_manifest(json.dumps(body["manifest"]))
    except BadManifest as bad:
        raise ValueError(str(bad)) from None
    name = str(body.get("name") or manifest.name)
    if problem := name_problem(name, {app.name for app in services.apps.apps.values()}):
        raise ValueError(problem)
    app = register_app(services, owner, manifest, name)
    for account in {repo.owner.login: repo.owner for repo in repos}.values():
        install(services, app, actor, account, [repo for repo in repos if repo.owner == account])
    made = [installation_payload(services.world, one) for one in services.apps.of(app)]
    return converted_payload(services.world, app) | {"installations": made}


def withdraw(services: Services, user: User) -> int:
    """Withdraw all authorizations of a user; returns how many tokens they had. The Apps get the event.

    https://docs.github.com/webhooks/webhook-events-and-payloads#github_app_authorization
    """
    payload = {"action": "revoked", "sender": user_payload(services.world, user)}
    revoked = 0
    for app in services.apps.apps.values():
        count = services.vault.revoke_all(user, app_id=app.id)
        revoked += count
        if count and app.hook:
            services.hookshot.send("github_app_authorization", payload, [app.hook])
    return revoked + services.vault.revoke_all(user)


def find_app(services: Services, slug: str) -> App:
    """Return the App of that slug; raises ValueError if there is none."""
    if app := services.apps.by_slug(slug):
        return app
    raise ValueError(f"no App is called {slug}")


def change_installation(services: Services, app: App, action: str, actor: User, repos: list[Repo]) -> Json:
    """Change the App's installation in the account of `repos`, and send its webhook the event."""
    account = repos[0].owner
    if action in {"created", "added"}:
        made = install(services, app, actor, account, repos)
        return installation_payload(services.world, made)
    found = services.apps.installed_in(app, account)
    if found is None:
        raise ValueError(f"{app.slug} is not installed in {account.login}")
    _change(services, found, action, actor, repos)
    return installation_payload(services.world, found)


def _change(services: Services, found: Installation, action: str, actor: User, repos: list[Repo]) -> None:
    if action == "removed":
        remove(services, found, actor, repos)
    elif action == "deleted":
        uninstall(services, found, actor)
    elif action in {"suspend", "unsuspend"}:
        suspend(services, found, actor, suspended=action == "suspend")
    else:
        raise ValueError("the action is one of created, added, removed, deleted, suspend, unsuspend")
