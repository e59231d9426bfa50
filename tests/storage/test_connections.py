"""The connections of several repositories, and two who change one at the same time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.core.security.encryption import Vault
from bridge.storage.client import close_redis, connect_redis
from bridge.storage.connections import ConnectionStore


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


async def test_of_two_who_change_a_connection_at_once_neither_undoes_the_other(
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
