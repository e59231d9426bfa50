"""The cost of signed bodies of 24 MiB for a web process: `python -m scripts.benches.large` prints a table.

Of each kind twelve are sent, four at a time, to a fresh `bridge web`; meanwhile GitHub's pings go in one
after the other. The peak is the kernel's VmHWM of the process, which serves nothing else.
"""

import asyncio
import json
import os
import time
import urllib.parse
import uuid
from collections.abc import Callable
from pathlib import Path

from bridge.core.github import webhook
from scripts.benches import rig as rigs
from scripts.benches.rig import Rig, sign

SIZE = 24 * 2**20
COUNT, AT_ONCE = 12, 4
ABOUT = b'{"ref":"refs/heads/x","repository":{"id":1,"full_name":"acme/component"},"x":'
MOST = getattr(webhook, "MAX_VALUES", 500_000) // 5 - 100


def _filled(document: bytes) -> bytes:
    """With a text that makes it as long as the others."""
    return document[:-1] + b',"y":"' + b"y" * (SIZE - len(document)) + b'"}'


KINDS: dict[str, tuple[str, str, Callable[[], bytes]]] = {
    "lists": ("push", "json", lambda: ABOUT + b"[" + b"[]," * (SIZE // 3) + b"0]}"),
    "objects in objects": ("push", "json", lambda: ABOUT + b'{"a":' * (SIZE // 5)),
    "broken, escapes": ("push", "json", lambda: ABOUT + b'"' + rb"\n" * (SIZE // 2)),
    "broken, half pairs": ("push", "json", lambda: ABOUT + b'"' + rb"\ud800" * (SIZE // 6) + b'"}'),
    "most values, read by the worker": (
        "push",
        "json",
        lambda: _filled(ABOUT + b"[" + b'{"a":0},' * MOST + b"0]}"),
    ),
    "most values, read by the web": (
        "ping",
        "json",
        lambda: _filled(ABOUT + b"{" + b",".join(b'"%d":0' % key for key in range(5 * MOST)) + b"}}"),
    ),
    "one text, wide": (
        "ping",
        "json",
        lambda: ABOUT + b'"' + b"y" * SIZE + "\N{GRINNING FACE}".encode() + b'"}',
    ),
    "noise": ("push", "json", lambda: ABOUT + b'"' + os.urandom(SIZE // 2).hex().encode() + b'"}'),
    "form of escapes": ("push", "form", lambda: b"payload=" + b"%20" * (SIZE // 3) + b"{}"),
    "form of JSON": (
        "push",
        "form",
        lambda: (
            b"payload=" + urllib.parse.quote_plus(ABOUT + b'["' + b'","' * (SIZE // 12) + b'"]}').encode()
        ),
    ),
}


async def _send(rig: Rig, event: str, form: str, body: bytes) -> int:
    headers = {
        "Content-Type": "application/json" if form == "json" else "application/x-www-form-urlencoded",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": sign(body, rig.house.webhook_secret),
    }
    async with rig.house.http.post(
        f"{rig.house.bridge}/github/webhook", data=body, headers=headers
    ) as answer:
        await answer.read()
        return answer.status


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


async def _measured(rig: Rig, event: str, form: str, body: bytes) -> tuple[float, float, set[int]]:
    """Return the peak in MiB, the longest that a ping took, and the answers."""
    process = await rig.start_web()
    few, pings = asyncio.Semaphore(AT_ONCE), []
    ping = json.dumps({"zen": "z", "hook_id": 1}).encode()
    await _send(rig, "ping", "json", ping)

    async def one() -> int:
        async with few:
            return await _send(rig, event, form, body)

    sending = asyncio.gather(*(one() for _ in range(COUNT)))
    while not sending.done():
        began = time.perf_counter()
        await _send(rig, "ping", "json", ping)
        pings.append(time.perf_counter() - began)
        await asyncio.sleep(0.005)
    peak = _peak_mb(process.pid)
    await rig.end(process)
    await rig.empty()
    return peak, max(pings), set(await sending)


async def main() -> None:
    """Print a row for each kind."""
    print("| body | answer | peak, MiB | longest ping, s |\n| --- | --- | --- | --- |")
    async with rigs.open_rig() as rig:
        for name, (event, form, body) in KINDS.items():
            peak, longest, answers = await _measured(rig, event, form, body()[: SIZE + 2**19])
            said = ", ".join(str(status) for status in sorted(answers))
            print(f"| {name} | {said} | {peak:.0f} | {longest:.2f} |", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
