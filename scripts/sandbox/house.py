"""Run bridge and both stand-ins on this machine, as real processes on loopback."""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import aiohttp

from scripts.sandbox.process import Process

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
STOP_SECONDS = 30
REPOSITORY = "acme/component"
FLOW = "acme/main"
# Linux gives outgoing connections ports from 32768 on (ip_local_port_range).
CHOSEN_PORTS = range(16_384, 32_768)
_HELD: list[socket.socket] = []


class Broken(Exception):
    """A process did not start, or a step failed; the message is a sentence."""


def free_port(preferred: int = 0) -> int:
    """Return the preferred port, or any other if it is taken; this process keeps that one from all others.

    The system could give a port of its own range to any connection before a server listens on it, so this one
    is below that range. The held socket never listens: a server that reuses addresses binds beside it.
    """
    if preferred and _is_free(preferred):
        return preferred
    for _ in range(1000):
        held = socket.socket()
        try:
            held.bind(("127.0.0.1", secrets.choice(CHOSEN_PORTS)))
        except OSError:
            held.close()
            continue
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _HELD.append(held)
        return int(held.getsockname()[1])
    raise Broken("there is no free port on this machine")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@dataclass(kw_only=True)
class House:
    """The addresses and processes of bridge and both stand-ins; bridge keeps its data in `data`."""

    data: Path
    bridge: str
    flowdock: str
    """Empty: bridge serves an inbox of its own."""
    github: str
    http: aiohttp.ClientSession
    output: IO[bytes] | int | None = None
    settings: dict[str, str] = field(default_factory=dict)
    webhook_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    processes: list[Process] = field(default_factory=list)
    popen: Callable[..., Process] = subprocess.Popen
    """Starts a process; the tests have a faster way."""

    @property
    def environ(self) -> dict[str, str]:
        """Return bridge's settings as an environment."""
        flowdock = {
            "CLIENT_ID": "flowdock-client",
            "CLIENT_SECRET": "flowdock-secret",
            "API_URL": f"{self.flowdock}/inbox/api",
        }
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(self.data),
            "PORT": self.bridge.rpartition(":")[2],
            "LISTEN_ADDRESS": "127.0.0.1",
            "WEB_URL": self.bridge,
            **({f"FLOWDOCK_{name}": value for name, value in flowdock.items()} if self.flowdock else {}),
            "GITHUB_CLIENT_ID": "github-client",
            "GITHUB_CLIENT_SECRET": "github-secret",
            "GITHUB_WEBHOOK_SECRET": self.webhook_secret,
            "GITHUB_URL": self.github,
            "GITHUB_API_URL": f"{self.github}/api/v3",
            "COOKIE_SECRET": "only-for-trying-bridge-out-and-nothing-else",
            "ENCRYPTION_KEY": "only-for-trying-bridge-out-32-characters",
            **self.settings,
        }

    def start(self, *arguments: str, output: IO[bytes] | int | None = None, **settings: str) -> Process:
        """Start a Python process, such as `start("bridge", "serve")`; `settings` are for this one alone."""
        process = self.popen(
            [sys.executable, "-m", *arguments],
            cwd=self.data,
            env={**self.environ, **settings},
            stdout=output if output is not None else self.output,
            stderr=subprocess.STDOUT if (output or self.output) else None,
        )
        self.processes.append(process)
        return process

    def start_flowdock(self) -> Process:
        """Start the stand-in Flowdock, with bridge registered as its application."""
        return self.start(
            *("scripts.sandbox.flowdock", "--port", self.flowdock.rpartition(":")[2]),
            *("--web-url", self.flowdock, "--application-url", self.bridge),
        )

    def start_github(self) -> Process:
        """Start the stand-in GitHub, with bridge registered as its OAuth App."""
        inbox = () if self.flowdock else ("--link", f"Inbox={self.bridge}/inbox")
        return self.start(
            *("scripts.sandbox.github", "--port", self.github.rpartition(":")[2]),
            *("--web-url", self.github, "--redirect-uri", f"{self.bridge}/auth/github/callback"),
            *(*inbox, "--link", f"bridge={self.bridge}"),
        )

    async def command(self, *arguments: str) -> str:
        """Run a bridge command; returns what it printed, raises `Broken` if it failed."""
        with tempfile.TemporaryFile() as output:
            status = await asyncio.to_thread(self.start("bridge", *arguments, output=output).wait)
            output.seek(0)
            printed = output.read().decode()
        if status != 0:
            raise Broken(f"bridge {arguments[0]}: {printed.strip()}")
        return printed

    async def answers(self, url: str) -> None:
        """Wait until an address answers with 200."""

        async def asked() -> bool:
            try:
                async with self.http.get(url) as response:
                    return response.status == 200
            except aiohttp.ClientError:
                return False

        await until(asked, lambda: f"{url} does not answer{self._ended()}")

    def _ended(self) -> str:
        ended = [f"{one.args!r} with {one.returncode}" for one in self.processes if one.poll() is not None]
        return f"; ended: {', '.join(ended)}" if ended else ""

    async def connect(self) -> None:
        """Tie the repository to the flow, and point its webhook at bridge."""
        source = await self.post(
            f"{self.flowdock}/_sandbox/sources",
            {"flow": FLOW, "name": REPOSITORY, "external_url": f"{self.github}/{REPOSITORY}"},
        )
        await self.command("connect", REPOSITORY, "--flow-token", source["flow_token"])
        hook = {
            "repo": REPOSITORY,
            "url": f"{self.bridge}/github/webhook",
            "secret": self.webhook_secret,
            "content_type": "json",
        }
        await self.post(f"{self.github}/_sandbox/hooks", hook)

    async def get(self, url: str) -> Any:
        """GET JSON from a stand-in."""
        async with self.http.get(url) as response:
            return await _json(response)

    async def post(self, url: str, body: dict[str, Any]) -> Any:
        """POST JSON to a stand-in; returns its answer."""
        async with self.http.post(url, json=body) as response:
            return await _json(response)

    async def act(self, who: str, do: str, **fields: Any) -> Any:
        """Do something on GitHub as a user; returns the pull request."""
        body = {"as": who, "repo": REPOSITORY, "do": do, **fields}
        return await self.post(f"{self.github}/_sandbox/act", body)

    async def payload(self) -> dict[str, Any]:
        """Make a pull request and return its `pull_request` payload; from then on GitHub sends nothing."""
        await self.post(f"{self.github}/_sandbox/webhooks", {"mode": "hold"})
        hook = {"repo": REPOSITORY, "url": self.bridge, "secret": "x"}
        await self.post(f"{self.github}/_sandbox/hooks", hook)
        await self.act("ann-gh", "open", title="Fix", body="A **body**", head="fix", base="main")
        held = (await self.get(f"{self.github}/_sandbox/webhooks"))["held"]
        found: dict[str, Any] = next(one["payload"] for one in held if one["event"] == "pull_request")
        return found

    async def threads(self) -> list[dict[str, Any]]:
        """Return the flow's threads as the inbox shows them."""
        found: list[dict[str, Any]] = await self.get(f"{self.flowdock}/_sandbox/threads?flow={FLOW}")
        return found

    async def click(self, who: str, thread: str, action: str) -> dict[str, Any]:
        """Click a button in the inbox as a user; returns the outcome."""
        body = {"user": who, "flow": FLOW, "thread": thread, "action": action}
        outcome: dict[str, Any] = await self.post(f"{self.flowdock}/_sandbox/click", body)
        return outcome

    def stop(self) -> None:
        """Ask every process to end, the last one started first, and wait."""
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def _json(response: aiohttp.ClientResponse) -> Any:
    if response.status >= 400:
        raise Broken(f"{response.method} {response.url}: {response.status} {await response.text()}")
    return await response.json() if response.content_type == "application/json" else None


async def until(
    happened: Callable[[], Any],
    otherwise: str | Callable[[], str],
    *,
    seconds: float = START_SECONDS,
    every: float = 0.03,
) -> Any:
    """Wait for an awaitable's true answer and return it; raises `Broken` with `otherwise` in the end."""
    deadline = time.monotonic() + seconds
    while not (answer := await happened()):
        if time.monotonic() > deadline:
            said = otherwise if isinstance(otherwise, str) else otherwise()
            raise Broken(f"{said} (after {seconds:.0f} s)")
        await asyncio.sleep(every)
    return answer


@asynccontextmanager
async def open_house(
    data: Path,
    *,
    ports: Sequence[int] = (0, 0, 0),
    output: IO[bytes] | int | None = None,
    settings: dict[str, str] | None = None,
    popen: Callable[..., Process] = subprocess.Popen,
) -> AsyncIterator[House]:
    """Start both stand-ins, but not bridge yet; ends all processes on exit.

    `ports` are those of bridge, GitHub and Flowdock. Without the third, bridge has an inbox of its own.
    """
    bridge, github, flowdock = (*(f"http://127.0.0.1:{free_port(port)}" for port in ports), "")[:3]
    async with aiohttp.ClientSession() as http:
        house = House(
            data=data,
            bridge=bridge,
            flowdock=flowdock,
            github=github,
            http=http,
            output=output,
            settings=settings or {},
            popen=popen,
        )
        try:
            house.start_github()
            if flowdock:
                house.start_flowdock()
                await house.answers(f"{flowdock}/_sandbox/threads")
            await house.answers(f"{github}/_sandbox/webhooks")
            yield house
        finally:
            house.stop()
