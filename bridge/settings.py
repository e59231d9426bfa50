"""bridge's settings, read once from the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from urllib.parse import urlsplit

from bridge.core.budgets import QUEUE_BYTES, REPOSITORY_BYTES, Budgets
from bridge.core.security.encryption import MIN_KEY

GITHUB = "https://github.com"
GITHUB_API = "https://api.github.com"
FLOWDOCK_API = "https://api.flowdock.com"
INBOX_API = "/inbox/api"

MIN_SECRET = MIN_KEY
"""The shortest secret that an operator may choose: a shorter one might be guessed."""

RANDOM_BY = 'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
_NEEDS = f"needs {MIN_SECRET} characters or more; make one with: {RANDOM_BY}"

_FLOWDOCK = ("FLOWDOCK_CLIENT_ID", "FLOWDOCK_CLIENT_SECRET", "OAUTH_APP_SECRET", "FLOWDOCK_API_URL")
"""Without any of these, bridge serves an inbox of its own."""

GITHUB_OF_THE_ENVIRONMENT = ("GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET", "GITHUB_WEBHOOK_SECRET")

_APP_INSTEAD = (
    "Or set GITHUB_APP=1 instead of the three GitHub settings: bridge then makes a GitHub App for you"
    " at WEB_URL/github/manifest."
)

_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
_SIZE = re.compile(r"(?P<number>[0-9]{1,12})(?P<unit>[kKmMgG]?)")


class SettingsError(Exception):
    """Settings are missing or malformed: `problems` has a line for each, and no secret's value."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        self.advice = advice(problems)
        lines = [f"  {problem}" for problem in problems]
        super().__init__("\n".join(["These settings need attention:", *lines, *filter(None, [self.advice])]))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that an operator can set; secrets stay out of its `repr`."""

    port: int
    web_url: str
    redis_url: str | None = field(repr=False)
    redis_cluster: bool
    """`redis_url` is that of a node of a Redis Cluster."""
    inbox: bool
    """bridge serves an inbox of its own; its credentials there are made at the first start."""
    flowdock_client_id: str
    flowdock_client_secret: str = field(repr=False)
    flowdock_api_url: str
    github_client_id: str
    github_client_secret: str = field(repr=False)
    github_webhook_secrets: tuple[str, ...] = field(repr=False)
    github_app: bool
    """The GitHub App made at /github/manifest serves where `github_client_id` is empty."""
    github_url: str
    github_api_url: str
    cookie_secrets: tuple[str, ...] = field(repr=False)
    encryption_keys: tuple[str, ...] = field(repr=False)
    log_level: str
    log_format: str
    trust_proxy: bool
    web_concurrency: int
    """Processes of `bridge web` that share `port`; the kernel deals the connections out."""
    metrics_token: str | None = field(repr=False)
    """Opens /metrics to a scraper, and nothing else."""
    setup_secret: str | None = field(repr=False)
    """Opens /github/manifest to the operator; without it, that page opens at the machine itself alone."""
    page_limit: int
    """Requests a minute for each client address; 0: no limit."""
    action_limit: int
    """Clicks a minute for each Flowdock user; 0: no limit."""
    budgets: Budgets
    """The bounds of the queue."""
    lease_seconds: float
    review_seconds: float


def read(environ: Mapping[str, str], *, needed: frozenset[str] | None = None) -> Settings:
    """Return the settings in `environ`; raises `SettingsError` naming all that is missing or malformed.

    `needed` names the required settings, for a command that does without the others.
    """
    settings, problems = examine(environ, needed=needed)
    if problems:
        raise SettingsError(problems)
    return settings


def examine(
    environ: Mapping[str, str], *, needed: frozenset[str] | None = None
) -> tuple[Settings, list[str]]:
    """Return the settings as far as they can be read, and the problems: each begins with a setting's name."""
    reader = _Reader(environ, needed)
    settings = _read(reader)
    meant = {right: wrong for wrong, right in misspelt(environ).items()}
    problems = [
        f"{problem}; is {meant[name]} misspelt?"
        if (name := problem.partition(" is missing")[0]) in meant
        else problem
        for problem in reader.problems
    ]
    return settings, problems


def misspelt(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that look like misspelt settings, each with the setting's name."""
    reader = _Reader(environ, None)
    _read(reader)
    others = environ.keys() - reader.asked
    unset = [name for name in sorted(reader.asked) if name not in environ]
    found = {name: get_close_matches(name, unset, n=1, cutoff=0.85) for name in sorted(others)}
    return {wrong: right[0] for wrong, right in found.items() if right}


def _web_url(reader: "_Reader", port: int) -> str:
    # Heroku names an app's domain in its dyno metadata, where that is switched on.
    domain = reader.text("HEROKU_APP_DEFAULT_DOMAIN_NAME")
    if "WEB_URL" in reader.needed and not domain:
        reader.required("WEB_URL")
    return reader.url("WEB_URL", f"https://{domain}" if domain else f"http://localhost:{port}")


def _read(reader: "_Reader") -> Settings:
    port = reader.whole_number("PORT", 8080)
    github_url = reader.url("GITHUB_URL", GITHUB)
    github_api = GITHUB_API if github_url == GITHUB else github_url + "/api/v3"
    app = reader.switch("GITHUB_APP")
    # An App brings all three, so with it they are missing only where the environment has some of OAuth's.
    of_environment = not app or any(map(reader.text, GITHUB_OF_THE_ENVIRONMENT[:2]))
    web_url, inbox = _web_url(reader, port), not "".join(map(reader.text, _FLOWDOCK))
    return Settings(
        port=port,
        web_url=web_url,
        redis_url=reader.redis_url(),
        redis_cluster=reader.redis_cluster(),
        inbox=inbox,
        flowdock_client_id="" if inbox else reader.required("FLOWDOCK_CLIENT_ID"),
        flowdock_client_secret="" if inbox else reader.required(*_FLOWDOCK[1:3]),
        flowdock_api_url=reader.url("FLOWDOCK_API_URL", web_url + INBOX_API if inbox else FLOWDOCK_API),
        github_client_id=reader.required("GITHUB_CLIENT_ID") if of_environment else "",
        github_client_secret=reader.required("GITHUB_CLIENT_SECRET") if of_environment else "",
        github_webhook_secrets=reader.secrets("GITHUB_WEBHOOK_SECRET", optional=not of_environment),
        github_app=app,
        github_url=github_url,
        github_api_url=reader.url("GITHUB_API_URL", github_api),
        cookie_secrets=reader.secrets("COOKIE_SECRET"),
        encryption_keys=reader.secrets("ENCRYPTION_KEY"),
        log_level=reader.choice("LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
        log_format=reader.choice("LOG_FORMAT", "auto", ("auto", "console", "json")),
        trust_proxy=reader.switch("TRUST_PROXY"),
        web_concurrency=reader.whole_number("WEB_CONCURRENCY", 1),
        metrics_token=reader.secret("METRICS_TOKEN"),
        setup_secret=reader.secret("SETUP_SECRET"),
        page_limit=reader.limit("PAGE_LIMIT", 120),
        action_limit=reader.limit("ACTION_LIMIT", 60),
        budgets=Budgets(
            queue=reader.size("QUEUE_BYTES", QUEUE_BYTES),
            repository=reader.size("REPOSITORY_BYTES", REPOSITORY_BYTES),
        ),
        lease_seconds=reader.number("LEASE_SECONDS", 30),
        review_seconds=reader.number("REVIEW_SECONDS", 5),
    )


def advice(problems: list[str]) -> str:
    """Return the other way to set GitHub up, if no GitHub setting is set; empty otherwise."""
    return (
        _APP_INSTEAD if {f"{name} is missing" for name in GITHUB_OF_THE_ENVIRONMENT} <= set(problems) else ""
    )


class _Reader:
    """Reads one setting after the other and collects what is wrong, so that all is said at once."""

    def __init__(self, environ: Mapping[str, str], needed: frozenset[str] | None) -> None:
        self._environ = environ
        self._all_needed = needed is None
        self.needed = needed or frozenset()
        self.asked: set[str] = set()
        self.problems: list[str] = []

    def text(self, name: str) -> str:
        self.asked.add(name)
        return self._environ.get(name, "").strip()

    def required(self, name: str, *other_names: str) -> str:
        for candidate in (name, *other_names):
            if value := self.text(candidate):
                return value
        if self._all_needed or name in self.needed:
            self.problems.append(f"{name} is missing")
        return ""

    def secret(self, name: str) -> str | None:
        value = self.text(name) or None
        if value is not None and len(value) < MIN_SECRET:
            self.problems.append(f"{name} is too short: it {_NEEDS}")
        return value

    def secrets(self, name: str, *, optional: bool = False) -> tuple[str, ...]:
        value = self.text(name) if optional else self.required(name)
        if not value:
            return ()
        parts = [part.strip() for part in value.split(",")]
        if not all(parts):
            self.problems.append(f"{name} has an empty part")
        elif any(len(part) < MIN_SECRET for part in parts):
            which = "each part" if len(parts) > 1 else "it"
            self.problems.append(f"{name} is too short: {which} {_NEEDS}")
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

    def redis_url(self) -> str | None:
        value = self.text("REDIS_URL")
        try:
            parts = urlsplit(value)
            good = parts.scheme == "unix" or (parts.scheme in ("redis", "rediss") and parts.port != 0)
        except ValueError:
            good = False
        if value and not good:
            self.problems.append("REDIS_URL must be an address such as redis://localhost:6379")
        return value or None

    def redis_cluster(self) -> bool:
        cluster = self.switch("REDIS_CLUSTER")
        try:
            parts = urlsplit(self.text("REDIS_URL"))
            # A cluster has no numbered databases, and is reached by TCP only.
            good = parts.scheme in ("redis", "rediss") and parts.path in ("", "/", "/0")
        except ValueError:
            good = False
        if cluster and not good:
            self.problems.append("REDIS_CLUSTER needs a REDIS_URL such as redis://localhost:6379")
        return cluster

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

    def limit(self, name: str, default: int) -> int:
        value = self.text(name) or str(default)
        if not value.isascii() or not value.isdecimal() or len(value) > 5 or int(value) > 65535:
            self.problems.append(f"{name} must be a whole number of requests a minute, or 0 for no limit")
            return default
        return int(value)

    def size(self, name: str, default: int) -> int:
        found = _SIZE.fullmatch(self.text(name) or str(default))
        if found is None:
            self.problems.append(f"{name} must be a number of bytes such as 64M, or 0 for no limit")
            return default
        return int(found["number"]) * _UNITS[found["unit"].lower()]

    def switch(self, name: str) -> bool:
        return self.choice(name, "0", ("0", "1", "true", "false", "yes", "no")) in ("1", "true", "yes")

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = (self.text(name) or default).lower()
        if value not in choices:
            self.problems.append(f"{name} must be one of {', '.join(choices)}")
        return value
