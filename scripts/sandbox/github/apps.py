"""GitHub Apps that were registered, and where they are installed.

https://docs.github.com/apps/overview
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .app_permissions import Alternatives, allows
from .hooks import Hook
from .manifest import Manifest
from .model import Repo, World
from .records import User
from .tokens import Token

# "You must complete all three steps in the GitHub App Manifest flow within one hour."
CONVERSION_LIFE = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class App:
    """A registered App; `bot` is who acts where it acts for itself, `hook` is None without a webhook."""

    id: int
    slug: str
    name: str
    owner: User
    manifest: Manifest
    client_id: str
    client_secret: str
    pem: str
    public_key: str
    bot: User
    hook: Hook | None
    created_at: datetime


@dataclass(kw_only=True)
class Installation:
    """An App in an account, with all of its repositories or with some."""

    id: int
    app: App
    account: User
    created_at: datetime
    updated_at: datetime
    every: bool = False
    repo_ids: set[int] = field(default_factory=set)
    suspended_by: User | None = None

    def covers(self, repo: Repo) -> bool:
        """Tell whether the App was given the repository; one that was transferred is no longer covered."""
        return repo.owner == self.account and (self.every or repo.id in self.repo_ids)


class Apps:
    """All Apps and their installations."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self._codes: dict[str, tuple[App, datetime]] = {}

    def by_slug(self, slug: str) -> App | None:
        """Return the App of that slug; None if there is none."""
        return next((app for app in self.apps.values() if app.slug == slug), None)

    def by_client(self, client_id: str) -> App | None:
        """Return the App of that client id; None if there is none."""
        return next((app for app in self.apps.values() if app.client_id == client_id), None)

    def by_issuer(self, issuer: object) -> App | None:
        """Return the App that a JWT's `iss` names, by its number or its client id."""
        return next((app for app in self.apps.values() if str(issuer) in {str(app.id), app.client_id}), None)

    def of(self, app: App) -> list[Installation]:
        """Return where the App is installed."""
        return [one for one in self.installations.values() if one.app == app]

    def installed_in(self, app: App, account: User) -> Installation | None:
        """Return the App's installation in an account; None if there is none."""
        return next((one for one in self.of(app) if one.account == account), None)

    def covering(self, app: App, repo: Repo) -> Installation | None:
        """Return the App's installation that covers the repository, also one that is suspended."""
        return next((one for one in self.of(app) if one.covers(repo)), None)

    def active(self, repo: Repo) -> list[Installation]:
        """Return the installations that cover the repository and are not suspended."""
        return [one for one in self.installations.values() if one.covers(repo) and not one.suspended_by]

    def repos_of(self, installation: Installation) -> list[Repo]:
        """Return the repositories an installation covers."""
        return [repo for repo in self._world.repos.values() if installation.covers(repo)]

    def hooks_of(self, repo: Repo) -> list[Hook]:
        """Return the webhooks of all Apps that hear of the repository."""
        return [one.app.hook for one in self.active(repo) if one.app.hook]

    def number_for(self, hook: Hook, repo_id: int) -> int:
        """Return the installation through which an App's webhook hears of a repository; 0 without one."""
        repo = self._world.repo_by_id(repo_id)
        found = [one.id for one in self.active(repo) if one.app.id == hook.app_id] if repo else []
        return found[0] if found else 0

    def granted(self, token: Token, repo: Repo) -> Mapping[str, str] | None:
        """Return what an App's token may do in the repository; None if the App is not installed there."""
        for one in self.active(repo):
            through = token.installation_id in {0, one.id}
            named = token.repo_ids is None or repo.id in token.repo_ids
            if one.app.id == token.app_id and through and named:
                return one.app.manifest.permissions if token.permissions is None else token.permissions
        return None

    def may(self, token: Token, repo: Repo, wanted: Alternatives) -> bool:
        """Tell whether an App's token may do there what needs one of the `wanted` permissions."""
        granted = self.granted(token, repo)
        return granted is not None and allows(granted, wanted)

    def new_code(self, app: App) -> str:
        """Return the code that `redirect_url` gets for a new App."""
        code = secrets.token_hex(20)
        self._codes[code] = (app, self._world.clock.now() + CONVERSION_LIFE)
        return code

    def take_code(self, code: str) -> App | None:
        """Return the App of a code, which is used up; None if it is unknown, used or old."""
        app, until = self._codes.pop(code, (None, self._world.clock.now()))
        return app if until > self._world.clock.now() else None
