"""Calls to GitHub without a user's token: reachability, and the App made from a manifest."""

import time
from typing import Any

import aiohttp
import orjson

from bridge.clients.github_credentials import App
from bridge.core.errors import BridgeError, GitHubFailing, GitHubRefused

API_VERSION = "2022-11-28"
SECONDS = 9


class CodeRefused(BridgeError):
    """The manifest's code is unknown, used, or older than an hour."""

    status = 422
    advice = "Start over at /github/manifest. If GitHub has created an App, delete it there."


async def reach(session: aiohttp.ClientSession, api_url: str) -> str:
    """Check that GitHub's API answers; returns an Enterprise Server's version, else nothing.

    The headers show that it is GitHub even if it refuses: an Enterprise Server may have no rate limits, or
    answer only signed-in users. https://docs.github.com/rest/rate-limit/rate-limit  Raises `GitHubFailing`.
    """
    status, headers, _ = await _ask(session, "GET", f"{api_url}/rate_limit")
    is_api = "X-GitHub-Request-Id" in headers and "json" in headers.get("Content-Type", "")
    if status >= 500 or not is_api:
        raise GitHubFailing(f"GitHub's API did not answer (status {status})")
    version = headers.get("X-GitHub-Enterprise-Version", "")
    return f"Enterprise Server {version}" if version else ""


async def convert(session: aiohttp.ClientSession, api_url: str, code: str) -> App:
    """Return the App made from a manifest, with its secrets; raises `CodeRefused` or `GitHubFailing`.

    https://docs.github.com/rest/apps/apps#create-a-github-app-from-a-manifest
    """
    status, _, body = await _ask(session, "POST", f"{api_url}/app-manifests/{code}/conversions")
    if status in (404, 422):
        raise CodeRefused("this code was used already, or is older than an hour")
    if status != 201:
        raise GitHubFailing(f"GitHub answered {status} without the App's secrets")
    return read_app(body, now=time.time())


def read_app(body: bytes, *, now: float) -> App:
    """Read the App in GitHub's answer; raises `GitHubFailing`. `now`: Unix seconds."""
    try:
        found = orjson.loads(body)
        texts = {
            name: found[name]
            for name in ("slug", "name", "client_id", "client_secret", "webhook_secret", "pem")
        }
        if not all(isinstance(text, str) and text for text in texts.values()):
            raise TypeError
        return App(id=int(found["id"]), url=str(found["html_url"]), made_at=int(now), **texts)
    except (ValueError, KeyError, TypeError):
        # Nothing of the answer is told: it is full of secrets.
        raise GitHubFailing("GitHub sent an answer that bridge does not understand") from None


async def public_user(session: aiohttp.ClientSession, api_url: str, login: str) -> bytes:
    """Return GitHub's answer about a person; raises `GitHubRefused` if there is none, or `GitHubFailing`.

    https://docs.github.com/rest/users/users#get-a-user
    """
    status, _, body = await _ask(session, "GET", f"{api_url}/users/{login}")
    if status == 404:
        raise GitHubRefused(f"GitHub has no account {login}")
    if status != 200:
        raise GitHubFailing(f"GitHub answered {status}: try again later")
    return body


async def _ask(session: aiohttp.ClientSession, method: str, url: str) -> tuple[int, Any, bytes]:
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}
    try:
        async with session.request(
            method, url, headers=headers, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=SECONDS)
        ) as response:
            return response.status, response.headers, await response.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise GitHubFailing(f"GitHub cannot be reached ({type(error).__name__})") from None
