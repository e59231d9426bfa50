"""Intake: signed deliveries in, 202 once Redis holds each, beside those who keep less, or nothing.

Every answer is accounted for: what a server took must be what Redis holds, or its handler saw.
"""

import copy
import json
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.benches import rig as rigs
from scripts.benches import tools
from scripts.benches.findings import Figure, Findings, Plot
from scripts.benches.peer.intake import STREAM
from scripts.benches.rig import Rig, expect, say
from scripts.benches.tools import Load
from scripts.sandbox.house import Broken, free_port, until

CONNECTIONS = 32
QUIET = 0.5
"""Seconds without an answer, after which no more are on their way."""

CONCURRENCY = (1, 8, 32, 128)
SIZES = (2_000, 24_000, 200_000, 2_000_000)
WORDS = "the thread of this branch waits until all checks pass and its reviewers have said what they think"

NODE, BARE, EACH, GROUPED = "Node, in memory", "bare, no Redis", "bare, XADD each", "bare, XADDs grouped"
TWO = "two processes"
SERVERS = ("bridge", TWO, NODE, BARE, EACH, GROUPED)


@dataclass(frozen=True, kw_only=True)
class Server:
    """One who takes deliveries; `taken` says how many it has taken since it was asked last."""

    url: str
    taken: Callable[[], Awaitable[int]] | None


@dataclass(frozen=True, kw_only=True)
class Body:
    """A signed body in a file."""

    path: Path
    signature: str


class AtBridge:
    """What bridge took since it was asked last."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._before: dict[str, int] = {}

    async def taken(self) -> int:
        """Deliveries in Redis, which must be as many as bridge answered with 202; raises `Broken`."""

        seen: dict[str, int] = {}
        since = time.monotonic()

        async def settled() -> bool:
            nonlocal seen, since
            if (answers := await self._rig.answers()) != seen:
                seen, since = answers, time.monotonic()
            self._new = {one: count - self._before.get(one, 0) for one, count in answers.items()}
            self._held = await self._rig.queued()
            # What wrk left under way is answered after it has gone, large bodies a while after.
            return self._held == self._new.get("202", 0) and time.monotonic() - since > QUIET

        try:
            await until(settled, "", seconds=30)
        except Broken:
            raise Broken(f"Redis holds {self._held} deliveries, and bridge answered {self._new}") from None
        self._before = await self._rig.answers()
        return self._held


class Intake:
    """The servers, side by side on one Redis; one at a time is loaded."""

    def __init__(self, rig: Rig, servers: dict[str, Server]) -> None:
        self._rig = rig
        self._servers = servers

    async def run(self, name: str, body: Body, *, seconds: int, connections: int = CONNECTIONS) -> Load:
        """Load one of them; raises `Broken` if what it took is not what it answered."""
        server = self._servers[name]
        await self._rig.empty()
        if server.taken is not None:
            await server.taken()
        load = await tools.run_wrk(
            server.url, body.path, body.signature, seconds=seconds, connections=connections
        )
        if server.taken is not None:
            # wrk leaves without the answers to what is under way, and counts none of its last ones.
            taken = await server.taken()
            expect(
                load.requests <= taken <= load.requests + 2 * connections,
                f"{name} answered {load.requests} and took {taken}",
            )
        return load


async def measure(quick: bool) -> Findings:
    """Requests a second, p50 and p99 with 32 connections; then against concurrency and size."""
    tools.check()
    payload = await rigs.payload()
    async with rigs.open_rig() as rig:
        intake = Intake(rig, await _start(rig))
        body = _body(rig, payload)
        seconds, rounds = (1, 3) if quick else (5, 5)
        figures = _figures(await _interleaved(intake, body, SERVERS, seconds=seconds, rounds=rounds))
        plots = await _curves(intake, rig, payload, quick=quick)
        if not quick:
            figures.append(await _written_through(rig, intake, body))
        return Findings(
            figures=figures,
            plots=plots,
            remarks=[
                f"Intake: one signed body of {body.path.stat().st_size / 1000:.1f} kB, {CONNECTIONS}"
                f" connections, wrk with one thread, {rounds} rounds of {seconds} s each, in turn.",
                "Redis: append-only file, `appendfsync everysec` (where a row says so, `always`), for bridge"
                " and the bare peers alike. After each round what Redis holds is counted: as many deliveries"
                " as bridge answered with 202.",
            ],
        )


async def _start(rig: Rig) -> dict[str, Server]:
    say("intake: starting the servers")
    await rig.start_web()

    async def in_stream() -> int:
        length: int = await rig.redis.xlen(STREAM)
        return length

    node = await tools.start_node(rig)

    async def at_node() -> int:
        async with rig.house.http.get(f"{node}/handled") as response:
            return int(await response.text())

    return {
        "bridge": Server(url=rig.house.bridge, taken=AtBridge(rig).taken),
        TWO: Server(url=await _two_processes(rig), taken=rig.queued),
        NODE: Server(url=node, taken=at_node),
        BARE: Server(url=await rig.start_peer("intake", "--writes", "none"), taken=None),
        EACH: Server(url=await rig.start_peer("intake", "--writes", "each"), taken=in_stream),
        GROUPED: Server(url=await rig.start_peer("intake", "--writes", "grouped"), taken=in_stream),
    }


async def _two_processes(rig: Rig) -> str:
    """Two web processes that share a port: what two cores take, where one process has one."""
    port = free_port()
    for _ in range(2):
        rig.house.start(rigs.AS_DEPLOYED, "bridge", "web", PORT=str(port), SHARE_PORT="1")
    await rig.listens(port)
    return f"http://127.0.0.1:{port}"


def _body(rig: Rig, payload: dict[str, Any], size: int | None = None) -> Body:
    """The payload, signed, in a file; with a `size` in bytes its description is made to fit."""
    document = payload if size is None else sized(payload, size)
    data = json.dumps(document).encode() if size is None else rigs.dump(document)
    path = rig.folder / f"body-{size}.json"
    path.write_bytes(data)
    return Body(path=path, signature=rigs.sign(data, rig.house.webhook_secret))


def sized(payload: dict[str, Any], size: int) -> dict[str, Any]:
    """The payload in `size` bytes: with a description, or with only what bridge must have of it."""
    made = copy.deepcopy(payload)
    pull = made["pull_request"] | {"body": ""}
    if len(rigs.dump(made | {"pull_request": pull})) > size:
        pull = {name: value for name, value in pull.items() if not isinstance(value, dict | list)}
        made["repository"] = {name: made["repository"][name] for name in ("id", "name", "full_name")}
        pull = {name: value for name, value in pull.items() if not str(value).startswith("http")}
    made["pull_request"] = pull
    room = size - len(rigs.dump(made))
    chosen = random.Random(1)
    words = WORDS.split()
    text = ""
    while len(text) < room:
        text += " ".join(chosen.choices(words, k=1000)) + " "
    pull["body"] = text[: max(0, room)]
    return made


async def _interleaved(
    intake: Intake, body: Body, names: Sequence[str], *, seconds: int, rounds: int
) -> dict[str, list[Load]]:
    for name in names:
        # Until the code is warm: Node compiles what is hot.
        await intake.run(name, body, seconds=1)
    loads: dict[str, list[Load]] = {name: [] for name in names}
    for at in range(rounds):
        for name in names:
            loads[name].append(await intake.run(name, body, seconds=seconds))
        rates = ", ".join(f"{name} {loads[name][-1].rate:,.0f}/s" for name in names)
        say(f"intake: round {at + 1} of {rounds}: {rates}")
    return loads


async def _written_through(rig: Rig, intake: Intake, body: Body) -> Figure:
    """With a Redis that has each write on the disk before it answers, as the one bridge brings does."""
    await rig.redis.config_set("appendfsync", "always")
    loads = await _interleaved(intake, body, ("bridge", GROUPED), seconds=5, rounds=5)
    ours, theirs = ([load.rate for load in loads[name]] for name in ("bridge", GROUPED))
    return Figure(
        name="intake, appendfsync always", unit="requests/s", ours=ours, peer=GROUPED, theirs=theirs
    )


def _figures(loads: dict[str, list[Load]]) -> list[Figure]:
    def rates(name: str) -> list[float]:
        return [load.rate for load in loads[name]]

    ours, bounds = rates("bridge"), {NODE: 1.15, BARE: 0.65}
    figures = [
        Figure(
            name="intake",
            unit="requests/s",
            ours=ours,
            peer=peer,
            theirs=rates(peer),
            bound=bounds.get(peer),
        )
        for peer in (NODE, BARE, EACH, GROUPED)
    ]
    figures.append(
        Figure(name=f"intake, {TWO}", unit="requests/s", ours=rates(TWO), peer=NODE, theirs=rates(NODE))
    )
    for name, bound in (("p99", 1.0), ("p50", None)):
        figures.append(
            Figure(
                name=f"intake, {name}",
                unit="ms",
                ours=[getattr(load, name) for load in loads["bridge"]],
                peer=NODE,
                theirs=[getattr(load, name) for load in loads[NODE]],
                bound=bound,
                better="less",
            )
        )
    return figures


async def _curves(intake: Intake, rig: Rig, payload: dict[str, Any], *, quick: bool) -> list[Plot]:
    concurrency, sizes = (CONCURRENCY[::2], SIZES[:2]) if quick else (CONCURRENCY, SIZES)
    seconds, names = (1, ("bridge", NODE)) if quick else (3, ("bridge", NODE, BARE, GROUPED))
    bodies = {size: _body(rig, payload, size) for size in sizes}
    by_concurrency: dict[str, list[tuple[float, Load]]] = {name: [] for name in names}
    by_size: dict[str, list[tuple[float, Load]]] = {name: [] for name in names}
    for connections in concurrency:
        say(f"intake: {connections} connections")
        for name in names:
            load = await intake.run(name, bodies[24_000], seconds=seconds, connections=connections)
            by_concurrency[name].append((connections, load))
    for size in sizes:
        say(f"intake: bodies of {size:,} bytes")
        for name in names:
            by_size[name].append((size / 1000, await intake.run(name, bodies[size], seconds=seconds)))
    return [
        *_pair("concurrency", "connections", by_concurrency, log_up=False),
        *_pair("size", "body, kB", by_size, log_up=True),
    ]


def _pair(name: str, across: str, points: dict[str, list[tuple[float, Load]]], *, log_up: bool) -> list[Plot]:
    return [
        Plot(
            name=f"intake-{what}-by-{name}",
            title=f"Intake: {up} by {across.partition(',')[0]}",
            across=across,
            up=up,
            lines={one: [(x, getattr(load, value)) for x, load in line] for one, line in points.items()},
            log_up=log_up or what == "p99",
        )
        for what, up, value in (("rate", "requests/s", "rate"), ("p99", "p99, ms", "p99"))
    ]
