"""A repository's webhook on GitHub, made and repaired as a user who administers the repository.

https://docs.github.com/rest/repos/webhooks
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from bridge.clients.github import GitHub
from bridge.clients.github_credentials import App, GitHubCredentials
from bridge.clients.github_repositories import GitHubRepositories, Repository, repository_call
from bridge.core.actions import Call
from bridge.core.errors import BridgeError, GitHubFailing, GitHubRefused
from bridge.core.github.redelivery import Attempt, read_attempt
from bridge.core.github.webhook import WEBHOOK_PATH
from bridge.core.messages import translate
from bridge.storage.webhook_keys import WebhookKey, WebhookKeys

EVENTS = tuple(sorted(translate.EVENTS - translate.APP_EVENTS))
"""The events that a repository's webhook subscribes to."""


@dataclass(frozen=True, kw_only=True)
class Hook:
    """A webhook that points at bridge; `problems` say in words why it does not work."""

    id: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ensured:
    """A working webhook; `made` tells whether it is new."""

    id: int
    made: bool


class ComesWithApp(BridgeError):
    """The GitHub App has a webhook: one of the repository's own would deliver everything twice."""

    status = 409


class RepositoryWebhooks:
    """Webhooks to `web_url`, each with its own address and secret."""

    def __init__(
        self, github: GitHub, credentials: GitHubCredentials, keys: WebhookKeys, *, web_url: str
    ) -> None:
        self._github = github
        self._credentials = credentials
        self._keys = keys
        self.repositories = GitHubRepositories(github, credentials)
        self._url = web_url + WEBHOOK_PATH

    async def app(self) -> App | None:
        """Return the GitHub App that brings the webhook, None if each repository needs its own."""
        return await self._credentials.app()

    async def installed(self, repository_id: int | None, full_name: str) -> bool | None:
        """Ask GitHub whether the App has access to a repository; raises as `GitHub.call` does.

        None without an App, and where webhooks made by hand may deliver in its place.
        https://docs.github.com/rest/apps/apps#get-a-repository-installation-for-the-authenticated-app
        """
        app = await self.app()
        if app is None or self._credentials.by_hand:
            return None
        return await self.installation(app, repository_id, full_name) is not None

    async def installation(
        self, app: App, repository_id: int | None, full_name: str
    ) -> Mapping[str, Any] | None:
        """Return an App's installation with access to a repository; raises as `GitHub.call` does."""
        call = repository_call("GET", full_name, "/installation")
        if repository_id is not None:
            call = Call(method="GET", url=f"/repositories/{repository_id}/installation")
        try:
            found: Any = await self._github.call(call, token=app.jwt(now=time.time()), subject=full_name)
        except GitHubRefused as refusal:
            if refusal.answered != 404:
                raise
            return None
        return found if isinstance(found, dict) and not found.get("suspended_at") else None

    async def find(self, repository: Repository, *, token: str) -> Hook | None:
        """Return the repository's webhook to bridge, with its problems.

        Raises `ComesWithApp`, and as `GitHub.call` does.
        """
        await self._refuse_besides_app()
        found = await self._ours(repository.full_name, token)
        if not found:
            return None
        problems = _problems(found[0])
        key = self._key_of(found[0])
        if key and not await self._keys.is_valid(key, repository_id=repository.id):
            problems.append("its address is out of date")
        return Hook(id=found[0]["id"], problems=tuple(problems))

    async def ensure(self, repository: Repository, *, token: str) -> Ensured:
        """Make the webhook or repair the existing one, and remove further ones to bridge.

        Its address and secret are new each time; the former ones stop working. Raises `ComesWithApp`, and as
        `GitHub.call` does.
        """
        await self._refuse_besides_app()
        async with self._keys.held(repository.id):
            return await self._ensured(repository, token)

    async def _ensured(self, repository: Repository, token: str) -> Ensured:
        known = await self._ours(repository.full_name, token)
        for superfluous in known[1:]:
            await self.remove(repository.full_name, superfluous["id"], token=token)
        key = await self._keys.make(repository.id)
        try:
            ensured = await self._put(repository.full_name, known[0]["id"] if known else None, key, token)
        except GitHubFailing:
            # GitHub may have taken it: both keys stay valid until it says which one it has.
            raise
        except BaseException:
            await self._keys.revoke(key)
            raise
        await self._keys.keep_only(key)
        return ensured

    async def _put(self, full_name: str, hook_id: int | None, key: WebhookKey, token: str) -> Ensured:
        config = {
            "url": f"{self._url}/{key.key}",
            "content_type": "json",
            "secret": key.secret,
            "insecure_ssl": "0",
        }
        body = {"active": True, "events": list(EVENTS), "config": config}
        if hook_id is not None:
            await self._call("PATCH", full_name, f"/hooks/{hook_id}", token=token, data=body)
            return Ensured(id=hook_id, made=False)
        made = await self._call("POST", full_name, "/hooks", token=token, data={"name": "web", **body})
        return Ensured(id=_id(made), made=True)

    async def revoke(self, repository_id: int) -> None:
        """Refuse further deliveries of the webhooks that bridge made for a repository."""
        await self._keys.revoke_all(repository_id)

    async def ping(self, full_name: str, hook_id: int, *, token: str) -> None:
        """Have GitHub send a ping; raises as `GitHub.call` does."""
        await self._call("POST", full_name, f"/hooks/{hook_id}/pings", token=token)

    async def remove(self, full_name: str, hook_id: int, *, token: str) -> None:
        """Remove a webhook; succeeds if it is gone already. Raises as `GitHub.call` does."""
        try:
            await self._call("DELETE", full_name, f"/hooks/{hook_id}", token=token)
        except GitHubRefused as refusal:
            if refusal.answered != 404:
                raise

    async def attempts(
        self, full_name: str, hook_id: int | None, *, token: str, most: int, only_failed: bool = False
    ) -> list[Attempt]:
        """Return the newest attempts to deliver, the newest first; raises as `GitHub.call` does.

        Without a `hook_id`, those of the GitHub App's webhook; the token is then the App's JWT.
        https://docs.github.com/rest/repos/webhooks#list-deliveries-for-a-repository-webhook
        https://docs.github.com/rest/apps/webhooks#list-deliveries-for-an-app-webhook
        """
        query = f"?per_page={min(most, 100)}" + ("&status=failure" if only_failed else "")
        call = _deliveries("GET", full_name, hook_id, query)
        found = await self._github.pages(call, token=token, subject=full_name, most=most)
        try:
            return [read_attempt(one) for one in found.items]
        except (KeyError, TypeError, ValueError):
            raise GitHubFailing("GitHub sent an answer that bridge does not understand") from None

    async def redeliver(self, full_name: str, hook_id: int | None, attempt_id: int, *, token: str) -> None:
        """Have GitHub deliver again, under the same guid; takes and raises as `attempts`.

        https://docs.github.com/rest/repos/webhooks#redeliver-a-delivery-for-a-repository-webhook
        """
        call = _deliveries("POST", full_name, hook_id, f"/{attempt_id}/attempts")
        await self._github.call(call, token=token, subject=full_name)

    async def _refuse_besides_app(self) -> None:
        if app := await self.app():
            raise ComesWithApp(f"deliveries come through the GitHub App {app.name}: {app.install_url}")

    async def _ours(self, full_name: str, token: str) -> list[dict[str, Any]]:
        call = repository_call("GET", full_name, "/hooks?per_page=100")
        found = (await self._github.pages(call, token=token, subject=full_name, most=100)).items
        if not all(isinstance(one, dict) for one in found):
            raise GitHubFailing("GitHub sent an answer that bridge does not understand")
        return [one for one in found if _leads_to(one, self._url)]

    def _key_of(self, hook: dict[str, Any]) -> str:
        """Return the key in a webhook's address, empty for the shared address."""
        path = urlsplit(str((hook.get("config") or {}).get("url") or "")).path
        return path.rpartition("/")[2] if path.rstrip("/") != urlsplit(self._url).path else ""

    async def _call(
        self,
        method: Literal["GET", "POST", "PATCH", "DELETE"],
        full_name: str,
        path: str,
        *,
        token: str,
        data: dict[str, Any] | None = None,
    ) -> Any:
        return await self._github.call(
            repository_call(method, full_name, path, data), token=token, subject=full_name
        )


def _deliveries(method: str, full_name: str, hook_id: int | None, path: str) -> Call:
    if hook_id is None:
        return Call(method=method, url=f"/app/hook/deliveries{path}")
    return repository_call(method, full_name, f"/hooks/{hook_id}/deliveries{path}")


def _leads_to(hook: Any, url: str) -> bool:
    """Tell whether a webhook's address is `url` or one with a key, whatever its query."""
    config = hook.get("config") if isinstance(hook, dict) else None
    given, wanted = urlsplit(str((config or {}).get("url") or "")), urlsplit(url)
    return (given.scheme, given.netloc.lower()) == (wanted.scheme, wanted.netloc.lower()) and (
        f"{given.path.rstrip('/')}/".startswith(f"{wanted.path}/")
    )


def _problems(hook: dict[str, Any]) -> list[str]:
    events, config = hook.get("events") or [], hook.get("config") or {}
    problems = []
    if not hook.get("active"):
        problems.append("it is inactive")
    if "*" not in events and (missing := sorted(set(EVENTS) - set(events))):
        problems.append(f"it does not send {', '.join(missing)}")
    if str(config.get("insecure_ssl", "0")) != "0":
        problems.append("it does not verify bridge's certificate")
    if not config.get("secret"):
        problems.append("it has no secret")
    return problems


def _id(made: Any) -> int:
    if not isinstance(made, dict) or not isinstance(made.get("id"), int):
        raise GitHubFailing("GitHub sent an answer that bridge does not understand")
    return int(made["id"])
