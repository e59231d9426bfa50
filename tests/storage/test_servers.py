"""Redis is bound to the servers whose ids it keeps."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bridge.core.model import FlowdockUser, GitHubToken, GitHubUser, LinkedAccount
from bridge.core.security.encryption import Vault
from bridge.storage import embedded, keys
from bridge.storage.accounts import AccountStore
from bridge.storage.servers import AnotherServer, bind, former_address
from tests.conftest import House, eventually
from tests.kits.commands import COMPLETE, KEY, run, serving

GITHUB, FLOWDOCK = "https://api.github.com", "https://api.flowdock.com"
FIRST = {"github": GITHUB, "flowdock": FLOWDOCK}


@pytest.mark.parametrize(
    ("servers", "refused"),
    [
        (FIRST, ""),
        ({"github": GITHUB}, ""),
        ({"github": GITHUB, "flowdock": "bridge's own inbox"}, FLOWDOCK),
        ({"github": GITHUB, "flowdock": "https://flowdock.example.com"}, FLOWDOCK),
        ({"github": "https://github.example.com/api/v3", "flowdock": FLOWDOCK}, GITHUB),
    ],
    ids=["the same", "an inbox alone", "own inbox", "another Flowdock", "another GitHub"],
)
async def test_redis_stays_bound_to_its_first_servers(
    redis: Any, servers: dict[str, str], refused: str
) -> None:
    await bind(redis, FIRST)
    if not refused:
        await bind(redis, servers)
        return
    # Also at the next start, which would find a note of the refused one.
    for _ in range(2):
        with pytest.raises(AnotherServer, match=f"ids of {refused}; .* an empty Redis"):
            await bind(redis, servers)
    await bind(redis, FIRST)


async def test_a_server_at_a_new_address_is_bound_once_the_key_is_deleted(redis: Any) -> None:
    await bind(redis, FIRST)
    moved = FIRST | {"flowdock": "https://flowdock.example.com"}
    with pytest.raises(AnotherServer, match="delete the key bridge:server:flowdock in Redis"):
        await bind(redis, moved)
    await redis.delete(keys.server("flowdock"))
    await bind(redis, moved)


async def test_a_full_redis_is_known_again(redis: Any) -> None:
    await bind(redis, FIRST)
    await redis.config_set("maxmemory", 1)
    try:
        await bind(redis, FIRST)
    finally:
        await redis.config_set("maxmemory", 0)


async def test_a_start_at_another_address_is_told_and_also_a_full_redis_starts(redis: Any) -> None:
    """Two deployments on one Redis by mistake: at each start of either, not at the restarts of one."""
    one, other = "https://bridge.example.com", "https://staging.example.com"
    starts = [one, one, other, one, one]
    assert [await former_address(redis, start) for start in starts] == ["", "", one, other, ""]
    await redis.config_set("maxmemory", 1)
    try:
        assert await former_address(redis, other) == one
    finally:
        await redis.config_set("maxmemory", 0)


@pytest.mark.parametrize("command", ["serve", "worker"])
async def test_a_move_to_another_server_gives_nobody_anothers_account(
    redis: Any, redis_url: str, tmp_path: Path, command: str
) -> None:
    await bind(redis, FIRST)
    vault = Vault([KEY["ENCRYPTION_KEY"]])
    await AccountStore(redis, vault).link(
        LinkedAccount(
            flowdock=FlowdockUser(id="1001", nick="bob", name="Bob"),
            github=GitHubUser(id=1002, login="bob-gh"),
            token=GitHubToken(access="secret"),
            linked_at=1,
        )
    )
    # The control: in the inbox, 1001 is Ann, and nothing else says that the account is not hers.
    found = await AccountStore(redis, vault).get("1001")
    assert found is not None
    assert found.github.login == "bob-gh"

    own_inbox = {name: value for name, value in COMPLETE.items() if not name.startswith("FLOWDOCK_")}
    refused = await run(tmp_path, command, environ=own_inbox | {"REDIS_URL": redis_url})
    assert (refused.returncode, "keeps people and ids of https://api.flowdock.com" in refused.stderr) == (
        1,
        True,
    ), refused


async def test_a_start_before_redis_waits_for_it(house: House, tmp_path: Path) -> None:
    data, output = tmp_path / "redis", tmp_path / "bridge.log"
    with embedded.running(data) as url:
        pass

    def lines(event: str) -> int:
        return output.read_text().count(f'"event":"{event}"') if output.exists() else 0

    async def waits() -> bool:
        return lines("redis_unavailable") > 0

    async with AsyncExitStack() as closing:
        ready = asyncio.create_task(closing.enter_async_context(serving(house, url, output)))
        await eventually(waits)
        assert not ready.done(), output.read_text()
        closing.enter_context(embedded.running(data))
        await ready
    assert [lines("redis_unavailable"), lines("redis_available")] == [1, 1], "for all loops together"
