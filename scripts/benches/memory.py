"""Memory: bridge's processes after many deliveries, and what Redis keeps of each thing."""

import secrets
from collections import defaultdict
from typing import Any

from redis.asyncio import Redis

from bridge.storage import keys
from scripts.benches import click, deliveries, processes
from scripts.benches import rig as rigs
from scripts.benches.deliveries import Counted, Shape
from scripts.benches.findings import Figure, Findings
from scripts.benches.rig import Rig, expect, say
from scripts.sandbox.house import ROOT

REPOSITORIES = 32
SMALLEST = 25 * 1024 * 1024
"""Bytes of the smallest Redis that Heroku offers."""

DESCRIPTION = 1_000
OF_A_PULL = ("snapshot", "heads", "shown", "open", "checks")
"""The kinds of keys that a pull request has, by the word after the partition."""


async def measure(quick: bool) -> Findings:
    """Resident memory of both halves; Redis's bytes a queued delivery and an open pull request."""
    total, pulls, queued = (1_000, 320, 320) if quick else (20_000, 3_200, 1_600)
    payload = await rigs.payload()
    async with rigs.open_rig(settings={"FLOWDOCK_CLIENT_SECRET": secrets.token_hex(32)}) as rig:
        url = await rig.start_peer("answers")
        rig.house.flowdock = url
        rig.house.github = await rig.start_peer("answers", "--status", "201", "--answer", click.ANSWER)
        halves = await _halves(rig, payload, Counted(rig, url), total)
        kept, told_of = await _open_pulls(rig, payload, Counted(rig, url), pulls)
        # Prose, and none that repeats itself: snapshots are packed.
        prose = (ROOT / "LICENSE").read_text()[:DESCRIPTION]
        described = {**payload, "pull_request": {**payload["pull_request"], "body": prose}}
        more, _ = await _open_pulls(rig, described, Counted(rig, url), pulls)
        waiting = await _queued(rig, payload, queued)
    return Findings(
        figures=[*halves, *_of_redis(kept, more), *waiting.figures],
        remarks=[
            f"Memory: web and worker are processes of their own; after {total:,} deliveries of"
            f" {REPOSITORIES * 50:,} pull requests, all of them posted. RSS counts what is shared with other"
            " processes whole, PSS by its part. A click loads what signs and decrypts, a page what makes"
            " HTML.",
            "An open pull request in Redis: MEMORY USAGE of its snapshot, of the indexes by commit, of what"
            f" its thread showed, and its part of its repository's set, over {pulls:,}. {told_of}",
            *waiting.remarks,
            _fits(kept["pull"], waiting.figures[0].value, waiting.figures[1].value),
        ],
    )


async def _halves(rig: Rig, payload: dict[str, Any], counted: Counted, total: int) -> list[Figure]:
    await deliveries.connect(rig, REPOSITORIES)
    web, worker = await rig.start_web(), rig.start_worker()
    shape = Shape(total=total, repositories=REPOSITORIES, pulls=50)
    say(f"memory: {total:,} deliveries")
    await deliveries.send(rig, shape.bodies(payload))
    await counted.all_of(total, seconds=1200)
    await deliveries.drained(rig)
    figures = [
        Figure(name=f"{half}, {kind}", unit="MB", ours=[read(process.pid)], bound=bound, better="less")
        for half, process, most in (("web", web, 70), ("worker", worker, 80))
        for kind, read, bound in (
            ("RSS", processes.resident_mb, most),
            ("PSS", processes.proportional_mb, None),
        )
    ]
    await click.link(rig)
    await click.click(rig, rig.house.http)
    async with rig.house.http.get(rig.house.bridge) as page:
        expect(page.status == 200, f"the home page is answered with {page.status}")
    later = [processes.resident_mb(web.pid)]
    for process in (worker, web):
        await rig.end(process)
    return [*figures, Figure(name="web, RSS, a click and a page later", unit="MB", ours=later)]


async def _open_pulls(
    rig: Rig, payload: dict[str, Any], counted: Counted, pulls: int
) -> tuple[dict[str, float], str]:
    """Bytes of a pull request (`pull`), and of what else a delivery leaves for a while, by kind of key."""
    say(f"memory: {pulls:,} open pull requests")
    await rig.empty()
    await counted.reset()
    await deliveries.connect(rig, REPOSITORIES)
    web, worker = await rig.start_web(), rig.start_worker()
    shape = Shape(total=pulls, repositories=REPOSITORIES, pulls=pulls // REPOSITORIES)
    await deliveries.send(rig, shape.bodies(payload))
    await counted.all_of(pulls, seconds=600)
    await deliveries.drained(rig)
    for process in (worker, web):
        await rig.end(process)
    found = await _by_kind(rig.redis)
    expect(found["snapshot"] > 0, "no snapshots were found in Redis")
    kept = {kind: found[kind] / pulls for kind in found}
    kept["pull"] = sum(kept.get(kind, 0) for kind in OF_A_PULL)
    parts = ", ".join(f"{kind} {kept[kind]:,.0f}" for kind in OF_A_PULL if kept.get(kind))
    others = ", ".join(
        f"{kind} {size:,.0f}" for kind, size in sorted(kept.items()) if kind not in (*OF_A_PULL, "pull")
    )
    return kept, f"By kind of key, in bytes: {parts}; besides, a delivery of each left {others}."


async def _by_kind(redis: Redis) -> dict[str, float]:
    """Bytes of all keys that belong to partitions, by the word after the partition."""
    sizes: defaultdict[str, float] = defaultdict(float)
    names = [name async for name in redis.scan_iter("bridge:{*}:*", count=1000)]
    for begin in range(0, len(names), 1000):
        some = names[begin : begin + 1000]
        async with redis.pipeline(transaction=False) as pipe:
            for name in some:
                pipe.memory_usage(name, samples=0)
            for name, size in zip(some, await pipe.execute(), strict=True):
                sizes[name.decode().split(":")[2]] += size or 0
    return sizes


def _of_redis(kept: dict[str, float], more: dict[str, float]) -> list[Figure]:
    described = more["pull"]
    return [
        Figure(name="Redis, an open pull request", unit="B", ours=[kept["pull"]], bound=2_000, better="less"),
        Figure(name=f"Redis, one with {DESCRIPTION:,} characters of description", unit="B", ours=[described]),
    ]


async def _queued(rig: Rig, payload: dict[str, Any], count: int) -> Findings:
    """Bytes of a delivery while it waits, beside its body; then what is noted so that none is taken twice."""
    say(f"memory: {count:,} queued deliveries")
    await rig.empty()
    await deliveries.connect(rig, REPOSITORIES)
    web = await rig.start_web()
    shape = Shape(total=count, repositories=REPOSITORIES, pulls=50)
    bodies = list(shape.bodies(payload))
    await deliveries.send(rig, bodies)
    await rig.end(web)
    expect(await rig.queued() == count, "not all deliveries are queued")
    found = await _by_kind(rig.redis)
    body = sum(map(len, bodies)) / count
    return Findings(
        figures=[
            Figure(
                name="Redis, a queued delivery",
                unit="B",
                ours=[found["inbox"] / count],
                peer="its body",
                theirs=[body],
                bound=1,
                better="less",
            ),
            Figure(name="Redis, a delivery id remembered", unit="B", ours=[found["seen"] / count]),
        ],
        remarks=[
            f"A queued delivery: MEMORY USAGE of the {keys.PARTITIONS} inboxes with {count:,} deliveries of"
            f" {body / 1000:.1f} kB, each its own. Its id is remembered for four days.",
        ],
    )


def _fits(pull: float, delivery: float, seen: float) -> str:
    """Return how much of each a small Redis holds: alone, and besides a team's open pull requests."""
    own = 1.5e6
    room = SMALLEST - own
    team = 1_000
    return (
        f"A Redis of 25 MB ({SMALLEST:,} bytes, of which it needs about {own / 1e6:g} MB for itself) holds"
        f" {room / pull:,.0f} open pull requests, or {room / (delivery + seen):,.0f} queued deliveries, or"
        f" {team:,} open pull requests and {(room - team * pull) / (delivery + seen):,.0f} queued deliveries,"
        f" or {team:,} open pull requests and the ids of {(room - team * pull) / seen:,.0f} deliveries of"
        " four days."
    )
