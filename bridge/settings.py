"""bridge's settings, read once from the environment; the only reader of it besides `__main__`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bridge.core.vault import MIN_KEY

GITHUB = "https://github.com"
GITHUB_API = "https://api.github.com"
FLOWDOCK_API = "https://api.flowdock.com"


class SettingsError(Exception):
    """What is missing or malformed, one line a setting; never a secret's value."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("bridge cannot start:\n" + "\n".join(f"  {problem}" for problem in problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that an operator can set; secrets stay out of its `repr`."""

    port: int
    web_url: str
    redis_url: str | None = field(repr=False)
    flowdock_client_id: str
    flowdock_client_secret: str = field(repr=False)
    flowdock_api_url: str
    github_client_id: str
    github_client_secret: str = field(repr=False)
    github_webhook_secrets: tuple[str, ...] = field(repr=False)
    github_url: str
    github_api_url: str
    cookie_secret: str = field(repr=False)
    encryption_keys: tuple[str, ...] = field(repr=False)
    log_level: str
    log_format: str
    trust_proxy: bool
    metrics_token: str | None = field(repr=False)
    lease_seconds: float


def read(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`; raises `SettingsError` naming all that is missing or malformed."""
    reader = _Reader(environ)
    port = reader.whole_number("PORT", 8080)
    github_url = reader.url("GITHUB_URL", GITHUB)
    settings = Settings(
        port=port,
        web_url=reader.url("WEB_URL", _default_web_url(environ, port)),
        redis_url=reader.text("REDIS_URL") or None,
        flowdock_client_id=reader.required("FLOWDOCK_CLIENT_ID"),
        flowdock_client_secret=reader.required("FLOWDOCK_CLIENT_SECRET", "OAUTH_APP_SECRET"),
        flowdock_api_url=reader.url("FLOWDOCK_API_URL", FLOWDOCK_API),
        github_client_id=reader.required("GITHUB_CLIENT_ID"),
        github_client_secret=reader.required("GITHUB_CLIENT_SECRET"),
        github_webhook_secrets=reader.secrets("GITHUB_WEBHOOK_SECRET", 1),
        github_url=github_url,
        github_api_url=reader.url(
            "GITHUB_API_URL", GITHUB_API if github_url == GITHUB else github_url + "/api/v3"
        ),
        cookie_secret=reader.required("COOKIE_SECRET"),
        encryption_keys=reader.secrets("ENCRYPTION_KEY", MIN_KEY),
        log_level=reader.choice("LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
        log_format=reader.choice("LOG_FORMAT", "console", ("console", "json")),
        trust_proxy=reader.choice("TRUST_PROXY", "0", ("0", "1", "true", "false", "yes", "no"))
        in ("1", "true", "yes"),
        metrics_token=reader.text("METRICS_TOKEN") or None,
        lease_seconds=reader.number("LEASE_SECONDS", 30),
    )
    if reader.problems:
        raise SettingsError(reader.problems)
    return settings


def read_encryption_keys(environ: Mapping[str, str]) -> tuple[str, ...]:
    """ENCRYPTION_KEY alone, for the commands that need nothing else; raises `SettingsError`."""
    reader = _Reader(environ)
    encryption_keys = reader.secrets("ENCRYPTION_KEY", MIN_KEY)
    if reader.problems:
        raise SettingsError(reader.problems)
    return encryption_keys


def _default_web_url(environ: Mapping[str, str], port: int) -> str:
    """Heroku names an app's domain in its dyno metadata, where that is switched on."""
    domain = environ.get("HEROKU_APP_DEFAULT_DOMAIN_NAME")
    return f"https://{domain}" if domain else f"http://localhost:{port}"


class _Reader:
    """Reads one setting after the other and collects what is wrong, so that all is said at once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str) -> str:
        return self._environ.get(name, "").strip()

    def required(self, name: str, *other_names: str) -> str:
        for candidate in (name, *other_names):
            if value := self.text(candidate):
                return value
        self.problems.append(f"{name} is missing")
        return ""

    def secrets(self, name: str, minimum: int) -> tuple[str, ...]:
        value = self.required(name)
        parts = [part.strip() for part in value.split(",")]
        if value and any(len(part) < minimum for part in parts):
            which = "each part" if len(parts) > 1 else "it"
            self.problems.append(
                f"{name} is too short: {which} needs {minimum} characters or more"
                if minimum > 1
                else f"{name} has an empty part"
            )
        return tuple(parts)

    def url(self, name: str, default: str) -> str:
        value = (self.text(name) or default).rstrip("/")
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good or "@" in parts.netloc or any(odd in value for odd in "?# \t\r\n"):
            self.problems.append(f"{name} must be an address such as https://bridge.example.com")
        return value

    def number(self, name: str, default: float) -> float:
        value = self.text(name)
        try:
            number = float(value) if value else default
        except ValueError:
            number = -1
        if not 0 < number < 65536:
            self.problems.append(f"{name} must be a number from 1 to 65535")
            return default
        return number

    def whole_number(self, name: str, default: int) -> int:
        number = self.number(name, default)
        if number != int(number):
            self.problems.append(f"{name} must be a whole number")
            return default
        return int(number)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = (self.text(name) or default).lower()
        if value not in choices:
            self.problems.append(f"{name} must be one of {', '.join(choices)}")
        return value
