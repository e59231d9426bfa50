"""Messages and deliveries that come to another end than a post, and workers that go before they are done."""

import asyncio
import json
from dataclasses import replace

import pytest
import structlog
from redis.asyncio import Redis

from bridge.core.errors import BridgeError
from bridge.core.model import Connection
from bridge.core.pulls import snapshot
from bridge.core.pulls.snapshot import Snapshot
from bridge.core.security.encryption import Vault
from bridge.storage import keys
from bridge.storage.connections import ConnectionStore
from bridge.worker import failures
from scripts.sandbox.faults import Fault
from tests.conftest import PATIENCE, House, eventually
from tests.kits.worker import (
    FOREVER,
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


@pytest.fixture
async def made(house: House, monkeypatch: pytest.MonkeyPatch) -> Pulls:
    """Made-up pull requests of the connected repository; the worker is for the test to start."""
    monkeypatch.setattr(failures, "backoff", lambda _count: 0.01)
    await house.connect()
    return await pulls(house)


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


@pytest.mark.parametrize(
    "stored", ["{}", '{"of": "a later version"}', "not JSON"], ids=["empty", "of another shape", "no JSON"]
)
async def test_a_message_that_another_version_wrote_is_a_dead_letter_and_the_rest_goes_on(
    house: House, made: Pulls, stored: str
) -> None:
    await house.redis.xadd(keys.outbox(PARTITION), {"message": stored})
    await made.deliver(1, "A")
    house.start_worker()

    (found,) = await dead(house)
    assert (found.kind, found.fields) == ("outbox", {"message": stored})
    assert "this version of bridge cannot read it" in found.reason
    await posted(house, 1)
    with pytest.raises(BridgeError, match="retry it with that one"):
        await house.services.queue.redrive(found)
    assert await house.services.queue.dead_letters() == [found]


async def test_a_dead_message_that_is_redriven_is_posted_by_the_worker_that_runs(
    house: House, made: Pulls
) -> None:
    house.flowdock_journal.faults.append(Fault(path="/messages", body='"A"', status=400))
    house.start_worker()
    for title in ("A", "B"):
        await made.deliver(1, title)
    (letter,) = await dead(house)
    await posted(house, 1)

    await house.services.queue.redrive(letter)
    assert said(await posted(house, 2), 1) == ["B", "A"]
    (thread,) = await house.threads()
    assert thread["title"] == "B"
    await idle(house)


async def test_a_source_that_was_removed_takes_its_connection_and_token_with_it(
    house: House, made: Pulls, redis_url: str
) -> None:
    house.start_worker()
    await made.deliver(1, "A")
    (message,) = await posted(house, 1)
    (connection,) = await house.services.connections.all()
    house.flowdock_journal.faults.append(Fault(path="/messages", status=503, times=FOREVER))
    for number in range(1, 9):
        await made.deliver(number, "B")
    await tried(house, 8)
    await stop_worker(house)
    async with house.http.delete(f"{house.flowdock}/_sandbox/sources/{message['source']}") as response:
        assert response.status == 204
    house.flowdock_journal.faults.clear()

    with structlog.testing.capture_logs() as logged:
        async with next_worker(house, redis_url):
            await idle(house)
            await made.deliver(1, "C")
            await idle(house)
    redis = house.redis
    assert await redis.exists(keys.CONNECTIONS, keys.connection(connection.id)) == 0
    assert await redis.exists(keys.connections_of(REPOSITORY_ID)) == 0
    assert await house.services.queue.dead_letters() == []
    # Those that were told the same at once are no error to be tried again.
    assert [line for line in logged if line["event"] == "attempt_failed"] == []
    reasons = await skipped(house, connection.id)
    assert len(reasons) == 8, "each is accounted for"
    assert "the source was removed from the flow" in reasons
    assert set(reasons) <= {"the source was removed from the flow", "the connection was removed"}
    await posted(house, 1)


# What no one expected


async def test_a_delivery_that_cannot_be_read_whole_is_a_dead_letter_at_once_and_the_thread_goes_on(
    house: House, made: Pulls
) -> None:
    """A number that no float can hold: the web, which reads headings only, takes it."""
    house.start_worker()
    await made.deliver(1, "A")
    body = json.dumps(made.payload_of(1, "odd")).replace('"odd"', "1e999").encode()
    assert (await house.deliver_bytes(body)).status == 202
    await made.deliver(1, "B")

    (letter,) = await dead(house)
    assert (letter.kind, letter.reason, letter.detail) == ("inbox", "the body is not JSON in UTF-8", "")
    assert "1e999" in letter.fields["body"]
    await idle(house)
    assert said(await house.messages(), 1) == ["A", "B"]


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
    assert (letter.kind, letter.reason) == ("inbox", "GitHub's payload has no field pull_request.head")
    assert "Traceback" in letter.detail
    assert "KeyError: 'head'" in letter.detail
    await idle(house)
    assert said(await house.messages(), 1) == ["A", "B"]


async def test_a_delivery_that_cannot_be_stored_is_a_dead_letter_and_the_rest_of_its_batch_is_posted(
    house: House, made: Pulls, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = snapshot.dump

    def refusing(kept: Snapshot) -> bytes:
        if "odd" in repr(kept):
            raise OverflowError("no room for it")
        return dump(kept)

    monkeypatch.setattr(snapshot, "dump", refusing)
    await made.deliver(1, "A")
    await made.deliver(1, "odd")
    house.start_worker()

    (letter,) = await dead(house)
    assert letter.reason == "OverflowError while processing it"
    assert "no room for it" in letter.detail
    await idle(house)
    assert said(await house.messages(), 1) == ["A"]


async def test_a_connection_that_cannot_be_decrypted_is_tried_again_not_lost(
    house: House, made: Pulls
) -> None:
    (connection,) = await house.services.connections.all()
    name = keys.connection(connection.id)
    good = await house.redis.get(name)
    assert isinstance(good, bytes)
    sealed = Vault(["another key of at least 32 characters"]).encrypt(b"token", aad=name)
    await house.redis.set(name, json.dumps({**json.loads(good), "flow_token": sealed.decode()}))
    house.start_worker()
    await made.deliver(1, "A")
    await tried(house, 1)

    await house.redis.set(name, good)
    assert said(await posted(house, 1), 1) == ["A"]
    assert await house.services.queue.dead_letters() == []


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
    assert await house.redis.keys("bridge:{*}:lease") == []
    house.flowdock_journal.faults.clear()
    async with next_worker(house, redis_url):
        messages = await posted(house, 6)
    assert all(said(messages, number) == ["0", "1", "2"] for number in (1, 2))


async def test_a_worker_told_to_stop_finishes_the_post_under_way_and_begins_none(
    house: House, made: Pulls
) -> None:
    held = Fault(path="/messages", body='"A"', delay=PATIENCE)
    house.flowdock_journal.faults.append(held)
    await made.deliver(1, "A")
    await made.deliver(1, "B")
    house.start_worker()
    await eventually(lambda: _taken(house))

    house.services.stop.set()
    held.released.set()
    await stop_worker(house)
    assert said(await posted(house, 1), 1) == ["A"]
    assert await house.redis.xlen(keys.outbox(PARTITION)) == 1


async def test_a_worker_that_cannot_release_its_leases_ends_and_logs_it(
    house: House, made: Pulls, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.worker.worker.HAND_BACK_SECONDS", 0.1)
    house.start_worker()
    await made.deliver(1, "A")
    await posted(house, 1)
    other = Redis.from_url(redis_url)
    await other.client_pause(PATIENCE * 1000, all=False)
    try:
        with structlog.testing.capture_logs() as logged:
            await stop_worker(house)
    finally:
        await other.client_unpause()
        await other.aclose()
    [failed] = [line for line in logged if line["event"] == "lease_release_failed"]
    assert failed["error"] == "TimeoutError"


async def test_messages_that_wait_for_a_worker_read_their_connection_once(
    house: House, made: Pulls, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    get = ConnectionStore.get

    async def noted(store: ConnectionStore, connection_id: str) -> Connection | None:
        reads.append(connection_id)
        return await get(store, connection_id)

    monkeypatch.setattr("bridge.worker.partition_cache.CONNECTION_SECONDS", PATIENCE)
    house.flowdock_journal.faults.append(Fault(path="/messages", status=503, times=FOREVER))
    house.start_worker()
    for title in "ABCDEF":
        await made.deliver(1, title)
    await tried(house, 1)
    await stop_worker(house)
    house.flowdock_journal.faults.clear()
    (connection,) = await house.services.connections.all()

    monkeypatch.setattr(ConnectionStore, "get", noted)
    async with next_worker(house, redis_url):
        assert said(await posted(house, 6), 1) == list("ABCDEF")
    assert reads == [connection.id]


async def test_a_connection_removed_while_its_messages_waited_gets_none_of_them(
    house: House, made: Pulls, redis_url: str
) -> None:
    house.flowdock_journal.faults.append(Fault(path="/messages", status=503, times=FOREVER))
    house.start_worker()
    await made.deliver(1, "A")
    await tried(house, 1)
    await stop_worker(house)
    house.flowdock_journal.faults.clear()
    (connection,) = await house.services.connections.all()
    await house.services.connections.remove(connection.id)

    async with next_worker(house, redis_url):
        await idle(house)
    await posted(house, 0)
    assert await skipped(house, connection.id) == ["the connection was removed"]


async def test_a_pull_request_that_expired_while_its_message_waited_is_told_of_in_the_journal(
    house: House, made: Pulls, redis_url: str
) -> None:
    house.flowdock_journal.faults.append(Fault(path="/messages", status=503, times=FOREVER))
    house.start_worker()
    await made.deliver(1, "A")
    await tried(house, 1)
    await stop_worker(house)
    await house.redis.delete(keys.snapshot(REPOSITORY_ID, 1))
    (connection,) = await house.services.connections.all()

    async with next_worker(house, redis_url):
        await idle(house)
    await posted(house, 0)
    assert await skipped(house, connection.id) == ["bridge's data about the pull request has expired"]


async def skipped(house: House, connection_id: str) -> list[str]:
    """The reasons why messages of a connection were skipped, the newest first."""
    notes = await house.services.delivery_log.notes(REPOSITORY_ID, connection_id)
    return [note.reason for note in notes if note.outcome == "skipped"]


async def test_a_worker_overtaken_in_the_middle_of_a_post_leaves_the_message_to_the_next_owner(
    house: House, made: Pulls
) -> None:
    held = Fault(path="/messages", body='"A"', delay=PATIENCE)
    house.flowdock_journal.faults.append(held)
    # It asks for a free partition after a third of this.
    house.services.settings = replace(house.services.settings, lease_seconds=9)
    house.start_worker()
    await made.deliver(1, "A")
    await made.deliver(1, "B")
    await eventually(lambda: _taken(house))
    redis = house.redis
    await redis.set(keys.fence(PARTITION), "another's")
    await redis.set(keys.lease(PARTITION), "another", px=60_000)
    held.released.set()

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

        done, _ = await asyncio.wait([running], timeout=PATIENCE)
        assert done, f"it does not end after {steps} steps"
        assert running.cancelled()
        await house.redis.flushall()


async def _taken(house: House) -> bool:
    """Tell whether the fault was met: its post is under way."""
    return house.flowdock_journal.faults[0].times == 0
