"""Flowdock fails for a while: nothing is lost, and nothing waits for what does not concern it."""

import time
from dataclasses import replace
from typing import Any

import pytest
import structlog

from bridge.storage import keys
from bridge.worker import failures, poster
from scripts.sandbox.faults import Fault
from tests.conftest import FLOW, PATIENCE, House, eventually
from tests.kits.worker import FOREVER, PARTITION, Pulls, dead, idle, posted, pulls, said, tried

OTHER_FLOW = "acme/ops"


@pytest.fixture
async def made(house: House, monkeypatch: pytest.MonkeyPatch) -> Pulls:
    """Made-up pull requests of the connected repository; the worker is for the test to start."""
    monkeypatch.setattr(failures, "backoff", lambda _count: 0.01)
    await house.connect()
    return await pulls(house)


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
    house.flowdock_journal.faults.append(replace(fault))
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
    assert await house.redis.exists(keys.attempts(PARTITION)) == 0


async def test_every_log_line_about_a_delivery_from_the_webhook_to_the_post_names_it(
    house: House, made: Pulls
) -> None:
    faults = [
        Fault(path="/messages", body='"name":"A"', status=503),
        Fault(path="/messages", body='"name":"B"', status=400),
    ]
    house.flowdock_journal.faults += faults
    house.start_worker()
    with structlog.testing.capture_logs() as logged:
        for number, title in ((1, "A"), (2, "B")):
            await made.deliver(number, title)
        await dead(house)
        await idle(house)

    about: dict[str, list[str]] = {}
    for line in logged:
        if "delivery" in line:
            about.setdefault(line["delivery"], []).append(line["event"])
    assert sorted(sorted(events) for events in about.values()) == [
        ["attempt_failed", "message_posted", "request"],
        ["dead_letter", "request"],
    ]
    assert {line["event"] for line in logged if "delivery" not in line} <= {"partition_taken"}


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
    slow_failure = Fault(path="/messages", body='"slow"', status=500, delay=PATIENCE)
    limited = Fault(path="/messages", body='"limited"', status=429, headers={"Retry-After": "1"})
    house.flowdock_journal.faults += [slow_failure, limited]
    began = time.time()
    await made.deliver(1, "slow")
    await made.deliver(2, "limited")
    house.start_worker()
    await eventually(lambda: tried_once(limited))
    slow_failure.released.set()

    messages = await posted(house, 2)
    assert sorted(call.status for call in _posts(house)[:2]) == [429, 500]
    assert min(one["sent"] for one in messages) / 1000 >= began + 1


async def tried_once(fault: Fault) -> bool:
    return fault.times == 0


@pytest.mark.parametrize("down", [{"status": 503}, {"delay": PATIENCE}, {"cut": "before"}], ids=str)
async def test_a_flow_that_is_down_delays_none_of_nine_others(
    house: House, made: Pulls, down: dict[str, Any]
) -> None:
    token = house.flow_token
    for _ in range(9):
        await house.connect(OTHER_FLOW)
    fault = Fault(path="/messages", body=token, times=FOREVER, **down)
    house.flowdock_journal.faults.append(fault)
    house.start_worker()
    for step in range(2):
        for number in range(1, 6):
            await made.deliver(number, f"{step}")

    others = await posted(house, 9 * 10, OTHER_FLOW)
    sources = {one["source"] for one in others}
    assert len(sources) == 9
    assert await house.messages(FLOW) == []
    house.flowdock_journal.faults.clear()
    fault.released.set()
    mine = await posted(house, 10)
    for messages in (mine, *([one for one in others if one["source"] == source] for source in sources)):
        assert all(said(messages, number) == list("01") for number in range(1, 6))


async def test_a_flow_that_is_put_off_for_an_hour_delays_no_other_flow(house: House, made: Pulls) -> None:
    limited: dict[str, Any] = {"status": 429, "headers": {"Retry-After": "3600"}}
    token = house.flow_token
    await house.connect(OTHER_FLOW)
    house.flowdock_journal.faults.append(Fault(path="/messages", body=token, times=FOREVER, **limited))
    house.start_worker()
    # More threads than a flow has posts side by side: all that wait must not take another flow's places.
    for number in range(1, 31):
        await made.deliver(number, "A")

    await posted(house, 30, OTHER_FLOW)
    assert await house.messages(FLOW) == []
    assert 1 <= sum(call.status == 429 for call in _posts(house)) <= poster.POSTS_PER_FLOW


async def test_a_message_that_keeps_failing_holds_up_its_own_thread_only(
    house: House, made: Pulls, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_a_row: list[int] = []

    def backoff(count: int) -> float:
        """Asked for the flow first, then for the message: that one waits for an hour."""
        in_a_row.append(count)
        return 0 if len(in_a_row) % 2 else 3600

    monkeypatch.setattr(failures, "backoff", backoff)
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
    monkeypatch.setattr(failures, "backoff", lambda count: 10.0**count)
    now = 1000.0
    monkeypatch.setattr("bridge.worker.poster.time.time", lambda: now)
    flow = poster.FlowHealth()

    for _ in range(8):
        flow.failed(None)
    assert (flow.failures, flow.not_before) == (1, 1001)
    flow.failed(5)
    flow.failed(2)
    assert flow.not_before == 1005
    now = 1005
    flow.failed(None)
    assert (flow.failures, flow.not_before) == (2, 1015)


def _posts(house: House) -> list[Any]:
    return [call for call in house.flowdock_journal.calls if call.path == "/messages"]
