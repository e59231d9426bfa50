"""A linked account and its places in the indexes, which change in one step."""

from typing import Any

from bridge.core.model import FlowdockUser, GitHubToken, GitHubUser, LinkedAccount
from bridge.core.security.encryption import Vault
from bridge.storage import keys
from bridge.storage.accounts import AccountStore


def account(github_id: int, login: str, *, user: str = "1") -> LinkedAccount:
    return LinkedAccount(
        flowdock=FlowdockUser(id=user, nick="ann", name="Ann"),
        github=GitHubUser(id=github_id, login=login),
        token=GitHubToken(access="secret"),
        linked_at=1,
    )


async def test_an_account_that_goes_leaves_no_place_in_an_index(redis: Any) -> None:
    store, beyond_floats = AccountStore(redis, Vault(["k" * 32])), 2**53 - 1
    other = account(beyond_floats, "Bob", user="2")
    assert await store.link(other) is None
    first = account(beyond_floats, "Ann-gh")
    assert await store.link(first) is None
    assert await store.linked_to(beyond_floats) == ["1", "2"]
    assert await redis.smembers(keys.linked_as("ann-gh")) == {b"1"}

    assert await store.link(account(7, "ann-new")) == first, "the one that was replaced"
    assert await store.logins() == {"1": "ann-new", "2": "Bob"}
    assert await store.linked_to(beyond_floats) == ["2"]
    assert await redis.exists(keys.linked_as("ann-gh")) == 0

    await store.unlink("1")
    await store.unlink("2")
    await store.unlink("2")
    assert await redis.keys() == []
