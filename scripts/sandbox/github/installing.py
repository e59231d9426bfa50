"""Registering GitHub Apps, and installing them: what changes, and what their webhooks hear of it.

https://docs.github.com/webhooks/webhook-events-and-payloads#installation
"""

import re
import secrets

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .app_payloads import installation_payload
from .apps import App, Installation
from .hooks import Hook, hook_payload
from .installations import installation_event
from .manifest import Manifest
from .model import Permission, Repo, World
from .records import User
from .services import Services
from .webhooks import ZEN


def register_app(services: Services, owner: User, manifest: Manifest, name: str) -> App:
    """Register an App; its webhook gets a ping."""
    world = services.world
    pem, public_key = _key_pair()
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    number = world.new_id()
    app = App(
        id=number,
        slug=slug,
        name=name,
        owner=owner,
        manifest=manifest,
        client_id=f"Iv23li{secrets.token_hex(7)}",
        client_secret=secrets.token_hex(20),
        pem=pem,
        public_key=public_key,
        bot=world.add_user(User(id=world.new_id(), login=f"{slug}[bot]", name=name, kind="Bot")),
        hook=_hook(world, number, manifest) if manifest.hook_url else None,
        created_at=world.clock.now(),
    )
    services.apps.apps[app.id] = app
    if app.hook:
        ping = {"zen": ZEN[0], "hook_id": app.hook.id, "hook": hook_payload(world, app.hook)}
        services.hookshot.send("ping", ping, [app.hook])
    return app


def owned_by(world: World, user: User, account: User) -> bool:
    """Tell whether the account is the user's own, or an organization of which they administer a repository.

    The stand-in knows no owners of organizations.
    """
    return account == user or any(repo.owner == account for repo in administered(world, user))


def administered(world: World, user: User) -> list[Repo]:
    """Return the repositories in which the user may install an App."""
    return [repo for repo in world.repos.values() if repo.permission(user) >= Permission.ADMIN]


def install(
    services: Services, app: App, actor: User, account: User, repos: list[Repo], *, every: bool = False
) -> Installation:
    """Give the App these repositories of the account, or every one; nothing is sent where nothing changes."""
    found = services.apps.installed_in(app, account)
    if found is None:
        now = services.world.clock.now()
        found = Installation(
            id=services.world.new_id(), app=app, account=account, created_at=now, updated_at=now
        )
        services.apps.installations[found.id] = found
        _extend(services, found, repos, every=every)
        _tell(services, found, "created", actor, services.apps.repos_of(found))
        return found
    before = services.apps.repos_of(found)
    _extend(services, found, repos, every=every)
    if added := [repo for repo in services.apps.repos_of(found) if repo not in before]:
        _tell(services, found, "added", actor, added)
    return found


def remove(services: Services, installation: Installation, actor: User, repos: list[Repo]) -> None:
    """Take repositories away from an installation."""
    covered = services.apps.repos_of(installation)
    removed = [repo for repo in repos if repo in covered]
    installation.every = False
    installation.repo_ids = {repo.id for repo in covered if repo not in removed}
    if removed:
        installation.updated_at = services.world.clock.change()
        _tell(services, installation, "removed", actor, removed)


def uninstall(services: Services, installation: Installation, actor: User) -> None:
    """Remove an App from an account."""
    _tell(services, installation, "deleted", actor, services.apps.repos_of(installation))
    del services.apps.installations[installation.id]


def suspend(services: Services, installation: Installation, actor: User, *, suspended: bool) -> None:
    """Stop an installation for a while, or let it go on."""
    installation.suspended_by = actor if suspended else None
    installation.updated_at = services.world.clock.change()
    action = "suspend" if suspended else "unsuspend"
    _tell(services, installation, action, actor, services.apps.repos_of(installation))


def _extend(services: Services, installation: Installation, repos: list[Repo], *, every: bool) -> None:
    installation.every = every or installation.every
    installation.repo_ids |= {repo.id for repo in repos}
    installation.updated_at = services.world.clock.change()


def _tell(
    services: Services, installation: Installation, action: str, actor: User, repos: list[Repo]
) -> None:
    shown = installation_payload(services.world, installation)
    event, payload = installation_event(services.world, action, actor, repos, shown)
    if installation.app.hook:
        services.hookshot.send(event, payload, [installation.app.hook])


def _hook(world: World, app_id: int, manifest: Manifest) -> Hook:
    now = world.clock.now()
    return Hook(
        id=world.new_id(),
        repository_id=0,
        full_name="",
        url=manifest.hook_url,
        secret=secrets.token_hex(20),
        content_type="json",
        events=list(manifest.events),
        active=manifest.hook_active,
        app=True,
        app_id=app_id,
        created_at=now,
        updated_at=now,
    )


def _key_pair() -> tuple[str, str]:
    """Return a private key as GitHub gives one, and its public one."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()
