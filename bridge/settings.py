"""bridge's settings, read once from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from bridge.core.budgets import QUEUE_BYTES, REPOSITORY_BYTES, Budgets, InboxBounds
from bridge.core.variables import Reader

GITHUB = "https://github.com"
GITHUB_API = "https://api.github.com"
FLOWDOCK_API = "https://api.flowdock.com"
INBOX_API = "/inbox/api"

_FLOWDOCK = ("FLOWDOCK_CLIENT_ID", "FLOWDOCK_CLIENT_SECRET", "OAUTH_APP_SECRET", "FLOWDOCK_API_URL")
"""Without any of these, bridge serves an inbox of its own."""

GITHUB_OF_THE_ENVIRONMENT = ("GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET", "GITHUB_WEBHOOK_SECRET")

NEEDED_ALONE = frozenset(
    {"WEB_URL", "INBOX_APPLICATION_URL", "COOKIE_SECRET", "ENCRYPTION_KEY", *GITHUB_OF_THE_ENVIRONMENT[:2]}
)
"""The settings that the inbox needs where it runs alone."""

_APP_INSTEAD = (
    "Or set GITHUB_APP=1 instead of GitHub's settings: bridge then creates a GitHub App for you"
    " at WEB_URL/github/manifest."
)


class SettingsError(Exception):
    """Settings are missing or malformed: `problems` has a line for each, and no secret's value."""

    def __init__(self, problems: list[str], *, advice: str = "") -> None:
        self.problems = problems
        self.advice = advice
        lines = [f"  {problem}" for problem in problems]
        super().__init__("\n".join(["These settings need attention:", *lines, *filter(None, [self.advice])]))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that an operator can set; secrets stay out of its `repr`."""

    port: int
    listen_address: str | None
    """None: every address of the machine."""
    web_url: str
    redis_url: str | None = field(repr=False)
    redis_cluster: bool
    """`redis_url` is that of a node of a Redis Cluster."""
    inbox: bool
    """bridge serves an inbox of its own; its credentials there are made at the first start."""
    inbox_application_url: str
    """The bridge elsewhere that is the application of an inbox alone; empty: bridge serves both."""
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
    metrics_port: int
    """The port on which a worker by itself answers /metrics; 0: none."""
    setup_secret: str | None = field(repr=False)
    """Opens /github/manifest to the operator; without it, that page opens at the machine itself alone."""
    inbox_organizations: tuple[str, ...]
    """GitHub organizations whose members may use the inbox."""
    smtp_url: str = field(repr=False)
    """The mail server of the inbox; empty: it sends no mail."""
    mail_from: str
    """The address that it sends from."""
    page_limit: int
    """Requests a minute for each client address; 0: no limit."""
    action_limit: int
    """Clicks a minute for each Flowdock user; 0: no limit."""
    inbox_bounds: InboxBounds
    """The bounds of each flow of the inbox."""
    budgets: Budgets
    """The bounds of the queue."""
    lease_seconds: float
    review_seconds: float

    @property
    def chat(self) -> str:
        """The name of the server with the threads, on pages and in refusals."""
        return "the inbox" if self.inbox else "Flowdock"

    @property
    def servers(self) -> dict[str, str]:
        """The servers whose ids these settings bring to Redis; an inbox's people have GitHub's ids."""
        github = {"github": self.github_api_url}
        if self.inbox_application_url:
            return github
        return github | {"flowdock": "bridge's own inbox" if self.inbox else self.flowdock_api_url}


def read(environ: Mapping[str, str], *, needed: frozenset[str] | None = None) -> Settings:
    """Return the settings in `environ`; raises `SettingsError` naming all that is missing or malformed.

    `needed` names the required settings, for a command that does without the others.
    """
    settings, problems = examine(environ, needed=needed)
    if problems:
        raise SettingsError(problems, advice=advice(problems, alone=needed == NEEDED_ALONE))
    return settings


def examine(
    environ: Mapping[str, str], *, needed: frozenset[str] | None = None
) -> tuple[Settings, list[str]]:
    """Return the settings as far as they can be read, and the problems: each begins with a setting's name."""
    reader = Reader(environ, needed)
    settings = _read(reader)
    meant = {right: wrong for wrong, right in misspelt(environ).items()}
    problems = [
        f"{problem}; is {meant[name]} misspelt?"
        if (name := problem.partition(" is missing")[0]) in meant
        else problem
        for problem in reader.problems
    ]
    return settings, problems


def unknown(environ: Mapping[str, str]) -> set[str]:
    """Return the names of variables that are no settings of bridge."""
    return environ.keys() - _asked({})


def _asked(environ: Mapping[str, str]) -> set[str]:
    reader = Reader(environ, None)
    _read(reader)
    return reader.asked


def misspelt(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that look like misspelt settings, each with the setting's name."""
    asked = _asked(environ)
    unset = [name for name in sorted(asked) if not environ.get(name)]
    found = {
        name: get_close_matches(name, unset, n=1, cutoff=0.85) for name in sorted(environ.keys() - asked)
    }
    return {wrong: right[0] for wrong, right in found.items() if right}


def _application_url(reader: Reader) -> str:
    if "INBOX_APPLICATION_URL" in reader.needed:
        reader.required("INBOX_APPLICATION_URL")
    return reader.url("INBOX_APPLICATION_URL", "") if reader.text("INBOX_APPLICATION_URL") else ""


def _web_url(reader: Reader, port: int) -> str:
    # Heroku names an app's domain in its dyno metadata, where that is switched on.
    domain = reader.text("HEROKU_APP_DEFAULT_DOMAIN_NAME")
    if "WEB_URL" in reader.needed and not domain:
        reader.required("WEB_URL")
    return reader.url("WEB_URL", f"https://{domain}" if domain else f"http://localhost:{port}")


def _budgets(reader: Reader) -> Budgets:
    return Budgets(
        queue=reader.size("QUEUE_BYTES", QUEUE_BYTES),
        repository=reader.size("REPOSITORY_BYTES", REPOSITORY_BYTES),
    )


def _inbox_bounds(reader: Reader) -> InboxBounds:
    default = InboxBounds()
    return InboxBounds(
        size=reader.size("INBOX_FLOW_BYTES", default.size),
        threads=reader.whole_number("INBOX_FLOW_THREADS", default.threads),
        days=reader.whole_number("INBOX_DAYS", default.days),
        thread_messages=reader.whole_number("INBOX_THREAD_MESSAGES", default.thread_messages),
    )


def _api_of(github_url: str) -> str:
    return GITHUB_API if github_url == GITHUB else f"{github_url}/api/v3"


def _has_inbox(reader: Reader) -> bool:
    return not "".join(map(reader.text, _FLOWDOCK))


def _github_app(reader: Reader, alone: str) -> tuple[bool, bool]:
    """Return whether an App made by bridge may serve, and whether an OAuth App's settings are needed."""
    app = reader.switch("GITHUB_APP") and not alone
    # Beside GITHUB_APP, half an OAuth App is a mistake.
    return app, not app or any(map(reader.text, GITHUB_OF_THE_ENVIRONMENT[:2]))


def _webhook_secrets(reader: Reader, *, alone: bool, optional: bool) -> tuple[str, ...]:
    # An inbox alone takes no deliveries.
    return () if alone else reader.secrets("GITHUB_WEBHOOK_SECRET", optional=optional)


def _read(reader: Reader) -> Settings:
    port, alone = reader.whole_number("PORT", 8080), _application_url(reader)
    app, of_environment = _github_app(reader, alone)
    web_url, inbox, github_url = _web_url(reader, port), _has_inbox(reader), reader.url("GITHUB_URL", GITHUB)
    return Settings(
        port=port,
        listen_address=reader.address("LISTEN_ADDRESS"),
        web_url=web_url,
        redis_url=reader.redis_url(),
        redis_cluster=reader.redis_cluster(),
        inbox=inbox,
        inbox_application_url=alone,
        flowdock_client_id="" if inbox else reader.required("FLOWDOCK_CLIENT_ID"),
        flowdock_client_secret="" if inbox else reader.required(*_FLOWDOCK[1:3]),
        flowdock_api_url=reader.url("FLOWDOCK_API_URL", web_url + INBOX_API if inbox else FLOWDOCK_API),
        github_client_id=reader.required("GITHUB_CLIENT_ID") if of_environment else "",
        github_client_secret=reader.required("GITHUB_CLIENT_SECRET") if of_environment else "",
        github_webhook_secrets=_webhook_secrets(reader, alone=bool(alone), optional=not of_environment),
        github_app=app,
        github_url=github_url,
        github_api_url=reader.url("GITHUB_API_URL", _api_of(github_url)),
        cookie_secrets=reader.secrets("COOKIE_SECRET"),
        encryption_keys=reader.secrets("ENCRYPTION_KEY"),
        log_level=reader.choice("LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
        log_format=reader.choice("LOG_FORMAT", "auto", ("auto", "console", "json")),
        trust_proxy=reader.switch("TRUST_PROXY"),
        web_concurrency=reader.whole_number("WEB_CONCURRENCY", 1),
        metrics_token=reader.secret("METRICS_TOKEN"),
        metrics_port=reader.whole_number("METRICS_PORT", 0),
        setup_secret=reader.secret("SETUP_SECRET"),
        inbox_organizations=reader.logins("INBOX_ORGANIZATIONS"),
        smtp_url=reader.smtp_url("SMTP_URL"),
        mail_from=reader.mail_address("MAIL_FROM", needed=bool(reader.text("SMTP_URL"))),
        page_limit=reader.limit("PAGE_LIMIT", 120),
        action_limit=reader.limit("ACTION_LIMIT", 60),
        inbox_bounds=_inbox_bounds(reader),
        budgets=_budgets(reader),
        lease_seconds=reader.number("LEASE_SECONDS", 30),
        review_seconds=reader.number("REVIEW_SECONDS", 5),
    )


def advice(problems: list[str], *, alone: bool) -> str:
    """Return the other way to set GitHub up, if neither client setting is set; the inbox alone has none."""
    # `bridge init` has made the webhook's secret already.
    missing = {f"{name} is missing" for name in GITHUB_OF_THE_ENVIRONMENT[:2]}
    return _APP_INSTEAD if missing <= set(problems) and not alone else ""
