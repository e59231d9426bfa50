"""Shared by the tests of the commands: a house's settings as an environment, and real processes."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from scripts.sandbox.process import Process
from tests.conftest import House, eventually
from tests.kits import hygiene, loaded

ROOT = Path(__file__).parents[2]
KEY = {"ENCRYPTION_KEY": "k" * 32}
COMPLETE = {
    "WEB_URL": "http://localhost:1",
    "FLOWDOCK_CLIENT_ID": "a",
    "FLOWDOCK_CLIENT_SECRET": "secret-of-flowdock",
    "GITHUB_CLIENT_ID": "b",
    "GITHUB_CLIENT_SECRET": "secret-of-github",
    "GITHUB_WEBHOOK_SECRET": "secret-of-webhook".ljust(32, "-"),
    "COOKIE_SECRET": "secret-of-cookie".ljust(32, "-"),
    **KEY,
}
"""Every setting that `serve` needs, made up."""


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
        "COOKIE_SECRET": ",".join(chosen.cookie_secrets),
        "ENCRYPTION_KEY": ",".join(chosen.encryption_keys),
        **changes,
    }
    return {name: value for name, value in found.items() if value}


async def run(
    folder: Path, *arguments: str, environ: dict[str, str], anew: bool = False
) -> subprocess.CompletedProcess[str]:
    """`bridge …` as a process, while the house in this one goes on answering.

    It is forked from one that has loaded bridge, or loaded `anew`.
    """
    environ = {"PATH": os.environ["PATH"], **environ}
    done = await asyncio.to_thread(start if anew else loaded.run, folder, *arguments, environ=environ)
    hygiene.saw(done.stdout + done.stderr)
    return done


def start(folder: Path, *arguments: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """`bridge …` loaded anew, in `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "bridge", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@asynccontextmanager
async def serving(
    house: House,
    redis_url: str,
    output: Path,
    popen: Callable[..., Process] = loaded.Process,
    /,
    *,
    half: str = "serve",
    **changes: str,
) -> AsyncIterator[int]:
    """bridge as a process of its own, at the address of the house's web half, which goes down for good.

    It writes its log to `output`; `changes` are settings that differ. Yields its process id. It is
    forked from what is loaded, or by `subprocess.Popen` loaded anew.
    """
    if house.web_half is not None:
        await house.go_down()
    environ = environ_of(house, redis_url, PORT=house.bridge.rpartition(":")[2], PAGE_LIMIT="0", **changes)
    with output.open("ab") as file:
        running = popen(
            [sys.executable, "-m", "bridge", half],
            cwd=output.parent,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            await eventually(lambda: _answers(house))
            yield running.pid
        finally:
            running.send_signal(signal.SIGTERM)
            await asyncio.to_thread(running.wait)


async def _answers(house: House) -> bool:
    try:
        async with house.http.get(f"{house.bridge}/readyz") as response:
            return response.status == 200
    except (OSError, aiohttp.ClientError):
        return False


async def drive(house: House, path: str, body: dict[str, Any]) -> Any:
    """A driver route of the stand-in GitHub."""
    async with house.http.post(f"{house.github}/_sandbox/{path}", json=body) as response:
        assert response.status < 300, await response.text()
        return await response.json() if response.content_type == "application/json" else None


async def token_of(house: House, login: str) -> str:
    """A token as somebody would make one on GitHub."""
    token: str = (await drive(house, "tokens", {"user": login, "scopes": "repo"}))["token"]
    return token


async def hooks_of(house: House, repository: str = "acme/component") -> list[dict[str, Any]]:
    """The repository's webhooks, as GitHub shows them to its administrator."""
    headers = {"Authorization": f"Bearer {await token_of(house, 'cy-gh')}"}
    url = f"{house.github}/api/v3/repos/{repository}/hooks"
    async with house.http.get(url, headers=headers) as response:
        found: list[dict[str, Any]] = await response.json()
        return found
