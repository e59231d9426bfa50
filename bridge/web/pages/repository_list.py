"""The repositories that the linked account sees on GitHub, to search and choose from."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import msgspec

from bridge.clients.github_repositories import Repository
from bridge.core.errors import NotLinked
from bridge.core.model import Flow
from bridge.services import Services

MOST_SHOWN = 50
KEPT_FROM = 100
"""The length from which a list is cached: each search would fetch all of GitHub's pages again."""

KEPT_SECONDS = 300

_KIND = "repositories"


@dataclass(frozen=True, kw_only=True)
class Listed:
    """All repositories that the account sees; `age` in seconds, 0 for a list of this moment.

    `hidden` counts the organizations whose repositories wait for the account's single sign-on.
    """

    repositories: tuple[Repository, ...]
    login: str
    hidden: int
    age: int = 0


@dataclass(frozen=True, kw_only=True)
class RepositoryRow:
    """A repository in the list; `barred` is why it cannot be chosen, `note` what to know before."""

    repository: Repository
    barred: str = ""
    note: str = ""
    connection_id: str = ""
    """The existing connection's."""


@dataclass(frozen=True, kw_only=True)
class RepositoryPage:
    """The part of the list that matches the search; `more` match too."""

    listed: Listed
    rows: tuple[RepositoryRow, ...]
    more: int
    install_url: str
    """The page to install the GitHub App on repositories; empty without one."""

    @property
    def choosable(self) -> bool:
        """Whether any repository can be chosen."""
        return any(not row.barred for row in self.rows)


async def read(services: Services, user: str, *, anew: bool = False) -> Listed:
    """Return the linked account's repositories; raises `NotLinked`, and as `GitHubRepositories.all` does."""
    account = await services.account_store.get(user)
    if account is None:
        raise NotLinked("no GitHub account is linked yet")
    name = f"{user}:{account.github.id}"
    kept = None if anew else await services.one_time.peek(_KIND, name)
    if kept is not None:
        found = tuple(msgspec.convert(one, Repository) for one in kept["repositories"])
        age = int(time.time() - kept["read_at"])
        return Listed(repositories=found, login=account.github.login, hidden=kept["hidden"], age=age)
    all_, hidden = await services.accounts.as_user(user, services.hooks.repositories.all)
    if len(all_) > KEPT_FROM:
        repositories = [asdict(one) for one in all_]
        value = {"read_at": time.time(), "repositories": repositories, "hidden": hidden}
        await services.one_time.put(_KIND, name, value, seconds=KEPT_SECONDS)
    return Listed(repositories=tuple(all_), login=account.github.login, hidden=hidden)


async def shown(services: Services, flow: Flow, listed: Listed, search: str) -> RepositoryPage:
    """Return the part of the list that matches `search`, for connecting `flow`."""
    # One made by command is known by name until its repository's first delivery.
    connected = {
        connection.repository_id or connection.repository.lower(): connection.id
        for connection in await services.connections.all()
        if connection.flow.lower() == flow.path.lower()
    }
    app = await services.hooks.app()
    fitting = [one for one in listed.repositories if fits(one, search)]
    return RepositoryPage(
        listed=listed,
        rows=tuple(rows(fitting[:MOST_SHOWN], connected, with_app=app is not None)),
        more=max(0, len(fitting) - MOST_SHOWN),
        install_url=app.install_url if app else "",
    )


def fits(repository: Repository, search: str) -> bool:
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
