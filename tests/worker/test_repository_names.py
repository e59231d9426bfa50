"""The cache of repositories' names: what Redis is asked, what it is told, and what is believed in between."""

from collections.abc import AsyncIterator

import pytest

from bridge.core.security.encryption import Vault
from bridge.storage.client import close_redis, connect_redis
from bridge.storage.connections import ConnectionStore
from bridge.storage.pulls import PullRequestStore
from bridge.worker import repository_names
from bridge.worker.repository_names import RepositoryNames

EARLY, LATE = "2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z"


@pytest.fixture
async def stores(redis_url: str) -> AsyncIterator[tuple[ConnectionStore, PullRequestStore]]:
    redis = connect_redis(redis_url)
    try:
        yield ConnectionStore(redis, Vault(["k" * 32])), PullRequestStore(redis)
    finally:
        await close_redis(redis)


async def note(names: RepositoryNames, full_name: str, at: str, repository_id: int = 7) -> bool:
    return await names.note(repository_id, full_name, at=at, former=())


async def test_a_name_is_read_once_and_anew_after_a_minute(
    stores: tuple[ConnectionStore, PullRequestStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    names, pulls = RepositoryNames(*stores), stores[1]
    assert await names.present(7) is None
    await pulls.name_by_github(7, "acme/api")
    assert await names.present(7) == "acme/api", "that there is none is not remembered"
    await pulls.name_by_github(7, "acme/renamed")
    assert await names.present(7) == "acme/api"
    monkeypatch.setattr(repository_names, "MAX_AGE_SECONDS", -1)
    assert await names.present(7) == "acme/renamed"


async def test_a_repository_without_a_name_has_that_of_its_connection(
    stores: tuple[ConnectionStore, PullRequestStore],
) -> None:
    connections, _ = stores
    await connections.connect("acme/api", flow_token="token", name="api")
    await connections.of_repository(7, "acme/api")
    assert await RepositoryNames(*stores).present(7) == "acme/api"


async def test_a_name_claimed_by_a_delivery_is_not_the_present_name(
    stores: tuple[ConnectionStore, PullRequestStore],
) -> None:
    """The operator's deliveries and a webhook's own take turns; the former's are late, or not believed."""
    names, pulls = RepositoryNames(*stores), stores[1]
    await pulls.name_by_github(7, "acme/api")
    assert await names.present(7) == "acme/api"
    names.use(7, "other/stolen")
    assert names.last_used(7) == "other/stolen"
    assert await names.present(7) == "acme/api"

    assert await note(names, "acme/renamed", LATE)
    assert await note(names, "acme/api", EARLY), "a late delivery"
    assert names.last_used(7) == "acme/api"
    assert await names.present(7) == "acme/renamed"


async def test_redis_is_told_a_name_once_for_each_moment(
    stores: tuple[ConnectionStore, PullRequestStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    names, pulls = RepositoryNames(*stores), stores[1]
    assert await note(names, "acme/api", EARLY)
    assert await pulls.repository_name(7) == "acme/api"
    monkeypatch.setattr(pulls, "name_repository", None)
    names.use(7, "acme/api")
    assert await note(names, "acme/api", EARLY)
    with pytest.raises(TypeError):
        await note(names, "acme/api", LATE)


async def test_a_name_that_another_repository_has_is_refused_each_time(
    stores: tuple[ConnectionStore, PullRequestStore],
) -> None:
    names = RepositoryNames(*stores)
    assert await note(names, "acme/api", EARLY)
    assert [await note(names, "acme/api", LATE, repository_id=8) for _ in range(2)] == [False, False]
    assert await names.present(8) is None


async def test_only_so_many_names_are_remembered(
    stores: tuple[ConnectionStore, PullRequestStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository_names, "MAX_NAMES", 3)
    names = RepositoryNames(*stores)
    for number in range(10):
        names.use(number, f"acme/{number}")
    assert sum(names.last_used(number) is not None for number in range(10)) <= 3
