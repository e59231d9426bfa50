"""Sources as Redis keeps them: what is removed stays removed, and takes no room for ever."""

import asyncio
from typing import Any

import orjson
import pytest

from bridge.inbox import keys
from bridge.inbox.flows import sources
from bridge.inbox.flows.sources import FlowSource, SourceRemoved, SourceStore

FLOW = "f1"


@pytest.fixture
async def store(redis: Any) -> SourceStore:
    await redis.hset(keys.FLOWS, FLOW, "{}")
    return SourceStore(redis)


async def made(store: SourceStore) -> tuple[FlowSource, str]:
    return await store.make(FLOW, name="Robot", external_url="", client_id="x", creator=1001)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("", ""),
        ("It is gone.", "It is gone."),
        ("See https://x.example/", "See https://x.example/"),
        ("It is gone. https://bridge.example/flowdock/configure?source=1", "It is gone."),
        ("https://bridge.example/flowdock/configure?source=1", ""),
    ],
)
def test_a_problem_is_shown_without_the_address_of_its_button(message: str, shown: str) -> None:
    source = FlowSource(
        id=1,
        flow_id=FLOW,
        name="x",
        external_url="",
        client_id="x",
        creator=1,
        made_at=0,
        changed_at=0,
        error_message=message,
    )
    assert source.problem == shown


async def test_removed_sources_are_forgotten_in_time(
    store: SourceStore, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MOST", 3)
    stays, token = await made(store)
    gone = [await made(store) for _ in range(1)]
    for _ in range(5):
        await store.remove(gone[-1][0])
        gone.append(await made(store))
    known = [found and found.is_removed for found in [await store.of_token(one) for _, one in gone]]
    assert known == [None, None, True, True, True, False], "the newest removed are told that they were"
    assert await store.of_token(token) == stays
    assert [await redis.hlen(key) for key in (keys.SOURCES, keys.SOURCE_TOKENS)] == [5, 5]


async def test_no_report_brings_back_a_source_that_is_removed(store: SourceStore) -> None:
    source, token = await made(store)
    await store.remove(source)
    with pytest.raises(SourceRemoved):
        await store.report(source, error_message="still here")
    found = await store.of_token(token)
    assert found and (found.is_removed, found.error_message) == (True, "")


@pytest.mark.parametrize("other", [{"of_a_newer_version": [1]}, {}], ids=["newer", "older"])
async def test_a_source_that_another_version_wrote_changes_and_keeps_its_fields(
    store: SourceStore, redis: Any, other: dict[str, Any]
) -> None:
    source, _ = await made(store)
    fields = orjson.loads(await redis.hget(keys.SOURCES, str(source.id)))
    if not other:
        del fields["token_hash"]
    await redis.hset(keys.SOURCES, str(source.id), orjson.dumps(fields | other))
    await store.report(source, error_message="It is gone.")
    await store.remove(source)
    kept = orjson.loads(await redis.hget(keys.SOURCES, str(source.id)))
    assert kept == fields | other | {
        "token_hash": fields.get("token_hash", ""),
        "is_removed": True,
        "changed_at": kept["changed_at"],
    }


async def test_a_source_removed_during_reports_stays_removed(store: SourceStore) -> None:
    source, token = await made(store)
    reports = [store.report(source, error_message=f"{n}") for n in range(20)]
    done = await asyncio.gather(*reports[:10], store.remove(source), *reports[10:], return_exceptions=True)
    assert {type(one) for one in done} <= {FlowSource, type(None), SourceRemoved}
    found = await store.of_token(token)
    assert (found and found.is_removed, await store.of(FLOW)) == (True, [])
