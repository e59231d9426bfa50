"""`bridge web` in several processes: replaced where they die, drained together, counted together."""

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.cli import supervisor
from bridge.core.errors import BridgeError
from tests.conftest import House, eventually
from tests.kits import sign
from tests.kits.commands import serving
from tests.kits.payloads import pull_request
from tests.kits.queue import PARTITION

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="Linux tells a process's children"
)


def printed(log: Path) -> str:
    return log.read_text()


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def children(pid: int) -> set[int]:
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@asynccontextmanager
async def two(house: House, redis_url: str, output: Path) -> AsyncIterator[int]:
    """`bridge web` in two processes that listen; yields the supervisor's process id."""
    async with serving(house, redis_url, output, subprocess.Popen, half="web", WEB_CONCURRENCY="2") as pid:

        async def both() -> bool:
            return printed(output).count('"listening"') == 2

        await eventually(both)
        yield pid


async def deliver(house: House, body: bytes, delivery_id: str) -> int:
    """A delivery by a connection of its own, which the kernel gives to either process; 0 if it broke."""
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": delivery_id,
        "X-Hub-Signature-256": sign.webhook(body, house.services.settings.github_webhook_secrets[0]),
    }
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{house.bridge}/github/webhook", data=body, headers=headers) as response,
        ):
            return response.status
    except (aiohttp.ClientError, OSError):
        return 0


async def counted(house: House) -> dict[str, int]:
    """The webhook's answers by /metrics, of whichever process answers."""
    async with aiohttp.ClientSession() as http, http.get(f"{house.bridge}/metrics") as response:
        text = await response.text()
    return {
        sample.labels["answer"]: int(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "bridge_deliveries_total"
    }


async def queued(house: House) -> list[str]:
    """The ids of the deliveries in the queue."""
    inboxes = house.services.queue.inboxes()
    found = await inboxes.read({PARTITION: "0"}, count=100_000, block_ms=1)
    await inboxes.close()
    return [entry.delivery_id for _, entry in found]


async def test_metrics_are_those_of_all_processes(house: House, redis_url: str, tmp_path: Path) -> None:
    body = json.dumps(await pull_request(house)).encode()
    async with two(house, redis_url, tmp_path / "log"):
        answers = [await deliver(house, body, f"delivery-{number}") for number in range(30)]
        assert answers == [202] * 30
        assert await deliver(house, body, "delivery-0") == 200
        for _ in range(10):
            assert await counted(house) == {"202": 30, "200": 1}


async def test_a_process_that_is_killed_is_replaced_and_no_delivery_is_lost(
    house: House, redis_url: str, tmp_path: Path
) -> None:
    body = json.dumps(await pull_request(house)).encode()
    taken: list[str] = []
    async with two(house, redis_url, tmp_path / "log") as pid:
        before = children(pid)
        assert len(before) == 2
        stop = asyncio.Event()

        async def send(sender: int) -> None:
            number = 0
            while not stop.is_set():
                delivery_id = f"{sender}-{number}"
                # As GitHub does for us, once its attempt failed.
                while await deliver(house, body, delivery_id) not in (200, 202):
                    pass
                taken.append(delivery_id)
                number += 1

        async def more_than(count: int) -> bool:
            return len(taken) > count

        senders = [asyncio.create_task(send(number)) for number in range(4)]
        await eventually(lambda: more_than(20))
        counts = await counted(house)
        os.kill(min(before), signal.SIGKILL)

        async def replaced() -> bool:
            return len(children(pid)) == 2 and min(before) not in children(pid)

        await eventually(replaced)
        count = len(taken)
        await eventually(lambda: more_than(count + 20))
        stop.set()
        await asyncio.gather(*senders)
        assert sorted(await queued(house)) == sorted(taken)
        assert (await counted(house))["202"] > counts["202"]
    assert printed(tmp_path / "log").count('"web_process_died"') == 1
    assert "Traceback" not in printed(tmp_path / "log")


async def test_processes_whose_supervisor_was_killed_end(
    house: House, redis_url: str, tmp_path: Path
) -> None:
    async with two(house, redis_url, tmp_path / "log") as pid:
        left = children(pid)
        os.kill(pid, signal.SIGKILL)

        async def gone() -> bool:
            return not any(map(is_there, left))

        await eventually(gone)


@pytest.mark.parametrize(
    ("last", "lived", "pause"), [(0, 1, 0.5), (0.5, 1, 1), (16, 59, 30), (30, 1, 30), (30, 60, 0), (0, 60, 0)]
)
def test_a_process_is_replaced_the_later_the_oftener_it_dies(last: float, lived: float, pause: float) -> None:
    assert supervisor.next_pause(last, lived=lived) == pause


@pytest.mark.parametrize(
    ("listening", "asked", "is_free"),
    [
        ("127.0.0.1", "127.0.0.1", False),
        ("127.0.0.1", None, False),
        ("0.0.0.0", "127.0.0.1", False),
        ("127.0.0.2", "127.0.0.1", True),
    ],
)
def test_a_port_is_taken_where_somebody_listens_at_the_same_address(
    listening: str, asked: str | None, is_free: bool
) -> None:
    with socket.create_server((listening, 0)) as other:
        port = other.getsockname()[1]
        refusal = (
            nullcontext() if is_free else pytest.raises(BridgeError, match=f"cannot listen on port {port}")
        )
        with refusal:
            supervisor.check_port(port, asked)
