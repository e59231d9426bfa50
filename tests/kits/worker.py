"""Shared by the worker's tests: payloads of many pull requests, and looks at their results."""

import asyncio
import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bridge.queue.entries import DeadLetter
from bridge.services import open_services
from bridge.storage import keys
from tests.conftest import FLOW, House, eventually
from tests.kits import payloads

REPOSITORY_ID = 1296269
PARTITION = keys.partition_of(REPOSITORY_ID)
FOREVER = 1_000_000
"""For a fault that lasts as long as the test."""


@dataclass
class Pulls:
    """Deliveries of made-up pull requests, after one of the stand-in GitHub's; each newer than the last.

    The title is also the sender's login, by which a message can be told.
    """

    house: House
    payload: dict[str, Any]
    second: int = 0

    def payload_of(
        self, number: int, title: str, action: str = "edited", **repository: Any
    ) -> dict[str, Any]:
        """The payload of a delivery about the pull request `number`."""
        self.second += 1
        made = copy.deepcopy(self.payload)
        made["action"], made["number"] = action, number
        made["pull_request"] |= {
            "number": number,
            "title": title,
            "updated_at": f"2030-01-01T00:{self.second // 60:02}:{self.second % 60:02}Z",
        }
        made["sender"] |= {"login": title}
        made["repository"] |= repository
        return made

    async def deliver(self, number: int, title: str, **changes: Any) -> None:
        """One comes in and is accepted."""
        response = await self.house.deliver(self.payload_of(number, title, **changes))
        assert response.status == 202


async def pulls(house: House) -> Pulls:
    """Made-up pull requests for this house, whose webhook and repository are left as they are."""
    return Pulls(house=house, payload=await payloads.pull_request(house))


async def posted(house: House, count: int, flow: str = FLOW) -> list[dict[str, Any]]:
    """The flow's messages, once there are that many; repeats count, too."""

    async def enough() -> list[dict[str, Any]]:
        messages = await house.messages(flow)
        return messages if len(messages) >= count else []

    messages: list[dict[str, Any]] = await eventually(enough) if count else await house.messages(flow)
    assert len(messages) == count
    return messages


async def idle(house: House) -> None:
    """Wait until the queue is empty: each delivery is posted, skipped or a dead letter."""

    async def empty() -> bool:
        names = [keys.inbox(PARTITION), keys.outbox(PARTITION)]
        return not any([await house.redis.xlen(name) for name in names])

    await eventually(empty)


async def dead(house: House, count: int = 1) -> list[DeadLetter]:
    """The dead letters, once there are that many."""

    async def enough() -> list[DeadLetter]:
        letters = await house.services.queue.dead_letters()
        return letters if len(letters) >= count else []

    letters: list[DeadLetter] = await eventually(enough)
    assert len(letters) == count
    return letters


async def tried(house: House, count: int) -> None:
    """Wait until that many entries were tried in vain."""

    async def noted() -> bool:
        return len(await house.services.queue.read_attempts(PARTITION)) >= count

    await eventually(noted)


def said(messages: list[dict[str, Any]], number: int) -> list[str]:
    """The posted deliveries of a pull request, in order."""
    thread = f"github:component:pr:{number}"
    return [one["author"]["name"] for one in messages if one["external_thread_id"] == thread]


@asynccontextmanager
async def next_worker(house: House, redis_url: str) -> AsyncIterator[None]:
    """A worker in a process of its own, as far as that goes: nothing but Redis ties it to the house's."""
    async with open_services(house.services.settings, redis_url=redis_url) as services:
        running = asyncio.create_task(services.worker().run())
        try:
            yield
        finally:
            services.stop.set()
            await running


async def stop_worker(house: House) -> None:
    """As SIGTERM does."""
    house.services.stop.set()
    await asyncio.gather(*house.running)
