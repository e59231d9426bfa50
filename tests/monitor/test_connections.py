"""A connection breaks: its flow is told once, with what to do, and once when it works again."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bridge.core.github.health import assess as trouble_of
from bridge.core.model import Connection, Problem
from bridge.core.security.encryption import Vault
from bridge.storage import keys
from bridge.storage.checkups import Checkup, Checkups
from bridge.storage.connections import ConnectionStore
from scripts.sandbox.faults import Fault
from tests.conftest import House, eventually
from tests.kits import loaded
from tests.kits.accounts import link
from tests.kits.commands import environ_of
from tests.kits.monitor import CY, change_hook, check, connected, hooks, sent, told, trouble

FOREVER = 1_000_000
TROUBLE = Problem(kind="hook", text="It is broken.", since=1)


@pytest.fixture
async def cared(house: House) -> House:
    """A house with a worker and a monitor that makes no second round."""
    house.start_worker()
    house.start_monitor()
    return house


def last_told(house: House) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told(house)[-1].body)
    return found


async def test_an_undecryptable_connection_is_logged_with_advice_and_no_traceback(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """Keys were rotated while processes with the old key alone still ran."""
    connection = await connected(house)
    new = ConnectionStore(house.redis, Vault(["n" * 32]))
    await house.redis.set(keys.connection(connection.id), new._dump_connection(connection))
    await Checkups(house.redis).schedule([connection], hint="came")
    house.start_monitor()
    printed = ""

    async def told_of() -> bool:
        nonlocal printed
        printed += capsys.readouterr().out
        return "monitor_failed" in printed

    await eventually(told_of)
    assert "ENCRYPTION_KEY was changed without keeping the old key" in printed
    assert "Traceback" not in printed


# What events point to


async def test_a_removed_webhook_is_told_at_once_and_cleared_when_it_is_mended(cared: House) -> None:
    connection = await connected(cared)
    await change_hook(cared, connection.hook_id, "DELETE")
    broken = await trouble(cared, connection, "hook")
    assert len(told(cared)) == 1
    text, _, url = last_told(cared)["error_message"].rpartition(" ")
    assert broken.problem is not None
    assert text == broken.problem.text
    assert "acme/component was deleted on GitHub" in text
    assert url.startswith(f"{cared.bridge}/flowdock/configure?")
    query = parse_qs(urlsplit(url).query)
    source_url = f"{cared.services.settings.flowdock_api_url}/flows/acme/main/sources/{connection.source_id}"
    assert query == {"source": [connection.source_id], "source_url": [source_url]}

    await cared.services.webhook_repair.repair(connection, user=CY)
    await trouble(cared, connection, None)
    assert last_told(cared)["error_message"] == ""
    assert len(told(cared)) == 2


async def test_a_webhook_made_anew_by_hand_is_adopted(cared: House) -> None:
    connection = await connected(cared)
    await change_hook(cared, connection.hook_id, "DELETE")
    await trouble(cared, connection, "hook")
    await cared.hook()
    mended = await trouble(cared, connection, None)
    (hook,) = await hooks(cared)
    assert mended.hook_id == hook["id"] != connection.hook_id


async def test_an_archived_repository_is_told_until_it_is_unarchived(cared: House) -> None:
    connection = await connected(cared)
    await cared.act("cy-gh", "archive")
    found = await trouble(cared, connection, "repository")
    assert found.problem is not None
    assert "is archived." in found.problem.text
    await cared.act("cy-gh", "unarchive")
    await trouble(cared, connection, None)
    assert len(told(cared)) == 2


async def test_an_unlinked_account_is_told_until_somebody_looks_after_the_webhook(cared: House) -> None:
    connection = await connected(cared)
    await cared.services.accounts.unlink(CY)
    found = await trouble(cared, connection, "account")
    assert found.problem is not None
    assert "should take over" in found.problem.text
    await link(cared, "cy")
    await cared.services.accounts.look_after(CY)
    await trouble(cared, connection, None)


async def test_a_rename_is_no_trouble_and_what_comes_under_the_new_name_is_seen(cared: House) -> None:
    connection = await connected(cared)
    await cared.act("cy-gh", "rename", name="part")
    await change_renamed(cared, connection, {"active": False})
    found = await check(cared, connection)
    assert found is not None
    assert found.problem is not None
    assert found.problem.kind == "hook"


async def change_renamed(house: House, connection: Connection, body: Any) -> None:
    token = await house.services.accounts.token(CY)
    url = f"{house.github}/api/v3/repos/acme/part/hooks/{connection.hook_id}"
    async with house.http.patch(url, headers={"Authorization": f"Bearer {token}"}, json=body) as response:
        assert response.status == 200


async def test_a_delivery_for_a_connection_with_trouble_has_it_looked_at(cared: House) -> None:
    connection = await connected(cared)
    await cared.services.connections.change(connection.id, problem=TROUBLE)
    await cared.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
    await trouble(cared, connection, None)
    assert last_told(cared)["error_message"] == ""


async def test_deliveries_that_do_not_end_a_trouble_do_not_order_checkups_without_end(house: House) -> None:
    connection = await connected(house)
    await change_hook(house, connection.hook_id, "PATCH", {"events": ["pull_request", "push"]})
    await check(house, connection)
    house.start_worker()
    house.start_monitor()
    await eventually(lambda: looked(house, 2))
    for title in ("one", "two", "three"):
        await house.act("ann-gh", "open", title=title, body="", head=title, base="main")
    await eventually(lambda: looked(house, 3))
    await house.act("ann-gh", "open", title="four", body="", head="four", base="main")
    await eventually(lambda: waiting(house, 1))
    assert len(told(house)) == 1


async def looked(house: House, count: int) -> bool:
    """Tell whether the repository's webhooks were listed that often, for checkups or missed deliveries."""
    listed = [call for call in house.github_journal.calls if call.path.endswith("/component/hooks")]
    return len([call for call in listed if call.method == "GET"]) >= count


async def waiting(house: House, count: int) -> bool:
    redis: Any = house.redis
    return bool(await redis.zcard("bridge:{checkups}:due") == count)


# What a round finds


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"active": False}, "it is inactive"),
        ({"events": ["pull_request"]}, "it does not send branch_protection_rule, "),
        ({"config": {"content_type": "json"}}, "it has no secret"),
        ({"config": {"secret": "x", "insecure_ssl": "1"}}, "it does not verify bridge's certificate"),
    ],
)
async def test_a_webhook_that_does_not_work_as_it_should(house: House, change: Any, words: str) -> None:
    connection = await connected(house)
    await change_hook(house, connection.hook_id, "PATCH", change)
    found = await check(house, connection)
    assert found is not None
    assert found.problem is not None
    assert (found.problem.kind, words in found.problem.text) == ("hook", True)
    assert last_told(house)["error_message"].startswith(found.problem.text)

    await check(house, connection)
    assert len(told(house)) == 1
    await house.services.webhook_repair.repair(connection, user=CY)
    mended = await check(house, connection)
    assert mended is not None
    assert mended.problem is None
    assert [call.status for call in told(house)] == [200, 200]


async def test_every_round_looks_at_each_connection_and_tells_nothing_twice(house: House) -> None:
    connection = await connected(house)
    house.start_monitor(round_seconds=0.01)
    await eventually(lambda: looked(house, 10))
    await change_hook(house, connection.hook_id, "PATCH", {"active": False})
    await trouble(house, connection, "hook")
    calls = len(house.github_journal.calls)
    await eventually(lambda: longer(house, calls + 20))
    await house.services.webhook_repair.repair(connection, user=CY)
    await trouble(house, connection, None)
    assert len(told(house)) == 2


async def longer(house: House, count: int) -> bool:
    return len(house.github_journal.calls) > count


async def test_a_repository_that_is_gone(house: House) -> None:
    connection = await connected(house)
    paths = "/api/v3/(repos/acme/component|repositories/.*)"
    gone = Fault(path=paths, status=404, answer="{}", times=FOREVER)
    house.github_journal.faults.append(gone)
    found = await check(house, connection)
    assert found is not None
    assert found.problem is not None
    assert (found.problem.kind, "is gone" in found.problem.text) == ("repository", True)
    house.github_journal.faults.clear()
    found = await check(house, connection)
    assert found is not None
    assert found.problem is None


async def test_a_dead_token(house: House) -> None:
    connection = await connected(house)
    async with house.http.delete(f"{house.github}/_sandbox/tokens?user=cy-gh"):
        pass
    found = await check(house, connection)
    assert found is not None
    assert found.problem is not None
    assert found.problem.kind == "account"


async def test_an_account_that_administers_it_no_more(house: House) -> None:
    connection = await connected(house)
    async with house.http.post(f"{house.github}/_sandbox/users/cy-gh", json={"permission": "read"}):
        pass
    found = await check(house, connection)
    assert found is not None
    assert found.problem is not None
    assert (found.problem.kind, "is no longer an administrator" in found.problem.text) == ("account", True)


async def test_deliveries_that_do_not_get_through(house: House) -> None:
    await pass_time(house, -3700)
    connection = await connected(house)
    await sent(house)
    await change_hook(house, connection.hook_id, "PATCH", {"config": {"secret": "another"}})
    await pass_time(house, 3700)
    for title in ("one", "two"):
        await house.act("ann-gh", "open", title=title, body="", head=title, base="main")
    await sent(house)
    found = await check(house, connection)
    assert found is not None
    assert found.problem is not None
    assert found.problem.kind == "deliveries"
    assert "acme/component to bridge: Invalid HTTP Response: 401." in found.problem.text


async def pass_time(house: House, seconds: float) -> None:
    async with house.http.post(f"{house.github}/_sandbox/clock", json={"advance": seconds}) as response:
        assert response.status == 200


async def test_a_repository_that_was_renamed_while_nothing_came_is_found_by_its_id(house: House) -> None:
    connection = await connected(house)
    async with house.http.post(f"{house.github}/_sandbox/webhooks", json={"mode": "hold"}):
        pass
    await house.act("cy-gh", "rename", name="part")
    await change_renamed(house, connection, {"active": False})
    found = await check(house, connection)
    assert found is not None
    assert found.problem is not None
    assert (found.problem.kind, "inactive" in found.problem.text) == ("hook", True)


PASSING = [
    {"status": 502},
    {"status": 503, "answer": "<html>"},
    {"status": 429, "headers": {"Retry-After": "3600"}, "answer": "{}"},
    {"status": 403, "headers": {"Retry-After": "3600"}, "answer": '{"message": "secondary rate limit"}'},
    {"status": 200, "answer": "no JSON"},
    {"cut": "before"},
]


@pytest.mark.parametrize("fault", PASSING)
async def test_a_passing_error_changes_nothing(house: House, fault: Any) -> None:
    connection = await connected(house)
    repository = "/repos/acme/component/hooks"
    for where in ("/repositories/[0-9]+", repository, f"{repository}/[0-9]+/deliveries"):
        house.github_journal.faults[:] = [Fault(path=f"/api/v3{where}", times=FOREVER, **fault)]
        for known in (None, TROUBLE):
            await house.services.connections.change(connection.id, problem=known)
            found = await check(house, connection)
            assert found is not None
            assert (found.problem, told(house)) == (known, []), where


# What Flowdock answers


async def test_a_source_that_the_flow_removed_ends_the_connection(house: House) -> None:
    connection = await connected(house)
    await change_hook(house, connection.hook_id, "PATCH", {"active": False})
    async with house.http.delete(f"{house.flowdock}/_sandbox/sources/{connection.source_id}"):
        pass
    assert await check(house, connection) is None
    assert [call.status for call in told(house)] == [410]


async def test_a_flow_that_could_not_be_told_is_told_later(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.monitor.connections.RETRY_SECONDS", 0.05)
    connection = await connected(house)
    await change_hook(house, connection.hook_id, "PATCH", {"active": False})
    house.flowdock_journal.faults.append(Fault(path="/sources", method="PUT", status=503, times=3))
    house.start_monitor()
    await trouble(house, connection, "hook")
    assert [call.status for call in told(house)] == [503, 503, 503, 200]


async def test_a_flow_that_refuses_to_be_told_is_not_told_without_end(house: House) -> None:
    connection = await connected(house)
    await change_hook(house, connection.hook_id, "PATCH", {"active": False})
    house.flowdock_journal.faults.append(Fault(path="/sources", method="PUT", status=400, times=FOREVER))
    for _ in range(2):
        found = await check(house, connection)
        assert found is not None
        assert found.problem is not None
    assert [call.status for call in told(house)] == [400]


# Connections made by hand


async def test_where_nobody_looks_after_the_webhook_its_removal_is_told_and_a_delivery_clears_it(
    cared: House,
) -> None:
    await cared.connect()
    await cared.hook()
    (connection,) = await cared.services.connections.all()
    await link(cared, "cy")
    (hook,) = await hooks(cared)
    await cared.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
    await eventually(cared.threads)
    await change_hook(cared, hook["id"], "DELETE")
    found = await trouble(cared, connection, "hook")
    assert found.problem is not None
    assert "was deleted on GitHub" in found.problem.text
    # No flow is known of a token made by hand: the home page is all there is.
    assert last_told(cared)["error_message"] == f"{found.problem.text} {cared.bridge}/"
    await cared.hook()
    await trouble(cared, connection, None)
    assert len(told(cared)) == 2


# What waits


async def test_the_sooner_time_and_the_newer_event_count(house: House) -> None:
    connection = await connected(house)
    await sent(house)
    await house.redis.delete("bridge:{checkups}:due", "bridge:{checkups}:hints")
    checkups: Checkups = house.services.checkups
    later = Checkup(connection_id=connection.id, hint="came")
    await checkups.postpone(later, delay=1000)
    assert await checkups.pop() is None
    await checkups.schedule([connection], hint="heard", delay=0)
    await checkups.schedule([connection], hint="removed", delay=1000)
    await checkups.postpone(later, delay=0)
    assert await checkups.pop() == Checkup(connection_id=connection.id, hint="removed")
    assert await checkups.pop() is None


# Which instance


async def test_an_instance_without_the_lock_stands_by_and_goes_on_when_it_is_free(house: House) -> None:
    connection = await connected(house)
    await change_hook(house, connection.hook_id, "PATCH", {"active": False})
    redis: Any = house.redis
    await redis.set("bridge:caretaker", "other", px=60_000)
    await house.services.checkups.schedule([connection], delay=0)
    asked = await lock_requests(house)
    house.start_monitor(lock_seconds=0.1)
    await eventually(lambda: more_lock_requests(house, asked + 10))
    assert await waiting(house, 1)
    assert told(house) == []
    await redis.delete("bridge:caretaker")
    await trouble(house, connection, "hook")


async def test_a_monitor_that_ends_leaves_the_lock_of_another_alone(house: House) -> None:
    redis: Any = house.redis
    monitor = house.start_monitor(lock_seconds=60)
    await eventually(lambda: redis.exists("bridge:caretaker"))
    await redis.set("bridge:caretaker", "other", px=60_000)
    house.services.stop.set()
    await monitor
    assert await redis.get("bridge:caretaker") == b"other"


async def lock_requests(house: House) -> int:
    redis: Any = house.redis
    stats = await redis.info("commandstats")
    return int(stats.get("cmdstat_set", {}).get("calls", 0))


async def more_lock_requests(house: House, count: int) -> bool:
    return await lock_requests(house) >= count


async def test_a_monitor_that_loses_the_lock_stops_and_takes_it_again(house: House) -> None:
    connection = await connected(house)
    house.start_monitor(lock_seconds=0.3)
    await eventually(lambda: looked(house, 2))
    redis: Any = house.redis
    await redis.set("bridge:caretaker", "other", px=60_000)
    await eventually(lambda: stands_by(house, connection))
    await redis.delete("bridge:caretaker")
    await eventually(lambda: waiting(house, 0))


async def stands_by(house: House, connection: Connection) -> bool:
    """Tell whether due checkups are left alone while Redis is asked for the lock again and again."""
    await house.services.checkups.schedule([connection], delay=0)
    asked = await lock_requests(house)
    await eventually(lambda: more_lock_requests(house, asked + 6))
    return await waiting(house, 1)


async def test_an_error_nobody_expected_ends_neither_the_round_nor_the_monitor(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.connect()
    (first,) = await house.services.connections.all()
    await house.services.connections.change(first.id, created_at=1)
    connection = await connected(house)
    judged: list[str] = []

    def assess(which: Connection, *rest: Any, now: float) -> Problem | None:
        judged.append(which.id)
        if len(judged) == 1:
            raise RuntimeError("a mistake of ours")
        return trouble_of(which, *rest, now=now)

    monkeypatch.setattr("bridge.monitor.connections.assess", assess)
    await change_hook(house, connection.hook_id, "PATCH", {"active": False})
    await sent(house)
    # Only the round is to find it.
    await house.redis.delete("bridge:{checkups}:due")
    house.start_monitor()
    await trouble(house, connection, "hook")
    assert judged == [first.id, connection.id]


async def test_a_worker_process_looks_after_the_connections_until_it_is_told_to_stop(
    house: House, redis_url: str, tmp_path: Path
) -> None:
    connection = await connected(house)
    await change_hook(house, connection.hook_id, "PATCH", {"active": False})
    process = loaded.Process(
        [sys.executable, "-m", "bridge", "worker"],
        cwd=tmp_path,
        env=environ_of(house, redis_url),
        stdout=subprocess.DEVNULL,
    )
    try:
        await trouble(house, connection, "hook")
        process.terminate()
        assert await asyncio.to_thread(process.wait) == 0
    finally:
        process.kill()
    assert await house.redis.exists("bridge:caretaker") == 0, "the lock is left for the next one"
