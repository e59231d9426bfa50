"""Deliveries that are translated together leave behind what they leave one by one."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from bridge.core.compression import pack
from bridge.core.errors import Malformed
from bridge.core.model import Envelope
from bridge.core.pulls.model import PullRequest
from bridge.core.pulls.rules import BranchRules
from bridge.core.security.encryption import Vault
from bridge.queue.entries import InboxEntry, IncomingDelivery, OutboxEntry, OutboxMessage
from bridge.storage import keys
from bridge.storage.checkups import Checkups
from bridge.storage.connections import ConnectionStore
from bridge.storage.pulls import SECONDS, PullRequestStore
from bridge.worker.translated import TranslatedBatch
from bridge.worker.translator import Translator
from tests.conftest import emptied
from tests.kits.core import life_deeds, page, samples
from tests.kits.core.life import DEEDS, Life, Told
from tests.kits.core.pull_rows import FORCED, NEXT, PLAIN, QUICK, THIRD, push, pushed
from tests.kits.core.row import OPENED
from tests.kits.queue import PARTITION, REPOSITORY_ID, Queue, open_queue, reads_during

assert life_deeds

STEP = st.tuples(st.sampled_from(sorted(DEEDS)), st.integers(0, 2), st.booleans())
NUMBER = samples.pull()["number"]
NAME = "acme/component"


class Translating(NamedTuple):
    """A translator, and the stores that it reads."""

    translator: Translator
    connections: ConnectionStore
    pulls: PullRequestStore


def translator(queue: Queue) -> Translating:
    connections, pulls = ConnectionStore(queue.redis, Vault(["k" * 32])), PullRequestStore(queue.redis)
    return Translating(Translator(connections, pulls, Checkups(queue.redis)), connections, pulls)


async def enqueued(queue: Queue, sent: Iterable[Told]) -> list[InboxEntry]:
    """The deliveries in the inbox."""
    group = [
        as_of_one_moment(
            IncomingDelivery.of(
                Envelope(
                    id=f"d{at}",
                    event=event,
                    body=orjson.dumps(in_repository(payload)),
                    signer="operator",
                ),
                repository_id=REPOSITORY_ID,
                number=number_of(payload),
            )
        )
        for at, (event, payload) in enumerate(sent)
    ]
    await queue.deliveries.enqueue(group)
    return await queue.inbox()


def in_repository(payload: dict[str, Any], repository_id: int = REPOSITORY_ID) -> dict[str, Any]:
    """A payload of the repository with this id."""
    return {**payload, "repository": {**payload["repository"], "id": repository_id}}


def as_of_one_moment(incoming: IncomingDelivery) -> IncomingDelivery:
    return msgspec.structs.replace(incoming, received_at=1.0)


def number_of(payload: dict[str, Any]) -> int:
    about = payload.get("pull_request") or payload.get("issue") or {}
    return int(about.get("number") or 0)


def in_batches(entries: Sequence[InboxEntry], sizes: Sequence[int]) -> Iterable[Sequence[InboxEntry]]:
    at = 0
    for size in sizes:
        yield entries[at : at + size]
        at += size
    yield from ([entry] for entry in entries[at:])


async def commit(queue: Queue, batch: TranslatedBatch) -> None:
    committed = await queue.deliveries.commit(
        queue.lease, batch.deliveries, writes=batch.writes, messages=batch.messages, later=batch.later
    )
    assert committed is not None


async def left_behind(
    url: str, sent: Sequence[Told], sizes: Sequence[int]
) -> tuple[list[OutboxMessage], PullRequest | None, list[int]]:
    """The messages, the pull request and the open ones, after all was translated in batches of such sizes."""
    await emptied(url)
    async with open_queue(url) as queue:
        translating = translator(queue)
        await translating.connections.connect(NAME, flow_token="token", name=NAME)
        for batch in in_batches(await enqueued(queue, sent), sizes):
            if not batch:
                continue
            outcome = await translating.translator.translate(batch)
            assert (outcome.deliveries, outcome.errors) == (list(batch), {})
            await commit(queue, outcome)
        # Reviews that waited for the rest of their parts.
        while due := await queue.inbox():
            await commit(queue, await translating.translator.translate(due))
        outbox = await queue.deliveries.read_outbox(PARTITION)
        messages = [
            structs.replace(one.message, connection_id="", uuid="")
            for one in outbox
            if isinstance(one, OutboxEntry)
        ]
        pulls = translating.pulls
        pull = await pulls.pull(REPOSITORY_ID, NUMBER)
        if pull:
            # The clock's own; who holds the turn is the same.
            pull = structs.replace(pull, turn_since=dict.fromkeys(pull.turn_since, 0))
        return messages, pull, await pulls.open_numbers(REPOSITORY_ID)


@settings(max_examples=25, deadline=None)
@given(plan=st.lists(STEP, max_size=14), sizes=st.lists(st.integers(0, 6), max_size=6))
def test_batches_of_any_sizes_leave_the_same_behind(
    redis_server: str, plan: list[tuple[str, int, bool]], sizes: list[int]
) -> None:
    sent = Life().play(plan).sent

    async def run() -> None:
        assert await left_behind(redis_server, sent, sizes) == await left_behind(redis_server, sent, [])

    asyncio.run(run())


@pytest.fixture
def whole_life() -> list[Told]:
    """Everything that can happen, each once; in the middle checks of a push that the same batch tells of."""
    plan = [(name, which, True) for name in sorted(set(DEEDS) - {"merge", "close"}) for which in (0, 1)]
    return Life().play([*plan, ("push", 0, True), ("start_check", 0, True), ("fail_check", 0, True)]).sent


async def test_a_whole_life_in_one_batch_is_told_as_one_by_one(
    redis_url: str, whole_life: list[Told]
) -> None:
    messages, pull, numbers = await left_behind(redis_url, whole_life, [len(whole_life)])
    assert (messages, pull, numbers) == await left_behind(redis_url, whole_life, [])
    assert len(messages) > 20
    assert pull is not None
    assert pull.checks


@pytest.mark.parametrize("sizes", [[], [1, 4]], ids=["one by one", "in one batch"])
async def test_two_quick_pushes_are_each_named_rightly(redis_url: str, sizes: list[int]) -> None:
    told = [*QUICK, pushed(2), pushed(5, before=NEXT, after=THIRD)]
    messages, _, _ = await left_behind(redis_url, told, sizes)
    said = [page.text(message.content.title) for message in messages[1:]]
    assert said == ["Pushed 2 commits", f"Force-pushed {THIRD[:7]}"]


@pytest.mark.parametrize("sizes", [[], [3]], ids=["one by one", "in one batch"])
async def test_a_forced_push_that_comes_after_its_synchronize_is_told(
    redis_url: str, sizes: list[int]
) -> None:
    messages, _, _ = await left_behind(redis_url, [OPENED, pushed(2), push(2, forced=True)], sizes)
    assert [page.text(message.content.title) for message in messages[1:]] == [PLAIN, FORCED]


def odd(at: int, sent: Sequence[Told]) -> list[Told]:
    """The deliveries, one of which nobody could make words of."""
    event, payload = sent[at]
    return [*sent[:at], (event, {**payload, "pull_request": {"number": NUMBER}}), *sent[at + 1 :]]


async def translated(
    queue: Queue, sent: Sequence[Told], **other: Any
) -> tuple[list[InboxEntry], TranslatedBatch]:
    translating = translator(queue)
    for repository_id in (REPOSITORY_ID, REPOSITORY_ID + 1):
        await translating.connections.connect(NAME, flow_token=f"token-{repository_id}", name=NAME)
        await translating.connections.of_repository(repository_id, NAME)
    entries = await enqueued(queue, sent)
    entries = [structs.replace(entry, **other) if at == 1 else entry for at, entry in enumerate(entries)]
    return entries, await translating.translator.translate(entries)


async def test_an_odd_one_holds_up_those_behind_it_and_leaves_nothing_of_itself(redis_url: str) -> None:
    sent = Life().play([("retitle", 0, True), ("retitle", 1, True), ("retitle", 2, True)]).sent
    async with open_queue(redis_url) as queue:
        entries, outcome = await translated(queue, odd(2, sent))
    assert outcome.deliveries == entries[:2]
    assert [message.delivery_id for message in outcome.messages] == ["d0", "d1"]
    assert isinstance(outcome.errors.pop(entries[2].id), KeyError)
    assert outcome.errors == {}


async def test_an_odd_one_holds_up_no_other_repository(redis_url: str) -> None:
    sent = Life().play([("retitle", 0, True), ("retitle", 1, True)]).sent
    async with open_queue(redis_url) as queue:
        # As if another repository lay in the same partition.
        other = pack(orjson.dumps(in_repository(odd(1, sent)[1][1], REPOSITORY_ID + 1)))
        entries, outcome = await translated(queue, sent, repository_id=REPOSITORY_ID + 1, packed=other)
    assert outcome.deliveries == [entries[0], entries[2]]
    assert list(outcome.errors) == [entries[1].id]


async def test_an_unreadable_delivery_is_an_error_of_its_own(redis_url: str) -> None:
    sent = Life().play([("retitle", 0, True)]).sent
    async with open_queue(redis_url) as queue:
        entries, outcome = await translated(queue, sent, packed=b"broken")
    assert outcome.deliveries == entries[:1]
    assert isinstance(outcome.errors[entries[1].id], Malformed)


@pytest.mark.parametrize("other", [{"repository_id": REPOSITORY_ID + 1}, {"number": NUMBER + 1}], ids=str)
async def test_a_payload_about_another_pull_request_than_its_entry_is_an_error(
    redis_url: str, other: dict[str, int]
) -> None:
    sent = Life().play([("retitle", 0, True)]).sent
    async with open_queue(redis_url) as queue:
        entries, outcome = await translated(queue, sent, **other)
    assert outcome.deliveries == entries[:1]
    assert [message.delivery_id for message in outcome.messages] == ["d0"]
    assert "another pull request" in str(outcome.errors[entries[1].id])


async def test_the_open_ones_are_remembered_from_the_last_day_on_that_something_came(redis_url: str) -> None:
    async with open_queue(redis_url) as queue:
        redis: Any = queue.redis
        translating = translator(queue)
        await translating.connections.connect(NAME, flow_token="token", name=NAME)
        plan = [("retitle", 0, True), ("close", 0, True), ("reopen", 0, True), ("retitle", 1, True)]
        sent = Life().play(plan).sent
        event, last = sent[-1]
        last = {**last, "pull_request": {**last["pull_request"], "updated_at": "2031-01-01T00:00:00Z"}}
        place = keys.open_pulls(REPOSITORY_ID)
        found = []
        for entry in await enqueued(queue, [*sent, (event, last)]):
            outcome = await translating.translator.translate([entry])
            await queue.commit(entry, writes=outcome.writes, messages=outcome.messages)
            lives = await redis.ttl(place) > SECONDS - 60
            found.append((entry.delivery_id, await translating.pulls.open_numbers(REPOSITORY_ID), lives))
            await redis.expire(place, 1000)
    assert found == [
        ("d0", [NUMBER], True),
        ("d1", [NUMBER], False),
        ("d2", [], False),
        ("d3", [NUMBER], True),
        ("d4", [NUMBER], False),
        ("d5", [NUMBER], True),
    ]


def new_pull(number: int) -> dict[str, Any]:
    """A pull request with a head of its own, and too large for its diff to be read."""
    head = {**samples.pull()["head"], "sha": f"{number:040x}"}
    return samples.pull(number=number, head=head, additions=9000)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(Life().play([("retitle", which % 3, True) for which in range(12)]).sent, id="one pull"),
        pytest.param(
            [
                ("pull_request", samples.on_pull("edited", new_pull(number), changes={}))
                for number in range(1, 14)
            ],
            id="the first of many pulls",
        ),
    ],
)
async def test_a_batch_reads_and_writes_redis_as_often_as_one_delivery(
    redis_url: str, sent: list[Told]
) -> None:
    async def calls(count: int) -> tuple[int, int]:
        await emptied(redis_url)
        async with open_queue(redis_url) as queue:
            redis: Any = queue.redis
            translating = translator(queue)
            await translating.connections.connect(NAME, flow_token="token", name=NAME)
            await translating.connections.of_repository(REPOSITORY_ID, NAME)
            entries = await enqueued(queue, sent[:count])
            await redis.config_resetstat()
            outcome = await translating.translator.translate(entries)
            reading = await redis.info("commandstats")
            await queue.deliveries.commit(
                queue.lease, outcome.deliveries, writes=outcome.writes, messages=outcome.messages
            )
            both = await redis.info("commandstats")
        return sum(one["calls"] for one in reading.values()), both["cmdstat_evalsha"]["calls"]

    assert len(sent) == 13
    # Redis is told each script the first time.
    await calls(1)
    assert await calls(13) == await calls(1) > (1, 1)


async def test_a_repository_that_was_renamed_is_not_given_what_is_meant_for_the_next_of_its_name(
    redis_url: str,
) -> None:
    """Its name is remembered from its last delivery; only what a delivery says ties a connection to it."""
    first, second = Life().play([("retitle", 0, True)]).sent
    second = (
        second[0],
        {**second[1], "repository": {**second[1]["repository"], "full_name": "acme/renamed"}},
    )
    async with open_queue(redis_url) as queue:
        translating = translator(queue)
        await translating.connections.connect(NAME, flow_token="one", name=NAME)
        entries = await enqueued(queue, [first, second])
        told_first = await translating.translator.translate(entries[:1])
        other, _ = await translating.connections.connect(NAME, flow_token="two", name=NAME)
        told_second = await translating.translator.translate(entries[1:])
        assert [len(one.messages) for one in (told_first, told_second)] == [1, 1]
        assert [one.id for one in await translating.connections.of_repository(REPOSITORY_ID + 1, NAME)] == [
            other.id
        ]


async def test_a_batch_in_which_the_rules_change_believes_the_old_ones_no_more(redis_url: str) -> None:
    first, other = samples.pull(), samples.pull(number=NUMBER + 1)
    sent = [
        ("pull_request", samples.on_pull("edited", first, changes={})),
        (
            "repository_ruleset",
            {"action": "edited", "repository": samples.repository(), "repository_ruleset": {"id": 1}},
        ),
        ("pull_request", samples.on_pull("edited", other, changes={})),
    ]
    async with open_queue(redis_url) as queue:
        translating = translator(queue)
        await translating.connections.connect(NAME, flow_token="token", name=NAME)
        rules = BranchRules(branch=first["base"]["ref"], approvals=2)
        await translating.pulls.rules.keep(REPOSITORY_ID, rules, at=time.time())
        batch = await translating.translator.translate(await enqueued(queue, sent))
    known = {number: one.value("rules") is not None for (_, number), one in batch.snapshots.items()}
    assert (batch.errors, known) == ({}, {NUMBER: True, NUMBER + 1: False})


async def test_the_questions_of_a_batch_go_to_redis_together(redis_url: str) -> None:
    def opened(number: int) -> Told:
        small = samples.pull(number=number, additions=1, deletions=0, changed_files=1)
        return "pull_request", samples.on_pull("opened", small)

    async def reads(count: int) -> tuple[int, int]:
        """Return how often Redis read from a client, and how many diffs are to be read."""
        await emptied(redis_url)
        async with open_queue(redis_url) as queue:
            redis: Any = queue.redis
            translating = translator(queue)
            await translating.connections.connect(NAME, flow_token="token", name=NAME)
            entries = await enqueued(queue, [opened(number) for number in range(1, count + 1)])
            read = await reads_during(redis, translating.translator.translate(entries))
            return read, await redis.zcard(keys.READINGS)

    (one, asked), (many, asked_all) = await reads(1), await reads(30)
    assert (asked, asked_all) == (1, 30)
    assert many - one < 15


async def test_the_rules_of_a_batch_are_read_and_asked_for_together(redis_url: str) -> None:
    def sent(action: str, count: int) -> list[Told]:
        base = samples.pull()["base"]
        pulls = [
            samples.pull(number=number, base={**base, "ref": f"release-{number}"})
            for number in range(1, count + 1)
        ]
        return [("pull_request", samples.on_pull(action, pull, changes={})) for pull in pulls]

    async def reads(count: int) -> tuple[int, int]:
        """Return how often Redis read from a client, and how many branches GitHub is to be asked about."""
        await emptied(redis_url)
        async with open_queue(redis_url) as queue:
            redis: Any = queue.redis
            translating = translator(queue)
            await translating.connections.connect(NAME, flow_token="token", name=NAME)
            entries = await enqueued(queue, [*sent("opened", count), *sent("edited", count)])
            await commit(queue, await translating.translator.translate(entries[:count]))
            # As if a minute went by, and no answer came.
            marks = [keys.branch_asked(REPOSITORY_ID, "rules", f"release-{at}") for at in range(1, count + 1)]
            assert await redis.delete(*marks, keys.WATCH) == count + 1
            read = await reads_during(redis, translating.translator.translate(entries[count:]))
            return read, await redis.zcard(keys.WATCH)

    (one, asked), (many, asked_all) = await reads(1), await reads(30)
    assert (asked, asked_all) == (1, 30)
    assert many - one < 3


async def test_a_delivery_takes_three_round_trips(redis_url: str) -> None:
    """The reads, the reads that they lead to, and the commit."""
    sent = Life().play([("retitle", 0, True), ("retitle", 1, True)]).sent
    async with open_queue(redis_url) as queue:
        redis: Any = queue.redis
        translating = translator(queue)
        await translating.connections.connect(NAME, flow_token="token", name=NAME)
        rules = BranchRules(branch=samples.pull()["base"]["ref"])
        await translating.pulls.rules.keep(REPOSITORY_ID, rules, at=time.time())
        *known, last = await enqueued(queue, sent)
        for one in known:
            await commit(queue, await translating.translator.translate([one]))

        async def work() -> None:
            await commit(queue, await translating.translator.translate([last]))

        read = await reads_during(redis, work())
    # The second look is a round trip, too.
    assert read - 1 == 3
