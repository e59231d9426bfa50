"""wrk and Node: Debian's programs that load bridge, and that its peer runs on."""

import asyncio
import itertools
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from scripts.benches.rig import PEER, Rig, expect, say
from scripts.sandbox.house import Broken, free_port

_RUNS = itertools.count(1)

HOW = {
    "wrk": "apt-get install wrk",
    "node": "apt-get install nodejs (20 or newer)",
    "npm": "apt-get install npm",
}


@dataclass(frozen=True, kw_only=True)
class Load:
    """The load as wrk saw it: answers in `seconds`, and their latency in milliseconds."""

    requests: int
    seconds: float
    refused: int
    broken: int
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds


def check() -> None:
    """Raise `Broken`, saying how to install what is missing."""
    if missing := [f"{name}: {how}" for name, how in HOW.items() if shutil.which(name) is None]:
        raise Broken("the intake is measured with programs that are not here. " + "; ".join(missing))


async def run_wrk(
    url: str, body: Path, signature: str, *, seconds: int, connections: int, threads: int = 1
) -> Load:
    """Send one body over and over, each time with another delivery id; raises `Broken`."""
    told = (str(body), signature, str(next(_RUNS)))
    return await run_script(
        "deliver.lua", url, *told, seconds=seconds, connections=connections, threads=threads
    )


async def run_script(
    name: str, url: str, *arguments: str, seconds: int, connections: int, threads: int = 1
) -> Load:
    """Load a server as a script tells, which gets the arguments; raises `Broken`."""
    command = [
        *("wrk", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s", "--timeout", "20s"),
        *("-s", str(PEER / name), url, "--", *arguments),
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output, _ = await process.communicate()
    line = output.decode().strip().rpartition("\n")[2]
    expect(process.returncode == 0 and line.startswith("{"), f"wrk: {output.decode()}")
    load = Load(**json.loads(line))
    expect(load.requests > 0, f"{url} answered nothing")
    expect(load.refused == 0 and load.broken == 0, f"{url} refused or broke requests: {line}")
    return load


async def start_node(rig: Rig) -> str:
    """Return the Node peer's address, once it listens; what it needs is installed as its lock says."""
    if not (PEER / "node_modules").exists():
        say("Installing @octokit/webhooks (npm ci).")
        process = await asyncio.create_subprocess_exec(
            *("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"),
            cwd=PEER,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        expect(process.returncode == 0, f"npm ci failed: {output.decode()}")
    port = free_port()
    environ = {**os.environ, "GITHUB_WEBHOOK_SECRET": rig.house.webhook_secret, "PORT": str(port)}
    rig.house.processes.append(
        subprocess.Popen(  # noqa: ASYNC220, S603  (our own arguments; it only begins)
            [shutil.which("node") or "node", str(PEER / "intake.mjs")], env=environ, cwd=PEER
        )
    )
    await rig.listens(port)
    return f"http://127.0.0.1:{port}"


def versions() -> dict[str, str]:
    """Return which versions of the tools are here, for the report."""
    found = {}
    for name in ("wrk", "node"):
        if (path := shutil.which(name)) is None:
            continue
        done = subprocess.run(  # noqa: S603  (our own arguments)
            [path, "--version"], capture_output=True, text=True, check=False
        )
        words = (done.stdout or done.stderr).split()
        found[name] = next((word for word in words if any(map(str.isdigit, word))), "")
    lock = json.loads((PEER / "package-lock.json").read_text())
    found["@octokit/webhooks"] = lock["packages"]["node_modules/@octokit/webhooks"]["version"]
    return found
