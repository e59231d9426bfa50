"""Repositories on GitHub, as one user sees them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from bridge.clients.github import GitHub, Pages, is_apps
from bridge.clients.github_credentials import GitHubCredentials
from bridge.core import names
from bridge.core.actions import Call
from bridge.core.errors import GitHubFailing, Malformed, NotLinked
from bridge.core.github import app_manifest
from bridge.core.urls import web_address

MAX_REPOSITORIES = 5000


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository as one user sees it; `may_hook`: the user administers it, and may make a webhook."""

    id: int
    full_name: str
    url: str
    private: bool
    archived: bool
    may_hook: bool
    description: str = ""
    pull_requests: str = ""
    """The reason why not everybody may open pull requests, as a sentence; empty if they may."""
    installed: bool = True
    """False where bridge has a GitHub App that is not installed on it: nothing comes from there."""


class RepositoryListing(NamedTuple):
    """Repositories; `hidden` counts the organizations whose repositories wait for single sign-on."""

    repositories: list[Repository]
    hidden: int = 0


class LackingRights(NamedTuple):
    """The permissions that an installation of the App lacks, and its page on GitHub."""

    url: str
    permissions: tuple[app_manifest.Permission, ...]


class GitHubRepositories:
    """Lists and looks up repositories."""

    def __init__(self, github: GitHub, credentials: GitHubCredentials) -> None:
        self._github = github
        self._credentials = credentials

    async def all(self, token: str) -> RepositoryListing:
        """Return all repositories that the user has access to; raises `NotLinked`, and as `GitHub.call` does.

        With a GitHub App, `installed` tells whether it is installed on each.
        https://docs.github.com/rest/repos/repos#list-repositories-for-the-authenticated-user
        """
        url = "/user/repos?per_page=100&sort=full_name&affiliation=owner,collaborator,organization_member"
        found = await self._pages(url, token)
        known = {one.id: one for one in _repositories(found.items)}
        if await self._credentials.app() is not None:
            known = {each.id: replace(each, installed=False) for each in known.values()}
            known |= {one.id: one for one in await self._installed(token)}
        in_order = sorted(known.values(), key=lambda one: one.full_name.lower())
        return RepositoryListing(in_order, found.hidden)

    async def _installed(self, token: str) -> list[Repository]:
        """Return the repositories with the App that the user may see.

        Raises `NotLinked` for a token of an OAuth App, to which GitHub does not show installations.
        https://docs.github.com/rest/apps/installations
        """
        found: list[Repository] = []
        for installation in await self._installations(token):
            if not installation.get("suspended_at"):
                url = f"/user/installations/{int(installation['id'])}/repositories?per_page=100"
                found += _repositories((await self._pages(url, token, items="repositories")).items)
        return found

    async def _installations(self, token: str) -> list[Any]:
        if not is_apps(token):
            raise NotLinked("your account was linked before bridge had its GitHub App: link it again")
        url = "/user/installations?per_page=100"
        return (await self._pages(url, token, items="installations")).items

    async def lacking(self, full_name: str, *, token: str) -> LackingRights | None:
        """Return what the App's installation on a repository's account lacks; None if it lacks nothing.

        Raises as `all` does.
        """
        owner = full_name.partition("/")[0].lower()
        for one in await self._installations(token):
            if str((one.get("account") or {}).get("login")).lower() == owner:
                rights = app_manifest.lacking(one.get("permissions") or {})
                return LackingRights(web_address(one.get("html_url")), rights) if rights else None
        return None

    async def _pages(self, url: str, token: str, *, items: str = "items") -> Pages:
        call = Call(method="GET", url=url, data={"items": items})
        return await self._github.pages(call, token=token, subject="your repositories", most=MAX_REPOSITORIES)

    async def by_name(self, full_name: str, *, token: str) -> Repository:
        """Return a repository by its full name; raises as `GitHub.call` does."""
        call = repository_call("GET", full_name, "")
        return read_repository(await self._github.call(call, token=token, subject=full_name))

    async def by_id(self, repository_id: int, *, token: str, subject: str = "the repository") -> Repository:
        """Return a repository by its id, whatever its name is now.

        A refusal names `subject`. Raises as `GitHub.call` does.
        """
        call = Call(method="GET", url="/repositories/{id}", variables={"id": str(repository_id)})
        found = read_repository(await self._github.call(call, token=token, subject=subject))
        if found.id != repository_id:
            raise GitHubFailing("GitHub answered with another repository than the one asked for")
        return found

    async def present(self, repository_id: int | None, full_name: str, *, token: str) -> Repository:
        """Return a connection's repository: by its id, or by its name while the id is unknown."""
        if repository_id is None:
            return await self.by_name(full_name, token=token)
        return await self.by_id(repository_id, token=token, subject=full_name)


def repository_call(method: str, full_name: str, path: str, data: dict[str, Any] | None = None) -> Call:
    """Make a call below a repository's address."""
    owner, _, repo = full_name.partition("/")
    return Call(
        method=method,
        url="/repos/{owner}/{repo}" + path,
        variables={"owner": owner, "repo": repo},
        data=data or {},
    )


async def query_repository(
    github: GitHub,
    query: str,
    repository_id: int,
    full_name: str,
    *,
    token: str,
    subject: str,
    **variables: Any,
) -> dict[str, Any]:
    """Return the `repository` of a GraphQL query; empty if another one has the name now.

    Raises as `GitHub.call` does.
    """
    owner, _, name = full_name.partition("/")
    call = Call(method="GRAPHQL", url=query, data={"owner": owner, "name": name, **variables})
    answer = await github.call(call, token=token, subject=subject)
    found: dict[str, Any] = answer["repository"] or {}
    return found if found.get("databaseId") == repository_id else {}


def _repositories(found: Iterable[Any]) -> list[Repository]:
    """Read a list; a repository with a name that GitHub does not allow is left out."""
    return [read_repository(one) for one in found if names.is_full_name(one.get("full_name"))]


def read_repository(found: Any) -> Repository:
    """Read a repository from GitHub's answer; raises `GitHubFailing`."""
    try:
        return Repository(
            id=int(found["id"]),
            full_name=names.full_name(found["full_name"]),
            url=str(found.get("html_url") or ""),
            private=bool(found.get("private")),
            archived=bool(found.get("archived")),
            may_hook=bool((found.get("permissions") or {}).get("admin")),
            description=str(found.get("description") or ""),
            pull_requests=_pull_requests(found),
        )
    except (KeyError, TypeError, ValueError, AttributeError, Malformed):
        raise GitHubFailing("GitHub sent an answer that bridge does not understand") from None


def _pull_requests(found: Any) -> str:
    """Say why not everybody may open pull requests.

    https://docs.github.com/rest/repos/repos#get-a-repository
    """
    if found.get("has_pull_requests") is False:
        return "pull requests are switched off in its settings"
    if found.get("pull_request_creation_policy") == "collaborators_only":
        return "only collaborators may open pull requests there"
    return ""
