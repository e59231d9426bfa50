"""The repository itself: renamed, moved, put away, its webhook removed; no thread is split by any of it."""

import copy
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bridge.core.errors import GitHubRefused
from bridge.core.model import Target
from bridge.storage import keys
from tests.conftest import REPOSITORY, House
from tests.kits.life import THREAD, Life, begin, drive, titles
from tests.kits.payloads import pull_request

NEW_NAME = "acme/engine"


@pytest.fixture
async def life(working: House) -> Life:
    life = await begin(working)
    await life.act("ann-gh", "open", title="Count", head="fix")
    return life


async def test_a_renamed_repository_keeps_its_threads_and_their_old_buttons_act_on_it(life: Life) -> None:
    assert all(f"/repos/{REPOSITORY}/" in address for address in (await life.thread()).addresses)
    await life.act("cy-gh", "rename", name="engine")
    assert await life.news() == []

    # The thread has not been drawn anew yet: its buttons lead to the old name.
    outcome = await life.house.click("ann", THREAD, "Assign to me")
    assert (outcome["status"], outcome["message"]) == (200, f"Assigned {NEW_NAME}#1 to @ann-gh.")
    call = life.house.github_journal.calls[-1]
    assert (call.path, call.status) == (f"/api/v3/repos/{NEW_NAME}/issues/1/assignees", 201)
    # The old name may be another repository's by now.
    [done] = await life.house.services.account_store.audit_log("1001")
    assert done.on == f"{NEW_NAME}#1"

    assert titles(await life.news()) == ["ann-gh: Self-assigned pull request"]
    thread = await life.thread()
    assert all(f"/repos/{NEW_NAME}/" in address for address in thread.addresses)
    assert thread.shown["external_url"] == f"{life.house.github}/{NEW_NAME}/pull/1"
    assert (await life.house.click("ann", THREAD, "Close"))["status"] == 200


async def test_a_second_renaming_is_followed_too(life: Life) -> None:
    await life.act("cy-gh", "rename", name="engine")
    rename = {"as": "cy-gh", "repo": NEW_NAME, "do": "rename", "name": "motor"}
    await drive(life.house, "act", rename)
    await life.news()

    outcome = await life.house.click("ann", THREAD, "Close")
    assert outcome["message"] == "Closed acme/motor#1."


async def test_the_old_buttons_work_also_where_no_name_was_noted_before_the_renaming(life: Life) -> None:
    await life.house.redis.delete(keys.REPOSITORY_IDS, keys.REPOSITORY_NAMES)
    await life.act("cy-gh", "rename", name="engine")

    outcome = await life.house.click("ann", THREAD, "Close")
    assert outcome["message"] == f"Closed {NEW_NAME}#1."


async def test_a_transferred_repository_keeps_its_threads_and_their_old_buttons_act_on_it(
    life: Life,
) -> None:
    await life.act("cy-gh", "transfer", to="cy-gh")

    outcome = await life.house.click("ann", THREAD, "Close")
    assert (outcome["status"], outcome["message"]) == (200, "Closed cy-gh/component#1.")
    (message,) = await life.news()
    assert message["external_thread_id"] == THREAD
    assert "/repos/cy-gh/component/" in (await life.thread()).addresses[0]


async def test_a_repository_renamed_before_its_first_delivery_is_the_one_that_was_connected(
    house: House,
) -> None:
    life = await begin(house)
    await house.connect()
    await house.hook()
    house.start_worker()
    await drive(house, "act", {"as": "cy-gh", "repo": REPOSITORY, "do": "rename", "name": "engine"})
    await life.news()
    opening = {"as": "ann-gh", "repo": NEW_NAME, "do": "open", "title": "Count", "head": "fix"}
    await drive(house, "act", opening)

    assert titles(await life.news()) == ["ann-gh: Opened pull request"]
    assert (await life.thread()).shown["external_thread_id"] == THREAD


async def test_a_late_delivery_that_tells_a_former_name_does_not_bring_it_back(house: House) -> None:
    named = await _named(house)
    for name, day in (("component", 1), ("engine", 3), ("component", 2)):
        await named(OUR_ID, name, day)

    assert await house.services.pulls.repository_name(OUR_ID) == NEW_NAME
    for name in (REPOSITORY, NEW_NAME):
        assert await _shown_in(house, name) == OUR_ID


async def test_a_repository_takes_a_former_name_and_its_buttons_are_mistaken_for_no_others(
    house: House,
) -> None:
    named = await _named(house)
    await named(OUR_ID, "component", 1)
    await named(OUR_ID, "engine", 3)
    await house.connect("acme/ops")
    await named(77, "component", 4)
    await named(OUR_ID, "component", 2)

    assert await house.services.pulls.repository_name(77) == REPOSITORY
    assert await _shown_in(house, NEW_NAME) == OUR_ID
    with pytest.raises(GitHubRefused, match="is now the name of another repository"):
        await _shown_in(house, REPOSITORY)
    assert len(await house.messages("acme/ops")) == 1


Named = Callable[[int, str, int], Awaitable[None]]
OUR_ID = 1296269


async def _named(house: House) -> Named:
    """Has deliveries come, of a repository that had this name on that day."""
    payload = await pull_request(house)
    life = await begin(house)
    await house.connect()
    house.start_worker()

    async def named(repository_id: int, name: str, day: int) -> None:
        told = copy.deepcopy(payload)
        told["repository"] |= {
            "id": repository_id,
            "full_name": f"acme/{name}",
            "updated_at": f"2030-01-0{day}T00:00:00Z",
        }
        assert (await house.deliver(told)).status == 202
        await life.news()

    return named


async def _shown_in(house: House, full_name: str) -> int | None:
    """The repository that a button of this name is about."""
    owner, _, repo = full_name.partition("/")
    shown = await house.services.pulls.shown(Target(owner=owner, repo=repo, number=1, action="close"))
    return shown.repository_id


# What is no thread's business


HARMLESS: list[tuple[str, dict[str, Any], int]] = [
    ("ping", {"zen": "Keep it simple.", "hook_id": 1, "hook": {}}, 200),
    ("meta", {"action": "deleted", "hook_id": 1, "hook": {}}, 202),
    ("repository", {"action": "archived"}, 202),
    ("repository", {"action": "unheard_of"}, 202),
    ("push", {"ref": "refs/heads/main", "before": "0" * 40, "after": "1" * 40}, 202),
    ("push", {"ref": "refs/tags/v1"}, 202),
    ("pull_request_review_thread", {"action": "resolved", "thread": {"comments": []}}, 202),
]


@pytest.mark.parametrize(
    ("event", "fields", "status"), HARMLESS, ids=[f"{one[0]} {one[1].get('action', '')}" for one in HARMLESS]
)
async def test_events_about_no_pull_request_leave_threads_and_connections_alone(
    life: Life, event: str, fields: dict[str, Any], status: int
) -> None:
    payload = await _payload(life)
    if event != "pull_request_review_thread":
        del payload["pull_request"]
    before = await life.thread()

    assert (await life.house.deliver({**payload, **fields}, event=event)).status == status
    said = await life.news()
    assert [one["external_thread_id"] for one in said] in ([], [THREAD])
    assert (event == "pull_request_review_thread") == bool(said)
    after = await life.thread()
    assert (after.status, after.addresses, after.shown["title"]) == (
        before.status,
        before.addresses,
        before.shown["title"],
    )
    assert await life.house.services.queue.dead_letters() == []
    assert len(await life.house.services.connections.all()) == 1


async def test_a_removed_webhook_is_told_to_the_operator(
    life: Life, capsys: pytest.CaptureFixture[str]
) -> None:
    payload = await _payload(life)
    del payload["pull_request"]
    await life.house.deliver({**payload, "action": "deleted", "hook_id": 1, "hook": {}}, event="meta")
    await life.news()

    (line,) = [line for line in capsys.readouterr().out.splitlines() if "webhook_removed" in line]
    assert REPOSITORY in line


async def test_an_action_of_tomorrow_is_taken_into_the_state_and_told_by_no_sentence(life: Life) -> None:
    payload = await _payload(life)
    payload |= {"action": "teleported"}
    payload["pull_request"] |= {"title": "From afar", "updated_at": "2040-01-01T00:00:00Z"}
    assert (await life.house.deliver(payload)).status == 202
    assert await life.news() == []
    assert (await life.thread()).shown["title"] == "Count"

    await life.act("bob-gh", "review", body="Fine")
    assert (await life.thread()).shown["title"] == "From afar"


async def _payload(life: Life) -> dict[str, Any]:
    """The pull request as GitHub would send it now."""
    await drive(life.house, "webhooks", {"mode": "hold"})
    await life.house.act("ann-gh", "milestone", number=1)
    held = (await drive(life.house, "webhooks", {}))["held"]
    await drive(life.house, "webhooks/release", {"order": [], "drop": True})
    await drive(life.house, "webhooks", {"mode": "send"})
    payload: dict[str, Any] = held[-1]["payload"]
    return payload
