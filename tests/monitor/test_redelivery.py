"""Missed deliveries: bridge was away, and what happened meanwhile arrives when it is back, each once."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.clients.throttle import Throttle
from bridge.core.model import Connection
from bridge.monitor.redelivery import Redelivery, RedeliveryReport
from scripts.sandbox.faults import Fault
from tests.conftest import REPOSITORY, House, eventually
from tests.kits.accounts import link
from tests.kits.commands import environ_of, run
from tests.kits.github_app import made_at_github, open_app_house
from tests.kits.monitor import CY, change_hook, connected, sent
from tests.kits.personal import connection
from tests.kits.worker import idle

FOREVER = 1_000_000
ATTEMPTS = "/api/v3/repos/acme/component/hooks/[0-9]+/deliveries/[0-9]+/attempts"


def redelivery(house: House) -> Redelivery:
    return house.services.redelivery(Throttle(house.services.stop, spacing=0))


def asked(house: House) -> Counter[str]:
    """The number of requests to redeliver each attempt."""
    calls = [call for call in house.github_journal.calls if call.method == "POST"]
    return Counter(call.path for call in calls if call.path.endswith("/attempts"))


async def comment(house: House, count: int) -> None:
    for number in range(count):
        await house.act("ann-gh", "comment", number=1, body=f"number {number}")
    await sent(house)


async def one_pull(house: House) -> Connection:
    """A connection whose flow shows one pull request."""
    made = await connected(house)
    house.start_worker()
    await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
    await eventually(house.threads)
    await sent(house)
    return made


async def messages(house: House, count: int) -> list[dict[str, Any]]:
    async def enough() -> list[dict[str, Any]]:
        found = await house.messages()
        return found if len(found) >= count else []

    found: list[dict[str, Any]] = await eventually(enough)
    assert len(found) == count
    assert len({message["uuid"] for message in found}) == count
    return found


async def life_of(house: House, number: int, end: str) -> None:
    """Ten events, each of which is told."""
    act = house.act
    await act("ann-gh", "open", title=f"Draft {number}", body="", head=f"part-{number}", base="main")
    await act("ann-gh", "assign", number=number, assignee="ann-gh")
    for text in ("first", "second", "third"):
        await act("bob-gh", "comment", number=number, body=text)
    await act("ann-gh", "close", number=number)
    await act("ann-gh", "reopen", number=number)
    await act("ann-gh", "edit", number=number, title=f"Part {number}")
    await act("bob-gh", "comment", number=number, body="last")
    await act("ann-gh", end, number=number)


async def test_events_while_bridge_was_away_arrive_when_it_is_back(house: House) -> None:
    connection = await connected(house)
    house.start_worker()
    # GitHub's times have whole seconds: what happened within one could have happened in any order.
    async with house.http.post(f"{house.github}/_sandbox/clock", json={"tick": True}) as response:
        assert response.status == 200
    ends = {1: "close", 2: "merge", 3: "draft", 4: "close", 5: "merge"}
    await house.go_down()
    for number, end in ends.items():
        await life_of(house, number, end)
    await sent(house)
    await house.come_up()
    assert await house.messages() == []

    monitor = house.start_monitor()
    found = await messages(house, 50)
    shown = {"close": "closed", "merge": "merged", "draft": "draft"}
    threads = {thread["external_thread_id"]: thread for thread in await house.threads()}
    for number, end in ends.items():
        thread = threads.pop(f"github:component:pr:{number}")
        assert (thread["status"]["value"], thread["title"]) == (shown[end], f"Part {number}")
        assert len([one for one in found if one["external_thread_id"].endswith(f":{number}")]) == 10
    assert threads == {}
    assert set(asked(house).values()) == {1}
    assert not monitor.done()

    again = len(asked(house))
    (done,) = await redelivery(house).all()
    assert done == RedeliveryReport(repository=REPOSITORY)
    assert len(asked(house)) == again
    now = await house.services.connections.get(connection.id)
    assert now is not None
    assert now.problem is None


async def test_deliveries_before_the_connection_are_requested_and_told_after_it(house: House) -> None:
    """One failed, since bridge was away; one was skipped, and somebody presses Redeliver on GitHub."""
    await house.hook()
    house.start_worker()
    await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
    await sent(house)
    await idle(house)
    await house.go_down()
    await house.act("ann-gh", "comment", number=1, body="missed")
    await sent(house)
    await house.come_up()
    token = (await link(house, "cy")).token.access
    await house.connect()
    (done,) = await redelivery(house).all(token=token)
    assert done.requested == 1
    (comment,) = await messages(house, 1)
    assert "Commented" in comment["title"]

    hooks = house.services.hooks
    hook = await hooks.find(await hooks.repositories.by_name(REPOSITORY, token=token), token=token)
    assert hook is not None
    for attempt in await hooks.attempts(REPOSITORY, hook.id, token=token, most=100):
        await hooks.redeliver(REPOSITORY, hook.id, attempt.id, token=token)
    assert (await messages(house, 2))[1]["title"] == "Opened pull request"


async def test_all_pages_of_what_failed_are_asked_for(house: House) -> None:
    await one_pull(house)
    await house.go_down()
    await comment(house, 130)
    await house.come_up()
    (done,) = await redelivery(house).all()
    assert (done.failed, done.requested) == (130, 130)
    await messages(house, 131)


async def test_a_delivery_that_keeps_failing_is_requested_three_times(house: House) -> None:
    connection = await one_pull(house)
    await change_hook(house, f"{connection.hook_id}/config", "PATCH", {"secret": "another"})
    await comment(house, 2)
    done = []
    for _ in range(5):
        done += await redelivery(house).all()
        await sent(house)
    assert [(one.failed, one.requested) for one in done] == [(2, 2), (2, 2), (2, 2), (2, 0), (2, 0)]


async def test_while_bridge_stays_away_only_one_is_asked_for_a_round_and_none_is_given_up(
    house: House,
) -> None:
    await one_pull(house)
    await house.go_down()
    await comment(house, 4)
    done = []
    for _ in range(6):
        done += await redelivery(house).all()
        await sent(house)
    assert [one.requested for one in done] == [4, 1, 1, 1, 1, 1]

    await house.come_up()
    # The one that is asked for to see, and then the others.
    assert [one.requested for one in await redelivery(house).all()] == [1]
    await sent(house)
    assert [one.requested for one in await redelivery(house).all()] == [3]
    await messages(house, 5)


async def test_a_short_limit_of_githubs_is_waited_for(house: House) -> None:
    await missed_three(house)
    limit = Fault(path=ATTEMPTS, skip=1, status=403, headers={"Retry-After": "1"}, answer="{}")
    house.github_journal.faults.append(limit)
    (done,) = await redelivery(house).all()
    assert (done.requested, done.refused, done.reason) == (3, 0, "")
    assert sum(asked(house).values()) == 4
    await messages(house, 4)


async def test_a_long_limit_of_githubs_ends_the_round_and_is_obeyed_in_the_next(house: House) -> None:
    await missed_three(house)
    limit = Fault(path=ATTEMPTS, skip=1, status=429, headers={"Retry-After": "3600"}, answer="{}")
    house.github_journal.faults.append(limit)
    same = redelivery(house)
    (done,) = await same.all()
    assert (done.failed, done.requested, "rate limit" in done.reason) == (3, 1, True)
    calls = len(house.github_journal.calls)
    (then,) = await same.all()
    assert (then.checked, "rate limit" in then.reason) == (False, True)
    assert len(house.github_journal.calls) == calls


async def test_one_that_github_refuses_does_not_hold_up_the_others(house: House) -> None:
    await missed_three(house)
    house.github_journal.faults.append(Fault(path=ATTEMPTS, status=404, answer="{}"))
    (done,) = await redelivery(house).all()
    assert (done.failed, done.requested, done.refused) == (3, 2, 1)
    await sent(house)
    (then,) = await redelivery(house).all()
    assert (then.requested, then.refused) == (1, 0)


async def missed_three(house: House) -> Connection:
    made = await one_pull(house)
    await house.go_down()
    await comment(house, 3)
    await house.come_up()
    return made


async def test_a_repository_of_several_connections_is_asked_about_once_and_as_somebody_who_may(
    house: House,
) -> None:
    connection = await missed_three(house)
    # Connected by somebody who is not linked, by one who may not see webhooks, and by one who may.
    for number, (installer, created) in enumerate((("999", 1), ("1002", 2))):
        others: Any = {"flow": f"acme/other{number}", "flow_token": f"other{number}"}
        copy = replace(connection, id=f"copy{number}", installer=installer, created_at=created, **others)
        await house.services.connections.add(copy)
    await link(house, "bob")
    (done,) = await redelivery(house).all()
    assert (done.failed, done.requested) == (3, 3)
    assert set(asked(house).values()) == {1}


async def test_a_webhook_made_by_hand_is_found(house: House) -> None:
    connection = await missed_three(house)
    await house.services.connections.change(connection.id, hook_id=None)
    (done,) = await redelivery(house).all()
    assert done.requested == 3


async def test_where_nobody_is_linked_nothing_is_asked(house: House) -> None:
    await missed_three(house)
    await house.services.accounts.unlink(CY)
    calls = len(house.github_journal.calls)
    (done,) = await redelivery(house).all()
    assert not done.checked
    assert len(house.github_journal.calls) == calls


async def test_failed_deliveries_of_a_github_app_are_requested_as_the_app(redis_url: str) -> None:
    async with open_app_house(redis_url) as house:
        app = await made_at_github(house)
        await connection(house)
        house.start_worker()
        await house.go_down()
        await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
        await comment(house, 2)
        await house.come_up()
        assert await house.messages() == []
        (done,) = await redelivery(house).all()
        assert (done.repository, done.reason) == (f"GitHub App {app.name}", "")
        assert done.requested == done.failed >= 3
        await messages(house, 3)
        await sent(house)
        assert [one.failed for one in await redelivery(house).all()] == [0]


# The command


async def recover(
    house: House, redis_url: str, *arguments: str, token: str = "", anew: bool = False
) -> tuple[int, str, str]:
    """Run `bridge recover` as an operator does."""
    only = {"WEB_URL", "REDIS_URL", "ENCRYPTION_KEY", "GITHUB_URL"}
    environ = {name: value for name, value in environ_of(house, redis_url).items() if name in only}
    environ |= {"GITHUB_TOKEN": token} if token else {}
    done = await run(Path(), "recover", *arguments, environ=environ, anew=anew)
    return done.returncode, done.stdout, done.stderr


async def test_the_command_asks_and_prints_a_table(house: House, redis_url: str) -> None:
    await missed_three(house)
    status, output, errors = await recover(house, redis_url, anew=True)
    assert (status, errors) == (0, "")
    head, row = output.splitlines()
    assert head.split() == ["REPOSITORY", "FAILED", "REQUESTED", "REFUSED", "NOTE"]
    assert row.split() == [REPOSITORY, "3", "3", "0"]
    await messages(house, 4)


async def test_the_command_uses_github_token_also_where_nobody_is_linked(
    house: House, redis_url: str
) -> None:
    await missed_three(house)
    token = await house.services.accounts.token(CY)
    (made,) = await house.services.connections.all()
    await house.services.connections.change(made.id, installer="")
    status, output, _ = await recover(house, redis_url, "ACME/component")
    assert (status, "GITHUB_TOKEN is not set" in output) == (1, True)
    status, output, errors = await recover(house, redis_url, REPOSITORY, token=token)
    assert (status, errors) == (0, "")
    assert output.splitlines()[1].split() == [REPOSITORY, "3", "3", "0"]


async def test_the_command_says_what_is_wrong(house: House, redis_url: str) -> None:
    assert await recover(house, redis_url) == (
        1,
        "",
        "bridge: there are no connections: bridge connect OWNER/REPO --flow-token TOKEN\n",
    )
    await connected(house)
    assert await recover(house, redis_url, "acme/other") == (
        1,
        "",
        "bridge: acme/other is not connected: see bridge connections\n",
    )
    status, _, errors = await recover(house, redis_url, "acme")
    assert (status, "is not a repository" in errors) == (2, True)
    status, output, errors = await recover(house, redis_url, token="ghp_no_such_token")
    assert (status, "GitHub no longer accepts the token" in output) == (1, True)
    assert errors == "bridge: no repository could be checked: the notes above say why\n"
