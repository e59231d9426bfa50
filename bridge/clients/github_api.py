"""gidgethub over bridge's session."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
from gidgethub import abc as gidgethub_abc

from bridge.clients.github_app import API_VERSION
from bridge.clients.github_errors import help_page, hidden
from bridge.clients.session import USER_AGENT

CALL_SECONDS = 9
"""GitHub ends calls after 10 seconds; a click waits no longer."""


class GitHubApi(gidgethub_abc.GitHubAPI):
    """gidgethub over our session: follows no redirect, and bounds every call.

    `help_page` and `hidden` are what the answers named (`bridge.clients.github_errors`).
    """

    def __init__(
        self, session: aiohttp.ClientSession, *, token: str, base_url: str, takes: frozenset[int]
    ) -> None:
        super().__init__(USER_AGENT, oauth_token=token, base_url=base_url)
        self._session = session
        # The one scheme that GitHub takes for a user's token and for a GitHub App's JWT.
        self._authorization = f"Bearer {token}"
        self._takes = takes
        self.help_page = ""
        self.hidden = 0

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        async with self._session.request(
            method,
            url,
            headers={
                **headers,
                "authorization": self._authorization,
                "X-GitHub-Api-Version": API_VERSION,
            },
            data=body,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
        ) as response:
            status = 200 if response.status in self._takes else response.status
            answer = await response.read()
            self.help_page = help_page(status, answer)
            self.hidden = max(self.hidden, hidden(response.headers))
            return status, response.headers, answer

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


WRITES: dict[str, Any] = {
    "POST": GitHubApi.post,
    "PATCH": GitHubApi.patch,
    "PUT": GitHubApi.put,
    "DELETE": GitHubApi.delete,
}
