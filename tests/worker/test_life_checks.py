"""Checks: found by the head commit, summed up in the thread, told only when the sum turns."""

from typing import Any

import orjson
import pytest

from bridge.storage import keys
from tests.conftest import House
from tests.kits.life import Life, begin, drive, tags, titles
from tests.kits.worker import REPOSITORY_ID


@pytest.fixture
async def life(working: House) -> Life:
    return await begin(working)


async def _opened(life: Life, who: str = "ann-gh", **fields: Any) -> dict[str, Any]:
    pull: dict[str, Any] = await life.house.act(who, "open", **{"title": "Count", "head": "fix", **fields})
    await life.news()
    return pull


async def test_the_checks_of_a_fork_are_found_though_github_names_no_pull_request(life: Life) -> None:
    pull = await _opened(life, "bob-gh")
    assert pull["head"]["repo"]["fork"]

    news = await life.act("bob-gh", "check", name="test", conclusion="failure")
    assert titles(news) == ["Checks: failed: test"]
    # It was the checks' turn, and is the author's now.
    assert tags(news) == ["@bob"]
    thread = await life.thread()
    assert thread.fields["Branch"] == "bob-gh:fix → main"
    assert thread.fields["Checks"].startswith("✗ 1 failed")
    assert "/acme/component/actions/runs/" in thread.raw["Checks"]


async def test_a_deleted_fork_is_said_and_stops_no_check(life: Life) -> None:
    await _opened(life, "bob-gh")
    await life.act("bob-gh", "delete_fork")
    await life.act("ann-gh", "assign", assignee="ann-gh")

    assert (await life.thread()).fields["Branch"] == "fix (fork deleted) → main"
    assert len(await life.act("bob-gh", "status", context="ci", state="error")) == 1


async def test_a_commit_that_is_the_head_of_two_pull_requests_tells_both_threads(life: Life) -> None:
    first = await _opened(life)
    await life.house.act("ann-gh", "open", title="Too", head="fix", base="stable")
    await life.news()
    sha = first["head"]["sha"]
    second = await _retold(life, 2, sha)

    news = await life.act("ann-gh", "check", name="test", conclusion="failure", sha=sha)
    assert sorted(one["external_thread_id"] for one in news) == [
        "github:component:pr:1",
        "github:component:pr:2",
    ]
    assert second.fields.get("Checks") is None
    assert {one["uuid"] for one in news} == {one["uuid"] for one in news if not one["repeat"]}
    assert len({one["uuid"] for one in news}) == 2
    # Why it failed is read once for both.
    readings = [orjson.loads(one) for one in await life.house.redis.zrange(keys.READINGS, 0, -1)]
    assert [one["numbers"] for one in readings if one.get("job")] == [[1, 2]]


async def _retold(life: Life, number: int, sha: str) -> Any:
    """The stand-in gives each pull request commits of its own; GitHub would show one branch's for both."""
    payload = await _held(life, "ann-gh", "assign", number=number, assignee="ann-gh")
    payload["pull_request"]["head"]["sha"] = sha
    assert (await life.house.deliver(payload)).status == 202
    await life.news()
    return await life.thread(f"github:component:pr:{number}")


async def _held(life: Life, who: str, do: str, **fields: Any) -> dict[str, Any]:
    """The payload of the delivery that something caused; it is not sent."""
    await drive(life.house, "webhooks", {"mode": "hold"})
    await life.house.act(who, do, **fields)
    held = await drive(life.house, "webhooks", {})
    await drive(life.house, "webhooks/release", {"order": [], "drop": True})
    await drive(life.house, "webhooks", {"mode": "send"})
    payload: dict[str, Any] = held["held"][-1]["payload"]
    return payload


async def test_checks_that_come_before_their_push_are_on_the_thread_with_it(life: Life) -> None:
    await _opened(life)
    await drive(life.house, "webhooks", {"mode": "hold"})
    pushed = await life.house.act("ann-gh", "push", number=1)
    await life.house.act("ann-gh", "check", number=1, name="test", conclusion="success")
    held = (await drive(life.house, "webhooks", {}))["held"]
    assert held[0]["event"] == "pull_request"
    await drive(life.house, "webhooks/release", {"order": [*range(1, len(held))]})
    assert await life.news() == []

    await drive(life.house, "webhooks/release", {"order": [0]})
    assert titles(await life.news()) == [f"ann-gh: Updated the branch to {pushed['head']['sha'][:7]}"]
    assert (await life.thread()).fields["Checks"] == "✓ 1 passed"


async def test_one_message_when_the_sum_turns_and_none_for_each_job(life: Life) -> None:
    await _opened(life)
    jobs = [f"job {number:02}" for number in range(12)]
    said = []
    for name in jobs:
        said += await life.act("ann-gh", "check", name=name, status="in_progress")
    for name in jobs[:4]:
        said += await life.act("ann-gh", "check", name=name, conclusion="success")
    assert said == []
    for name in jobs[4:]:
        said += await life.act("ann-gh", "check", name=name, conclusion="failure")
    assert titles(said) == ["Checks: failed: job 04", "Checks: failed: job 04, job 05, job 06 and 5 more"]

    said = await life.act("ann-gh", "rerun")
    for name in jobs[4:]:
        said += await life.act("ann-gh", "check", name=name, conclusion="success")
    assert titles(said) == ["Checks: Re-running 8 checks", "Checks: recovered, flaky: all green"]
    assert (await life.thread()).fields["Checks"] == "✓ 12 passed"


async def test_all_kinds_of_checks_count_together_and_the_failed_ones_are_links(life: Life) -> None:
    await _opened(life)
    await life.act("ann-gh", "check", name="test", conclusion="success")
    await life.act("ann-gh", "status", context="coverage", state="pending")
    await life.act("ann-gh", "check", name="scan", app="scanner", conclusion="neutral")
    url = "https://ci.example/coverage"
    news = await life.act("ann-gh", "status", context="coverage", state="failure", target_url=url)
    assert titles(news) == ["Checks: failed: coverage"]
    await life.act("ann-gh", "deploy", environment="staging", state="in_progress")
    await life.act("ann-gh", "assign", assignee="ann-gh")

    thread = await life.thread()
    assert thread.fields["Checks"] == "✗ 1 passed, 1 failed, 1 neutral: coverage"
    assert f'href="{url}"' in thread.raw["Checks"]


async def test_a_push_begins_the_sum_anew_and_checks_of_the_commit_before_change_nothing(life: Life) -> None:
    before = (await _opened(life))["head"]["sha"]
    await life.act("ann-gh", "check", name="test", conclusion="failure")
    await life.act("ann-gh", "push")
    assert "Checks" not in (await life.thread()).fields
    assert await life.act("ann-gh", "check", name="lint", conclusion="failure", sha=before) == []

    news = await life.act("ann-gh", "check", name="test", conclusion="failure")
    assert titles(news) == ["Checks: failed: test"]


async def test_a_push_takes_the_failure_and_the_turn_with_it(life: Life) -> None:
    await _opened(life)
    await life.act("ann-gh", "request_review", reviewer="bob-gh")
    assert tags(await life.act("ann-gh", "check", name="test", conclusion="failure")) == ["@ann"]

    assert tags(await life.act("ann-gh", "push")) == ["@bob"]
    assert (await life.thread()).fields["Turn"] == "bob-gh (to review)"


async def test_a_commit_pushed_longer_ago_than_is_kept_is_found_by_the_number_that_github_names(
    life: Life,
) -> None:
    pull = await _opened(life)
    await life.house.redis.delete(keys.heads(REPOSITORY_ID, pull["head"]["sha"]))

    assert len(await life.act("ann-gh", "check", name="test", conclusion="failure")) == 1


async def test_deliveries_of_checks_in_any_order_and_again_say_it_once_and_end_alike(life: Life) -> None:
    await _opened(life)
    await drive(life.house, "webhooks", {"mode": "hold"})
    for fields in ({}, {"conclusion": "success"}):
        await life.house.act("ann-gh", "check", number=1, name="test", **fields)
    held = (await drive(life.house, "webhooks", {}))["held"]
    order = [*reversed(range(len(held))), *range(len(held))]

    outcomes = await drive(life.house, "webhooks/release", {"order": order, "drop": True})
    assert {one["status"] for one in outcomes} == {200, 202}
    assert titles(await life.news()) == ["Checks: passed: all green"]
    assert (await life.thread()).fields["Checks"] == "✓ 1 passed"


async def test_a_merged_pull_request_is_quiet_about_checks(life: Life) -> None:
    await _opened(life)
    await life.act("ann-gh", "merge")

    assert await life.act("ann-gh", "check", name="test", conclusion="failure") == []


async def test_the_checks_of_a_commit_that_no_thread_shows_are_harmless(life: Life) -> None:
    pull = await _opened(life)
    payload = await _held(life, "ann-gh", "status", number=1, context="ci", state="failure")
    payload["sha"] = pull["base"]["sha"]

    assert (await life.house.deliver(payload, event="status")).status == 202
    assert await life.news() == []
    assert await life.house.services.queue.dead_letters() == []


async def test_a_job_that_failed_is_no_other_workflows_job_of_the_same_name(life: Life) -> None:
    await _opened(life)
    await life.act("ann-gh", "check", name="test", workflow="Unit", conclusion="failure")
    await life.act("ann-gh", "check", name="test", workflow="E2E", conclusion="success")
    await life.act("ann-gh", "assign", assignee="ann-gh")

    thread = await life.thread()
    assert thread.fields["Checks"] == "✗ 1 passed, 1 failed: Unit / test"
    assert thread.fields["Turn"] == "ann-gh (checks failed)"


async def test_a_newer_run_of_a_workflow_replaces_the_cancelled_one(life: Life) -> None:
    await _opened(life)
    await life.act("ann-gh", "check", name="test", status="in_progress")
    await life.act("ann-gh", "supersede", workflow="CI")
    assert (await life.thread()).fields["Checks"] == "… 1 running"
    news = await life.act("ann-gh", "check", name="test", conclusion="success")

    assert titles(news)[-1].endswith("all green")
    assert (await life.thread()).fields["Checks"] == "✓ 1 passed"


async def test_a_run_that_a_maintainer_has_to_allow_waits_and_did_not_fail(life: Life) -> None:
    await _opened(life)
    assert titles(await life.act("ann-gh", "hold", workflow="CI")) == ["Checks: awaiting approval: CI"]
    thread = await life.thread()
    assert thread.fields["Checks"] == "… 1 waiting for a maintainer"
    assert thread.fields["Turn"] == "a maintainer (to approve workflows)"
    assert "Re-run failed checks" not in [action["name"] for action in thread.shown["actions"]]

    await life.act("ann-gh", "check", name="test", conclusion="success")
    assert (await life.thread()).fields["Checks"] == "✓ 1 passed"


async def test_a_deployment_is_told_as_such(life: Life) -> None:
    await _opened(life)
    assert await life.act("ann-gh", "deploy", environment="staging", state="in_progress") == []
    news = await life.act("ann-gh", "deploy", environment="staging", state="success")
    assert titles(news) == ["Deployments: succeeded: staging"]
    thread = await life.thread()
    assert (thread.fields["Deployments"], thread.fields.get("Checks")) == ("✓ staging", None)
