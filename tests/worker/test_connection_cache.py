"""The cache of connections holds what Redis has: each change shows with the next delivery."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from bridge.core.model import Connection
from bridge.core.security.encryption import Vault
from bridge.storage import keys
from bridge.storage.client import close_redis, connect_redis
from bridge.storage.connections import ConnectionStore, RepoKey
from bridge.worker import connection_cache as connected
from bridge.worker.connection_cache import ConnectionCache

NAME = "acme/component"
HERE: RepoKey = (7, NAME)
OTHER: RepoKey = (8, "acme/other")


class Watched(ConnectionStore):
    """Counts what is read anew; while it is `holding`, each answer waits for its own event in `held`."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.reads: list[set[RepoKey]] = []
        self.holding = False
        self.held: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def of_repositories(self, repositories: Sequence[RepoKey]) -> dict[RepoKey, list[Connection]]:
        self.reads.append(set(repositories))
        found = await super().of_repositories(repositories)
        if self.holding:
            event = asyncio.Event()
            self.held.put_nowait(event)
            await event.wait()
        return found


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Watched]:
    """A store with one connection, tied to its repository's id."""
    redis = connect_redis(redis_url)
    try:
        made = Watched(redis, Vault(["k" * 32]))
        await made.connect(NAME, flow_token="one", name="one")
        await made.of_repository(*HERE)
        yield made
    finally:
        await close_redis(redis)


async def names(known: ConnectionCache, repository: RepoKey = HERE) -> list[str] | None:
    """The connections of a repository, paused ones in capitals; None: they must be asked for."""
    found = (await known.of([repository])).get(repository)
    return None if found is None else [one.name.upper() if one.paused else one.name for one in found]


async def test_an_unchanged_connection_is_read_once(store: Watched) -> None:
    known = ConnectionCache(store)
    assert [await names(known) for _ in range(3)] == [["one"]] * 3
    assert await known.of([HERE, OTHER, HERE]) == {HERE: await store.of_repository(*HERE), OTHER: []}
    assert await names(known, OTHER) == []
    assert await known.of([]) == {}
    assert store.reads == [{HERE}, {OTHER}]


async def pause(store: ConnectionStore, one: Connection) -> None:
    await store.change(one.id, paused=True)


async def remove(store: ConnectionStore, one: Connection) -> None:
    await store.remove(one.id)


async def add_by_id(store: ConnectionStore, one: Connection) -> None:
    await store.add(
        Connection(id="two", repository=NAME, repository_id=7, name="two", flow_token="two", created_at=2**40)
    )


async def add_by_name(store: ConnectionStore, one: Connection) -> None:
    await store.connect(NAME, flow_token="two", name="two")


async def add_and_tie(store: ConnectionStore, one: Connection) -> None:
    made, _ = await store.connect(NAME, flow_token="two", name="two")
    await store.change(made.id, created_at=2**40)
    await store.of_repository(*HERE)


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (pause, ["ONE"]),
        (remove, []),
        (add_by_id, ["one", "two"]),
        (add_by_name, None),
        (add_and_tie, ["one", "two"]),
    ],
)
async def test_each_change_is_seen_at_once(
    store: Watched, change: Callable[[ConnectionStore, Connection], Awaitable[None]], seen: list[str] | None
) -> None:
    known = ConnectionCache(store)
    assert await names(known) == ["one"]
    [one] = await store.all()
    await change(store, one)
    assert await names(known) == seen


async def test_a_value_read_before_a_change_is_not_remembered_after_it(store: Watched) -> None:
    known = ConnectionCache(store)
    store.holding = True
    early = asyncio.create_task(names(known))
    early_event = await store.held.get()
    [one] = await store.all()
    await store.change(one.id, name="new")
    late = asyncio.create_task(names(known))
    (await store.held.get()).set()
    assert await late == ["new"]
    early_event.set()
    await early
    assert await names(known) == ["new"]


async def test_a_change_that_was_not_counted_is_seen_after_a_while(
    store: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failover of Redis may lose a change and count the next one under its number."""
    known = ConnectionCache(store)
    assert await names(known) == ["one"]
    [one] = await store.all()
    changes = await store.version()
    await store.change(one.id, name="new")
    await store._redis.set(keys.CONNECTIONS_CHANGES, changes or b"")
    assert await names(known) == ["one"]
    monkeypatch.setattr(connected, "MAX_AGE_SECONDS", -1)
    assert await names(known) == ["new"]


async def test_only_so_many_are_remembered(store: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connected, "MAX_CACHED", 3)
    known = ConnectionCache(store)
    for number in range(10):
        await names(known, (number, f"acme/{number}"))
    assert await names(known) == ["one"]
    assert len(known._cached) <= 4
