"""Attacks by large bodies, signed: of a repository's administrator, say, whose webhook's secret is theirs."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from bridge.core import compression
from bridge.core.github import webhook
from bridge.queue import offload as off_loop
from bridge.queue.entries import InboxEntry
from bridge.queue.offload import LARGE
from bridge.worker import partition
from tests.attacks.test_strangers import GUARDED, SECONDS
from tests.conftest import REPOSITORY, House

SIZE = 24 * 2**20
ABOUT = b'{"repository":{"id":1296269,"full_name":"' + REPOSITORY.encode() + b'"},"x":'
PING = b'{"zen":"z","hook_id":1}'


class Held:
    """Work that lasts until a genuine delivery was answered, or seems never to be."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), threading.Event()
        self.loop = asyncio.get_running_loop()
        self.patience: float = SECONDS
        self.waited_in_vain = False

    def around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def held(*args: Any, **named: Any) -> Any:
            body = next(one for one in (*args, *named.values()) if isinstance(one, bytes))
            if len(body) > LARGE:
                self.loop.call_soon_threadsafe(self.begun.set)
                self.waited_in_vain |= not self.go_on.wait(self.patience)
            return work(*args, **named)

        return held


@GUARDED
@pytest.mark.parametrize("step", ["verify_signature", "check_values", "read_document"])
async def test_a_delivery_is_answered_while_a_large_one_is_worked_on(
    house: House, guarded: bool, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long that lasts: here, for as long as the other is not answered."""
    held = Held()
    monkeypatch.setattr(webhook, step, held.around(getattr(webhook, step)))
    if not guarded:
        held.patience = 0.2
        monkeypatch.setattr(off_loop, "LARGE", SIZE)
    body = PING[:-1] + b',"x":"' + b"x" * (2 * LARGE) + b'"}'
    large = asyncio.create_task(house.deliver_bytes(body, event="ping"))
    await held.begun.wait()
    async with asyncio.timeout(SECONDS):
        small = await house.deliver_bytes(PING, event="ping")
    held.go_on.set()
    assert (small.status, (await large).status) == (200, 200)
    assert held.waited_in_vain is not guarded


# Each of them made bridge's process hundreds of MB larger, and kept it busy for seconds.
WORST: dict[str, Callable[[], bytes]] = {
    "lists": lambda: ABOUT + b"[" + b"[]," * (SIZE // 3) + b"0]}",
    "objects in objects": lambda: ABOUT + b'{"a":' * (SIZE // 5),
    "objects": lambda: ABOUT + b"[" + b'{"a":0},' * (SIZE // 8) + b"0]}",
    "broken, with escapes": lambda: ABOUT + b'"' + rb"\n" * (SIZE // 2),
    "halves of pairs": lambda: ABOUT + b'"' + rb"\ud800" * (SIZE // 6) + b'"}',
}


@pytest.mark.parametrize("worst", WORST)
@pytest.mark.parametrize("event", ["push", "ping"])
async def test_a_body_that_would_decode_to_a_mountain_is_refused_first(
    house: House, worst: str, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[int] = []
    looked_at_again: list[int] = []

    load = orjson.loads

    def loads(document: bytes) -> Any:
        loaded.append(document.count(b"[") + document.count(b"{"))
        return load(document)

    class Escape:
        def sub(self, _: object, document: bytes) -> bytes:
            looked_at_again.append(len(document))
            return document

    monkeypatch.setattr(webhook, "ESCAPE", Escape())
    monkeypatch.setattr(orjson, "loads", loads)
    assert (await house.deliver_bytes(WORST[worst](), event=event)).status == 400
    assert (await house.deliver_bytes(PING, event="ping")).status == 200
    assert max(loaded) < webhook.MAX_VALUES
    assert not looked_at_again


async def test_without_the_bounds_it_is_made(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: of a twentieth of the size."""
    monkeypatch.setattr(webhook, "MAX_VALUES", SIZE)
    monkeypatch.setattr(webhook, "MAX_MENDED", SIZE)
    lists = ABOUT + b"[" + b"[]," * (SIZE // 60) + b"0]}"
    halves = ABOUT + b'"' + rb"\ud800" * (SIZE // 120) + b'"}'
    assert [(await house.deliver_bytes(body, event="push")).status for body in (lists, halves)] == [202, 202]


BOMB = compression.pack(ABOUT + b'"' + b"x" * SIZE + b'"}')


@pytest.mark.parametrize(
    ("packed", "together"), [(BOMB, 1), (compression.pack(b'{"a":"b"}' * 3000), partition.MAX_BATCH)]
)
def test_a_worker_unpacks_one_mountain_at_a_time(packed: bytes, together: int) -> None:
    """It weighs next to nothing packed."""
    entry = InboxEntry(
        id="1-0", delivery_id="d", event="push", repository_id=1, number=0, received_at=0, packed=packed
    )
    assert len(packed) < SIZE / 1000
    assert partition.batch_size([entry] * 100) == together
