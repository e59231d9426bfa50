"""What the tests of the commands share: a house's settings as an environment, and real processes."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import House

ROOT = Path(__file__).parents[1]


def environ_of(house: House, redis_url: str, **changes: str) -> dict[str, str]:
    """The settings of a house; an empty change leaves one out."""
    chosen = house.services.settings
    found = {
        "REDIS_URL": redis_url,
        "WEB_URL": chosen.web_url,
        "FLOWDOCK_CLIENT_ID": chosen.flowdock_client_id,
        "FLOWDOCK_CLIENT_SECRET": chosen.flowdock_client_secret,
        "FLOWDOCK_API_URL": chosen.flowdock_api_url,
        "GITHUB_CLIENT_ID": chosen.github_client_id,
        "GITHUB_CLIENT_SECRET": chosen.github_client_secret,
        "GITHUB_WEBHOOK_SECRET": ",".join(chosen.github_webhook_secrets),
        "GITHUB_URL": chosen.github_url,
        "COOKIE_SECRET": chosen.cookie_secret,
        "ENCRYPTION_KEY": ",".join(chosen.encryption_keys),
        **changes,
    }
    return {name: value for name, value in found.items() if value}


async def run(folder: Path, *arguments: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`python -m bridge …` as a process, while the house in this one goes on answering."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "bridge", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def drive(house: House, path: str, body: dict[str, Any]) -> Any:
    """A driver route of the stand-in GitHub."""
    async with house.http.post(f"{house.github}/_sandbox/{path}", json=body) as response:
        assert response.status < 300, await response.text()
        return await response.json() if response.content_type == "application/json" else None


async def token_of(house: House, login: str) -> str:
    """A token as somebody would make one at GitHub."""
    token: str = (await drive(house, "tokens", {"user": login, "scopes": "repo"}))["token"]
    return token


async def hooks_of(house: House, repository: str = "acme/component") -> list[dict[str, Any]]:
    """The repository's webhooks, as GitHub shows them to its administrator."""
    headers = {"Authorization": f"Bearer {await token_of(house, 'cy-gh')}"}
    url = f"{house.github}/api/v3/repos/{repository}/hooks"
    async with house.http.get(url, headers=headers) as response:
        found: list[dict[str, Any]] = await response.json()
        return found
