"""The credentials that bridge shows GitHub: from the settings, or of the App made at /github/manifest.

The App is kept encrypted in Redis, where every process finds it.
"""

import time
from dataclasses import asdict, dataclass, field

import msgspec
import orjson
import structlog
from redis.exceptions import RedisError

from bridge.core.errors import BridgeError
from bridge.core.security.encryption import Vault
from bridge.settings import Settings
from bridge.storage import keys
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis

FRESH_SECONDS = 60
"""Seconds that a process uses an App without reading it again."""

AGAIN_SECONDS = 2
"""Seconds at least until it is read again, if there was none or a signature does not match."""

log = structlog.get_logger()


class NoCredentials(BridgeError):
    """bridge has no credentials: no App was made yet, or the settings are missing."""

    status = 503

    def __init__(self, *, app: bool) -> None:
        super().__init__(
            "bridge has no GitHub App yet" if app else "GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET are not set"
        )
        if app:
            self.advice = "The operator creates it at /github/manifest. Then try again."


class AppThere(BridgeError):
    """Another App was stored meanwhile."""

    status = 409


@dataclass(frozen=True, kw_only=True)
class App:
    """A GitHub App, as GitHub answers it."""

    id: int
    slug: str
    name: str
    url: str
    """Its page on GitHub."""
    client_id: str
    client_secret: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    pem: str = field(repr=False)
    made_at: int
    """Unix seconds."""

    @property
    def install_url(self) -> str:
        """The page that installs the App on repositories."""
        return f"{self.url}/installations/new"

    def jwt(self, *, now: float) -> str:
        """Sign a JWT that authenticates the App for nine minutes from `now` (Unix seconds).

        https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
        """
        import jwt

        claims = {"iss": self.client_id, "iat": int(now) - 60, "exp": int(now) + 540}
        return jwt.encode(claims, self.pem, algorithm="RS256")


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A client's id and secret; `app` is None for an OAuth App."""

    client_id: str
    client_secret: str = field(repr=False)
    app: App | None = None


class GitHubCredentials:
    """The credentials in force."""

    def __init__(self, redis: Redis, vault: Vault, settings: Settings) -> None:
        self._redis = redis
        self._vault = vault
        self._settings = settings
        self._compare_and_set = load_script(redis, "bridge.storage", "compare_and_set")
        self._app: App | None = None
        self._read_at = float("-inf")

    @property
    def from_settings(self) -> bool:
        """True if the environment sets them; no App is looked up then."""
        return bool(self._settings.github_client_id)

    @property
    def by_hand(self) -> bool:
        """True if webhooks that the operator made by hand may deliver."""
        return bool(self._settings.github_webhook_secrets)

    async def current(self) -> Credentials:
        """Return the credentials in force; raises `NoCredentials`, `Undecryptable`, or redis-py's errors."""
        if self.from_settings:
            return Credentials(
                client_id=self._settings.github_client_id,
                client_secret=self._settings.github_client_secret,
            )
        app = await self.app()
        if app is None:
            raise NoCredentials(app=self._settings.github_app)
        return Credentials(client_id=app.client_id, client_secret=app.client_secret, app=app)

    async def app(self) -> App | None:
        """Return the current App, None if there is none. Raises as `current` does."""
        if self.from_settings or not self._settings.github_app:
            return None
        if self._age() > (AGAIN_SECONDS if self._app is None else FRESH_SECONDS):
            await self._read()
        return self._app

    async def webhook_secrets(self) -> tuple[str, ...]:
        """Return all secrets that may have signed a delivery."""
        secrets = self._settings.github_webhook_secrets
        if self.from_settings:
            return secrets
        app = await self.app()
        return (*secrets, app.webhook_secret) if app else secrets

    async def changed(self) -> bool:
        """Read the App again; tells whether it changed."""
        if self.from_settings or not self._settings.github_app or self._age() < AGAIN_SECONDS:
            return False
        before = self._app
        await self._read()
        return self._app != before

    async def keep(self, app: App, *, instead_of: int | None) -> None:
        """Store an App in place of the one with that id (None: of none); raises `AppThere`."""
        sealed = self._vault.encrypt(orjson.dumps(asdict(app)), aad=keys.GITHUB_APP)
        stored = False
        # Try once more if it is the same App, encrypted with another key.
        while not stored:
            data = await self._redis.get(keys.GITHUB_APP)
            if (self._load(data).id if data else None) != instead_of:
                raise AppThere("someone else created a GitHub App first, and bridge uses that one")
            stored = await self._compare_and_set(keys=[keys.GITHUB_APP], args=[data or b"", sealed])
        self._app, self._read_at = app, time.monotonic()

    async def _read(self) -> None:
        try:
            data = await self._redis.get(keys.GITHUB_APP)
        except (RedisError, OSError):
            if self._app is None:
                raise
        else:
            self._app = self._load(data) if data else None
        self._read_at = time.monotonic()

    def _load(self, data: bytes) -> App:
        return msgspec.json.decode(self._vault.decrypt(data, aad=keys.GITHUB_APP), type=App)

    def _age(self) -> float:
        return time.monotonic() - self._read_at
