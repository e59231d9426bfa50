"""From the inbox to the threads: what each delivery becomes, whatever the order it comes in."""

import random
from typing import Any

import pytest

from bridge.storage import keys
from tests.conftest import FLOW, REPOSITORY, House, eventually
from tests.kits import payloads, worker
from tests.kits.worker import REPOSITORY_ID, idle, posted

OTHER_FLOW = "acme/ops"
OPEN, CLOSED = {"color": "green", "value": "open"}, {"color": "red", "value": "closed"}
DRAFT, MERGED = {"color": "grey", "value": "draft"}, {"color": "purple", "value": "merged"}

STORY: list[tuple[str, dict[str, Any], str, dict[str, str], dict[str, str]]] = [
    ("edit", {"title": "Better"}, "Changed the title", OPEN, {}),
    ("edit", {"body": "more"}, "Edited the description", OPEN, {}),
    ("edit", {"title": "Best", "base": "stable"}, "and the base branch from main to stable", OPEN, {}),
    ("assign", {"assignee": "bob-gh"}, ">bob-gh</a>", OPEN, {"Assignees": "bob-gh"}),
    ("assign", {"assignee": "ann-gh"}, "Self-assigned pull request", OPEN, {"Assignees": "ann-gh"}),
    ("unassign", {"assignee": "ann-gh"}, "Removed their assignment", OPEN, {"Assignees": "bob-gh"}),
    ("unassign", {"assignee": "bob-gh"}, "Unassigned <a", OPEN, {}),
    ("push", {}, "Updated the branch to <a", OPEN, {}),
    ("draft", {}, "Converted to draft", DRAFT, {}),
    ("ready", {}, "Marked as ready for review", OPEN, {}),
    ("close", {}, "Closed pull request", CLOSED, {}),
    ("reopen", {}, "Reopened pull request", OPEN, {}),
    ("merge", {}, "Merged pull request into stable", MERGED, {}),
]


async def test_each_thing_that_happens_to_a_pull_request_is_a_message_and_the_threads_state(
    working: House,
) -> None:
    # Of two edits of one second GitHub does not say which came last.
    await _sandbox(working, "clock", {"tick": True})
    await working.act("ann-gh", "open", title="First", body="", head="fix", base="main", draft=False)
    (message,) = await posted(working, 1)
    assert message["title"] == "Opened pull request"

    for count, (do, fields, words, status, rows) in enumerate(STORY, start=2):
        pull = await working.act("ann-gh", do, number=1, **fields)
        message = (await posted(working, count))[-1]
        assert words in message["title"]
        assert message["event"] == "activity"
        assert message["external_thread_id"] == "github:component:pr:1"
        (thread,) = await working.threads()
        assert (thread["status"], thread["title"]) == (status, pull["title"])
        shown = {row["label"]: row["value"] for row in thread["fields"]}
        assert "Assignees" not in shown or "Assignees" in rows
        assert all(value in shown[label] for label, value in rows.items())
        assert pull["base"]["ref"] in shown["Branch"]


async def test_a_draft_is_opened_as_one(working: House) -> None:
    await working.act("ann-gh", "open", title="Draft", head="fix", draft=True)

    (message,) = await posted(working, 1)
    assert (message["title"], message["thread"]["status"]) == ("Opened draft pull request", DRAFT)


# Order


@pytest.mark.parametrize("seed", range(6))
async def test_deliveries_in_any_order_end_in_the_newest_state(working: House, seed: int) -> None:
    chance = random.Random(seed)
    await _sandbox(working, "clock", {"tick": True})
    await _sandbox(working, "webhooks", {"mode": "hold"})
    pull = await working.act("ann-gh", "open", title="0", head="fix", draft=chance.random() < 0.5)
    for step in range(chance.randrange(4, 10)):
        pull = await _something(working, chance, step)
    held = await _held(working)
    order = [*range(len(held)), *chance.choices(range(len(held)), k=5)]
    chance.shuffle(order)

    outcomes = await _sandbox(working, "webhooks/release", {"order": order, "drop": True})

    assert {outcome["status"] for outcome in outcomes} == {200, 202}
    # A label alone is told in short, unless another message shows it first.
    await idle(working)
    assert len(await working.messages()) >= sum(action != "labeled" for action in held)
    (thread,) = await working.threads()
    assert thread["title"] == pull["title"]
    assert thread["status"]["value"] == _status(pull)
    assignees = next((row["value"] for row in thread["fields"] if row["label"] == "Assignees"), "")
    assert [login for login in ("ann-gh", "bob-gh") if login in assignees] == sorted(
        user["login"] for user in pull["assignees"]
    )


async def test_the_messages_of_a_thread_keep_the_order_of_their_deliveries(house: House) -> None:
    pulls = await worker.pulls(house)
    await house.connect()
    for step in range(10):
        for number in range(1, 6):
            await pulls.deliver(number, f"{step}")
    house.start_worker()

    messages = await posted(house, 50)
    for number in range(1, 6):
        assert worker.said(messages, number) == [str(step) for step in range(10)]
    assert {thread["title"] for thread in await house.threads()} == {"9"}


# Connections


async def test_a_repository_that_nobody_connected_is_skipped(house: House) -> None:
    payload = await payloads.pull_request(house)
    house.start_worker()
    await house.deliver(payload)

    await worker.idle(house)
    assert await house.messages() == []
    assert await house.services.queue.dead_letters() == []
    assert await house.redis.keys("bridge:{*}:snapshot:*") == []
    assert await house.redis.hgetall(keys.REPOSITORY_NAMES) == {}


async def test_events_before_the_connection_are_told_when_github_sends_them_again(house: House) -> None:
    payload = await payloads.pull_request(house)
    house.start_worker()
    for delivery_id in ("first", "first"):
        assert (await house.deliver(payload, delivery_id=delivery_id)).status == 202
        await worker.idle(house)
    assert await house.messages() == []

    await house.connect()
    for status in (202, 200):
        assert (await house.deliver(payload, delivery_id="first")).status == status
        await worker.idle(house)
    assert len(await house.messages()) == 1


async def test_two_connections_of_a_repository_get_a_message_each_with_its_own_uuid(house: House) -> None:
    pulls = await worker.pulls(house)
    for flow in (FLOW, OTHER_FLOW):
        await house.connect(flow)
    house.start_worker()
    await pulls.deliver(1, "A")

    (one,), (other,) = await posted(house, 1), await posted(house, 1, OTHER_FLOW)
    assert one["uuid"] != other["uuid"]
    assert one["thread"] == other["thread"]


async def test_a_renamed_repository_keeps_its_connection_and_its_threads(house: House) -> None:
    pulls = await worker.pulls(house)
    await house.connect()
    house.start_worker()
    await pulls.deliver(1, "before")
    await posted(house, 1)
    renamed = pulls.payload_of(1, "after", full_name="umbrella/new-name", name="new-name")
    await house.deliver(renamed)

    before, after = await posted(house, 2)
    assert before["external_thread_id"] == after["external_thread_id"] == "github:component:pr:1"
    (thread,) = await house.threads()
    assert thread["title"] == "after"
    assert any("/repos/umbrella/new-name/" in str(action) for action in thread["actions"])
    (connection,) = await house.services.connections.all()
    assert (connection.repository, connection.repository_id) == (REPOSITORY, REPOSITORY_ID)


async def test_another_repository_that_takes_the_old_name_is_not_connected(house: House) -> None:
    pulls = await worker.pulls(house)
    await house.connect()
    house.start_worker()
    await pulls.deliver(1, "ours")
    await posted(house, 1)
    await house.deliver(pulls.payload_of(1, "a stranger's", id=77))

    await eventually(lambda: _nothing_waits(house, 77))
    await posted(house, 1)


async def test_a_connection_is_tied_to_its_repository_also_when_redis_is_full(house: House) -> None:
    pulls = await worker.pulls(house)
    await house.connect()
    await pulls.deliver(1, "A")
    try:
        await house.redis.config_set("maxmemory", 1)
        refused = await house.deliver(pulls.payload_of(2, "B"))
        house.start_worker()
        await posted(house, 1)
    finally:
        await house.redis.config_set("maxmemory", 0)
    assert (refused.status, "Retry-After" in refused.headers) == (503, True)
    (connection,) = await house.services.connections.all()
    assert connection.repository_id == REPOSITORY_ID


async def _something(house: House, chance: random.Random, step: int) -> Any:
    """Something that can happen to the pull request now happens."""
    pull = await house.act("ann-gh", "label", number=1, label=f"label {step}")
    doable: list[tuple[str, dict[str, Any]]] = [
        ("edit", {"title": f"{step + 1}"}),
        ("unassign", {"assignee": "bob-gh"}),
        ("assign", {"assignee": "bob-gh"}),
        ("assign", {"assignee": "ann-gh"}),
    ]
    if pull["merged_at"]:
        doable = doable[:1]
    elif pull["state"] == "closed":
        doable += [("reopen", {})] * 3
    else:
        doable += [("push", {}), ("close", {}), ("close", {}), ("ready" if pull["draft"] else "draft", {})]
        doable += [] if pull["draft"] else [("merge", {})]
    do, fields = chance.choice(doable)
    return await house.act("ann-gh", do, number=1, **fields)


def _status(pull: dict[str, Any]) -> str:
    if pull["merged_at"]:
        return "merged"
    return "closed" if pull["state"] == "closed" else "draft" if pull["draft"] else "open"


async def _sandbox(house: House, path: str, body: dict[str, Any]) -> Any:
    async with house.http.post(f"{house.github}/_sandbox/{path}", json=body) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def _held(house: House) -> list[str]:
    async with house.http.get(f"{house.github}/_sandbox/webhooks") as response:
        return [one["action"] for one in (await response.json())["held"]]


async def _nothing_waits(house: House, repository_id: int) -> bool:
    return not await house.redis.xlen(keys.inbox(keys.partition_of(repository_id)))
