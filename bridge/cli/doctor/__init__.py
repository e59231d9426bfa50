"""`bridge doctor`: check an installation, and say what to do.

Each check ends within seconds, whatever is broken. None ends in a traceback, and no row holds a secret.
"""

import asyncio
import json
from collections.abc import Mapping, Set
from dataclasses import replace

from bridge import settings
from bridge.cli.doctor import environment, external, redis, webhooks
from bridge.cli.doctor.rows import CheckRow, bounded, row_of
from bridge.cli.terminal import table
from bridge.core.errors import BridgeError
from bridge.core.security.encryption import MIN_KEY
from bridge.services import open_services
from bridge.settings import Settings

WEBHOOKS_SECONDS = 30
"""For all repositories together."""

_OF_GITHUB = {"GITHUB_URL", "GITHUB_API_URL"}
_OF_FLOWDOCK = {"FLOWDOCK_CLIENT_ID", "FLOWDOCK_CLIENT_SECRET", "FLOWDOCK_API_URL"}


async def examine(
    environ: Mapping[str, str], *, redis_url: str | None, as_json: bool, unknown: Set[str]
) -> None:
    """Check the settings and, unless `redis_url` is None, the services behind them; print a table, or JSON.

    `unknown` are the names in the file of settings that are none of bridge's. Raises `BridgeError` if a check
    is wrong; a warning is no failure.
    """
    rows = await look(environ, redis_url=redis_url, unknown=unknown)
    if as_json:
        print(
            json.dumps(
                [{"check": row.check, "state": row.state, "to_do": row.to_do} for row in rows], indent=2
            )
        )
    else:
        print(table(("CHECK", "STATE", "WHAT TO DO"), rows))
    if wrong := sum(row.state == "wrong" for row in rows):
        raise BridgeError(f"{wrong} of {len(rows)} checks failed")


async def look(
    environ: Mapping[str, str], *, redis_url: str | None, unknown: Set[str] = frozenset()
) -> list[CheckRow]:
    """Return the rows that `examine` prints; raises nothing."""
    chosen, problems = settings.examine(environ)
    rows = [
        *environment.rows(chosen, problems),
        *environment.unknown_rows(unknown, settings.misspelt(environ)),
    ]
    if redis_url is not None:
        rows += await _around(chosen, {problem.split()[0] for problem in problems}, redis_url)
    return rows


async def _around(chosen: Settings, broken: set[str], redis_url: str) -> list[CheckRow]:
    """Check the services, except those whose settings are broken: these have a row already."""
    usable = replace(chosen, encryption_keys=("-" * MIN_KEY,)) if "ENCRYPTION_KEY" in broken else chosen
    async with open_services(usable, redis_url=redis_url) as services:
        tokens, ids = "ENCRYPTION_KEY" not in broken, not broken & {*_OF_GITHUB, *_OF_FLOWDOCK}
        checks = [bounded("Redis", redis.rows(services, tokens=tokens, ids=ids), seconds=20)]
        if not broken & _OF_GITHUB:
            checks.append(row_of("GitHub", external.github(services)))
            if not broken & {*settings.GITHUB_OF_THE_ENVIRONMENT, "ENCRYPTION_KEY"}:
                checks.append(row_of("GitHub credentials", external.github_client(services)))
        if not chosen.inbox and not broken & _OF_FLOWDOCK:
            checks.append(row_of("Flowdock credentials", external.flowdock_client(services)))
        if chosen.inbox and chosen.smtp_url and not broken & {"SMTP_URL", "MAIL_FROM"}:
            checks.append(row_of("mail server", external.mail_server(services)))
        if not broken & {"WEB_URL", "PORT", "ENCRYPTION_KEY"}:
            checks.append(row_of("public address", external.public_address(services)))
        if not broken & {*_OF_GITHUB, "WEB_URL", "ENCRYPTION_KEY"}:
            checks.append(bounded("webhooks", webhooks.rows(services), seconds=WEBHOOKS_SECONDS))
        found = await asyncio.gather(*checks)
    return [row for rows in found for row in rows]
