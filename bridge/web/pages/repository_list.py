"""The repositories that the linked account sees on GitHub, to search and choose from."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import msgspec

from bridge.clients.github_repositories import Repository
from bridge.core.errors import NotLinked
from bridge.core.model import Flow
from bridge.services import Services

MOST_SHOWN = 50
KEPT_FROM = 100
"""The length from which a list is cached: each search would fetch all of GitHub's pages again."""

KEPT_SECONDS = 300

_KIND = "listed"


@dataclass(frozen=True, kw_only=True)
class Listed:
    """All repositories that the account sees; `age` is in seconds, 0 for a list just read.

    `hidden` counts the organizations whose repositories wait for the account's single sign-on.
    """

    repositories: tuple[Repository, ...]
    login: str
    hidden: int
    age: int = 0


@dataclass(frozen=True, kw_only=True)
class RepositoryRow:
    """A repository in the list; `barred` says why it cannot be chosen, `note` what to know before."""

    repository: Repository
    barred: str = ""
    note: str = ""
    connection_id: str = ""
    """The existing connection's."""


async def read(services: Services, user: str, *, reload: bool = False) -> Listed:
    """Return the linked account's repositories; raises `NotLinked`, and as `GitHubRepositories.all` does."""
    account = await services.account_store.get(user)
    if account is None:
        raise NotLinked("no GitHub account is linked yet")
    name = f"{user}:{account.github.id}"
    if not reload and (kept := await services.one_time.peek(_KIND, name)):
        age = int(time.time() - kept["read_at"])
        return replace(msgspec.convert(kept["listed"], Listed), age=age)
    found, hidden = await services.accounts.as_user(user, services.hooks.repositories.all)
    listed = Listed(repositories=tuple(found), login=account.github.login, hidden=hidden)
    if len(found) > KEPT_FROM:
        value = {"read_at": time.time(), "listed": asdict(listed)}
        await services.one_time.put(_KIND, name, value, seconds=KEPT_SECONDS)
    return listed


async def shown(services: Services, flow: Flow, listed: Listed, search: str) -> dict[str, Any]:
    """Return the values of `setup.html` for the part of the list that matches `search`; `more` match too."""
    # One made by command is known by name until its repository's first delivery.
    connected = {
        connection.repository_id or connection.repository.lower(): connection.id
        for connection in await services.connections.all()
        if connection.flow.lower() == flow.path.lower()
    }
    app = await services.hooks.app()
    matching = [one for one in listed.repositories if matches(one, search)]
    return {
        "listed": listed,
        "rows": list(rows(matching[:MOST_SHOWN], connected, with_app=app is not None)),
        "more": max(0, len(matching) - MOST_SHOWN),
        "github_app": app,
    }


def matches(repository: Repository, search: str) -> bool:
    """Tell whether a repository's name or description has each word of a search, in any case."""
    text = f"{repository.full_name} {repository.description}".lower()
    return all(word in text for word in search.lower().split())


def rows(
    repositories: Iterable[Repository], connected: Mapping[int | str, str], *, with_app: bool
) -> Iterable[RepositoryRow]:
    """Show each repository; `connected` are the flow's connections, by the repository's id or name."""
    for one in repositories:
        barred, note = "", ""
        connection_id = connected.get(one.id) or connected.get(one.full_name.lower(), "")
        if connection_id:
            barred = "Connected to this flow."
        elif one.archived:
            barred = "Archived."
        elif with_app and not one.installed:
            barred = "The GitHub App is not installed here. Install it first."
        elif not one.may_hook:
            note = "You are not an administrator here. You get a link to send to one."
        yield RepositoryRow(repository=one, barred=barred, note=note, connection_id=connection_id)
