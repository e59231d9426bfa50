"""The worker: deliveries in the queue to messages that Flowdock took, none lost and none twice."""

from typing import Any

from bridge.worker.poster import POSTS_PER_FLOW
from scripts.benches import deliveries
from scripts.benches import rig as rigs
from scripts.benches.deliveries import Counted, Shape
from scripts.benches.findings import Figure, Findings
from scripts.benches.peer.worker import STREAM
from scripts.benches.rig import Rig, say

AT_ONCE = Shape(total=6000, repositories=10, pulls=20)
"""Thirty deliveries a pull request, as docs/scaling.md plans with."""

SLOWLY = Shape(total=1000, repositories=10, pulls=20)
DELAY = 0.05


async def measure(quick: bool) -> Findings:
    """Messages a second beside a bare loop; and how near the ideal comes with a Flowdock that takes 50 ms."""
    rounds = 2 if quick else 5
    payload = await rigs.payload()
    at_once = Shape(total=3000, repositories=10, pulls=10) if quick else AT_ONCE
    slots = POSTS_PER_FLOW * at_once.repositories
    return Findings(
        figures=[
            await _against_a_loop(payload, at_once, slots, rounds),
            await _against_the_ideal(payload, SLOWLY, rounds),
        ],
        remarks=[
            f"Worker: {at_once.total:,} deliveries of {at_once.repositories * at_once.pulls} pull requests"
            f" are in Redis when the worker starts; measured from the first message to the last. Beside it a"
            f" loop that reads the same bodies from a stream, parses each with orjson and posts a message of"
            f" the same size, {slots} at once. Each message is counted by its uuid.",
            f"With a Flowdock that takes {DELAY * 1000:.0f} ms, {SLOWLY.total:,} deliveries of"
            f" {SLOWLY.repositories * SLOWLY.pulls} threads in {SLOWLY.repositories} flows: from the first"
            f" message to the last answer, beside {ideal(SLOWLY):.3f} s, which {POSTS_PER_FLOW} at once in"
            " each flow and one at once in each thread allow.",
        ],
    )


def ideal(shape: Shape) -> float:
    """Return seconds that nothing can be faster than: a thread's messages in turn, a flow's few at once."""
    chain = shape.total / (shape.repositories * shape.pulls)
    return DELAY * max(chain, shape.total / (POSTS_PER_FLOW * shape.repositories))


async def drain(rig: Rig, payload: dict[str, Any], shape: Shape, counted: Counted) -> dict[str, float]:
    """Return what the stand-in saw of one worker on a full queue."""
    await rig.empty()
    await counted.reset()
    await deliveries.connect(rig, shape.repositories)
    await deliveries.send(rig, shape.bodies(payload))
    worker = rig.start_worker()
    found = await counted.all_of(shape.total)
    await deliveries.drained(rig)
    await rig.end(worker)
    return found


async def _against_a_loop(payload: dict[str, Any], shape: Shape, slots: int, rounds: int) -> Figure:
    ours, theirs = [], []
    async with rigs.open_rig() as rig:
        url = await rig.start_peer("answers")
        rig.house.flowdock = url
        await rig.start_web()
        counted = Counted(rig, url)
        for at in range(rounds):
            found = await drain(rig, payload, shape, counted)
            ours.append(_rate(found))
            size = round(found["size"] / found["posts"])
            theirs.append(await _loop(rig, payload, shape, counted, url, size, slots))
            say(f"worker: round {at + 1} of {rounds}: {ours[-1]:,.0f}/s, a bare loop {theirs[-1]:,.0f}/s")
    return Figure(name="worker", unit="messages/s", ours=ours, peer="bare loop", theirs=theirs, bound=0.5)


async def _loop(
    rig: Rig, payload: dict[str, Any], shape: Shape, counted: Counted, url: str, size: int, slots: int
) -> float:
    await rig.empty()
    await counted.reset()
    async with rig.redis.pipeline(transaction=False) as pipe:
        for body in shape.bodies(payload):
            pipe.xadd(STREAM, {"body": body})
        await pipe.execute()
    numbers = ("--total", str(shape.total), "--size", str(size), "--side-by-side", str(slots))
    process = rig.house.start("scripts.benches.peer.worker", "--url", url, *numbers)
    found = await counted.all_of(shape.total)
    await rig.end(process)
    return _rate(found)


def _rate(found: dict[str, float]) -> float:
    return (found["posts"] - 1) / (found["last"] - found["first"])


async def _against_the_ideal(payload: dict[str, Any], shape: Shape, rounds: int) -> Figure:
    ours = []
    async with rigs.open_rig() as rig:
        url = await rig.start_peer("answers", "--delay", str(DELAY))
        rig.house.flowdock = url
        await rig.start_web()
        counted = Counted(rig, url)
        for at in range(rounds):
            found = await drain(rig, payload, shape, counted)
            ours.append(found["last"] - found["first"] + DELAY)
            say(f"worker: round {at + 1} of {rounds} with a slow Flowdock: {ours[-1]:.2f} s")
    return Figure(
        name=f"worker, Flowdock takes {DELAY * 1000:.0f} ms",
        unit="s",
        ours=ours,
        peer="ideal",
        theirs=[ideal(shape)] * rounds,
        bound=1.25,
        better="less",
    )
