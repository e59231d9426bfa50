"""Merging, guarded: only the commit that the thread showed, only by whom may, and why not in one sentence."""

import json

import pytest

from bridge.clients import github
from scripts.sandbox.faults import Fault
from tests.conftest import REPOSITORY, House, open_house, set_to_work
from tests.kits.accounts import link
from tests.kits.clicks import JSON, PULL, begin_open, calls, click, refused, unseen
from tests.kits.life import Json, Life, drive, titles
from tests.web.endpoints.test_actions import post


@pytest.fixture
async def life(working: House) -> Life:
    return await begin_open(working)


GUARDED = [("GET", "/pulls/1"), ("GET", "")]
MERGE, AT_ONCE = ("PUT", "/pulls/1/merge-async"), ("PUT", "/pulls/1/merge")


def asked(life: Life) -> list[tuple[str, str]]:
    """What GitHub was asked, but for how a merge under way ended."""
    return [one for one in calls(life) if not one[1].startswith("/pulls/1/merge-async/")]


@pytest.mark.parametrize(
    ("settings", "method"),
    [
        ({}, "merge"),
        ({"allow_merge_commit": False}, "squash"),
        ({"allow_merge_commit": False, "allow_squash_merge": False}, "rebase"),
    ],
)
async def test_merge_merges_what_the_thread_showed_by_a_method_that_is_allowed(
    life: Life, settings: Json, method: str
) -> None:
    await life.house.act("cy-gh", "settings", number=1, **settings)
    pull = await life.house.act("ann-gh", "push", number=1)
    await life.news()
    first = next(name for name in (await life.thread()).buttons if name in ("Merge", "Squash", "Rebase"))
    assert first == method.capitalize()

    outcome = await click(life, "ann", first)
    assert (outcome["status"], outcome["message"]) == (200, f"Merged {PULL}.")
    assert asked(life) == [*GUARDED, MERGE]
    body = next(one.body for one in life.house.github_journal.calls if one.method == "PUT")
    assert json.loads(body) == {"sha": pull["head"]["sha"], "merge_method": method}
    assert titles(await life.news()) == ["ann-gh: Merged pull request into main"]
    assert (await life.thread()).status == "merged"


async def test_a_push_that_the_thread_did_not_show_is_not_merged(life: Life) -> None:
    await unseen(life, "ann-gh", "push")
    outcome = await click(life, "ann", "Merge")
    refused(outcome, 409, f"{PULL} has new commits")
    assert MERGE not in calls(life)

    # The control: once the thread shows it, it is merged.
    await drive(life.house, "webhooks", {"mode": "send"})
    await life.news()
    assert (await click(life, "cy", "Merge"))["status"] == 200


async def test_a_push_that_was_told_but_not_yet_shown_is_not_merged(life: Life) -> None:
    # bridge knows of the new head, and Flowdock could not be told yet.
    life.house.flowdock_journal.faults.append(Fault(path="/messages", status=503, times=1_000_000))
    await life.house.act("ann-gh", "push", number=1)
    refused(await click(life, "ann", "Merge"), 409, "new commits")
    assert MERGE not in calls(life)


async def test_a_push_at_the_last_moment_is_not_merged(life: Life) -> None:
    moved = {"message": "Head branch was modified. Review and try the merge again."}
    life.house.github_journal.faults.append(
        Fault(path=".*/merge-async", status=409, headers=JSON, answer=json.dumps(moved))
    )
    refused(await click(life, "ann", "Merge"), 409, "new commits")
    assert calls(life)[-1] == MERGE


@pytest.mark.parametrize(("times", "status"), [(2, 200), (3, 409)])
@pytest.mark.parametrize("ghes", [False, True], ids=["github.com", "GHES"])
async def test_the_race_with_a_push_to_the_base_is_retried_twice(
    redis_url: str, ghes: bool, times: int, status: int
) -> None:
    async with open_house(redis_url, github_config={"ghes": ghes}) as house:
        life = await begin_open(await set_to_work(house))
        await life.act("ann-gh", "race", times=times)
        outcome = await click(life, "ann", "Merge")
        assert outcome["status"] == status
        # github.com tries again by itself.
        assert asked(life) == [*GUARDED, MERGE, *[AT_ONCE] * 3 * ghes]
        if status == 409:
            refused(outcome, 409, f"{PULL} cannot be merged: Base branch was modified")


async def test_a_merge_that_takes_long_is_told_by_the_webhook(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github, "ACT_SECONDS", 0.5)
    await life.house.act("cy-gh", "settings", holds_merges=True)
    outcome = await click(life, "ann", "Merge")
    assert (outcome["status"], outcome["message"].startswith(f"Merging {PULL}…")) == (200, True)
    again = await click(life, "cy", "Squash")
    assert (again["status"], again["message"]) == (200, outcome["message"])
    await life.house.act("ann-gh", "finish_merge", number=1)
    assert titles(await life.news()) == ["ann-gh: Merged pull request into main"]


async def test_trouble_at_github_after_it_took_the_merge_is_no_failure(life: Life) -> None:
    life.house.github_journal.faults.append(Fault(path=".*/merge-async/.*", status=502, answer="<html>"))
    await life.house.act("cy-gh", "settings", holds_merges=True)
    outcome = await click(life, "ann", "Merge")
    assert (outcome["status"], outcome["message"].startswith(f"Merging {PULL}…")) == (200, True)


@pytest.mark.parametrize("ghes", [False, True], ids=["github.com", "GHES"])
async def test_a_branch_with_a_queue_takes_it_into_the_queue(redis_url: str, ghes: bool) -> None:
    async with open_house(redis_url, github_config={"ghes": ghes}) as house:
        life = await begin_open(await set_to_work(house))
        await life.house.act("cy-gh", "ruleset", queue=True)
        outcome = await click(life, "ann", "Merge")
        assert (outcome["status"], outcome["message"]) == (
            200,
            f"Added {PULL} to the merge queue, at position 1.",
        )
        assert calls(life)[-1] == ("POST", "/api/graphql")
        if not ghes:
            assert titles(await life.news()) == ["ann-gh: Added to the merge queue"]
            (left,) = titles(await life.act("cy-gh", "dequeue", reason="CI_FAILURE"))
            assert left == "cy-gh: Removed from the merge queue: checks failed"


async def test_a_failure_in_the_queue_is_told_on_its_pull_request(life: Life) -> None:
    await life.act("ann-gh", "enqueue")
    assert await life.act("ann-gh", "check", queue=True, name="test") == []
    failed = await life.act("ann-gh", "check", queue=True, name="test", conclusion="failure")
    assert titles(failed) == ["Checks: failed in the merge queue: test"]
    shown = (await life.thread()).fields
    assert shown["Merge queue"] == "queued; checks: 1 failed"
    # The head's own checks are others.
    assert "Checks" not in shown
    (left,) = titles(await life.act("ann-gh", "dequeue", reason="CI_FAILURE"))
    assert left == "ann-gh: Removed from the merge queue: checks failed"
    assert await life.act("ann-gh", "status", context="x", state="pending") == []
    # It enters again: what was checked before is over.
    await life.act("ann-gh", "enqueue")
    assert (await life.thread()).fields["Merge queue"] == "queued"
    await life.act("ann-gh", "check", queue=True, name="lint", conclusion="success")
    await life.act("cy-gh", "comment", body="Nearly there")
    assert (await life.thread()).fields["Merge queue"] == "queued; checks: 1 passed, 1 failed"


async def test_auto_merge_is_switched_on_and_off(life: Life) -> None:
    await life.house.act("cy-gh", "settings", allow_auto_merge=True)
    await life.act("ann-gh", "push")
    refused(await click(life, "ann", "Enable auto-merge"), 409, f"{PULL} is ready to merge")
    await life.house.act("cy-gh", "settings", required_approvals=1)
    outcome = await click(life, "ann", "Enable auto-merge")
    assert (outcome["status"], calls(life)) == (200, [*GUARDED, ("POST", "/api/graphql")])
    assert titles(await life.news()) == ["ann-gh: Enabled auto-merge"]
    outcome = await click(life, "cy", "Disable auto-merge")
    assert (outcome["status"], calls(life)) == (200, [GUARDED[0], ("POST", "/api/graphql")])
    assert titles(await life.news()) == ["cy-gh: Disabled auto-merge"]


async def test_a_branch_is_updated(life: Life) -> None:
    await life.house.act("cy-gh", "settings", allow_update_branch=True)
    await life.act("ann-gh", "push")
    assert "already up to date" in (await click(life, "ann", "Update branch"))["message"]
    await life.house.act("cy-gh", "push_base")
    outcome = await click(life, "cy", "Update branch")
    assert (outcome["status"], outcome["message"]) == (200, f"Updating the branch of {PULL}.")
    assert calls(life) == [GUARDED[0], ("PUT", "/pulls/1/update-branch")]
    assert len(await life.news()) == 1


async def test_missing_approvals_are_counted(life: Life) -> None:
    await life.house.act("cy-gh", "settings", number=1, required_approvals=2)
    refused(await click(life, "ann", "Merge"), 409, f"{PULL} cannot be merged yet: it needs 2 more approvals")
    await life.act("cy-gh", "approve")
    refused(await click(life, "cy", "Merge"), 409, f"{PULL} cannot be merged yet: it needs 1 more approval")
    assert asked(life) == [*GUARDED, MERGE]


async def test_a_required_check_that_is_missing_is_said_in_githubs_words(life: Life) -> None:
    await life.house.act("cy-gh", "settings", number=1, required_checks=["test"])
    refused(
        await click(life, "ann", "Merge"),
        409,
        f'{PULL} cannot be merged: Required status check "test" is expected',
    )


async def test_without_push_access_nobody_merges(life: Life) -> None:
    refused(await click(life, "bob", "Merge"), 422, f"@bob-gh needs write access to merge {PULL}")
    assert calls(life) == GUARDED


Meanwhile = tuple[str, str, str, Json, int, str]
MEANWHILE: list[Meanwhile] = [
    ("Merge", "cy-gh", "merge", {}, 200, "is already merged."),
    ("Merge", "ann-gh", "close", {}, 409, "is closed"),
    ("Merge", "ann-gh", "draft", {}, 409, "is a draft: mark it ready for review first"),
    ("Close", "ann-gh", "close", {}, 200, "Closed"),
    ("Close", "cy-gh", "merge", {}, 200, "is already merged."),
    ("Approve", "ann-gh", "edit", {"title": "Count on"}, 200, "Approved"),
    ("Assign to me", "ann-gh", "assign", {"assignee": "cy-gh"}, 200, "Assigned"),
    ("Request my review", "ann-gh", "request_review", {"reviewer": "cy-gh"}, 200, "@cy-gh will review"),
]


@pytest.mark.parametrize(
    ("button", "who", "do", "fields", "status", "words"),
    MEANWHILE,
    ids=[f"{button} after {do}" for button, _, do, *_ in MEANWHILE],
)
async def test_a_deed_done_meanwhile_is_a_success_or_is_told(
    life: Life, button: str, who: str, do: str, fields: Json, status: int, words: str
) -> None:
    await unseen(life, who, do, **fields)
    outcome = await click(life, "cy", button)
    assert outcome["status"] == status
    assert words in (outcome["message"] or outcome["error"])
    assert PULL in (outcome["message"] or outcome["error"])
    assert MERGE not in calls(life)


async def test_a_conflict_that_the_thread_does_not_show_yet_is_said(life: Life) -> None:
    await life.house.act("cy-gh", "conflict", number=1)
    # GitHub works it out once somebody looks.
    refused(await click(life, "ann", "Merge"), 409, PULL)
    refused(await click(life, "cy", "Merge"), 409, f"{PULL} conflicts with its base branch")
    assert calls(life) == GUARDED[:1]


async def test_a_pull_request_that_bridge_never_heard_of_is_merged_as_github_shows_it(house: House) -> None:
    await link(house, "ann")
    pull = await house.act("ann-gh", "open", title="Count", head="fix")
    status, answer, _ = await post(house, f"/repos/{REPOSITORY}/pulls/1/merge")
    assert (status, answer["message"]) == (200, f"Merged {PULL}.")
    merge = next(one for one in house.github_journal.calls if one.method == "PUT")
    assert json.loads(merge.body)["sha"] == pull["head"]["sha"]
