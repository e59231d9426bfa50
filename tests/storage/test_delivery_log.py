"""The delivery log's entries, end to end: once each, bounded, and gone after their time."""

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import orjson
import pytest

from bridge.core.errors import NotFound
from bridge.core.model import Connection, Delivery
from bridge.core.options import Options
from bridge.core.pulls import own_events
from bridge.queue.entries import DeadLetter, load_message
from bridge.storage import delivery_log as journal
from bridge.storage import keys
from bridge.storage.delivery_log import HOUR, HOURS, SECONDS, Counts, DeliveryLog, Note
from bridge.worker import failures
from scripts.sandbox.faults import Fault
from tests.conftest import House, eventually
from tests.kits.personal import connection, many, noted
from tests.kits.queue import REPOSITORY_ID, Queue, open_queue, outbox_message
from tests.kits.worker import Pulls, dead, idle, pulls


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[Queue]:
    async with open_queue(redis_url) as opened:
        yield opened


@pytest.fixture
async def made(house: House, monkeypatch: pytest.MonkeyPatch) -> Pulls:
    monkeypatch.setattr(failures, "backoff", lambda _count: 0.01)
    return await pulls(house)


async def lines(house: House, of: Connection) -> list[tuple[str, str, int, str, str]]:
    """Event, action, number, outcome and reason, the newest first; a delivery's sender is named on each."""
    await idle(house)
    assert of.repository_id is not None
    notes = await house.services.delivery_log.notes(of.repository_id, of.id)
    assert all(one.sender for one in notes if one.action)
    return [(one.event, one.action, one.number, one.outcome, one.reason) for one in notes]


async def test_a_post_is_noted_once_with_its_event_action_and_number(house: House, made: Pulls) -> None:
    one = await connection(house)
    house.start_worker()
    await made.deliver(1, "A", action="opened")
    assert await lines(house, one) == [("pull_request", "opened", 1, "posted", "")]
    assert await sums(house, one) == (1, 0, 0)


@pytest.mark.parametrize(
    ("sender", "named"),
    [
        ({"login": "ann-gh"}, "ann-gh"),
        ({"login": "x" * 5000}, "x" * 100),
        ({"login": "ann\u202e\n"}, "ann\\u202e\\u000a"),
        ({"login": None}, ""),
        ({"login": ["ann-gh"]}, ""),
        ({}, ""),
        ("ann-gh", ""),
        (None, ""),
    ],
    ids=["a person", "too long", "unprintable", "null", "a list", "no login", "no object", "none"],
)
def test_a_sender_is_always_a_short_text(sender: Any, named: str) -> None:
    assert Delivery.of("d", "pull_request", {"sender": sender}).sender == named


async def sums(house: House, of: Connection) -> tuple[int, int, int]:
    found = await house.services.delivery_log.counts(of.repository_id or 0, of.id)
    assert found.total == sum(found.posted) + sum(found.skipped) + sum(found.dead)
    return sum(found.posted), sum(found.skipped), sum(found.dead)


REASONS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("paused", {"paused": True}, {"action": "opened"}, "the connection is paused"),
    (
        "base",
        {"options": Options(bases=("release/*",))},
        {"action": "opened"},
        "the base branch main is not in the option bases",
    ),
    ("muted", {"options": Options(groups=("status",))}, {"action": "locked"}, "(option groups)"),
    ("silent", {}, {"action": "unheard_of"}, "it only updates the thread"),
]


@pytest.mark.parametrize(
    ("changes", "told", "reason"), [pytest.param(*row[1:], id=row[0]) for row in REASONS]
)
async def test_a_skipped_delivery_says_why(
    house: House, made: Pulls, changes: dict[str, Any], told: dict[str, Any], reason: str
) -> None:
    one = await connection(house, **changes)
    house.start_worker()
    await made.deliver(1, "A", **told)
    ((event, action, number, outcome, said),) = await lines(house, one)
    assert (event, action, number, outcome) == ("pull_request", told["action"], 1, "skipped")
    assert reason in said
    assert await sums(house, one) == (0, 1, 0)


async def test_a_draft_and_a_bot_are_skipped_with_their_reasons(house: House, made: Pulls) -> None:
    one = await connection(house, options=Options(drafts="quiet", bots="none"))
    house.start_worker()
    draft = made.payload_of(1, "A", "opened")
    draft["pull_request"]["draft"] = True
    bot = made.payload_of(2, "B", "opened")
    bot["pull_request"]["user"] |= {"login": "dependabot[bot]", "type": "Bot"}
    for payload in (draft, bot):
        assert (await house.deliver(payload)).status == 202
    assert {(line[2], line[4]) for line in await lines(house, one)} == {
        (1, "it is a draft (option drafts=quiet)"),
        (2, "the pull request is a bot's (option bots=none)"),
    }


async def test_each_connection_has_its_own_line(house: House, made: Pulls) -> None:
    told, paused = await connection(house), await connection(house, "acme/ops", paused=True)
    house.start_worker()
    await made.deliver(1, "A", action="opened")
    assert [line[3] for line in await lines(house, told)] == ["posted"]
    assert [line[3] for line in await lines(house, paused)] == ["skipped"]


async def test_a_message_that_died_is_noted_with_its_reason_and_the_redriven_one_too(
    house: House, made: Pulls
) -> None:
    one = await connection(house)
    house.flowdock_journal.faults.append(Fault(path="/messages", status=400, answer="silly"))
    house.start_worker()
    await made.deliver(1, "A", action="opened")
    (grave,) = await dead(house)
    assert await lines(house, one) == [("pull_request", "opened", 1, "dead", "Flowdock answered 400: silly")]
    await house.services.queue.redrive(grave)

    async def told() -> bool:
        return len(await lines(house, one)) == 2

    await eventually(told)
    assert (await lines(house, one))[0] == ("pull_request", "opened", 1, "posted", "")
    assert await sums(house, one) == (1, 0, 0), "it is one delivery"


async def test_an_entry_that_died_twice_is_counted_once(house: House, made: Pulls) -> None:
    one = await connection(house)
    house.flowdock_journal.faults.append(Fault(path="/messages", status=400, times=2))
    house.start_worker()
    await made.deliver(1, "A", action="opened")
    (letter,) = await dead(house)
    await house.services.queue.redrive(letter)

    async def noted_again() -> bool:
        return len(await lines(house, one)) == 2

    await eventually(noted_again)
    assert await sums(house, one) == (0, 0, 1)
    with pytest.raises(NotFound):
        await house.services.queue.redrive(letter)
    assert await sums(house, one) == (0, 0, 1), "what is gone is not taken off again"


async def test_a_delivery_that_died_is_noted_for_every_connection_of_its_repository(
    house: House, made: Pulls
) -> None:
    first, second = await connection(house), await connection(house, "acme/ops")
    poison = made.payload_of(1, "poison")
    del poison["pull_request"]["head"]
    house.start_worker()
    await house.deliver(poison)
    (letter,) = await dead(house)
    for one in (first, second):
        assert await sums(house, one) == (0, 0, 1), "each flow lacks it"
        assert await lines(house, one) == [
            ("pull_request", "", 1, "dead", "GitHub's payload has no field pull_request.head")
        ], "what a delivery's action is, nobody could read"
    await house.services.queue.redrive(letter)

    async def dead_again() -> bool:
        return len(await lines(house, first)) == 2

    await eventually(dead_again)
    assert [await sums(house, one) for one in (first, second)] == [(0, 0, 1)] * 2, "it is one delivery"


# The steps of the queue


def line(delivery_id: str, outcome: journal.Outcome = "posted") -> Note:
    return Note(1e9, delivery_id, "pull_request", "opened", 1, "c1", outcome, "")


async def noted_so_far(queue: Queue) -> tuple[int, int]:
    """Lines, and the sum of the counts."""
    redis: Any = queue.redis
    counts = await redis.hvals(keys.counts(REPOSITORY_ID, int(1e9) // HOUR))
    return await redis.llen(keys.journal(REPOSITORY_ID)), sum(map(int, counts))


async def test_no_step_that_is_repeated_counts_twice(queue: Queue) -> None:
    """Redis did it and went away before it could say so: the worker does it again."""
    entry = await queue.taken("d1")
    writes = journal.note(REPOSITORY_ID, line("d1", "skipped"))
    (sent,) = await queue.commit(entry, writes=writes, messages=[outbox_message("d1")])
    assert await queue.deliveries.commit(queue.lease, [entry], writes=writes) is None
    assert await noted_so_far(queue) == (1, 1)

    for _ in range(2):
        await queue.ack(sent, writes=journal.note(REPOSITORY_ID, line("d1")))
    assert await noted_so_far(queue) == (2, 2)

    lost = await queue.taken("d2")
    for _ in range(2):
        await queue.deliveries.dead_letter(
            queue.lease, lost, reason="r", detail="", writes=journal.note(REPOSITORY_ID, line("d2", "dead"))
        )
    assert await noted_so_far(queue) == (3, 3)
    assert len(await queue.deliveries.dead_letters()) == 1


async def test_only_the_newest_lines_are_kept(queue: Queue) -> None:
    entry = await queue.taken("d")
    many_lines = [one for at in range(250) for one in journal.note(REPOSITORY_ID, line(f"d{at}"))]
    await queue.commit(entry, writes=many_lines)
    notes = await DeliveryLog(queue.redis).notes(REPOSITORY_ID, "c1")
    assert [one.delivery_id for one in notes] == [f"d{at}" for at in range(249, 149, -1)]
    assert (await noted_so_far(queue))[1] == 250, "all are counted"


async def test_all_that_is_noted_goes_by_itself(queue: Queue) -> None:
    entry = await queue.taken("d")
    await queue.commit(entry, writes=journal.note(REPOSITORY_ID, line("d")))
    redis: Any = queue.redis
    assert 0 < await redis.ttl(keys.journal(REPOSITORY_ID)) <= SECONDS
    assert 0 < await redis.ttl(keys.counts(REPOSITORY_ID, int(1e9) // HOUR)) <= (HOURS + 1) * HOUR


async def test_a_letter_that_was_queued_before_it_named_its_event_still_loads() -> None:
    fields = msgspec.to_builtins(outbox_message("d"))
    del fields["event"], fields["action"]
    loaded = load_message(json.dumps(fields).encode())
    assert (loaded.event, loaded.action) == ("", "")
    assert loaded.content.title == "Opened"


@pytest.mark.parametrize("place", [(), ("content",), ("content", "author")], ids=repr)
def test_a_letter_that_says_more_than_this_version_knows_is_not_read(place: tuple[str, ...]) -> None:
    """Another version wrote it: what it says there would be lost."""
    fields = msgspec.to_builtins(outbox_message("d"))
    part = fields
    for name in place:
        part = part[name]
    part["of_a_later_version"] = 1
    with pytest.raises(msgspec.MsgspecError):
        load_message(json.dumps(fields).encode())


async def test_such_a_letter_is_posted_and_noted(house: House, made: Pulls) -> None:
    one = await connection(house)
    house.flowdock_journal.faults.append(Fault(path="/messages", status=400))
    worker = house.start_worker()
    await made.deliver(1, "A", action="opened")
    (grave,) = await dead(house)
    fields = orjson.loads(grave.fields["message"])
    del fields["event"], fields["action"]
    old = DeadLetter(**{**vars(grave), "fields": {"message": json.dumps(fields)}})
    await house.services.queue.redrive(old)

    async def told() -> bool:
        return len(await lines(house, one)) == 2

    await eventually(told)
    assert (await lines(house, one))[0] == ("", "", 1, "posted", "")
    assert not worker.done()


# Reading


async def test_counts_are_by_the_hour_and_end_with_the_present_one(house: House) -> None:
    one = await connection(house)
    await noted(house, one, "posted", ago=0)
    await noted(house, one, "posted", ago=3 * HOUR)
    await noted(house, one, "skipped", ago=3 * HOUR)
    await noted(house, one, "dead", ago=23 * HOUR)
    await noted(house, one, "posted", ago=24 * HOUR)
    found = await house.services.delivery_log.counts(REPOSITORY_ID, one.id)
    assert (len(found.posted), len(found.skipped), len(found.dead)) == (HOURS, HOURS, HOURS)
    assert (found.posted[-1], found.posted[-4], sum(found.posted)) == (1, 1, 2)
    assert (found.skipped[-4], sum(found.skipped)) == (1, 1)
    assert (found.dead[0], sum(found.dead)) == (1, 1)


async def test_digests_are_each_connections_own(house: House) -> None:
    first, second = await connection(house), await connection(house, "acme/ops")
    (third,) = await many(house, 1)
    await noted(house, first, "posted", number=1)
    await noted(house, second, "skipped", number=2)
    await noted(house, second, "skipped", number=3)
    await noted(house, third, "dead", number=4, reason="why")
    wanted = [(one.repository_id or 0, one.id) for one in (first, second, third)]
    found = await house.services.delivery_log.digests(wanted)
    assert {key: (digest.last.number if digest.last else 0) for key, digest in found.items()} == {
        first.id: 1, second.id: 3, third.id: 4,
    }  # fmt: skip
    assert [found[one.id].counts.total for one in (first, second, third)] == [1, 2, 1]
    assert await house.services.delivery_log.digests([]) == {}


@pytest.mark.parametrize("event", sorted(own_events.ALL))
async def test_a_reading_of_bridges_own_is_no_delivery_of_githubs(house: House, event: str) -> None:
    one = await connection(house)
    await noted(house, one, "posted", number=3)
    await noted(house, one, "posted", event=event, number=1, ago=1)
    of = one.repository_id or 0
    digest = (await house.services.delivery_log.digests([(of, one.id)]))[one.id]
    assert digest.last is not None
    assert digest.last.number == 3
    own = Delivery.of("own", event, {})
    assert journal.skipped(of, own, 1, [one], {one.id: "it only updates the thread"}) == []


async def test_an_unknown_repository_has_nothing(house: House) -> None:
    zeros = (0,) * HOURS
    assert await house.services.delivery_log.counts(7, "none") == Counts(zeros, zeros, zeros)
    assert await house.services.delivery_log.notes(7, "none") == []
