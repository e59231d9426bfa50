"""A repository's webhook at GitHub, made and mended as a user who administers the repository.

https://docs.github.com/rest/repos/webhooks
"""

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from bridge.core.actions import Call
from bridge.core.errors import GitHubFailing, GitHubRefused
from bridge.core.translate import EVENTS as NEEDED
from bridge.core.translate import MERGEABLE
from bridge.github import GitHub

EVENTS = tuple(sorted(NEEDED - {MERGEABLE}))
"""What a webhook must ask GitHub for."""

PATH = "/github/webhook"
MAX_REPOSITORIES = 5000


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository as one user sees it; `may_hook`: they administer it, and so may make a webhook."""

    id: int
    full_name: str
    url: str
    private: bool
    archived: bool
    may_hook: bool
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Hook:
    """A webhook that points at bridge; `problems` are what keeps it from working, in words."""

    id: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ensured:
    """A webhook as it should be; `made`: GitHub did not have it before."""

    id: int
    made: bool


class Hooks:
    """Webhooks to `web_url`, signed with `secret`."""

    def __init__(self, github: GitHub, *, web_url: str, secret: str) -> None:
        self._github = github
        self._url = web_url + PATH
        self._secret = secret

    async def repositories(self, token: str) -> list[Repository]:
        """All repositories that the user has to do with; raises as `GitHub.call` does.

        https://docs.github.com/rest/repos/repos#list-repositories-for-the-authenticated-user
        """
        url = "/user/repos?per_page=100&sort=full_name&affiliation=owner,collaborator,organization_member"
        call = Call(method="GET", url=url)
        found = await self._github.pages(
            call, token=token, subject="your repositories", most=MAX_REPOSITORIES
        )
        return sorted((_repository(one) for one in found), key=lambda one: one.full_name.lower())

    async def repository(self, full_name: str, *, token: str) -> Repository:
        """One repository as the user sees it; raises as `GitHub.call` does."""
        return _repository(await self._call("GET", full_name, "", token=token))

    async def find(self, full_name: str, *, token: str) -> Hook | None:
        """The repository's webhook to bridge, and what is wrong with it; raises as `GitHub.call` does."""
        found = await self._ours(full_name, token)
        return Hook(id=found[0]["id"], problems=tuple(_problems(found[0]))) if found else None

    async def ensure(self, full_name: str, *, token: str) -> Ensured:
        """Make the webhook, or mend the one there is; further ones to bridge are removed.

        GitHub does not tell a webhook's secret, so it is set anew each time. Raises as `GitHub.call` does.
        """
        known = await self._ours(full_name, token)
        for superfluous in known[1:]:
            await self.remove(full_name, superfluous["id"], token=token)
        body = {"active": True, "events": list(EVENTS), "config": self._config}
        if known:
            hook_id = known[0]["id"]
            await self._call("PATCH", full_name, f"/hooks/{hook_id}", token=token, data=body)
            return Ensured(id=hook_id, made=False)
        made = await self._call("POST", full_name, "/hooks", token=token, data={"name": "web", **body})
        return Ensured(id=_id(made), made=True)

    async def ping(self, full_name: str, hook_id: int, *, token: str) -> None:
        """Have GitHub send a ping; raises as `GitHub.call` does."""
        await self._call("POST", full_name, f"/hooks/{hook_id}/pings", token=token)

    async def remove(self, full_name: str, hook_id: int, *, token: str) -> None:
        """Remove a webhook; one that is gone already is a success. Raises as `GitHub.call` does."""
        try:
            await self._call("DELETE", full_name, f"/hooks/{hook_id}", token=token)
        except GitHubRefused as refusal:
            if refusal.answered != 404:
                raise

    @property
    def _config(self) -> dict[str, str]:
        return {"url": self._url, "content_type": "json", "secret": self._secret, "insecure_ssl": "0"}

    async def _ours(self, full_name: str, token: str) -> list[dict[str, Any]]:
        call = _call("GET", full_name, "/hooks?per_page=100")
        found = await self._github.pages(call, token=token, subject=full_name, most=100)
        return [one for one in found if _leads_to(one, self._url)]

    async def _call(
        self,
        method: Literal["GET", "POST", "PATCH", "DELETE"],
        full_name: str,
        path: str,
        *,
        token: str,
        data: dict[str, Any] | None = None,
    ) -> Any:
        return await self._github.call(_call(method, full_name, path, data), token=token, subject=full_name)


def _call(method: str, full_name: str, path: str, data: dict[str, Any] | None = None) -> Call:
    owner, _, repo = full_name.partition("/")
    return Call(
        method=method,
        url="/repos/{owner}/{repo}" + path,
        variables={"owner": owner, "repo": repo},
        data=data or {},
    )


def _leads_to(hook: Any, url: str) -> bool:
    """Whether a webhook's address is `url`, whatever its query."""
    config = hook.get("config") if isinstance(hook, dict) else None
    given, wanted = urlsplit(str((config or {}).get("url") or "")), urlsplit(url)
    return (given.scheme, given.netloc.lower(), given.path.rstrip("/")) == (
        wanted.scheme,
        wanted.netloc.lower(),
        wanted.path,
    )


def _problems(hook: dict[str, Any]) -> list[str]:
    events, config = hook.get("events") or [], hook.get("config") or {}
    problems = []
    if not hook.get("active"):
        problems.append("it is switched off")
    if "*" not in events and (missing := sorted(set(EVENTS) - set(events))):
        problems.append(f"it does not send {', '.join(missing)}")
    if str(config.get("insecure_ssl", "0")) != "0":
        problems.append("it does not check bridge's certificate")
    if not config.get("secret"):
        problems.append("it has no secret")
    return problems


def _repository(found: Any) -> Repository:
    try:
        return Repository(
            id=int(found["id"]),
            full_name=str(found["full_name"]),
            url=str(found.get("html_url") or ""),
            private=bool(found.get("private")),
            archived=bool(found.get("archived")),
            may_hook=bool((found.get("permissions") or {}).get("admin")),
            description=str(found.get("description") or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise GitHubFailing("GitHub answered something else than it documents") from None


def _id(made: Any) -> int:
    if not isinstance(made, dict) or not isinstance(made.get("id"), int):
        raise GitHubFailing("GitHub answered something else than it documents")
    return int(made["id"])
