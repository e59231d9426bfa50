"""Shared by the tests of the monitor: a connection made as people make it, and its webhook on GitHub."""

import asyncio
from typing import Any

import pytest

from bridge.core.github.health import Hint
from bridge.core.messages.translate import EVENTS, OWN_EVENTS
from bridge.core.model import Connection
from bridge.monitor import merge_conflicts
from bridge.storage.checkups import Checkup
from scripts.sandbox.faults import Call
from tests.conftest import REPOSITORY, House, eventually
from tests.kits.connecting import Installer

CY = "1003"
"""Administers the repository on GitHub."""


async def connected(house: House, nick: str = "cy") -> Connection:
    """A connection with source and webhook, made by somebody whose account is linked."""
    installer = await Installer.of(house, nick)
    made = await installer.connect(await installer.repository())
    assert made.hook in ("made", "mended")
    return made.connection


async def hooks(house: House) -> list[dict[str, Any]]:
    """The repository's webhooks on GitHub."""
    token = await house.services.accounts.token(CY)
    async with house.http.get(
        f"{house.github}/api/v3/repos/{REPOSITORY}/hooks", headers={"Authorization": f"Bearer {token}"}
    ) as response:
        found: list[dict[str, Any]] = await response.json()
        return found


async def change_hook(house: House, hook_id: int | str | None, method: str, body: Any = None) -> None:
    """Somebody who administers the repository changes or removes its webhook on GitHub."""
    token = await house.services.accounts.token(CY)
    async with house.http.request(
        method,
        f"{house.github}/api/v3/repos/{REPOSITORY}/hooks/{hook_id}",
        headers={"Authorization": f"Bearer {token}"},
        json=body,
    ) as response:
        assert response.status in (200, 204), await response.text()


async def sent(house: House) -> None:
    """Wait until GitHub has tried all that it has to deliver."""
    async with house.http.get(f"{house.github}/_sandbox/webhooks/idle") as response:
        assert (await response.json())["idle"]


def told(house: House) -> list[Call]:
    """The calls that set or cleared a source's error message."""
    return [call for call in house.flowdock_journal.calls if (call.method, call.path) == ("PUT", "/sources")]


async def trouble(house: House, connection: Connection, kind: str | None) -> Connection:
    """The connection, once its trouble is of this kind (None: it has none)."""

    async def found() -> Connection | None:
        now = await house.services.connections.get(connection.id)
        assert now is not None
        return now if (now.problem.kind if now.problem else None) == kind else None

    known: Connection = await eventually(found)
    return known


async def check(house: House, connection: Connection, hint: Hint = "") -> Connection | None:
    """The connection after a checkup, which is done here and now."""
    monitor = house.services.connection_monitor(spacing=0)
    await monitor.check(Checkup(connection_id=connection.id, hint=hint))
    return await house.services.connections.get(connection.id)


async def start_poller(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect the house's repository, and `poll` it."""
    await house.connect()
    await poll(house, monkeypatch)


async def poll(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hook all events of the house's repository, and start a worker with its poller, in haste."""
    monkeypatch.setattr(merge_conflicts, "IDLE", 0.02)
    monkeypatch.setattr(merge_conflicts, "SPACING", 0.02)
    await house.hook(events=sorted(EVENTS - OWN_EVENTS))
    house.start_worker()
    house.running.append(asyncio.create_task(house.services.conflict_poller().run()))
