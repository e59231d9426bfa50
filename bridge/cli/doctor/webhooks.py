"""The checks of each connected repository's webhook, with the token of a person who connected it."""

import asyncio
import time
from itertools import groupby

from bridge.cli.doctor.rows import CheckRow, bounded
from bridge.cli.terminal import duration
from bridge.clients.github import TokenRevoked
from bridge.clients.github_credentials import App
from bridge.clients.github_repositories import Repository
from bridge.core.errors import BridgeError, GitHubRefused, NotLinked
from bridge.core.github import app_manifest
from bridge.core.model import Connection
from bridge.services import Services

MAX_REPOSITORIES = 50
AT_ONCE = 5

_MUST_LINK = (
    "GitHub no longer accepts the token of the person who connected it: they must link their account again"
)


def _repository(one: Connection) -> tuple[str, int]:
    # Another repository may have the name that this one had when it was connected.
    return one.repository.lower(), one.repository_id or 0


async def rows(services: Services) -> list[CheckRow]:
    """Return a row for each repository, and one for each connection with a problem."""
    connections = await services.connections.all()
    if not connections:
        return [CheckRow("connections", "fine", "none yet")]
    in_order = sorted(connections, key=_repository)
    repositories = [list(group) for _, group in groupby(in_order, _repository)]
    app = await services.hooks.app()
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(of_one: list[Connection]) -> list[CheckRow]:
        async with gate:
            check = f"webhook of {of_one[0].repository}"
            asked = _installed(services, check, of_one, app) if app else _hook(services, check, of_one)
            return await bounded(check, asked)

    asked = await asyncio.gather(*map(ask, repositories[:MAX_REPOSITORIES]))
    found = [row for one in asked for row in one]
    if (left := len(repositories) - MAX_REPOSITORIES) > 0:
        found.append(CheckRow("webhooks", "warn", f"{left} more were not checked"))
    return found + [
        CheckRow(f"connection {one.id}", "warn", f"{one.repository}: {one.problem.text}")
        for one in connections
        if one.problem
    ]


async def _hook(services: Services, check: str, connections: list[Connection]) -> list[CheckRow]:
    repository = await services.pulls.present_name(connections[0])
    mend = f"bridge hook {repository}"
    token = await _token(services, connections)
    if token is None:
        return [CheckRow(check, "warn", f"no linked account can check it: try {mend}")]
    try:
        shown = await services.hooks.repositories.present(
            connections[0].repository_id, repository, token=token
        )
        hook = await services.hooks.find(shown, token=token)
    except TokenRevoked:
        return [CheckRow(check, "warn", _MUST_LINK)]
    except GitHubRefused as error:
        return [
            CheckRow(
                check, "warn", f"{error}: the person who connected it cannot see it on GitHub; try {mend}"
            )
        ]
    except BridgeError as error:
        return [CheckRow(check, "warn", str(error))]
    if hook is None:
        return [CheckRow(check, "wrong", f"GitHub has no webhook for bridge: {mend}")]
    if hook.problems:
        return [CheckRow(check, "wrong", f"{'; '.join(hook.problems)}: {mend}")]
    pinged_at = await services.webhook_keys.pinged_at(hook.id, repository_id=shown.id)
    seen = f"pinged {duration(time.time() - pinged_at)} ago" if pinged_at else "no ping within a day"
    return [CheckRow(check, "fine", seen), *_pull_requests(shown, repository)]


def _pull_requests(shown: Repository, repository: str) -> list[CheckRow]:
    named = f"pull requests of {repository}"
    return [CheckRow(named, "warn", shown.pull_requests)] if shown.pull_requests else []


async def _installed(
    services: Services, check: str, connections: list[Connection], app: App
) -> list[CheckRow]:
    known, repository = connections[0].repository_id, await services.pulls.present_name(connections[0])
    try:
        installation = await services.hooks.installation(app, known, repository)
        if installation is None:
            return [CheckRow(check, "wrong", f"install the GitHub App {app.name} there: {app.install_url}")]
        token = await _token(services, connections)
        shown = await services.hooks.repositories.present(known, repository, token=token) if token else None
    except BridgeError as error:
        return [CheckRow(check, "warn", str(error))]
    row = CheckRow(check, "fine", f"comes with the GitHub App {app.name}")
    if unheard := app_manifest.unheard(installation["permissions"], installation["events"]):
        words = f"subscribe the GitHub App to {', '.join(unheard)}: {app.url}, its Permissions & events"
        row = CheckRow(check, "warn", words)
    return [row, *(_pull_requests(shown, repository) if shown else ())]


async def _token(services: Services, connections: list[Connection]) -> str | None:
    for user in dict.fromkeys(one.installer for one in connections if one.installer):
        try:
            return await services.accounts.token(user)
        except NotLinked:
            continue
    return None
