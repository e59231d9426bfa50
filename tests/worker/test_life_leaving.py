"""Threads that a flow is no longer shown: retargeted, paused, disconnected; and clicks in them."""

import asyncio

import pytest

from bridge.cli.connections import disconnect
from bridge.connections import last_words
from bridge.core.model import Connection
from bridge.core.options import Options
from bridge.storage import pulls
from bridge.worker import partition_cache, poster
from scripts.sandbox.faults import Fault
from tests.conftest import PATIENCE, House, eventually
from tests.kits.clicks import calls, click, refused
from tests.kits.life import Life, begin, titles

PAUSED = "bridge: No longer shown here: the connection is paused"
LEFT: tuple[str, list[str]] = ("no longer shown", [])
WHOLE = ("open", ["Assign to me", "Close", "Approve", "Request my review", "Merge", "Squash", "Rebase"])


@pytest.fixture
async def life(working: House) -> Life:
    """One open pull request; whose threads are brought up to date."""
    working.running.append(asyncio.create_task(working.services.thread_updater().run()))
    life = await begin(working)
    assert len(await life.act("ann-gh", "open", title="Count", head="fix")) == 1
    return life


async def connection(life: Life) -> Connection:
    (found,) = await life.house.services.connections.all()
    return found


async def change(life: Life, **changes: object) -> list[str]:
    """The messages once the connection was changed."""
    await life.house.services.connections.change((await connection(life)).id, **changes)

    async def news() -> list[str]:
        return titles(await life.news())

    told: list[str] = await eventually(news)
    return told


async def shown(life: Life) -> tuple[str, list[str]]:
    thread = await life.thread()
    return thread.status, thread.buttons


async def test_one_that_is_retargeted_away_takes_leave_and_returns(life: Life) -> None:
    (one,) = await life.house.services.connections.all()
    await life.house.services.connections.change(one.id, options=Options(bases=("main",)))
    away = await life.act("ann-gh", "edit", base="stable")
    assert titles(away) == ["bridge: No longer shown here: the base branch stable is not in the option bases"]
    assert await shown(life) == LEFT
    assert await life.act("bob-gh", "comment", body="Hello") == []

    back = await life.act("ann-gh", "edit", base="main")
    assert titles(back) == ["ann-gh: Changed the base branch from stable to main"]
    assert await shown(life) == WHOLE


async def test_a_paused_connections_threads_take_leave_and_are_whole_again(life: Life) -> None:
    assert await change(life, paused=True) == [PAUSED]
    assert await shown(life) == LEFT
    assert await life.act("ann-gh", "assign", assignee="ann-gh") == []
    assert await change(life, paused=False) == ["bridge: Shown here again"]
    assert await shown(life) == WHOLE
    assert (await life.thread()).fields["Assignees"] == "ann-gh"


async def test_a_thread_is_told_that_it_is_disconnected(life: Life) -> None:
    await disconnect(life.house.services, connection_id=(await connection(life)).id)
    assert titles(await life.news()) == ["bridge: Disconnected from this flow"]
    assert await shown(life) == LEFT


async def test_the_last_word_comes_after_what_was_under_way(life: Life) -> None:
    one = await connection(life)
    await asyncio.gather(
        disconnect(life.house.services, connection_id=one.id),
        *(life.house.act("bob-gh", "comment", number=1, body=f"Comment {at}") for at in range(3)),
    )
    assert titles(await life.news())[-1] == "bridge: Disconnected from this flow"
    assert await shown(life) == LEFT


async def test_a_slow_post_that_was_under_way_is_followed_by_the_last_word(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends after the flow was told, and shows the buttons again."""
    for module in (last_words, partition_cache, poster):
        monkeypatch.setattr(module, "CONNECTION_SECONDS", 0.1)
    one = await connection(life)
    slow = Fault(path="/messages", body="Slow", delay=PATIENCE)
    life.house.flowdock_journal.faults.append(slow)
    await life.house.act("bob-gh", "comment", number=1, body="Slow")
    assert await eventually(lambda: under_way(slow))
    await disconnect(life.house.services, connection_id=one.id)
    slow.released.set()
    assert await eventually(lambda: told_again(life))
    assert await shown(life) == LEFT


async def under_way(fault: Fault) -> bool:
    return fault.times == 0


async def told_again(life: Life) -> bool:
    titles_ = [message["title"] for message in await life.house.messages()]
    return titles_.count("Disconnected from this flow") == 2


async def test_a_click_where_nobody_is_connected_any_more_is_refused_with_what_to_do(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_words, "MAX_THREADS", 0)
    gone = await connection(life)
    await disconnect(life.house.services, connection_id=gone.id)
    assert await shown(life) == WHOLE
    outcome = await click(life, "ann", "Close")
    refused(outcome, 409, "acme/component is no longer connected to this flow. Open it on GitHub")
    assert calls(life) == []

    await life.house.services.connections.add(gone)
    assert (await click(life, "ann", "Close"))["status"] == 200


async def test_a_click_in_a_thread_of_a_paused_connection_is_refused(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulls, "MAX_UPDATED", 0)
    one = await connection(life)
    await life.house.services.connections.change(one.id, paused=True)
    assert await shown(life) == WHOLE
    refused(await click(life, "ann", "Close"), 409, "the connection is paused. Open it on GitHub")
    assert calls(life) == []


async def test_a_flow_that_is_down_holds_up_no_disconnecting(life: Life) -> None:
    one = await connection(life)
    life.house.flowdock_journal.faults.append(Fault(path="/messages", status=503, answer="{}"))
    await disconnect(life.house.services, connection_id=one.id)
    assert await life.house.services.connections.all() == []
