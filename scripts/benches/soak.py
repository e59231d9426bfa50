"""A long load on real processes: memory and keys are counted on the way, keys without a lifetime at the end.

One web process, one worker, an embedded Redis and the stand-in Flowdock.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bridge.core.security.encryption import Vault
from bridge.storage import embedded as embedded_redis
from bridge.storage import keys
from bridge.storage.client import connect_redis
from bridge.storage.connections import ConnectionStore
from scripts.benches.rig import AS_DEPLOYED
from scripts.sandbox.house import FLOW, ROOT, House, open_house, until
from scripts.sandbox.process import Process

REPOSITORIES = 40
PULLS = 50
SIDE_BY_SIDE = 32
SAMPLES = 10
KEPT_FOR_GOOD = 2 * REPOSITORIES + 5 * keys.PARTITIONS + 10
"""A repository's connection and its set; a partition's streams, lease and fence; the indexes."""

REPORT = ROOT / "docs" / "soak.md"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The state after a number of deliveries: resident memory in MB, Redis's keys and its memory in MB."""

    done: int
    seconds: float
    web: float
    worker: float
    keys: int
    redis: float


def main(arguments: list[str]) -> int:
    """Return 0 if memory and keys stayed flat; 1, with a sentence, if they did not."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--deliveries", type=int, default=50_000, metavar="N")
    parser.add_argument("--write", action="store_true", help="keep the figures in docs/soak.md")
    options = parser.parse_args(arguments)
    samples, kept = asyncio.run(_run(options.deliveries))
    table = _table(samples)
    print(table)
    if options.write:
        REPORT.write_text(_report(options.deliveries, table, kept))
    problems = _problems(samples, kept)
    for problem in problems:
        print(f"soak: {problem}", file=sys.stderr)
    return 1 if problems else 0


async def _run(deliveries: int) -> tuple[list[Sample], int]:
    with tempfile.TemporaryDirectory(prefix="bridge-soak-") as folder:
        data = Path(folder)
        with embedded_redis.running(data / "redis") as url, (data / "log").open("wb") as output:
            settings = {"REDIS_URL": url, "LOG_LEVEL": "warning"}
            async with open_house(data, output=output, settings=settings) as house:
                redis = connect_redis(url)
                try:
                    return await _soak(house, redis, deliveries)
                finally:
                    await redis.aclose()
                    await redis.connection_pool.disconnect()


async def _soak(house: House, redis: Any, deliveries: int) -> tuple[list[Sample], int]:
    web = house.start(AS_DEPLOYED, "bridge", "web")
    await house.answers(f"{house.bridge}/readyz")
    worker = house.start(AS_DEPLOYED, "bridge", "worker")
    await _connect(house, redis)
    payload = await house.payload()
    began = time.monotonic()
    samples: list[Sample] = []

    async def sample(done: int) -> None:
        samples.append(await _sample(done, time.monotonic() - began, web, worker, redis))
        print(_row(samples[-1]), flush=True)

    await sample(0)
    for part in range(SAMPLES):
        await _send(house, payload, range(part * deliveries // SAMPLES, (part + 1) * deliveries // SAMPLES))
        await _drained(redis)
        await sample((part + 1) * deliveries // SAMPLES)
    return samples, await _kept_for_good(redis)


async def _connect(house: House, redis: Any) -> None:
    store = ConnectionStore(redis, Vault([house.environ["ENCRYPTION_KEY"]]))
    for repository in range(REPOSITORIES):
        name = f"acme/soak-{repository}"
        source = await house.post(
            f"{house.flowdock}/_sandbox/sources",
            {"flow": FLOW, "name": name, "external_url": f"{house.github}/{name}"},
        )
        await store.connect(name, flow_token=source["flow_token"], name=name)


async def _send(house: House, payload: dict[str, Any], steps: range) -> None:
    waiting = asyncio.Queue[int]()
    for step in steps:
        waiting.put_nowait(step)

    async def some() -> None:
        while not waiting.empty():
            await _deliver(house, _body(payload, waiting.get_nowait()))

    await asyncio.gather(*(some() for _ in range(SIDE_BY_SIDE)))


def _body(payload: dict[str, Any], step: int) -> bytes:
    repository, number = step % REPOSITORIES, 1 + step // REPOSITORIES % PULLS
    name = f"soak-{repository}"
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_900_000_000 + step))
    made = {
        **payload,
        "action": "edited",
        "changes": {"title": {"from": "x"}},
        "number": number,
        "repository": {**payload["repository"], "id": 9000 + repository, "full_name": f"acme/{name}"},
        "pull_request": {
            **payload["pull_request"],
            "number": number,
            "title": f"Step {step}",
            "updated_at": at,
        },
    }
    return json.dumps(made).encode()


async def _deliver(house: House, body: bytes) -> None:
    signature = hmac.new(house.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": f"sha256={signature}",
    }

    async def taken() -> bool:
        try:
            async with house.http.post(
                f"{house.bridge}/github/webhook", data=body, headers=headers
            ) as response:
                return response.status in (200, 202)
        except aiohttp.ClientError:
            return False

    await until(taken, "bridge does not take a delivery")


async def _drained(redis: Any) -> None:
    async def empty() -> bool:
        async with redis.pipeline(transaction=False) as pipe:
            for partition in range(keys.PARTITIONS):
                pipe.xlen(keys.inbox(partition))
                pipe.xlen(keys.outbox(partition))
            return not any(await pipe.execute())

    await until(empty, "the queue does not become empty", seconds=600)


async def _sample(done: int, seconds: float, web: Process, worker: Process, redis: Any) -> Sample:
    memory: Any = await redis.info("memory")
    return Sample(
        done=done,
        seconds=seconds,
        web=_resident(web.pid),
        worker=_resident(worker.pid),
        keys=await redis.dbsize(),
        redis=memory["used_memory"] / 1e6,
    )


async def _kept_for_good(redis: Any) -> int:
    """Return how many keys have no lifetime."""
    names = [name async for name in redis.scan_iter(count=1000)]
    async with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.ttl(name)
        lifetimes: list[int] = await pipe.execute()
        return lifetimes.count(-1)


def _resident(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    return 0


HEAD = "| deliveries | seconds | web MB | worker MB | keys | Redis MB |\n" + "| ---: " * 6 + "|"


def _row(one: Sample) -> str:
    return (
        f"| {one.done:,} | {one.seconds:.0f} | {one.web:.1f} | {one.worker:.1f} |"
        f" {one.keys:,} | {one.redis:.1f} |"
    )


def _table(samples: list[Sample]) -> str:
    return "\n".join([HEAD, *map(_row, samples)])


def _problems(samples: list[Sample], kept: int) -> list[str]:
    """Flat: memory comes to an end of growing, and not far above where it began; few keys have no lifetime.

    What Python frees stays with the allocator, up to the most there ever was, so it rises for a while. What
    leaks rises in the last fifth of the load as in any other.
    """
    late = samples[-1]
    bounds = ((samples[2], 1.25), (samples[-3], 1.02))
    problems = [
        f"the {name} grew from {before:.1f} MB at {sample.done:,} to {after:.1f} MB"
        for sample, most in bounds
        for name, before, after in (("web", sample.web, late.web), ("worker", sample.worker, late.worker))
        if after > before * most
    ]
    if kept > KEPT_FOR_GOOD:
        problems.append(f"{kept} keys have no lifetime, {KEPT_FOR_GOOD} at most were expected")
    return problems


def _report(deliveries: int, table: str, kept: int) -> str:
    return f"""# Soak

{deliveries:,} deliveries over {REPOSITORIES * PULLS:,} pull requests of {REPOSITORIES} repositories.
One web process, one worker, an embedded Redis and the stand-in Flowdock on one machine of two cores.
Of the keys, {kept} are kept for good (connections, names of repositories); all others have a lifetime.

`scripts/soak --write` made this page on {time.strftime("%Y-%m-%d")}.

{table}
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
