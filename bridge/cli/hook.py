"""`bridge hook OWNER/REPO`: create or repair a repository's webhook, and see it work."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from bridge.cli import terminal
from bridge.clients.github import TokenRevoked
from bridge.clients.github_credentials import NoCredentials
from bridge.clients.github_repositories import Repository
from bridge.clients.github_webhooks import ComesWithApp, Ensured
from bridge.core.errors import BridgeError, GitHubFailing, GitHubRefused, NotLinked
from bridge.services import Services

PING_SECONDS = 15
MAX_TRIED = 20
"""Linked accounts to try, until one administers the repository."""

_POLL = 0.2
_PROGRESS = 5


@dataclass(frozen=True, kw_only=True)
class _Admin:
    """A person whose token makes the webhook; `who` names them in sentences."""

    who: str
    token: str = field(repr=False)


async def hook(services: Services, *, typed: str, login: str, token: str) -> None:
    """Create or repair the webhook, have GitHub ping, and wait for the ping to arrive.

    `login` is the linked account to do it as, empty for any that may; `token` that of GITHUB_TOKEN.
    Raises `BridgeError` with what to do, also where the ping does not arrive.
    """
    name = terminal.repository(typed)
    if app := await services.hooks.app():
        raise ComesWithApp(
            f"the webhook of {name} comes with the GitHub App {app.name}:"
            f" install it there, at {app.install_url}"
        )
    admin, repository = await _administered(services, name, login, token)
    connections = await services.connections.others_of("", repository.id, name)
    await services.pulls.name_by_github(repository.id, repository.full_name)
    ensured = await services.hooks.ensure(repository, token=admin.token)
    for connection in connections:
        await services.connections.change(connection.id, hook_id=ensured.id)
    done = "Created" if ensured.made else "Checked and repaired"
    print(f"{done} webhook {ensured.id} of {repository.full_name}, as {admin.who}.")
    await _see_ping(services, repository, ensured, admin)
    print(
        f"GitHub's ping arrived: {services.settings.web_url} receives the events of {repository.full_name}."
    )
    if not connections:
        print(
            f"No flow is connected yet: bridge connect {repository.full_name} --flow-token TOKEN, "
            "or connect it in the browser."
        )


async def _see_ping(services: Services, repository: Repository, ensured: Ensured, admin: _Admin) -> None:
    # Wait for a change, not for a time: the web process may have another clock.
    async def pinged_at() -> float:
        return await services.webhook_keys.pinged_at(ensured.id, repository_id=repository.id)

    before = await pinged_at()
    await services.hooks.ping(repository.full_name, ensured.id, token=admin.token)
    began, told = time.monotonic(), 0
    _tell_waiting(PING_SECONDS)
    while await pinged_at() == before:
        waited = time.monotonic() - began
        if waited > PING_SECONDS:
            raise BridgeError(
                f"the webhook exists, but GitHub's ping did not arrive within {PING_SECONDS} s: check that"
                f" bridge runs at {services.settings.web_url}, that GitHub can reach it, and that it has this"
                f" ENCRYPTION_KEY and this Redis; {repository.url}/settings/hooks/{ensured.id} shows"
                " the answer that GitHub got"
            )
        if waited >= told + _PROGRESS:
            told += _PROGRESS
            _tell_waiting(PING_SECONDS - told)
        await asyncio.sleep(_POLL)


def _tell_waiting(seconds: float) -> None:
    print(f"Waiting for GitHub's ping ({seconds} s) …", file=sys.stderr)


async def _administered(services: Services, name: str, login: str, token: str) -> tuple[_Admin, Repository]:
    """Find an administrator, and the repository as they see it; raises `BridgeError`."""
    tried: list[str] = []
    async for admin in _candidates(services, name, login, token):
        try:
            repository = await services.hooks.repositories.by_name(name, token=admin.token)
        except TokenRevoked:
            tried.append(f"GitHub no longer accepts the token of {admin.who}")
        except GitHubRefused as refusal:
            if not refusal.answered:
                raise BridgeError(f"{name} was renamed or moved: use its current name") from None
            tried.append(f"{admin.who} cannot see {name} on GitHub")
        else:
            if repository.may_hook:
                return admin, repository
            tried.append(f"{admin.who} does not administer {name}")
    if not tried:
        tried.append("nobody has linked a GitHub account")
    others = f" (and {len(tried) - 3} more)" if len(tried) > 3 else ""
    raise BridgeError(
        f"{'; '.join(tried[:3])}{others}: set GITHUB_TOKEN to the token of an administrator of {name},"
        " or have one link their account"
    )


async def _candidates(services: Services, name: str, login: str, token: str) -> AsyncIterator[_Admin]:
    """Return the named account; else GITHUB_TOKEN; else the installers, then all linked accounts."""
    linked = await services.account_store.logins()
    if login:
        wanted = login.removeprefix("@").lower()
        found = [
            admin
            for user, one in linked.items()
            if one.lower() == wanted
            if (admin := await _linked(services, user, one))
        ]
        if not found:
            raise NotLinked(f"@{login.removeprefix('@')} has not linked a GitHub account to bridge")
        for admin in found:
            yield admin
        return
    if token:
        yield _Admin(who="the user of GITHUB_TOKEN", token=token)
        return
    installers = [one.installer for one in await services.connections.others_of("", None, name)]
    for user in list(dict.fromkeys([*installers, *linked]))[:MAX_TRIED]:
        if user in linked and (admin := await _linked(services, user, linked[user])):
            yield admin


async def _linked(services: Services, user: str, login: str) -> _Admin | None:
    try:
        return _Admin(who=f"@{login}", token=await services.accounts.token(user))
    except (NotLinked, NoCredentials, GitHubFailing):
        return None
