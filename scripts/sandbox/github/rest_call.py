"""One REST call as an endpoint gets it: who calls, and what of their repositories they reach.

https://docs.github.com/rest/authentication/authenticating-to-the-rest-api
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from aiohttp import web

from .app_permissions import Alternatives
from .apps import App
from .clients import Client
from .model import Permission, Pull, Repo
from .payloads import Json
from .records import User
from .refusals import Refused, not_found, without_sign_on
from .services import Services
from .tokens import Token

PREFIX = "/api/v3"
NOT_FOR_APPS = "Resource not accessible by integration"
MOVED = "Moved Permanently"


class HasId(Protocol):
    """An item that GitHub numbers."""

    @property
    def id(self) -> int:
        """Its number."""


Item = TypeVar("Item", bound=HasId)


@dataclass(frozen=True)
class Answer:
    """The answer of an endpoint; no `body` at all for 204."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One REST call by a known or an unknown caller.

    `client` and `app` are there where a route demands their credentials in place of a token. `needs` are the
    permissions a GitHub App's token must have.
    """

    request: web.Request
    services: Services
    token: Token | None
    body: Json
    client: Client | None = None
    app: App | None = None
    needs: Alternatives = ()

    @property
    def user(self) -> User:
        """The caller; refuses without a good token."""
        if self.token is None:
            raise Refused(401, "Requires authentication")
        return self.token.user

    def repo(self, *, write: bool = False) -> Repo:
        """Return the repository of the path; 404 if the caller, or the scope of their token, may not see it.

        https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
        """
        repo = self.named_repo()
        scopes = self.token.scopes if self.token else ()
        if not self.reaches(repo):
            raise not_found()
        if write:
            _ = self.user
            if not (self.by_app or {"repo", "public_repo"} & set(scopes)):
                raise not_found()
        return repo

    @property
    def by_app(self) -> bool:
        """Whether the token is a GitHub App's, which has permissions in place of scopes."""
        return bool(self.token and self.token.app_id)

    def reaches(self, repo: Repo) -> bool:
        """Tell whether the token leads to the repository, whatever the caller may do there."""
        if not repo.private or self.app:
            return True
        if self.token and self.by_app:
            return self.services.apps.granted(self.token, repo) is not None
        return bool(self.token and "repo" in self.token.scopes)

    def require_user(self) -> User:
        """Return the caller, who is to be a person: refuses the token of an installation."""
        user = self.user
        if self.token and self.token.installation_id:
            raise Refused(403, NOT_FOR_APPS)
        return user

    @property
    def _manages_hooks(self) -> bool:
        """Whether the token's scopes lead to the webhooks of what is private, and the call is for those."""
        scopes = self.token.scopes if self.token else ()
        hooks = ("repository_hooks", "read") in self.needs or ("repository_hooks", "write") in self.needs
        return hooks and any(scope.endswith(":repo_hook") for scope in scopes)

    def check_app(self, repo: Repo) -> None:
        """Refuse what a GitHub App's token may not do: more than the App may, or where it is not installed.

        What is public can be read all the same, but for webhooks.
        https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-with-a-github-app-on-behalf-of-a-user
        """
        if not (self.token and self.by_app):
            return
        if not self.reaches(repo):
            raise not_found()
        hooks = ("repository_hooks", "read") in self.needs
        if self.request.method in {"GET", "HEAD"} and not repo.private and not hooks:
            return
        if not self.services.apps.may(self.token, repo, self.needs):
            raise Refused(403, NOT_FOR_APPS)

    def named_repo(self) -> Repo:
        """Return the repository of the path, by name or number, if the caller may see it.

        Its former names lead to its number.
        https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
        """
        world, match = self.services.world, self.request.match_info
        name = f"{match.get('owner')}/{match.get('repo')}"
        number = int(match.get("repository_id") or world.moved.get(name.lower(), 0))
        repo = world.repo_by_id(number) if number else world.repo(name)
        if repo is None or not self._shows(repo):
            raise not_found()
        if number and "repository_id" not in match:
            if not (self.reaches(repo) or self._manages_hooks):
                raise not_found()
            former = f"{PREFIX}/repos/{match['owner']}/{match['repo']}"
            rest = self.request.rel_url.raw_path_qs.removeprefix(former)
            url = f"{self.services.config.api_url}/repositories/{number}{rest}"
            safe = self.request.method in {"GET", "HEAD"}
            raise Refused(301 if safe else 307, MOVED if safe else "Temporary Redirect", url=url)
        if self.lacks_sign_on(repo):
            raise without_sign_on(self.services.config.web_url, repo.owner.login)
        self.check_app(repo)
        return repo

    def lacks_sign_on(self, repo: Repo) -> bool:
        """Tell whether the repository's organization first asks the caller for single sign-on."""
        without = self.services.world.without_sign_on
        return repo.owner.kind == "Organization" and self.token is not None and self.token.user.id in without

    def _shows(self, repo: Repo) -> bool:
        """Tell whether the caller may know of it: an App by its JWT only of those it is installed on."""
        if self.app:
            return self.services.apps.covering(self.app, repo) is not None
        return repo.permission(self.token.user if self.token else None) >= Permission.READ

    def item(self, items: Iterable[Item]) -> Item:
        """Return the one of these whose id the path names; 404 if none has it."""
        for one in items:
            if str(one.id) == self.request.match_info["id"]:
                return one
        raise not_found()

    def pull(self, repo: Repo) -> Pull:
        """Return the pull request of the path."""
        number = self.request.match_info["number"]
        pull = repo.pulls.get(int(number)) if number.isdigit() else None
        if pull is None:
            raise not_found()
        return pull
