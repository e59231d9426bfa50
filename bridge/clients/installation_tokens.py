"""Tokens of the GitHub App's installations: to read what threads show, where nobody's account is needed."""

import time
from dataclasses import dataclass, field
from typing import Any

from bridge.clients.github import GitHub, TokenRevoked
from bridge.clients.github_credentials import GitHubCredentials
from bridge.core.actions import Call
from bridge.core.errors import GitHubRefused

GOOD_SECONDS = 3000
"""GitHub's last an hour."""

MAX_KEPT = 1000
READS = {"actions": "read", "pull_requests": "read"}


@dataclass(frozen=True)
class InstallationTokens:
    """Tokens that each read one repository, and may do nothing else. They are kept in memory alone."""

    github: GitHub
    credentials: GitHubCredentials
    _kept: dict[int, tuple[str, float]] = field(default_factory=dict, repr=False)

    async def token(self, repository_id: int) -> str | None:
        """Return a token, None without an App that may read there; raises as `GitHub.call` does if it fails.

        https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
        """
        kept, until = self._kept.get(repository_id, ("", 0.0))
        if until > time.monotonic():
            return kept
        if (app := await self.credentials.app()) is None:
            return None
        jwt, subject = app.jwt(now=time.time()), "the App's installation"
        where = Call(method="GET", url=f"/repositories/{repository_id}/installation")
        try:
            found: Any = await self.github.call(where, token=jwt, subject=subject)
            url = f"/app/installations/{int(found['id'])}/access_tokens"
            data = {"repository_ids": [repository_id], "permissions": READS}
            made = await self.github.call(Call(method="POST", url=url, data=data), token=jwt, subject=subject)
        except (GitHubRefused, TokenRevoked):
            return None
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[repository_id] = str(made["token"]), time.monotonic() + GOOD_SECONDS
        return str(made["token"])

    def forget(self, repository_id: int) -> None:
        """Forget a token that GitHub no longer accepts."""
        self._kept.pop(repository_id, None)
