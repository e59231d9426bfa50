"""`python -m bridge doctor`: each row both ways, over the stand-ins; and the whole as a process."""

import asyncio
import json
import re
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bridge import settings
from bridge.cli import doctor
from bridge.cli.doctor import environment, rows, webhooks
from bridge.cli.doctor import redis as keeping
from bridge.core.errors import BridgeError
from bridge.core.model import Problem
from bridge.core.security.encryption import Vault
from bridge.storage import keys
from bridge.storage.accounts import AccountStore
from scripts.sandbox.faults import Fault
from tests.conftest import REPOSITORY, House, eventually
from tests.kits.accounts import link
from tests.kits.commands import drive, environ_of, run, token_of

Found = dict[str, tuple[str, str]]
"""By what was checked: its state and what to do."""

LIMITS = "/api/v3/rate_limit"
OF_GITHUB = {"X-GitHub-Request-Id": "1A:2B", "Content-Type": "application/json; charset=utf-8"}
WEBHOOK = f"webhook of {REPOSITORY}"


class Doctor:
    """Asks the doctor about a house, whose settings may be changed for it."""

    def __init__(self, house: House, redis_url: str) -> None:
        self.house = house
        self.redis_url = redis_url

    async def asked(self, **changes: str) -> Found:
        """What was found; of several rows about one thing the worst."""
        environ = environ_of(self.house, self.redis_url, **changes)
        found = await doctor.look(environ, redis_url=environ["REDIS_URL"])
        worst_last = sorted(found, key=lambda row: ("fine", "warn", "wrong").index(row.state))
        return {row.check: (row.state, row.to_do) for row in worst_last}

    async def row(self, check: str, **changes: str) -> tuple[str, str]:
        return (await self.asked(**changes))[check]


@pytest.fixture
def asking(house: House, redis_url: str) -> Doctor:
    return Doctor(house, redis_url)


async def test_an_installation_in_which_all_is_well(asking: Doctor) -> None:
    house = asking.house
    await link(house, "cy")
    await house.connect()
    house.start_worker()
    (connection,) = await house.services.connections.all()
    await house.services.connections.change(connection.id, installer="1003")
    token = await token_of(house, "cy-gh")
    repository = await house.services.hooks.repository(REPOSITORY, token=token)
    await house.services.hooks.ensure(repository, token=token)
    found = await eventually_fine(asking)
    http = ("warn", "WEB_URL is not https: anyone on the network can read cookies and claims")
    assert found.pop("address") == http
    assert {check: state for check, (state, _) in found.items()} == dict.fromkeys(
        [
            *("Redis settings", "Flowdock settings", "GitHub settings", "secrets", "other settings"),
            *("Redis", "Redis when full", "Redis on disk", "Redis memory"),
            *("Redis for the queue", "stored tokens", "workers", "queue"),
            *("waiting", "dead letters", "GitHub", "GitHub credentials", "Flowdock credentials"),
            *("public address", WEBHOOK),
        ],
        "fine",
    )
    assert found["stored tokens"][1] == "can be decrypted"
    assert found["workers"][1] == "1 running"
    assert found[WEBHOOK][1].startswith("pinged ")


async def eventually_fine(asking: Doctor) -> Found:
    """Once the worker has told that it lives, and GitHub's first ping has come."""

    async def fine() -> Found | None:
        found = await asking.asked()
        ready = found["workers"][0] == "fine" and found[WEBHOOK][1].startswith("pinged ")
        return found if ready else None

    found: Found = await eventually(fine)
    return found


# The settings

SETTINGS = [
    ({"COOKIE_SECRET": "short"}, "secrets", "wrong", "COOKIE_SECRET is too short: it needs 32"),
    ({"COOKIE_SECRET": "x" * 32}, "secrets", "fine", ""),
    ({"COOKIE_SECRET": ""}, "secrets", "wrong", "COOKIE_SECRET is missing"),
    ({"ENCRYPTION_KEY": "short"}, "secrets", "wrong", "ENCRYPTION_KEY is too short"),
    ({"METRICS_TOKEN": "x" * 31}, "secrets", "wrong", "METRICS_TOKEN is too short: it needs 32"),
    ({"METRICS_TOKEN": "x" * 32}, "secrets", "fine", ""),
    ({"SETUP_SECRET": "x" * 31}, "secrets", "wrong", "SETUP_SECRET is too short"),
    ({"SETUP_SECRET": "x" * 32}, "secrets", "fine", ""),
    ({"WEB_URL": "https://127.0.0.1:1", "TRUST_PROXY": "1"}, "address", "fine", ""),
    ({"WEB_URL": "https://127.0.0.1:1"}, "address", "warn", "Set TRUST_PROXY=1"),
    ({"TRUST_PROXY": "0"}, "address", "warn", "WEB_URL is not https"),
    ({"TRUST_PROXY": "maybe"}, "address", "wrong", "TRUST_PROXY must be one of"),
    ({"WEB_URL": "nowhere"}, "address", "wrong", "WEB_URL must be an address"),
    ({"PORT": "x"}, "address", "wrong", "PORT must be a number"),
    ({"FLOWDOCK_CLIENT_SECRET": ""}, "Flowdock settings", "wrong", "FLOWDOCK_CLIENT_SECRET is missing"),
    ({"GITHUB_CLIENT_ID": ""}, "GitHub settings", "wrong", "GITHUB_CLIENT_ID is missing"),
    ({"GITHUB_WEBHOOK_SECRET": "short"}, "GitHub settings", "wrong", "is too short: it needs 32"),
    ({"GITHUB_APP": "1"}, "GitHub settings", "warn", "GITHUB_APP has no effect"),
    ({"GITHUB_APP": "maybe"}, "GitHub settings", "wrong", "GITHUB_APP must be one of"),
    ({"LOG_LEVEL": "loud"}, "other settings", "wrong", "LOG_LEVEL must be one of"),
]


@pytest.mark.parametrize(
    ("changes", "check", "state", "words"), SETTINGS, ids=[str(row[0]) for row in SETTINGS]
)
async def test_settings(asking: Doctor, changes: dict[str, str], check: str, state: str, words: str) -> None:
    found = await asking.row(check, **changes)
    assert (found[0], words in found[1]) == (state, True), found


def test_the_app_is_named_where_github_is_not_set_at_all() -> None:
    for environ, told in (({}, True), ({"GITHUB_CLIENT_ID": "x"}, False)):
        found = environment.rows(*settings.examine(environ))
        told_of = [row for row in found if "Or set GITHUB_APP=1" in row.to_do]
        assert [(row.check, row.state) for row in told_of] == [("GitHub settings", "warn")] * told


@pytest.mark.parametrize(
    ("web_url", "token", "told"),
    [
        ("https://b.example", "", True),
        ("https://b.example", "x" * 32, False),
        ("http://localhost:8080", "", False),
        ("http://[::1]:8080", "", False),
    ],
)
def test_with_the_app_a_bridge_elsewhere_needs_a_secret_for_its_page(
    web_url: str, token: str, told: bool
) -> None:
    environ = {"GITHUB_APP": "1", "WEB_URL": web_url, "SETUP_SECRET": token}
    found = [row.to_do for row in environment.rows(*settings.examine(environ)) if row.check == "secrets"]
    assert any("SETUP_SECRET is not set" in to_do for to_do in found) == told


# Redis


async def test_a_redis_that_does_not_answer_is_one_row(asking: Doctor) -> None:
    found = await asking.asked(REDIS_URL="redis://127.0.0.1:1/0")
    assert found["Redis"] == ("wrong", "REDIS_URL does not answer (ConnectionError)")
    assert "workers" not in found
    assert found["Flowdock credentials"][0] == "fine", "what needs no Redis is still asked"


@contextmanager
def answering(monkeypatch: pytest.MonkeyPatch, **info: Any) -> Iterator[None]:
    """A Redis that says something else of itself: a real one cannot be made to."""
    ask = Redis.info

    async def changed(self: Any, *arguments: Any, **more: Any) -> Any:
        return {**await ask(self, *arguments, **more), **info}

    with monkeypatch.context() as patched:
        patched.setattr(Redis, "info", changed)
        yield


REDIS = [
    ({"maxmemory_policy": "allkeys-lru"}, "Redis when full", "wrong", "set maxmemory-policy noeviction"),
    ({"maxmemory_policy": None}, "Redis when full", "warn", "is not known"),
    ({"aof_enabled": 0}, "Redis on disk", "warn", "a restart loses everything"),
    ({"maxmemory": 100, "used_memory": 79}, "Redis memory", "fine", "(79%)"),
    ({"maxmemory": 100, "used_memory": 80}, "Redis memory", "warn", "(80%): when it is full"),
    ({"maxmemory": 100, "used_memory": 95}, "Redis memory", "wrong", "choose a larger plan"),
    ({"maxmemory": 0}, "Redis memory", "fine", "no limit"),
    ({"maxmemory": 512 * 2**20}, "Redis for the queue", "fine", "leaves room"),
    ({"maxmemory": 40 * 2**20}, "Redis for the queue", "warn", "set it to 20M, and REPOSITORY_BYTES to 2M"),
]


@pytest.mark.parametrize(("info", "check", "state", "words"), REDIS, ids=[str(row[0]) for row in REDIS])
async def test_a_redis_that_keeps_less_than_promised(
    asking: Doctor,
    monkeypatch: pytest.MonkeyPatch,
    info: dict[str, Any],
    check: str,
    state: str,
    words: str,
) -> None:
    with answering(monkeypatch, **info):
        found = await asking.row(check)
    assert (found[0], words in found[1]) == (state, True), found


async def test_snapshots_are_told_from_nothing_and_from_what_cannot_be_asked(
    asking: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis: Any = asking.house.redis
    with answering(monkeypatch, aof_enabled=0):
        await redis.config_set("save", "900 1")
        try:
            assert "snapshots alone" in (await asking.row("Redis on disk"))[1]
        finally:
            await redis.config_set("save", "")
        await redis.acl_setuser("default", enabled=True, nopass=True, commands=["-config"])
        try:
            found = await asking.row("Redis on disk")
        finally:
            await redis.acl_setuser("default", enabled=True, nopass=True, commands=["+config"])
    assert (found[0], "CONFIG is forbidden" in found[1]) == ("warn", True)


async def test_a_changed_encryption_key_is_found_out(asking: Doctor) -> None:
    await asking.house.connect()
    told = "cannot be decrypted: ENCRYPTION_KEY was changed"
    found = await asking.row("stored tokens", ENCRYPTION_KEY="n" * 32)
    assert (found[0], told in found[1]) == ("wrong", True)
    old = asking.house.services.settings.encryption_keys[0]
    assert (await asking.row("stored tokens", ENCRYPTION_KEY=f"{'n' * 32},{old}"))[0] == "fine"


async def test_a_changed_encryption_key_is_found_out_by_an_account(asking: Doctor) -> None:
    account = await link(asking.house, "ann")
    await AccountStore(asking.house.redis, Vault(["n" * 32])).link(account)
    assert (await asking.row("stored tokens"))[0] == "wrong"


# The work


async def enqueued(house: House) -> None:
    await house.connect()
    await house.hook()
    await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")

    async def there() -> bool:
        redis: Any = house.redis
        return any([await redis.xlen(keys.inbox(partition)) for partition in range(keys.PARTITIONS)])

    await eventually(there)


async def test_no_worker(asking: Doctor) -> None:
    assert (await asking.row("workers"))[0] == "warn", "an installation that has not started yet"
    await enqueued(asking.house)
    found = await asking.row("workers")
    assert (found[0], "start python -m bridge worker" in found[1]) == ("wrong", True)


async def test_what_waits_for_long(asking: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    await enqueued(asking.house)
    assert (await asking.row("waiting"))[0] == "fine"
    monkeypatch.setattr(keeping, "LONG_WAIT", 0)
    found = await asking.row("waiting")
    assert (found[0], "the oldest has waited for" in found[1]) == ("warn", True)


async def test_a_repository_near_its_budget(asking: Doctor) -> None:
    redis: Any = asking.house.redis
    assert (await asking.row("queue"))[0] == "fine"
    await redis.hset(keys.backlog(3), mapping={"17": 30 * 2**20, "all": 30 * 2**20, "dead": 2**40})
    assert await asking.row("queue") == (
        "warn",
        "17: near REPOSITORY_BYTES: see the log for what delays its messages",
    )
    for partition in range(8):
        await redis.hset(keys.backlog(partition), str(partition), 30 * 2**20)
    found = await asking.row("queue")
    assert (found[0], "near QUEUE_BYTES" in found[1]) == ("warn", True)


async def test_dead_letters(asking: Doctor) -> None:
    redis: Any = asking.house.redis
    for partition in (3, 3, 17):
        await redis.xadd(keys.dead(partition), {"kind": "inbox", "reason": "why", "detail": ""})
    assert await asking.row("dead letters") == ("warn", "3: see python -m bridge dead-letters")


# GitHub and Flowdock


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        ({"GITHUB_CLIENT_SECRET": "wrong"}, "GitHub credentials", "client id or secret in bridge's settings"),
        ({"GITHUB_CLIENT_ID": "wrong"}, "GitHub credentials", "copy GITHUB_CLIENT_ID"),
        (
            {"FLOWDOCK_CLIENT_SECRET": "wrong"},
            "Flowdock credentials",
            "client id or secret in bridge's settings",
        ),
        ({"FLOWDOCK_CLIENT_ID": "wrong"}, "Flowdock credentials", "copy FLOWDOCK_CLIENT_ID"),
        ({"GITHUB_API_URL": "http://127.0.0.1:1"}, "GitHub", "cannot be reached (ClientConnectorError)"),
        ({"GITHUB_URL": "http://127.0.0.1:1"}, "GitHub credentials", "cannot be reached"),
        ({"FLOWDOCK_API_URL": "http://127.0.0.1:1"}, "Flowdock credentials", "cannot be reached"),
    ],
    ids=str,
)
async def test_what_is_wrong_outside(asking: Doctor, changes: dict[str, str], check: str, words: str) -> None:
    found = await asking.row(check, **changes)
    assert (found[0], words in found[1]) == ("wrong", True), found
    assert "wrong" not in found[1].replace("is wrong", "")


@pytest.mark.parametrize(
    ("path", "status", "headers", "check", "state"),
    [
        (LIMITS, 500, OF_GITHUB, "GitHub", "wrong"),
        (LIMITS, 404, OF_GITHUB, "GitHub", "fine"),
        (LIMITS, 401, OF_GITHUB, "GitHub", "fine"),
        (LIMITS, 200, {"Content-Type": "application/json"}, "GitHub", "wrong"),
        (LIMITS, 200, {"X-GitHub-Request-Id": "1", "Content-Type": "text/html"}, "GitHub", "wrong"),
        (LIMITS, 302, {"Location": "/login"}, "GitHub", "wrong"),
        ("/login/oauth/access_token", 404, {}, "GitHub credentials", "wrong"),
        ("/login/oauth/access_token", 500, {}, "GitHub credentials", "wrong"),
    ],
)
async def test_odd_answers_of_github(
    asking: Doctor, path: str, status: int, headers: dict[str, str], check: str, state: str
) -> None:
    asking.house.github_journal.faults.append(Fault(path=path, status=status, headers=headers, answer="{}"))
    assert (await asking.row(check))[0] == state


async def test_an_enterprise_server_tells_its_version(asking: Doctor) -> None:
    headers = {**OF_GITHUB, "X-GitHub-Enterprise-Version": "3.20.1"}
    asking.house.github_journal.faults.append(Fault(path=LIMITS, status=200, headers=headers))
    assert (await asking.row("GitHub"))[1].endswith("Enterprise Server 3.20.1")


async def test_a_service_that_takes_made_up_codes_is_no_such_service(asking: Doctor) -> None:
    fault = Fault(path="/oauth/token", status=200, answer='{"access_token": "x"}')
    asking.house.flowdock_journal.faults.append(fault)
    assert (await asking.row("Flowdock credentials"))[0] == "warn"


async def test_one_check_waits_for_no_other(asking: Doctor) -> None:
    house = asking.house
    house.github_journal.faults.append(Fault(path=LIMITS, delay=2))
    looking = asyncio.create_task(asking.asked())

    async def flowdock_was_asked() -> bool:
        return any(call.path == "/oauth/token" for call in house.flowdock_journal.calls)

    await eventually(flowdock_was_asked)
    assert not any(call.path == LIMITS for call in house.github_journal.calls), "GitHub still thinks"
    assert (await looking)["GitHub"][0] == "fine"


async def test_nothing_is_waited_for_longer_than_a_check_may_take() -> None:
    async def forever() -> list[rows.Row]:
        await asyncio.Event().wait()
        return []

    assert await rows.bounded("slow", forever(), seconds=0.01) == [
        rows.Row("slow", "wrong", "no answer within 0.01 s")
    ]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ResponseError("secret"), "Redis refused or did not answer (ResponseError)"),
        (ConnectionResetError("secret"), "it is unreachable (ConnectionResetError)"),
        (KeyError("secret"), "the check itself failed (KeyError)"),
        (BridgeError("a sentence"), "a sentence"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_whatever_a_check_raises_is_a_row_without_its_words(error: Exception, words: str) -> None:
    async def failing() -> list[rows.Row]:
        raise error

    assert await rows.bounded("check", failing()) == [rows.Row("check", "wrong", words)]


# The public address


async def test_the_public_address_is_that_of_another_bridge(asking: Doctor) -> None:
    found = await asking.row("public address", GITHUB_WEBHOOK_SECRET="another-webhook-secret".ljust(32, "-"))
    assert (found[0], "a different GITHUB_WEBHOOK_SECRET" in found[1]) == ("wrong", True)


async def test_the_bridge_there_has_another_redis(asking: Doctor, redis_url: str) -> None:
    separator = "&" if "?" in redis_url else "?"
    found = await asking.row("public address", REDIS_URL=f"{redis_url}{separator}db=1")
    assert (found[0], "uses a different Redis" in found[1]) == ("wrong", True), found


async def test_the_look_at_the_address_leaves_nothing_behind(asking: Doctor) -> None:
    assert (await asking.row("public address"))[0] == "fine"
    redis: Any = asking.house.redis
    assert await redis.keys("bridge:ping:*") == []


async def test_at_the_address_is_nobody_or_somebody_else(asking: Doctor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    nobody = await asking.row("public address", WEB_URL=f"http://127.0.0.1:{free}")
    assert (nobody[0], "cannot be reached from here" in nobody[1]) == ("warn", True)
    other = await asking.row("public address", WEB_URL=asking.house.flowdock)
    assert (other[0], "answers, but not as bridge" in other[1]) == ("warn", True)


async def test_a_bridge_that_fails_at_the_address(asking: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(hook_id: int) -> None:
        raise RuntimeError

    monkeypatch.setattr(asking.house.services.webhook_keys, "note_ping", broken)
    found = await asking.row("public address")
    assert (found[0], "answers a signed ping with 500" in found[1]) == ("wrong", True)


# Webhooks

Break = Callable[[House], Awaitable[Any]]


async def installed(house: House) -> None:
    """A connection of cy's, whose webhook is as it should be."""
    await link(house, "cy")
    await house.connect()
    (connection,) = await house.services.connections.all()
    token = await token_of(house, "cy-gh")
    repository = await house.services.hooks.repository(REPOSITORY, token=token)
    made = await house.services.hooks.ensure(repository, token=token)
    await house.services.connections.change(connection.id, installer="1003", hook_id=made.id)

    async def pinged() -> bool:
        return await house.services.webhook_keys.pinged_at(made.id, repository_id=repository.id) > 0

    await eventually(pinged)


async def remove_hook(house: House) -> None:
    (connection,) = await house.services.connections.all()
    await house.services.hooks.remove(
        REPOSITORY, connection.hook_id or 0, token=await token_of(house, "cy-gh")
    )


async def narrow_hook(house: House) -> None:
    (connection,) = await house.services.connections.all()
    url = f"{house.github}/api/v3/repos/{REPOSITORY}/hooks/{connection.hook_id}"
    headers = {"Authorization": f"Bearer {await token_of(house, 'cy-gh')}"}
    async with house.http.patch(url, json={"events": ["push"], "active": False}, headers=headers) as response:
        assert response.status == 200


async def forget_ping(house: House) -> None:
    (connection,) = await house.services.connections.all()
    await house.redis.delete(keys.ping(1296269, connection.hook_id or 0))


async def unlink(house: House) -> None:
    account = await house.services.account_store.get("1003")
    assert account is not None
    await house.services.account_store.unlink(account.flowdock.id)


async def revoke(house: House) -> None:
    async with house.http.delete(f"{house.github}/_sandbox/tokens?user=cy-gh") as response:
        assert response.status < 300


async def demote(house: House) -> None:
    await drive(house, "users/cy-gh", {"permission": "read", "repo": REPOSITORY})


async def nothing(house: House) -> None:
    pass


HOOKS: list[tuple[Break, str, str]] = [
    (nothing, "fine", "pinged "),
    (forget_ping, "fine", "no ping within a day"),
    (remove_hook, "wrong", f"GitHub has no webhook for bridge: python -m bridge hook {REPOSITORY}"),
    (narrow_hook, "wrong", "it is inactive; it does not send check_run"),
    (
        unlink,
        "warn",
        "no linked account can check it: try python -m bridge hook",
    ),
    (revoke, "warn", "they must link their account again"),
    (demote, "warn", "the person who connected it cannot see it"),
]


@pytest.mark.parametrize(("broken", "state", "words"), HOOKS, ids=[row[0].__name__ for row in HOOKS])
async def test_the_webhook_of_a_connection(asking: Doctor, broken: Break, state: str, words: str) -> None:
    await installed(asking.house)
    await broken(asking.house)
    found = await asking.row(WEBHOOK)
    assert (found[0], words in found[1]) == (state, True), found


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(path=".*/hooks", status=502), "GitHub answered 502"),
        (Fault(path=".*/hooks", status=429, headers={"Retry-After": "7"}), "rate limit"),
    ],
    ids=["failing", "limited"],
)
async def test_a_github_that_does_not_tell_now_is_no_broken_webhook(
    asking: Doctor, fault: Fault, words: str
) -> None:
    await installed(asking.house)
    asking.house.github_journal.faults.append(fault)
    found = await asking.row(WEBHOOK)
    assert (found[0], words in found[1], "cannot see it" in found[1]) == ("warn", True, False)


async def test_a_renamed_repository_is_asked_about_by_its_present_name(asking: Doctor) -> None:
    house = asking.house
    await installed(house)
    repository = await house.services.hooks.repository(REPOSITORY, token=await token_of(house, "cy-gh"))
    await house.services.connections.of_repository(repository.id, REPOSITORY)
    await house.services.pulls.name_repository(repository.id, "acme/part", at="1")
    await house.act("cy-gh", "rename", name="part")
    assert (await asking.row(WEBHOOK))[0] == "fine"


async def test_several_connections_of_a_repository_are_one_row_and_their_trouble_another(
    asking: Doctor,
) -> None:
    await installed(asking.house)
    await asking.house.services.connections.connect(REPOSITORY, flow_token="another", name="again")
    *_, last = await asking.house.services.connections.all()
    problem = Problem(kind="deliveries", text="Deliveries fail.", since=int(time.time()))
    await asking.house.services.connections.change(last.id, problem=problem)
    found = await asking.asked()
    assert [check for check in found if check.startswith("webhook")] == [WEBHOOK]
    assert found[f"connection {last.id}"] == ("warn", f"{REPOSITORY}: Deliveries fail.")


async def test_only_so_many_repositories_are_asked_about(
    asking: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "MAX_REPOSITORIES", 1)
    for name in ("a", "b", "c"):
        await asking.house.services.connections.connect(f"acme/{name}", flow_token="t", name=name)
    found = await asking.asked()
    assert found["webhooks"] == ("warn", "2 more were not checked")


# The whole


async def test_as_a_process(house: House, redis_url: str, tmp_path: Path) -> None:
    await house.connect()
    environ = environ_of(house, redis_url)
    fine = await run(tmp_path, "doctor", environ=environ, anew=True)
    assert (fine.returncode, fine.stderr) == (0, ""), fine
    assert fine.stdout.startswith("CHECK ")
    assert re.search(r"^public address +fine +http://127", fine.stdout, re.MULTILINE)
    offline = await run(tmp_path, "doctor", "--offline", environ=environ)
    assert (offline.returncode, "GitHub credentials" in offline.stdout) == (0, False)

    listed = await run(tmp_path, "doctor", "--json", environ={**environ, "GITHUB_CLIENT_SECRET": "wrong-one"})
    found = json.loads(listed.stdout)
    assert {row["state"] for row in found} == {"fine", "warn", "wrong"}
    assert all(row.keys() == {"check", "state", "to_do"} for row in found)
    assert (listed.returncode, listed.stderr) == (1, f"bridge: 1 of {len(found)} checks failed\n")

    broken = await run(
        tmp_path,
        "doctor",
        environ={**environ, "REDIS_URL": "redis://:s3cret@127.0.0.1:1/0", "GITHUB_URL": "http://127.0.0.1:1"},
    )
    assert broken.returncode == 1
    assert "REDIS_URL does not answer" in broken.stdout
    odd = await run(tmp_path, "doctor", environ={**environ, "REDIS_URL": "elsewhere://s3cret"})
    assert (odd.returncode, "REDIS_URL must be an address such as" in odd.stdout) == (1, True)
    everything = "".join(done.stdout + done.stderr for done in (fine, offline, listed, broken, odd))
    assert "Traceback" not in everything
    chosen = house.services.settings
    for secret in (
        *("s3cret", "wrong-one", house.flow_token, *chosen.cookie_secrets, chosen.flowdock_client_secret),
        *chosen.github_webhook_secrets,
        *chosen.encryption_keys,
    ):
        assert secret not in everything


async def test_nothing_at_all_is_set(tmp_path: Path) -> None:
    done = await run(tmp_path, "doctor", "--offline", environ={})
    assert done.returncode == 1
    assert "COOKIE_SECRET is missing" in done.stdout
    assert "the embedded Redis is not meant for production" in done.stdout
    assert "Traceback" not in done.stderr
