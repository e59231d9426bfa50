"""Deliveries for a benchmark: many repositories, pull requests and steps, each body its own."""

import asyncio
import hashlib
import itertools
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import aiohttp
import orjson

from bridge.storage import keys
from scripts.benches.rig import WEBHOOK, Rig, expect, sign
from scripts.sandbox.house import Broken, until

FIRST_ID = 1_000_000
SIDE_BY_SIDE = 32


@dataclass(frozen=True, kw_only=True)
class Shape:
    """`total` deliveries, spread evenly over `repositories` with `pulls` pull requests each."""

    total: int
    repositories: int
    pulls: int

    def bodies(self, payload: dict[str, Any], *, first: int = 0) -> Iterable[bytes]:
        """Return the bodies, one pull request's in the order of their steps; `first` counts those before."""
        for step in range(first, first + self.total):
            yield body(
                payload,
                repository=step % self.repositories,
                number=1 + step // self.repositories % self.pulls,
                step=step,
            )


@lru_cache(maxsize=10_000)
def id_of(repository: int) -> int:
    """Return a repository's id; the ids spread evenly over the partitions."""
    chosen, found = repository % keys.PARTITIONS, -1
    for candidate in itertools.count(FIRST_ID):
        found += keys.partition_of(candidate) == chosen
        if found == repository // keys.PARTITIONS:
            break
    return candidate


def sha_of(repository: int, number: int) -> str:
    """Return a pull request's head commit."""
    return hashlib.sha1(f"{repository}/{number}".encode(), usedforsecurity=False).hexdigest()


def name_of(repository: int) -> str:
    """Return a repository's full name."""
    return f"acme/repository-{repository}"


def url_of(repository: int, number: int) -> str:
    """Return a pull request's page."""
    return f"https://github.example/{name_of(repository)}/pull/{number}"


def body(payload: dict[str, Any], *, repository: int, number: int, step: int) -> bytes:
    """Return a delivery with another title: one message to each connection."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_900_000_000 + step))
    name = name_of(repository)
    made = {
        **payload,
        "action": "edited",
        "changes": {"title": {"from": "x"}},
        "number": number,
        "repository": {
            **payload["repository"],
            "id": id_of(repository),
            "name": name.partition("/")[2],
            "full_name": name,
        },
        "pull_request": {
            **payload["pull_request"],
            "number": number,
            "url": f"https://api.github.example/repos/{name}/pulls/{number}",
            "html_url": url_of(repository, number),
            "title": f"Step {step}",
            "updated_at": at,
            "head": {**payload["pull_request"]["head"], "sha": sha_of(repository, number)},
        },
    }
    return orjson.dumps(made)


async def connect(rig: Rig, repositories: int) -> None:
    """Connect each repository to a flow of its own."""
    store = rig.store
    for repository in range(repositories):
        name = name_of(repository)
        await store.connect(name, flow_token=f"token-{repository}", name=name)


async def begin(rig: Rig, payload: dict[str, Any], repositories: int, counted: "Counted") -> int:
    """Post each repository's first delivery; returns how many there were.

    It ties the repository's connection to its id, and the workers load what they need to show Markdown: once,
    so it is no part of what a delivery costs.
    """
    first = Shape(total=repositories, repositories=repositories, pulls=1)
    await send(rig, first.bodies(payload))
    await counted.all_of(first.total)
    await drained(rig)
    await counted.reset()
    return first.total


async def send(rig: Rig, bodies: Iterable[bytes]) -> int:
    """Send them to bridge's web half, which must take each; returns how many there were."""
    waiting = iter(bodies)
    sent = 0

    async def some() -> None:
        nonlocal sent
        for one in waiting:
            await _deliver(rig, one)
            sent += 1

    await asyncio.gather(*(some() for _ in range(SIDE_BY_SIDE)))
    return sent


async def _deliver(rig: Rig, body: bytes) -> None:
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": sign(body, rig.house.webhook_secret),
    }
    try:
        async with rig.house.http.post(
            f"{rig.house.bridge}{WEBHOOK}", data=body, headers=headers
        ) as response:
            expect(response.status == 202, f"bridge answered {response.status} to a delivery")
    except aiohttp.ClientError as error:
        raise Broken(f"bridge's web half does not take a delivery ({type(error).__name__})") from None


class Counted:
    """The counts of a stand-in at `url` (`scripts.benches.peer.answers`)."""

    def __init__(self, rig: Rig, url: str) -> None:
        self._rig = rig
        self._url = url

    async def reset(self) -> None:
        """Forget what came."""
        async with self._rig.house.http.post(f"{self._url}/_reset"):
            pass

    async def now(self) -> dict[str, float]:
        """Return the count so far."""
        async with self._rig.house.http.get(f"{self._url}/_count") as response:
            found: dict[str, float] = await response.json()
            return found

    async def all_of(self, total: int, *, seconds: float = 300) -> dict[str, float]:
        """Wait for `total` messages, each once; raises `Broken`."""

        async def whole() -> dict[str, float] | None:
            found = await self.now()
            return found if found["uuids"] >= total else None

        try:
            found: dict[str, float] = await until(whole, "", seconds=seconds)
        except Broken:
            raise Broken(f"{total} messages were due, and {await self.now()} came") from None
        expect(found["posts"] == found["uuids"] == total, f"{total} messages were due, {found} came")
        return found


async def drained(rig: Rig) -> None:
    """Wait until bridge's queue is empty; raises `Broken` if anything was given up."""

    async def empty() -> bool:
        return await rig.queued() == 0

    await until(empty, "the queue does not become empty", seconds=120)
    expect(await rig.dead() == 0, "there are dead letters")
