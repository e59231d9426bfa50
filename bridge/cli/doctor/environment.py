"""What the settings are good for, each by itself: needs no network."""

from urllib.parse import urlsplit

from bridge import settings
from bridge.cli.doctor.rows import Row
from bridge.settings import Settings

_GROUPS = {
    "address": ("PORT", "WEB_URL", "TRUST_PROXY", "WEB_CONCURRENCY"),
    "Redis settings": ("REDIS_URL", "REDIS_CLUSTER"),
    "Flowdock settings": ("FLOWDOCK_CLIENT_ID", "FLOWDOCK_CLIENT_SECRET", "FLOWDOCK_API_URL"),
    "GitHub settings": (
        *settings.GITHUB_OF_THE_ENVIRONMENT,
        *("GITHUB_APP", "GITHUB_URL", "GITHUB_API_URL"),
    ),
    "secrets": ("COOKIE_SECRET", "ENCRYPTION_KEY", "METRICS_TOKEN", "SETUP_SECRET"),
}
_OTHERS = "other settings"


def rows(chosen: Settings, problems: list[str]) -> list[Row]:
    """A row for each thing that is wrong or weak, and one for each group that is fine.

    `chosen` and `problems` are what `settings.examine` returns.
    """
    wrong = [(problem.split()[0], Row("", "wrong", problem)) for problem in problems]
    if advice := settings.advice(problems):
        wrong.append(("GITHUB_APP", Row("", "warn", advice)))
    broken = {name for name, _ in wrong}
    weak = [(name, Row("", "warn", words)) for name, words in _weak(chosen).items() if name not in broken]
    found = [row._replace(check=_group(name)) for name, row in (*wrong, *weak)]
    named = {row.check for row in found}
    found += [Row(group, "fine") for group in (*_GROUPS, _OTHERS) if group not in named]
    order = [*_GROUPS, _OTHERS]
    return sorted(found, key=lambda row: order.index(row.check))


def _group(name: str) -> str:
    return next((group for group, names in _GROUPS.items() if name in names), _OTHERS)


def _weak(chosen: Settings) -> dict[str, str]:
    """What bridge starts with, but should not be left so, by the setting's name."""
    found = {}
    if chosen.web_url.startswith("http:"):
        found["WEB_URL"] = "WEB_URL is not https: on the way to browsers, cookies and claims lie open"
    elif not chosen.trust_proxy:
        # bridge speaks no TLS itself, so with https there is something in front of it.
        found["TRUST_PROXY"] = (
            "WEB_URL is https, so a proxy is in front of bridge, and TRUST_PROXY is not set: all visitors"
            " count as that proxy and share one PAGE_LIMIT; set TRUST_PROXY=1, and see that the proxy sends"
            " X-Forwarded-For"
        )
    if chosen.redis_url is None:
        found["REDIS_URL"] = "REDIS_URL is not set: the embedded Redis is not for production"
    if chosen.setup_secret is None and _needs_operator(chosen):
        found["SETUP_SECRET"] = (
            "SETUP_SECRET is not set: without it, /github/manifest opens on bridge's own machine alone;"
            f" make one with: {settings.RANDOM_BY}"
        )
    if chosen.github_app and chosen.github_client_id:
        found["GITHUB_APP"] = (
            "GITHUB_APP has no effect as long as GITHUB_CLIENT_ID is set: remove one of them"
        )
    return found


def _needs_operator(chosen: Settings) -> bool:
    """Whether the GitHub App is made from another machine."""
    here = urlsplit(chosen.web_url).hostname in ("localhost", "127.0.0.1", "::1")
    return chosen.github_app and not chosen.github_client_id and not here
