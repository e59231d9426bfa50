"""Start: from `python -m bridge serve` to /readyz's first 200, beside a bare app with the same imports."""

import asyncio
import time
from collections.abc import Callable

from scripts.benches import rig as rigs
from scripts.benches.findings import Figure, Findings
from scripts.benches.rig import AS_DEPLOYED, Rig, expect, say
from scripts.sandbox.house import free_port
from scripts.sandbox.process import Process

PATIENCE = 60
REQUEST = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


async def measure(quick: bool) -> Findings:
    """Return seconds until each answers."""
    rounds = 3 if quick else 9
    ours, theirs = [], []
    async with rigs.open_rig() as rig:
        for at in range(-1, rounds):
            bridge = await _timed(
                rig,
                free_port(),
                lambda port: rig.house.start(AS_DEPLOYED, "bridge", "serve", PORT=port),
            )
            bare = await _timed(
                rig,
                free_port(),
                lambda port: rig.house.start(AS_DEPLOYED, "scripts.benches.peer.start", "--port", port),
            )
            if at >= 0:
                # The first compiles what is imported.
                ours.append(bridge)
                theirs.append(bare)
                say(f"start: round {at + 1} of {rounds}: {bridge:.2f} s, a bare app {bare:.2f} s")
    return Findings(
        figures=[
            Figure(
                name="start until ready",
                unit="s",
                ours=ours,
                peer="bare app, same imports",
                theirs=theirs,
                bound=1.5,
                better="less",
            )
        ],
        remarks=[
            f"Start: {rounds} rounds, in turn, asked every 2 ms; Redis runs already, and the files are in the"
            " page cache.",
        ],
    )


async def _timed(rig: Rig, port: int, start: Callable[[str], Process]) -> float:
    began = time.monotonic()
    process = start(str(port))
    while not await _ready(port):
        expect(process.poll() is None and time.monotonic() - began < PATIENCE, "a process does not start")
        await asyncio.sleep(0.002)
    taken = time.monotonic() - began
    await rig.end(process)
    return taken


async def _ready(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(REQUEST)
        return (await reader.readline()).startswith(b"HTTP/1.1 200")
    finally:
        writer.close()
