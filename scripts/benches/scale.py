"""Scale: what a second worker brings, and what a delivery costs the more is known."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from msgspec.structs import replace

from bridge.core.messages import description
from bridge.core.model import Delivery
from bridge.core.pulls import extract, snapshot
from bridge.core.pulls.model import Rendered
from bridge.core.pulls.snapshot import Snapshot
from bridge.storage import keys
from bridge.storage.writes import Write
from scripts.benches import deliveries, processes, quota
from scripts.benches import rig as rigs
from scripts.benches.deliveries import Counted, Shape
from scripts.benches.findings import Figure, Findings, Plot
from scripts.benches.rig import Rig, say
from scripts.sandbox.house import until
from scripts.sandbox.process import Process

DELAY = 0.05
SHARE = 0.25
"""Of a core, for each worker: two whole ones, Redis and the stand-in would need more than two cores."""

REPOSITORIES = 3 * keys.PARTITIONS
PULLS_KNOWN = (10, 1_000, 100_000)
CONNECTIONS = (1, 1_000)
COST_REPOSITORIES = 10
BATCH = 2_000

DESCRIPTION = """## What and why

The parser gave up on **nested lists** deeper than 3, since `depth` was counted twice (see #41 and
https://example.org/notes). It now counts once, and @ann-gh's example from the report passes.

- [x] tests for lists, quotes and tables
- [ ] the page about *limits*
- a note for those who call `parse_deep()` by themselves

```python
def depth(token: Token) -> int:
    return token.level // 2
```

| input | before | now |
| --- | ---: | ---: |
| flat | 1.0 ms | 1.0 ms |
| deep | fails | 1.3 ms |
"""
"""Of each pull request, where a delivery's cost is measured."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The cost of a delivery in milliseconds: CPU of all processes together, and wall-clock time."""

    cpu: float
    wall: float


async def measure(quick: bool) -> Findings:
    """Two workers against one; CPU time a delivery, by pull requests and by connections."""
    payload = await rigs.payload()
    workers, means = await _workers(
        payload, total=(24 if quick else 40) * REPOSITORIES, rounds=3 if quick else 5
    )
    costs, plots = await _costs(payload, quick=quick)
    return Findings(
        figures=[workers, *costs],
        plots=plots,
        remarks=[
            f"Scale: a worker's bound is its CPU, not Flowdock's {DELAY * 1000:.0f} ms: {REPOSITORIES} flows"
            " have more slots than it fills. Two workers, Redis and the stand-in need more than two cores, so"
            f" each worker, the one alone too, has {SHARE:.0%} of a core ({means}). The repositories are"
            " spread evenly over the partitions, and each has had a delivery before. All others are in Redis"
            " when the workers are let go, and who works on what is settled; measured from then to the last"
            " message.",
            "Cost of a delivery: CPU time of web, worker and Redis together, by the kernel's clock of each,"
            " for deliveries sent to the web half while the worker works and Flowdock answers at once; each"
            f" pull request has a description of {len(DESCRIPTION)} characters. By pull requests:"
            f" {COST_REPOSITORIES} repositories that know so many open ones. By connections: each has a"
            " repository of its own, and all have had a delivery before.",
        ],
    )


# Workers


async def _workers(payload: dict[str, Any], *, total: int, rounds: int) -> tuple[Figure, str]:
    """Two workers against one, and by what means each has its share of a core."""
    shape = Shape(total=total, repositories=REPOSITORIES, pulls=5)
    rates: dict[int, list[float]] = {1: [], 2: []}
    async with rigs.open_rig(settings={"LEASE_SECONDS": "15", "LOG_LEVEL": "warning"}) as rig:
        url = await rig.start_peer("answers", "--delay", str(DELAY))
        rig.house.flowdock = url
        await rig.start_web()
        counted = Counted(rig, url)
        for at in range(rounds):
            for count in rates:
                rate, means = await _drained_by(rig, payload, shape, counted, count)
                rates[count].append(rate)
            say(f"scale: round {at + 1} of {rounds}: two {rates[2][-1]:,.0f}/s, one {rates[1][-1]:,.0f}/s")
    figure = Figure(
        name="two workers", unit="messages/s", ours=rates[2], peer="one worker", theirs=rates[1], bound=1.9
    )
    return figure, means


async def _drained_by(
    rig: Rig, payload: dict[str, Any], shape: Shape, counted: Counted, count: int
) -> tuple[float, str]:
    await rig.empty()
    await counted.reset()
    await deliveries.connect(rig, shape.repositories)
    workers = await _sharing(rig, count)
    first = await deliveries.begin(rig, payload, shape.repositories, counted)
    pids = [worker.pid for worker in workers]
    # Who stands still keeps its leases as long as nobody else is there to take them.
    processes.freeze(*pids)
    await deliveries.send(rig, shape.bodies(payload, first=first))
    async with quota.part_of_a_core(pids, SHARE) as means:
        # Not from the first message: until then others are prepared, the more the fewer workers there are.
        begun = time.monotonic()
        found = await counted.all_of(shape.total)
    await deliveries.drained(rig)
    for worker in workers:
        await rig.end(worker)
    return found["posts"] / (found["last"] - begun), means


async def _sharing(rig: Rig, count: int) -> list[Process]:
    """So many workers, each with its share of the partitions.

    A worker takes its share among all that are registered. Those yet to come are registered before, so that
    none has to give partitions back.
    """
    far_ahead = (await rig.redis.time())[0] + 3600
    yet_to_come = [f"yet-to-come-{at}" for at in range(1, count)]
    for name in yet_to_come:
        await rig.redis.zadd(keys.WORKERS, {name: far_ahead})
    workers = [rig.start_worker()]
    await _held_by(rig, 1, keys.PARTITIONS // count)
    for at, name in enumerate(yet_to_come, start=2):
        await rig.redis.zrem(keys.WORKERS, name)
        workers.append(rig.start_worker())
        await _held_by(rig, at, keys.PARTITIONS // count)
    return workers


async def _held_by(rig: Rig, workers: int, share: int) -> None:
    async def shared() -> bool:
        owners = await rig.redis.mget([keys.lease(partition) for partition in range(keys.PARTITIONS)])
        held = Counter(owner for owner in owners if owner is not None)
        return sorted(held.values()) == [share] * workers

    await until(shared, "the workers do not share the partitions")


# Costs


async def _costs(payload: dict[str, Any], *, quick: bool) -> tuple[list[Figure], list[Plot]]:
    payload = {**payload, "pull_request": {**payload["pull_request"], "body": DESCRIPTION}}
    # As many in the quick run: of fewer, most would come before batches have grown.
    total, pulls, rounds = 4_000, PULLS_KNOWN[:2] if quick else PULLS_KNOWN, 3 if quick else 5
    by_pulls: dict[int, list[Cost]] = {known: [] for known in pulls}
    by_connections: dict[int, list[Cost]] = {count: [] for count in CONNECTIONS}
    async with rigs.open_rig() as rig:
        url = await rig.start_peer("answers")
        rig.house.flowdock = url
        for at in range(rounds):
            for known, costs in by_pulls.items():
                shape = Shape(
                    total=total, repositories=COST_REPOSITORIES, pulls=max(1, known // COST_REPOSITORIES)
                )
                costs.append(await _cost(rig, payload, shape, Counted(rig, url)))
                say(f"scale: round {at + 1} of {rounds}: {known:,} pull requests: {costs[-1].cpu:.2f} ms")
            for count, costs in by_connections.items():
                shape = Shape(total=total, repositories=count, pulls=max(1, 1_000 // count))
                costs.append(await _cost(rig, payload, shape, Counted(rig, url)))
                say(f"scale: round {at + 1} of {rounds}: {count:,} connections: {costs[-1].cpu:.2f} ms")
    figures = [*_compared(by_pulls, "pull requests"), *_compared(by_connections, "connections")]
    return figures, [_plot(by_pulls)]


async def _cost(rig: Rig, payload: dict[str, Any], shape: Shape, counted: Counted) -> Cost:
    await rig.empty()
    await counted.reset()
    await deliveries.connect(rig, shape.repositories)
    await _know(rig, payload, shape)
    web, worker = await rig.start_web(), rig.start_worker()
    first = await deliveries.begin(rig, payload, shape.repositories, counted)
    pids = [web.pid, worker.pid, (await rig.redis.info("server"))["process_id"]]
    before = sum(map(processes.cpu_seconds, pids))
    await deliveries.send(rig, shape.bodies(payload, first=first))
    found = await counted.all_of(shape.total)
    await deliveries.drained(rig)
    spent = sum(map(processes.cpu_seconds, pids)) - before
    for process in (worker, web):
        await rig.end(process)
    return Cost(
        cpu=spent / shape.total * 1000, wall=(found["last"] - found["first"]) / (shape.total - 1) * 1000
    )


async def _know(rig: Rig, payload: dict[str, Any], shape: Shape) -> None:
    """Have bridge know all pull requests of a shape, by what its own `Pulls` would write."""
    waiting: list[Write] = []
    for write in _writes(rig, payload, shape):
        waiting.append(write)
        if len(waiting) >= BATCH:
            await _apply(rig, waiting)
            waiting = []
    await _apply(rig, waiting)


def _writes(rig: Rig, payload: dict[str, Any], shape: Shape) -> Iterable[Write]:
    for repository in range(shape.repositories):
        body = deliveries.body(payload, repository=repository, number=1, step=0)
        known = extract.delta(Delivery.of("known", "pull_request", orjson.loads(body)))
        # Without links that depend on the pull request it is the same for all, and takes long to make.
        html = description.html(snapshot.view(known))
        for number in range(1, shape.pulls + 1):
            one = _numbered(known, repository, number)
            rendered = Rendered(description.made_of(snapshot.view(one)), html)
            yield from rig.pulls.writes(
                deliveries.id_of(repository), Snapshot(), replace(one, rendered=rendered)
            )


def _numbered(known: Snapshot, repository: int, number: int) -> Snapshot:
    said = {
        "number": number,
        "url": deliveries.url_of(repository, number),
        "head": {**known.value("head"), "sha": deliveries.sha_of(repository, number)},
    }
    return replace(
        known,
        values={
            **known.values,
            **{name: replace(known.values[name], value=value) for name, value in said.items()},
        },
    )


async def _apply(rig: Rig, writes: list[Write]) -> None:
    async with rig.redis.pipeline(transaction=False) as pipe:
        for write in writes:
            pipe.execute_command(write.command, write.key, write.value)
            pipe.expire(write.key, write.seconds)
        await pipe.execute()


def _compared(costs: dict[int, list[Cost]], what: str) -> list[Figure]:
    (fewest, base), *more = costs.items()
    return [
        Figure(
            name=f"CPU a delivery, {count:,} {what}",
            unit="ms",
            ours=[one.cpu for one in found],
            peer=f"{fewest:,} {what}" if fewest > 1 else f"1 {what.removesuffix('s')}",
            theirs=[one.cpu for one in base],
            bound=1.1,
            better="less",
        )
        for count, found in more
    ]


def _plot(costs: dict[int, list[Cost]]) -> Plot:
    def line(value: str) -> list[tuple[float, float]]:
        return [
            (known, sorted(getattr(one, value) for one in found)[len(found) // 2])
            for known, found in costs.items()
        ]

    return Plot(
        name="cost-by-pull-requests",
        title="Cost of a delivery by pull requests known",
        across="open pull requests",
        up="ms",
        lines={"CPU, all processes": line("cpu"), "wall clock": line("wall")},
    )
