"""Shared by the tests of the stand-in GitHub's Apps: a manifest, an App made of it, and its JWT."""

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

from tests.kits.sandbox_github import GitHub, Received, Reply

CALLBACK = "http://127.0.0.1:8080/auth/github/callback"
SETUP = "http://127.0.0.1:8080/github/installed"
REDIRECT = "http://127.0.0.1:8080/github/app?x=1"
MANIFEST: dict[str, Any] = {
    "name": "Octo Bridge",
    "url": "http://127.0.0.1:8080",
    "hook_attributes": {"url": "http://127.0.0.1:9/github/webhook"},
    "redirect_url": REDIRECT,
    "callback_urls": [CALLBACK, f"{CALLBACK}/second"],
    "setup_url": SETUP,
    "description": "Threads for pull requests",
    "public": True,
    "default_permissions": {
        "contents": "write",
        "issues": "write",
        "pull_requests": "write",
        "checks": "read",
    },
    "default_events": ["pull_request", "issue_comment", "check_run"],
}


@dataclass(frozen=True)
class App:
    """A registered App, and the stand-in it is registered at."""

    github: GitHub
    made: dict[str, Any]

    @property
    def slug(self) -> str:
        return str(self.made["slug"])

    @property
    def installation(self) -> int:
        """The number of its first installation."""
        return int(self.made["installations"][0]["id"])

    def jwt(self, key: str = "", **claims: Any) -> str:
        now = int(time.time())
        given = {"iat": now - 60, "exp": now + 540, "iss": self.made["client_id"], **claims}
        present = {name: value for name, value in given.items() if value is not None}
        return jwt.encode(present, key or self.made["pem"], algorithm="RS256")

    async def call(self, method: str, path: str, **options: Any) -> Reply:
        """A call by the App itself."""
        return await self.github.call(method, path, token=self.jwt(), **options)

    async def token(self, user: str) -> str:
        """A token of that user for the App."""
        given: str = (await self.github.drive("/tokens", user=user, app=self.slug))["token"]
        return given

    async def change(self, action: str, *repos: str) -> Any:
        """Something happens to its installation."""
        fields = {"repos": list(repos)} if repos else {}
        return await self.github.drive("/installations", app=self.slug, action=action, **fields)


async def make_app(github: GitHub, *installed_on: str, hook_url: str = "", **changes: Any) -> App:
    """An App after the manifest with changes; None leaves a key out."""
    hook = {"hook_attributes": {"url": hook_url}} if hook_url else {}
    manifest = {key: value for key, value in {**MANIFEST, **hook, **changes}.items() if value is not None}
    return App(github, await github.drive("/apps", manifest=manifest, installed_on=list(installed_on)))


def query_of(reply: Reply) -> dict[str, str]:
    """The query of a redirect."""
    query = parse_qs(urlsplit(reply.headers["Location"]).query)
    return {name: values[0] for name, values in query.items()}


def payload(one: Received) -> Any:
    return json.loads(one.body)


def names(received: list[Received]) -> list[str]:
    """Events with their actions."""
    shown = [(one.event, payload(one).get("action")) for one in received]
    return [f"{event}.{action}" if action else event for event, action in shown]
