"""Merging, guarded: only the commit that the thread showed, only by whom may, and why not in one sentence."""

import json

import pytest

from scripts.sandbox.faults import Fault
from tests.conftest import REPOSITORY, House
from tests.kits.accounts import link
from tests.kits.clicks import JSON, PULL, begin_open, calls, click, refused, sent, unseen
from tests.kits.life import Json, Life, drive, titles
from tests.web.endpoints.test_actions import post


@pytest.fixture
async def life(working: House) -> Life:
    return await begin_open(working)


GUARDED = [("GET", "/pulls/1"), ("GET", "")]
MERGE = ("PUT", "/pulls/1/merge")


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
    pull = await life.house.act("cy-gh", "settings", number=1, **settings)
    pull = await life.house.act("ann-gh", "push", number=1)
    await life.news()

    outcome = await click(life, "ann", "Merge")
    assert (outcome["status"], outcome["message"]) == (200, f"Merged {PULL}.")
    assert calls(life) == [*GUARDED, MERGE]
    assert sent(life) == {"sha": pull["head"]["sha"], "merge_method": method}
    assert titles(await life.news()) == ["ann-gh: Merged pull request into main"]
    assert (await life.thread()).status == "merged"


async def test_a_push_that_the_thread_did_not_show_is_not_merged(life: Life) -> None:
    await unseen(life, "ann-gh", "push")
    outcome = await click(life, "ann", "Merge")
    refused(outcome, 409, f"{PULL} has new commits")
    assert MERGE not in calls(life)

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
        Fault(path=".*/merge", status=409, headers=JSON, answer=json.dumps(moved))
    )
    refused(await click(life, "ann", "Merge"), 409, "new commits")
    assert calls(life)[-1] == MERGE


@pytest.mark.parametrize(("times", "status"), [(1, 200), (2, 200), (3, 409)])
async def test_the_race_with_a_push_to_the_base_is_retried_twice(life: Life, times: int, status: int) -> None:
    await life.act("ann-gh", "race", times=times)
    outcome = await click(life, "ann", "Merge")
    assert outcome["status"] == status
    assert calls(life) == [*GUARDED, *[MERGE] * min(3, times + 1)]
    if status == 409:
        refused(outcome, 409, f"{PULL} cannot be merged: Base branch was modified")


async def test_missing_approvals_are_counted(life: Life) -> None:
    await life.house.act("cy-gh", "settings", number=1, required_approvals=2)
    refused(await click(life, "ann", "Merge"), 409, f"{PULL} cannot be merged yet: it needs 2 more approvals")
    await life.act("cy-gh", "approve")
    refused(await click(life, "cy", "Merge"), 409, f"{PULL} cannot be merged yet: it needs 1 more approval")
    assert calls(life) == [*GUARDED, MERGE]


async def test_a_required_check_that_is_missing_is_said_in_githubs_words(life: Life) -> None:
    await life.house.act("cy-gh", "settings", number=1, required_checks=["test"])
    refused(
        await click(life, "ann", "Merge"),
        409,
        f'{PULL} cannot be merged: Required status check "test" is expected',
    )


async def test_who_may_not_push_may_not_merge(life: Life) -> None:
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
async def test_what_somebody_did_meanwhile_is_a_success_or_said(
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
    assert json.loads(house.github_journal.calls[-1].body)["sha"] == pull["head"]["sha"]
