"""Rules of branches, over the wire: read once a branch, shown in each thread, read again when they change."""

from typing import Any

import pytest

from bridge.core.messages import updates
from bridge.storage import keys
from scripts.sandbox.faults import Fault
from tests.conftest import House, eventually, open_house
from tests.kits.accounts import link
from tests.kits.life import THREAD, Json, Thread
from tests.kits.monitor import start_poller

RULES = [("GET", "/rules/branches/main"), ("POST", "/api/graphql")]


async def thread(house: House) -> Thread:
    found = [one for one in await house.threads() if one["external_thread_id"] == THREAD]
    return Thread(found[0]) if found else Thread({"fields": [], "actions": []})


async def shows(house: House, value: str) -> Thread:
    """Wait until the thread shows what is missing, with the next message."""

    async def shown() -> Thread | None:
        now = await thread(house)
        return now if now.fields.get("To merge") == value else None

    found: Thread = await eventually(shown)
    return found


def asked(house: House) -> list[tuple[str, str]]:
    """GitHub's calls about rules."""
    calls = [(one.method, one.path) for one in house.github_journal.calls]
    return [
        (method, "/rules" + path.partition("/rules")[2] if "/rules" in path else path)
        for method, path in calls
        if "/rules" in path or path == "/api/graphql"
    ]


async def known(house: House, **rules: Any) -> None:
    """Wait until the rules that GitHub has are in the snapshot."""

    async def seen() -> bool:
        (connection,) = await house.services.connections.all()
        pull = await house.services.pulls.pull(connection.repository_id or 0, 1)
        return (
            pull is not None
            and pull.rules is not None
            and all(getattr(pull.rules, name) == value for name, value in rules.items())
        )

    await eventually(seen)


@pytest.fixture
async def watched(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    return await watch(house, monkeypatch)


async def watch(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A pull request into a branch whose rules are known."""
    monkeypatch.setattr(updates, "SECONDS", 0)
    await link(house, "ann")
    await house.act("cy-gh", "ruleset", approvals=2, checks=["test"], methods=["squash", "rebase"])
    await start_poller(house, monkeypatch)
    await house.act("ann-gh", "open", title="Fix", head="fix")
    await known(house, approvals=2)
    return house


async def test_requirements_count_as_missing_until_github_agrees_that_none_is(watched: House) -> None:
    # GitHub says from now on that the merge is blocked.
    await watched.act("ann-gh", "assign", number=1, assignee="ann-gh")
    await watched.act("cy-gh", "approve", number=1)
    now = await shows(watched, "1 of 2 approvals; checks: test missing")
    assert now.buttons[-2:] == ["Squash", "Rebase"]
    await watched.act("ann-gh", "check", number=1, conclusion="success")
    now = await shows(watched, "1 of 2 approvals")
    assert now.fields["Turn"] == "ann-gh (missing: 1 of 2 approvals)"
    async with watched.http.post(
        f"{watched.github}/_sandbox/users/bob-gh", json={"permission": "write"}
    ) as response:
        assert response.status == 200
    await watched.act("bob-gh", "approve", number=1)
    now = await shows(watched, "✓ nothing missing")
    assert now.fields["Turn"] == "ready to merge"


async def test_an_enterprise_servers_rules_are_counted_too(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(redis_url, github_config={"ghes": True}) as house:
        await watch(house, monkeypatch)
        await house.act("cy-gh", "approve", number=1)
        await shows(house, "1 of 2 approvals; checks: test missing")


async def test_an_approval_that_cannot_count_is_told_beforehand_and_afterwards(watched: House) -> None:
    await link(watched, "bob")
    await watched.act("cy-gh", "ruleset", last_push=True)
    await known(watched, last_push=True)
    await watched.act("cy-gh", "push", number=1)
    now = await shows(watched, "0 of 2 approvals (cy-gh cannot give one); checks: test missing")
    (button,) = [one for one in now.shown["actions"] if one["name"] == "Approve"]
    assert button["description"] == ("Approvals by ann-gh (opened it) and cy-gh (pushed last) do not count")
    outcome = await watched.click("bob", THREAD, "Approve")
    assert outcome["message"] == (
        "Approved acme/component#1, but GitHub does not count it: @bob-gh has no write access."
    )


async def test_a_branch_is_read_once_for_all_its_pull_requests(watched: House) -> None:
    await watched.act("ann-gh", "open", title="Second", head="second")

    async def both() -> bool:
        return len(await watched.threads()) == 2

    await eventually(both)
    (second,) = [one for one in await watched.threads() if one["external_thread_id"] != THREAD]
    # It is there from the first message on.
    assert Thread(second).fields["To merge"] == "0 of 2 approvals; checks: test missing"
    assert asked(watched) == RULES


@pytest.mark.parametrize(
    ("do", "fields"), [("ruleset", {"approvals": 1}), ("settings", {"required_approvals": 3})]
)
async def test_rules_that_change_are_read_again(watched: House, do: str, fields: Json) -> None:
    await watched.act("cy-gh", do, **fields)
    await known(watched, approvals=1 if do == "ruleset" else 3)
    assert asked(watched) == RULES * 2


async def test_rules_that_change_all_the_time_are_read_once_a_minute(house: House) -> None:
    store, watches = house.services.pulls.rules, house.services.pulls.watches
    for due in (True, False):
        for _ in range(3):
            await store.ask_all(1, [("main", 1)])
        found = await watches.next()
        assert (found is not None) is due
    # The last change is not lost: it is asked about when the minute is over.
    assert await house.redis.zcard(keys.WATCH) == 1
    assert await watches.next() is None


async def test_a_queue_has_a_button_of_its_own(watched: House) -> None:
    await watched.act("cy-gh", "ruleset", approvals=0, checks=[], methods=[], queue=True)
    await known(watched, queue=True)
    await watched.act("ann-gh", "assign", number=1, assignee="ann-gh")

    async def offered() -> Thread | None:
        now = await thread(watched)
        return now if "Add to merge queue" in now.buttons else None

    now = await eventually(offered)
    assert not {"Merge", "Squash", "Rebase"} & set(now.buttons)
    outcome = await watched.click("ann", THREAD, "Add to merge queue")
    assert outcome["message"] == "Added acme/component#1 to the merge queue, at position 1."


async def test_where_nobody_may_read_them_they_are_unknown(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await link(house, "ann")
    house.github_journal.faults.append(Fault(path=".*/rules/.*", status=404, answer="{}", times=9))
    await start_poller(house, monkeypatch)
    await house.act("ann-gh", "open", title="Fix", head="fix")
    await known(house, is_known=False)
    await house.act("ann-gh", "assign", number=1, assignee="ann-gh")
    await shows(house, "unknown: no linked account can read the rules")

    # Not an hour later: the next account that is linked may be one that reads them.
    house.github_journal.faults.clear()
    await house.services.accounts.link(await link(house, "bob"))
    await known(house, is_known=True)
