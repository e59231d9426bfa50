"""Intake: signed deliveries in, 202 once Redis holds each, beside servers that keep less, or nothing.

Every answer is accounted for: as many deliveries must lie in Redis, or have reached the server's handler.
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
WARM_UP = 20
"""Seconds of load on each server before it counts: Node compiles its code while it serves."""

CONCURRENCY = (1, 8, 32, 128)
SIZES = (2_000, 24_000, 200_000, 2_000_000)
WORDS = "the thread of this branch waits until all checks pass and its reviewers have said what they think"

NODE, BARE, EACH, GROUPED = "Node, in memory", "bare, no Redis", "bare, XADD each", "bare, XADDs grouped"
TWO = "two processes"
PROCESSES = 2
SERVERS = ("bridge", TWO, NODE, BARE, EACH, GROUPED)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server of deliveries; `taken` counts those it took since the last time."""

    url: str
    taken: Callable[[], Awaitable[int]] | None


@dataclass(frozen=True, kw_only=True)
class Body:
    """A signed body in a file."""

    path: Path
    signature: str


class AtBridge:
    """Counts the deliveries that bridge at `url` took since the last time."""

    def __init__(self, rig: Rig, url: str) -> None:
        self._rig = rig
        self._url = url
        self._before: dict[str, int] = {}

    async def taken(self) -> int:
        """Count the deliveries in Redis; raises `Broken` unless bridge answered as many with 202."""
        seen: dict[str, int] = {}
        since = time.monotonic()

        async def settled() -> bool:
            nonlocal seen, since
            if (answers := await self._rig.answers(self._url)) != seen:
                seen, since = answers, time.monotonic()
            self._new = {one: count - self._before.get(one, 0) for one, count in answers.items()}
            self._held = await self._rig.queued()
            # What wrk left under way is answered after it has gone, large bodies a while after.
            return self._held == self._new.get("202", 0) and time.monotonic() - since > QUIET

        try:
            await until(settled, "", seconds=30)
        except Broken:
            raise Broken(f"Redis holds {self._held} deliveries, and bridge answered {self._new}") from None
        self._before = await self._rig.answers(self._url)
        return self._held


class Intake:
    """The servers on one Redis, loaded one at a time."""

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
        await _warm_up(intake, body, slices=1 if quick else WARM_UP // seconds, seconds=seconds)
        found = figures(await _interleaved(intake, body, SERVERS, seconds=seconds, rounds=rounds))
        plots = await _curves(intake, rig, payload, quick=quick)
        if not quick:
            found.append(await _written_through(rig, intake, body))
        return Findings(
            figures=found,
            plots=plots,
            remarks=[
                f"Intake: one signed body of {body.path.stat().st_size / 1000:.1f} kB, {CONNECTIONS}"
                f" connections, wrk with one thread, {rounds} rounds of {seconds} s each, in turn, after"
                f" {seconds if quick else WARM_UP} s of the same load on each server. bridge has its default"
                " settings, but for the budgets of its queue, which nobody reads here. It logs to a file.",
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
        "bridge": Server(url=rig.house.bridge, taken=AtBridge(rig, rig.house.bridge).taken),
        TWO: Server(url=(two := await _two_processes(rig)), taken=AtBridge(rig, two).taken),
        NODE: Server(url=node, taken=at_node),
        BARE: Server(url=await rig.start_peer("intake", "--writes", "none"), taken=None),
        EACH: Server(url=await rig.start_peer("intake", "--writes", "each"), taken=in_stream),
        GROUPED: Server(url=await rig.start_peer("intake", "--writes", "grouped"), taken=in_stream),
    }


async def _two_processes(rig: Rig) -> str:
    """`bridge web` in two processes: what two cores take, where one process has one."""
    port = free_port()
    rig.house.start(rigs.AS_DEPLOYED, "bridge", "web", PORT=str(port), WEB_CONCURRENCY=str(PROCESSES))
    url = f"http://127.0.0.1:{port}"
    await rig.house.answers(f"{url}/readyz")
    return url


def _body(rig: Rig, payload: dict[str, Any], size: int | None = None) -> Body:
    """Return the payload, signed, in a file; with a `size` in bytes its description is made to fit."""
    document = payload if size is None else sized(payload, size)
    data = json.dumps(document).encode() if size is None else rigs.dump(document)
    path = rig.folder / f"body-{size}.json"
    path.write_bytes(data)
    return Body(path=path, signature=rigs.sign(data, rig.house.webhook_secret))


def sized(payload: dict[str, Any], size: int) -> dict[str, Any]:
    """Return the payload in `size` bytes: with a description, or with only what bridge must have of it."""
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


async def _warm_up(intake: Intake, body: Body, *, slices: int, seconds: int) -> None:
    """Load all servers alike, in slices: Redis is emptied in between."""
    for name in SERVERS:
        say(f"intake: warming up {name} for {slices * seconds} s")
        for _ in range(slices):
            await intake.run(name, body, seconds=seconds)


async def _interleaved(
    intake: Intake, body: Body, names: Sequence[str], *, seconds: int, rounds: int
) -> dict[str, list[Load]]:
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


def figures(loads: dict[str, list[Load]]) -> list[Figure]:
    """Return the figures of the rounds, beside each peer's of the same rounds."""

    def rates(name: str) -> list[float]:
        return [load.rate for load in loads[name]]

    bounds = {("bridge", NODE): 1.15, ("bridge", BARE): 0.65, (TWO, NODE): 1.4}
    pairs = [*(("bridge", peer) for peer in (NODE, BARE, EACH, GROUPED)), (TWO, NODE)]
    found = [
        Figure(
            name="intake" if name == "bridge" else f"intake, {name}",
            unit="requests/s",
            ours=rates(name),
            peer=peer,
            theirs=rates(peer),
            bound=bounds.get((name, peer)),
        )
        for name, peer in pairs
    ]
    for name, bound in (("p99", 1.0), ("p50", None)):
        found.append(
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
    return found


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
