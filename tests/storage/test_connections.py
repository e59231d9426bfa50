"""The connections of several repositories, and two who change one at the same time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bridge.core.model import Connection
from bridge.core.security.encryption import Vault
from bridge.storage.client import close_redis, connect_redis
from bridge.storage.connections import AlreadyConnected, ConnectionStore


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[ConnectionStore]:
    redis = connect_redis(redis_url)
    yield ConnectionStore(redis, Vault(["k" * 32]))
    await close_redis(redis)


async def test_connections_are_read_by_id_and_by_name(
    store: ConnectionStore,
) -> None:
    api, _ = await store.connect("acme/api", flow_token="t1", name="api")
    other, _ = await store.connect("acme/other", flow_token="t2", name="other")
    wanted = [(7, "acme/api"), (8, "acme/other"), (9, "acme/none")]
    assert await store.of_repositories(wanted) == {(9, "acme/none"): []}, "of the others one is not tied yet"

    version = await store.version()
    (tied,) = await store.of_repository(7, "acme/API")
    assert (tied.id, tied.repository_id) == (api.id, 7)
    assert await store.version() != version
    found = await store.of_repositories(wanted)
    assert found == {(7, "acme/api"): [tied], (9, "acme/none"): []}
    (tied_other,) = await store.of_repository(8, "acme/other")
    assert await store.of_repositories(wanted) == found | {(8, "acme/other"): [tied_other]}
    assert tied_other.id == other.id
    assert await store.of_repositories([]) == {}


async def test_two_concurrent_changes_of_a_connection_both_stay(
    store: ConnectionStore,
) -> None:
    made, _ = await store.connect("acme/api", flow_token="t1", name="api")
    await asyncio.gather(
        store.change(made.id, name="renamed"),
        store.change(made.id, flow="acme/main"),
        store.of_repository(7, "acme/api"),
    )
    changed = await store.get(made.id)
    assert changed is not None
    assert (changed.name, changed.flow, changed.repository_id) == ("renamed", "acme/main", 7)


BY_PAGE = Connection(
    id="c1",
    repository="acme/api",
    repository_id=7,
    name="acme/api",
    flow_token="made",
    created_at=1,
    flow="acme/main",
)


async def test_one_of_two_concurrent_equal_connects_succeeds(store: ConnectionStore) -> None:
    """A page connects by the repository's id, the command line by its name, with a token of its own."""
    for attempt in range(20):
        page = replace(BY_PAGE, id=f"c{attempt}")
        done = await asyncio.gather(
            store.add(page),
            store.connect("acme/API", flow_token=f"given {attempt}", name="api", flow="Acme/main"),
            return_exceptions=True,
        )
        assert sorted(isinstance(one, AlreadyConnected) for one in done) == [False, True]
        (connected,) = await store.all()
        await store.remove(connected.id)


@pytest.mark.parametrize(
    ("known", "new", "says"),
    [
        (BY_PAGE, {"flow_token": "b"}, "acme/api is already connected to acme/main, as c1"),
        (BY_PAGE, {"flow_token": "b", "repository": "acme/new"}, "acme/new is already connected"),
        (BY_PAGE, {"flow_token": "b", "repository_id": None}, "acme/api is already connected"),
        (BY_PAGE, {"repository_id": 8}, "this flow token already serves acme/api, as c1"),
        (BY_PAGE, {"flow_token": "b", "repository_id": 8}, ""),
        (BY_PAGE, {"flow_token": "b", "flow": "acme/other"}, ""),
        (replace(BY_PAGE, flow=""), {"flow_token": "b", "flow": ""}, ""),
    ],
    ids=str,
)
async def test_a_second_connection_of_a_flow_or_a_token_is_refused(
    store: ConnectionStore, known: Connection, new: dict[str, Any], says: str
) -> None:
    await store.add(known)
    second = replace(known, id="c2", **new)
    if not says:
        await store.add(second)
        return
    with pytest.raises(AlreadyConnected, match=says):
        await store.add(second)
    assert [one.id for one in await store.all()] == ["c1"]
