"""The command line, as an operator types it: real processes, an embedded Redis of their own."""

import asyncio
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.core.budgets import LARGEST_DEAD
from bridge.core.security.encryption import Vault
from bridge.storage import embedded
from bridge.storage.client import close_redis, connect_redis
from bridge.storage.connections import ConnectionStore
from tests.kits import loaded
from tests.kits.commands import COMPLETE, KEY, ROOT, start
from tests.kits.queue import open_queue


def bridge(
    folder: Path, *arguments: str, environ: dict[str, str], given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run bridge in `folder`, where its embedded Redis keeps its data."""
    return loaded.run(folder, *arguments, environ={"PATH": os.environ["PATH"], **environ}, given=given)


async def connected(redis_url: str) -> str:
    """The id of a connection that there is already."""
    redis = connect_redis(redis_url)
    store = ConnectionStore(redis, Vault((KEY["ENCRYPTION_KEY"],)))
    made, _ = await store.connect("acme/component", flow_token="t0ken", name="acme/component")
    await close_redis(redis)
    return made.id


async def test_connections_are_listed_and_removed(tmp_path: Path) -> None:
    with embedded.running(tmp_path / "bridge/redis") as url:
        connection_id = await connected(url)
        listed = bridge(tmp_path, "connections", "--json", environ=KEY)
        (connection,) = json.loads(listed.stdout)
        assert connection["id"] == connection_id
        assert connection["repository"] == "acme/component"
        table = bridge(tmp_path, "connections", environ=KEY).stdout
        assert "waits for its first delivery" in table
        assert "t0ken" not in listed.stdout + table

        gone = bridge(tmp_path, "disconnect", connection_id, environ=KEY)
        assert gone.returncode == 0
        assert json.loads(bridge(tmp_path, "connections", "--json", environ=KEY).stdout) == []
        missing = bridge(tmp_path, "disconnect", connection_id, environ=KEY)
        assert (missing.returncode, missing.stderr) == (
            1,
            f"bridge: there is no connection {connection_id}: see bridge connections\n",
        )


async def test_options_are_shown_and_changed(tmp_path: Path) -> None:
    with embedded.running(tmp_path / "bridge/redis") as url:
        connection_id = await connected(url)
        changed = bridge(
            tmp_path, "options", connection_id, "drafts=quiet", "bases=main, release/*", environ=KEY
        )
        assert changed.returncode == 0, changed
        shown = bridge(tmp_path, "options", connection_id, environ=KEY).stdout
        assert shown == changed.stdout
        assert "drafts  quiet" in shown
        assert "bases   main, release/*" in shown
        for change, sentence in (
            ("drafts=never", "drafts must be one of all, quiet"),
            ("groups=pushes,gossip", "there is no group gossip; the groups are status, pushes"),
            ("noise=low", "there is no option 'noise'; the options are groups, drafts"),
            ("labels=maybe", "labels must be true or false"),
            ("quiet", "'quiet' has no value: write NAME=VALUE"),
            ("drfts=quiet", "Did you mean drafts?"),
            ("drafts=a=b", "drafts must be one of all, quiet"),
        ):
            failed = bridge(tmp_path, "options", connection_id, change, environ=KEY)
            assert (failed.returncode, sentence in failed.stderr) == (2, True), failed
        assert bridge(tmp_path, "options", connection_id, environ=KEY).stdout == shown
        assert bridge(tmp_path, "options", "nowhere", environ=KEY).returncode == 1


async def test_connections_outlive_the_embedded_redis(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], **KEY}
    with embedded.running(tmp_path / "bridge/redis") as url:
        await connected(url)
    listed = start(tmp_path, "connections", "--json", environ=environ)
    assert json.loads(listed.stdout)[0]["repository"] == "acme/component"


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["connect", "acme", "--flow-token", "t"], 2, "'acme' is not a repository: write OWNER/REPO"),
        (["connect", "a/b", "--flow-token", " "], 2, "flow token is empty"),
        (["connect", "a/b", "--flow-token", "töken"], 2, "odd characters"),
        (["connect", "a/b", "--flow-token", "t", "--flow", "main"], 2, "'main' is not a flow"),
        (["connect", "a/b"], 2, "--flow-token"),
        (["dead-letters", "show", "1-2-3"], 1, "no dead letter 1-2-3"),
        (["dead-letters", "redrive"], 2, "Either ID or --all is required"),
        (["dead-letters", "redrive", "1", "--all"], 2, "Either ID or --all is required"),
        (["explode"], 2, "No such command 'explode'"),
        (["connection"], 2, "Did you mean one of: 'connect', 'connections'"),
        (["connect", "a/b", "--flow-tokn", "t"], 2, "Did you mean one of: '--flow', '--flow-token'?"),
        (["disconnect"], 2, "Missing argument 'ID'"),
        ([], 2, "COMMAND"),
    ],
    ids=str,
)
def test_a_mistake_is_one_clear_sentence(
    tmp_path: Path, arguments: list[str], status: int, sentence: str
) -> None:
    failed = bridge(tmp_path, *arguments, environ=KEY)
    assert (failed.returncode, sentence in failed.stderr) == (status, True), failed
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("command", ["serve", "web", "worker"])
def test_missing_settings_are_all_named_at_once(tmp_path: Path, command: str) -> None:
    environ = {"PORT": "none", "ENCRYPTION_KEY": "short", "FLOWDOCK_CLIENT_ID": "a"}
    failed = bridge(tmp_path, command, environ=environ)
    assert failed.returncode == 2
    for name in (
        "PORT",
        "FLOWDOCK_CLIENT_SECRET",
        "GITHUB_WEBHOOK_SECRET",
        "COOKIE_SECRET",
        "ENCRYPTION_KEY",
    ):
        assert name in failed.stderr
    assert "short" not in failed.stderr.replace("too short", "")
    assert "Traceback" not in failed.stderr


def test_an_unreachable_redis_is_one_sentence(tmp_path: Path) -> None:
    environ = {**KEY, "REDIS_URL": "redis://127.0.0.1:1/0"}
    failed = bridge(tmp_path, "connections", environ=environ)
    assert failed.returncode == 1
    assert failed.stderr == "bridge: Redis does not answer (ConnectionError): check REDIS_URL\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["dead-letters", "redrive"], "Either ID or --all is required"),
        (["inbox", "owner", "../user"], "is not a login on GitHub"),
    ],
    ids=str,
)
def test_a_mistake_is_named_although_redis_does_not_answer(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    environ = {**KEY, "REDIS_URL": "redis://127.0.0.1:1/0"}
    failed = bridge(tmp_path, *arguments, environ=environ)
    assert (failed.returncode, sentence in failed.stderr) == (2, True), failed


def test_a_malformed_address_of_redis_is_one_sentence(tmp_path: Path) -> None:
    failed = bridge(tmp_path, "connections", environ={**KEY, "REDIS_URL": "s3cret@localhost"})
    assert (failed.returncode, "REDIS_URL must be an address such as" in failed.stderr) == (2, True)
    assert "Traceback" not in failed.stderr
    assert "s3cret" not in failed.stderr


async def test_a_dead_letter_without_its_payload_says_so_and_is_not_tried_again(tmp_path: Path) -> None:
    with embedded.running(tmp_path / "bridge/redis") as url:
        async with open_queue(url) as queue:
            body = random.Random(1).randbytes(LARGEST_DEAD + 1)
            for name in ("large", "small"):
                await queue.put(name, body=body if name == "large" else b"{}")
                await queue.deliveries.dead_letter(queue.lease, (await queue.inbox())[-1], reason="odd")
            large, _ = await queue.deliveries.dead_letters()
        shown = await asyncio.to_thread(bridge, tmp_path, "dead-letters", "show", large.id, environ=KEY)
        assert "its payload was dropped, because it was larger than 65,536 bytes" in shown.stdout
        assert "delivery_id: large" in shown.stdout
        refused = await asyncio.to_thread(bridge, tmp_path, "dead-letters", "redrive", large.id, environ=KEY)
        assert (refused.returncode, "have GitHub send it again" in refused.stderr) == (1, True)
        every = await asyncio.to_thread(bridge, tmp_path, "dead-letters", "redrive", "--all", environ=KEY)
        assert (every.returncode, f"{large.id} stays" in every.stdout) == (0, True)
        assert "is in the queue again" in every.stdout


def commands(group: click.Group, *before: str) -> Iterator[tuple[str, ...]]:
    """Each command of the command line, as its words."""
    for name, command in group.commands.items():
        yield (*before, name)
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)


@pytest.mark.parametrize("command", list(commands(main.bridge)), ids=" ".join)
def test_every_command_says_what_it_does_needs_and_leaves_with_an_example(command: tuple[str, ...]) -> None:
    helped = CliRunner().invoke(main.bridge, [*command, "--help"], obj={})
    usage, does, *rest = helped.output.split("\n\n")
    assert usage.startswith("Usage: ")
    assert "..." not in does, "the list of commands has room for the whole sentence"
    assert rest[0].strip(), "what it needs and leaves"
    example = rest[-1].strip()
    assert re.fullmatch(rf"Example: ([A-Z_]+=\S+ )*bridge {' '.join(command)}( .+)?", example)
    # Nothing runs: click reads the arguments and makes the context.
    *_, arguments = example.partition(" bridge ")
    found: click.Command = main.bridge
    words = arguments.split()
    for name in command:
        assert isinstance(found, click.Group)
        found = found.commands[name]
    found.make_context(command[-1], words[len(command) :], obj={})


@pytest.mark.parametrize("command", list(commands(main.bridge)), ids=" ".join)
def test_the_list_of_commands_shows_the_whole_sentence(command: tuple[str, ...]) -> None:
    listed = CliRunner().invoke(main.bridge, [*command[:-1], "--help"], obj={}).output
    line = next(line for line in listed.splitlines() if line.split()[:1] == [command[-1]])
    assert line.endswith(".")
    assert not line.endswith("...")


@pytest.mark.parametrize(
    ("modules", "foreign"),
    [
        ("bridge.web.app, bridge.services", {"click"}),
        # Most of what loading bridge costs, for commands that speak to nobody.
        ("bridge.cli.main", {"aiohttp", "redis", "structlog", "cryptography"}),
    ],
)
def test_nothing_but_the_command_line_loads_click_and_it_loads_little_else(
    modules: str, foreign: set[str]
) -> None:
    code = f"import sys, {modules}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "bridge" in done.stdout.split()
    assert not foreign & set(done.stdout.split())


@pytest.mark.parametrize("half", ["serve", "web"])
@pytest.mark.parametrize("processes", ["1", "2"])
async def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path, half: str, processes: str) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "0.0.0.0", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        failed = await asyncio.to_thread(
            bridge, tmp_path, half, environ={**COMPLETE, "PORT": str(port), "WEB_CONCURRENCY": processes}
        )
    assert failed.returncode == 1
    assert f"cannot listen on port {port}" in failed.stderr
    assert "Traceback" not in failed.stdout + failed.stderr
