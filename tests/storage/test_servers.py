"""Redis is bound to the servers whose ids it keeps."""

from pathlib import Path
from typing import Any

import pytest

from bridge.cli.main import bridge as commands
from bridge.core.model import FlowdockUser, GitHubToken, GitHubUser, LinkedAccount
from bridge.core.security.encryption import Vault
from bridge.storage import keys
from bridge.storage.accounts import AccountStore
from bridge.storage.servers import AnotherServer, bind, check, former_address
from tests.kits.commands import COMPLETE, KEY, run

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
    for step in (bind, check):
        with pytest.raises(AnotherServer, match="delete the key bridge:server:flowdock in Redis"):
            await step(redis, moved)
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


async def test_a_check_binds_nothing(redis: Any) -> None:
    await check(redis, FIRST)
    assert await redis.dbsize() == 0


OTHERS = [
    ["serve"],
    ["worker"],
    ["recover"],
    ["hook", "acme/component"],
    ["connect", "acme/component", "--flow-token", "t0ken"],
    ["disconnect", "3f9c2a7be1d04c58"],
    ["inbox", "owner", "octocat"],
    ["inbox", "application"],
    ["inbox", "export", "team/main"],
    ["app-secret", "webhook-secret", "-"],
]
"""Each command that meets people or ids of other servers."""

NO_SERVER = {
    *("init", "doctor"),
    *("connections", "options", "rotate-keys"),
    *("dead-letters list", "dead-letters show", "dead-letters redrive", "dead-letters drop"),
    "web",
}
"""Those that meet none, or tell by themselves; `web` starts as `serve` does."""


def test_the_table_has_every_command() -> None:
    tree = {
        f"{name} {inner}".strip()
        for name, command in commands.commands.items()
        for inner in getattr(command, "commands", [""])
    }
    others = {" ".join(command[: 1 + (command[0] == "inbox")]) for command in OTHERS}
    assert others.isdisjoint(NO_SERVER)
    assert others | NO_SERVER == tree


@pytest.mark.parametrize("command", OTHERS, ids=" ".join)
async def test_a_move_to_another_server_gives_nobody_anothers_account(
    redis: Any, redis_url: str, tmp_path: Path, command: list[str]
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
    refused = await run(tmp_path, *command, environ=own_inbox | {"REDIS_URL": redis_url})
    assert (refused.returncode, "keeps people and ids of https://api.flowdock.com" in refused.stderr) == (
        1,
        True,
    ), refused
