"""What goes wrong on the way to Flowdock: nothing is lost, nothing waits for what does not concern it."""

import asyncio
import json
import time
from typing import Any

import pytest

from bridge import handling, keys
from bridge.core.vault import Vault
from scripts.sandbox.faults import Fault
from tests.conftest import FLOW, House, eventually
from tests.worker_kit import (
    PARTITION,
    REPOSITORY_ID,
    Pulls,
    dead,
    idle,
    next_worker,
    posted,
    pulls,
    said,
    stop_worker,
    tried,
)

OTHER_FLOW = "acme/ops"
FOREVER = 1_000_000


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once."""
    monkeypatch.setattr(handling, "backoff", lambda _count: 0.01)


@pytest.fixture
async def made(house: House, soon: None) -> Pulls:
    """Made-up pull requests of the connected repository; the worker is for the test to start."""
    await house.connect()
    return await pulls(house)


# Flowdock fails for a while

FAULTS = {
    "500": Fault(path="/messages", status=500, times=3),
    "503": Fault(path="/messages", status=503, times=3),
    "429": Fault(path="/messages", status=429, times=3),
    "408": Fault(path="/messages", status=408, times=3),
    "cut before": Fault(path="/messages", cut="before", times=3),
    "cut after": Fault(path="/messages", cut="after", times=3),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_message_that_flowdock_did_not_take_is_posted_again_before_those_behind_it(
    house: House, made: Pulls, name: str
) -> None:
    fault = FAULTS[name]
    house.flowdock_journal.faults.append(Fault(**vars(fault)))
    for title in ("A", "B", "C"):
        await made.deliver(1, title)
    house.start_worker()

    await idle(house)
    messages = await house.messages()
    repeats = [one for one in messages if one["repeat"]]
    assert said([one for one in messages if not one["repeat"]], 1) == ["A", "B", "C"]
    # Only where the answer was lost; Flowdock tells them by their uuid.
    assert len(repeats) == (3 if name == "cut after" else 0)
    assert {one["uuid"] for one in repeats} <= {one["uuid"] for one in messages if not one["repeat"]}
    assert house.services.metrics.registry.get_sample_value("bridge_retried_total") == 3
    assert await house.services.redis.exists(keys.tries(PARTITION)) == 0


async def test_after_retry_after_nothing_is_posted_to_that_flow_before_its_time(
    house: House, made: Pulls
) -> None:
    limited = Fault(path="/messages", status=429, headers={"Retry-After": "1"})
    house.flowdock_journal.faults.append(limited)
    house.start_worker()
    began = time.time()
    await made.deliver(1, "A")
    await tried(house, 1)
    await made.deliver(2, "B")

    messages = await posted(house, 2)
    assert min(one["sent"] for one in messages) / 1000 >= began + 1
    assert [call.status for call in _posts(house)] == [429, 202, 202]


async def test_retry_after_is_not_cut_short_by_another_post_that_fails_meanwhile(
    house: House, made: Pulls
) -> None:
    slow_failure = Fault(path="/messages", body='"slow"', status=500, delay=0.3)
    limited = Fault(path="/messages", body='"limited"', status=429, headers={"Retry-After": "1"})
    house.flowdock_journal.faults += [slow_failure, limited]
    began = time.time()
    await made.deliver(1, "slow")
    await made.deliver(2, "limited")
    house.start_worker()

    messages = await posted(house, 2)
    assert sorted(call.status for call in _posts(house)[:2]) == [429, 500]
    assert min(one["sent"] for one in messages) / 1000 >= began + 1


@pytest.mark.parametrize("down", [{"status": 503}, {"delay": 600}, {"cut": "before"}], ids=str)
async def test_a_flow_that_is_down_delays_no_other_flow(
    house: House, made: Pulls, down: dict[str, Any]
) -> None:
    token = house.flow_token
    await house.connect(OTHER_FLOW)
    house.flowdock_journal.faults.append(Fault(path="/messages", body=token, times=FOREVER, **down))
    house.start_worker()
    for step in range(6):
        for number in range(1, 11):
            await made.deliver(number, f"{step}")

    others = await posted(house, 60, OTHER_FLOW)
    assert await house.messages(FLOW) == []
    house.flowdock_journal.faults.clear()
    for messages in (others, await posted(house, 60)):
        assert all(said(messages, number) == list("012345") for number in range(1, 11))


async def test_a_message_that_keeps_failing_holds_up_its_own_thread_only(
    house: House, made: Pulls, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_a_row: list[int] = []

    def backoff(count: int) -> float:
        """Asked for the flow first, then for the message: that one waits for an hour."""
        in_a_row.append(count)
        return 0 if len(in_a_row) % 2 else 3600

    monkeypatch.setattr(handling, "backoff", backoff)
    house.flowdock_journal.faults.append(Fault(path="/messages", body='"bad"', status=500, times=FOREVER))
    house.start_worker()
    for step in range(3):
        await made.deliver(10 + step, "bad")
        await tried(house, step + 1)
        await made.deliver(1, f"{step}")
        await posted(house, step + 1)

    # Each time the flow had taken something since: it was never more than one failure in a row.
    assert in_a_row == [0] * 6


def test_a_flow_is_put_off_by_its_failures_in_a_row_counting_those_under_way_together_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handling, "backoff", lambda count: 10.0**count)
    now = 1000.0
    monkeypatch.setattr("bridge.handling.time.time", lambda: now)
    flow = handling.Flow()

    for _ in range(8):
        flow.failed(None)
    assert (flow.failures, flow.not_before) == (1, 1001)
    flow.failed(5)
    flow.failed(2)
    assert flow.not_before == 1005
    now = 1005
    flow.failed(None)
    assert (flow.failures, flow.not_before) == (2, 1015)


# Flowdock refuses


async def test_a_message_that_flowdock_refuses_is_a_dead_letter_with_its_answer_and_the_thread_goes_on(
    house: House, made: Pulls
) -> None:
    answer = json.dumps({"message": "Validation error", "errors": {"title": ["is silly"]}})
    # The thread's title is the newest, so it is the author that tells the message.
    refused = Fault(path="/messages", body='"name":"B"', status=400, answer=answer)
    house.flowdock_journal.faults.append(refused)
    house.start_worker()
    for title in ("A", "B", "C"):
        await made.deliver(1, title)

    (letter,) = await dead(house)
    assert (letter.kind, letter.reason) == ("outbox", f"Flowdock answered 400: {answer}")
    await idle(house)
    assert said(await house.messages(), 1) == ["A", "C"]


async def test_a_dead_message_that_is_revived_is_posted_by_the_worker_that_runs(
    house: House, made: Pulls
) -> None:
    house.flowdock_journal.faults.append(Fault(path="/messages", body='"A"', status=400))
    house.start_worker()
    for title in ("A", "B"):
        await made.deliver(1, title)
    (letter,) = await dead(house)
    await posted(house, 1)

    await house.services.deliveries.revive(letter)
    assert said(await posted(house, 2), 1) == ["B", "A"]
    (thread,) = await house.threads()
    assert thread["title"] == "B"
    await idle(house)


async def test_a_source_that_was_removed_takes_its_connection_and_token_with_it(
    house: House, made: Pulls
) -> None:
    house.start_worker()
    await made.deliver(1, "A")
    (message,) = await posted(house, 1)
    (connection,) = await house.services.store.connections()
    async with house.http.delete(f"{house.flowdock}/_sandbox/sources/{message['source']}") as response:
        assert response.status == 204
    for number in range(1, 9):
        await made.deliver(number, "B")

    await idle(house)
    redis = house.services.redis
    assert await redis.exists(keys.CONNECTIONS, keys.connection(connection.id)) == 0
    assert await redis.exists(keys.connections_of(REPOSITORY_ID)) == 0
    assert await house.services.deliveries.dead_letters() == []
    # Those that were told the same at once are no error to be tried again.
    assert house.services.metrics.registry.get_sample_value("bridge_retried_total") == 0
    await made.deliver(1, "C")
    await idle(house)
    await posted(house, 1)


# What no one expected


async def test_a_poison_delivery_is_a_dead_letter_with_its_traceback_and_the_thread_goes_on(
    house: House, made: Pulls
) -> None:
    poison = made.payload_of(1, "poison")
    del poison["pull_request"]["head"]
    house.start_worker()
    await made.deliver(1, "A")
    await house.deliver(poison)
    await made.deliver(1, "B")

    (letter,) = await dead(house)
    assert (letter.kind, letter.reason) == ("inbox", "KeyError while handling it")
    assert "Traceback" in letter.detail
    assert "KeyError: 'head'" in letter.detail
    await idle(house)
    assert said(await house.messages(), 1) == ["A", "B"]


async def test_a_connection_that_cannot_be_decrypted_is_tried_again_not_lost(
    house: House, made: Pulls
) -> None:
    (connection,) = await house.services.store.connections()
    name = keys.connection(connection.id)
    good = await house.services.redis.get(name)
    assert isinstance(good, bytes)
    sealed = Vault(["another key of at least 32 characters"]).seal(b"token", place=name)
    await house.services.redis.set(name, json.dumps({**json.loads(good), "flow_token": sealed.decode()}))
    house.start_worker()
    await made.deliver(1, "A")
    await tried(house, 1)

    await house.services.redis.set(name, good)
    assert said(await posted(house, 1), 1) == ["A"]
    assert await house.services.deliveries.dead_letters() == []


# The worker goes


async def test_a_worker_told_to_stop_hands_back_its_leases_and_leaves_the_rest_to_the_next(
    house: House, made: Pulls, redis_url: str
) -> None:
    house.flowdock_journal.faults.append(Fault(path="/messages", status=503, times=FOREVER))
    house.start_worker()
    for step in range(3):
        for number in (1, 2):
            await made.deliver(number, f"{step}")
    await tried(house, 1)

    await stop_worker(house)
    assert await house.services.redis.keys("bridge:{*}:lease") == []
    house.flowdock_journal.faults.clear()
    async with next_worker(house, redis_url):
        messages = await posted(house, 6)
    assert all(said(messages, number) == ["0", "1", "2"] for number in (1, 2))


async def test_a_worker_told_to_stop_finishes_the_post_under_way_and_begins_none(
    house: House, made: Pulls
) -> None:
    house.flowdock_journal.faults.append(Fault(path="/messages", body='"A"', delay=0.5))
    await made.deliver(1, "A")
    await made.deliver(1, "B")
    house.start_worker()
    await eventually(lambda: _taken(house))

    await stop_worker(house)
    assert said(await posted(house, 1), 1) == ["A"]
    assert await house.services.redis.xlen(keys.outbox(PARTITION)) == 1


async def test_a_connection_removed_while_its_messages_waited_gets_none_of_them(
    house: House, made: Pulls, redis_url: str
) -> None:
    house.flowdock_journal.faults.append(Fault(path="/messages", status=503, times=FOREVER))
    house.start_worker()
    await made.deliver(1, "A")
    await tried(house, 1)
    await stop_worker(house)
    house.flowdock_journal.faults.clear()
    (connection,) = await house.services.store.connections()
    await house.services.store.disconnect(connection.id)

    async with next_worker(house, redis_url):
        await idle(house)
    await posted(house, 0)


async def test_a_worker_overtaken_in_the_middle_of_a_post_leaves_the_message_to_the_next_owner(
    house: House, made: Pulls
) -> None:
    house.flowdock_journal.faults.append(Fault(path="/messages", body='"A"', delay=0.5))
    house.start_worker()
    await made.deliver(1, "A")
    await made.deliver(1, "B")
    await eventually(lambda: _taken(house))
    redis = house.services.redis
    await redis.set(keys.fence(PARTITION), "another's")
    await redis.set(keys.lease(PARTITION), "another", px=60_000)

    await posted(house, 1)
    await redis.delete(keys.lease(PARTITION))

    await idle(house)
    messages = await house.messages()
    # Its note of the first post was refused, so the next owner (itself, here) posted it again.
    assert [(one["author"]["name"], one["repeat"]) for one in messages] == [
        ("A", False),
        ("A", True),
        ("B", False),
    ]


async def test_a_worker_that_is_cancelled_ends_wherever_it_was(house: House) -> None:
    for steps in range(0, 240, 6):
        running = asyncio.create_task(house.services.worker().run())
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()

        done, _ = await asyncio.wait([running], timeout=10)
        assert done, f"it does not end after {steps} steps"
        assert running.cancelled()
        await house.services.redis.flushall()


def _posts(house: House) -> list[Any]:
    return [call for call in house.flowdock_journal.calls if call.path == "/messages"]


async def _taken(house: House) -> bool:
    """Whether the fault was met: its post is under way."""
    return house.flowdock_journal.faults[0].times == 0
