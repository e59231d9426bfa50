"""Updates that come too fast: a thread catches up as soon as it may."""

import asyncio

import pytest

from bridge.core.messages import updates
from bridge.monitor import thread_updates
from tests.conftest import House, eventually
from tests.kits.life import Life, begin, titles
from tests.kits.worker import REPOSITORY_ID, idle


@pytest.fixture
async def life(working: House, monkeypatch: pytest.MonkeyPatch) -> Life:
    """A worker with its updater, and a thread with one label shown and another one that has to wait."""
    monkeypatch.setattr(thread_updates, "IDLE", 0.02)
    monkeypatch.setattr(updates, "SECONDS", 3600)
    life = await begin(working)
    await life.act("ann-gh", "open", title="Count", head="fix")
    assert titles(await life.act("ann-gh", "label", label="bug")) == ["ann-gh: Labels: bug"]
    assert await life.act("ann-gh", "label", label="docs") == []
    assert (await life.thread()).fields["Labels"] == "bug"
    working.running.append(asyncio.create_task(working.services.thread_updater().run()))
    return life


async def fall_due(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time between two updates is over."""
    monkeypatch.setattr(updates, "SECONDS", 0)
    pulls, redis = life.house.services.pulls, life.house.redis
    assert await redis.exists("bridge:updates") == 1
    await pulls.update_later(REPOSITORY_ID, 1, delay=0)

    async def taken() -> bool:
        return bool(await redis.exists("bridge:updates") == 0)

    assert await eventually(taken)


async def test_an_update_that_had_to_wait_is_posted_when_it_is_due(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fall_due(life, monkeypatch)

    async def caught_up() -> bool:
        return (await life.thread()).fields["Labels"] == "bug, docs"

    assert await eventually(caught_up)
    assert titles(await life.news()) == ["GitHub: Labels: bug, docs"]


async def test_a_thread_that_another_message_brought_up_to_date_needs_none(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    await life.act("ann-gh", "assign", assignee="ann-gh")
    assert (await life.thread()).fields["Labels"] == "bug, docs"
    await fall_due(life, monkeypatch)
    await idle(life.house)
    assert await life.news() == []
