"""The checks of the settings alone, without the network."""

import re
from collections.abc import Mapping, Set
from urllib.parse import urlsplit

from bridge import settings
from bridge.cli.doctor.rows import CheckRow
from bridge.core import variables
from bridge.settings import Settings

_GROUPS = {
    "address": ("PORT", "WEB_URL", "TRUST_PROXY", "WEB_CONCURRENCY", "METRICS_PORT"),
    "Redis settings": ("REDIS_URL", "REDIS_CLUSTER"),
    "Flowdock settings": ("FLOWDOCK_CLIENT_ID", "FLOWDOCK_CLIENT_SECRET", "FLOWDOCK_API_URL"),
    "GitHub settings": (
        *settings.GITHUB_OF_THE_ENVIRONMENT,
        *("GITHUB_APP", "GITHUB_URL", "GITHUB_API_URL"),
    ),
    "secrets": ("COOKIE_SECRET", "ENCRYPTION_KEY", "METRICS_TOKEN", "SETUP_SECRET"),
}
_OTHERS = "other settings"
_EXAMPLE = re.compile(r"(^|\.)example\.(com|net|org)$")


def rows(chosen: Settings, problems: list[str]) -> list[CheckRow]:
    """Return a row for each wrong or weak setting, and one for each group that is fine.

    `chosen` and `problems` are what `settings.examine` returns.
    """
    wrong = [(problem.split()[0], CheckRow("", "wrong", problem)) for problem in problems]
    if advice := settings.advice(problems, alone=bool(chosen.inbox_application_url)):
        wrong.append(("GITHUB_APP", CheckRow("", "warn", advice)))
    broken = {name for name, _ in wrong}
    weak = [
        (name, CheckRow("", "warn", words)) for name, words in _weak(chosen).items() if name not in broken
    ]
    found = [row._replace(check=_group(name)) for name, row in (*wrong, *weak)]
    if chosen.inbox:
        found.append(CheckRow("Flowdock settings", "fine", "none: bridge serves an inbox of its own"))
    named = {row.check for row in found}
    found += [CheckRow(group, "fine") for group in (*_GROUPS, _OTHERS) if group not in named]
    order = [*_GROUPS, _OTHERS]
    return sorted(found, key=lambda row: order.index(row.check))


def unknown_rows(unknown: Set[str], misspelt: Mapping[str, str]) -> list[CheckRow]:
    """Return a row for each variable that is no setting of bridge, with the setting that it may mean."""
    remedies = dict.fromkeys(unknown, "remove it") | {
        wrong: f"did you mean {right}?" for wrong, right in misspelt.items()
    }
    return [
        CheckRow("unknown settings", "warn", f"{name} is not a setting of bridge: {remedies[name]}")
        for name in sorted(remedies)
    ]


def _group(name: str) -> str:
    return next((group for group, names in _GROUPS.items() if name in names), _OTHERS)


def _weak(chosen: Settings) -> dict[str, str]:
    """Return the settings that bridge accepts but that should change, each with the reason."""
    found = {}
    if _EXAMPLE.search(urlsplit(chosen.web_url).hostname or ""):
        found["WEB_URL"] = "WEB_URL is the example of the guides: set it to bridge's own address"
    elif chosen.web_url.startswith("http:"):
        found["WEB_URL"] = "WEB_URL is not https: anyone on the network can read cookies and claims"
    elif not chosen.trust_proxy:
        # bridge speaks no TLS itself, so with https there is something in front of it.
        found["TRUST_PROXY"] = (
            "WEB_URL is https, so bridge is behind a proxy, but TRUST_PROXY is not set: all visitors"
            " count as the proxy and share one PAGE_LIMIT. Set TRUST_PROXY=1, and make sure that it sends"
            " X-Forwarded-For"
        )
    if chosen.redis_url is None:
        found["REDIS_URL"] = "REDIS_URL is not set: the embedded Redis is not meant for production"
    if chosen.setup_secret is None and _needs_operator(chosen):
        found["SETUP_SECRET"] = (
            "SETUP_SECRET is not set: without it, /github/manifest opens only on bridge's own machine;"
            f" make one with: {variables.RANDOM_BY}"
        )
    if chosen.github_app and chosen.github_client_id:
        found["GITHUB_APP"] = "GITHUB_APP has no effect while GITHUB_CLIENT_ID is set: remove one of them"
    return found


def _needs_operator(chosen: Settings) -> bool:
    """Tell whether the GitHub App is made from another machine."""
    here = urlsplit(chosen.web_url).hostname in ("localhost", "127.0.0.1", "::1")
    return chosen.github_app and not chosen.github_client_id and not here
