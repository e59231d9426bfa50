"""The stand-in GitHub's merging: what stands in its way, and how the refusals read."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.kits.sandbox_github import PULL, GitHub, Reply, running

APPROVALS = "At least {} required by reviewers with write access."


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running() as server:
        await server.act("ann-gh", "open", title="Count once")
        yield server


async def merge(github: GitHub, who: str = "ann-gh", **body: Any) -> Reply:
    return await github.call("PUT", f"{PULL}/merge", token=await github.token(who), body=body)


async def refusal(github: GitHub, **body: Any) -> tuple[int, str]:
    reply = await merge(github, **body)
    return reply.status, reply.json["message"]


async def state(github: GitHub) -> tuple[bool | None, str]:
    pull = (await github.call("GET", PULL, token=await github.token("bob-gh"))).json
    return pull["mergeable"], pull["mergeable_state"]


async def test_mergeable_is_null_first_then_computed(github: GitHub) -> None:
    assert [await state(github), await state(github)] == [(None, "unknown"), (True, "clean")]
    for do, then in (("conflict", (False, "dirty")), ("mend", (True, "clean"))):
        await github.act("cy-gh", do, 1)
        assert [await state(github), await state(github)] == [(None, "unknown"), then]
    await github.act("ann-gh", "push", 1)
    assert await state(github) == (None, "unknown")


async def test_another_merge_makes_it_look_again(github: GitHub) -> None:
    await state(github)
    await github.act("ann-gh", "open", title="Second")
    await github.act("ann-gh", "merge", 2)
    assert await state(github) == (None, "unknown")


async def test_states_tell_what_is_missing(github: GitHub) -> None:
    async def computed() -> tuple[bool | None, str]:
        await state(github)
        return await state(github)

    await github.act("ann-gh", "check", 1, name="test", conclusion="failure")
    assert await computed() == (True, "unstable")
    await github.act("cy-gh", "settings", required_checks=["test"])
    assert await computed() == (True, "blocked")
    await github.act("ann-gh", "check", 1, name="test", conclusion="success")
    assert await computed() == (True, "clean")
    await github.act("ann-gh", "draft", 1)
    assert await computed() == (True, "draft")


async def test_conflicts_and_the_race(github: GitHub) -> None:
    await github.act("cy-gh", "conflict", 1)
    assert await refusal(github) == (405, "Pull Request is not mergeable")
    await github.act("cy-gh", "mend", 1)
    await github.act("cy-gh", "race", 1)
    assert await refusal(github) == (405, "Base branch was modified. Review and try the merge again.")
    assert (await merge(github)).status == 200


async def test_the_sha_must_still_be_the_head(github: GitHub) -> None:
    old = (await github.act("ann-gh", "push", 1))["head"]["sha"]
    new = (await github.act("ann-gh", "push", 1))["head"]["sha"]
    assert await refusal(github, sha=old) == (
        409,
        "Head branch was modified. Review and try the merge again.",
    )
    merged = await merge(github, sha=new)
    assert (merged.status, merged.json["message"]) == (200, "Pull Request successfully merged")


async def test_approvals_are_counted_of_those_with_write_access(github: GitHub) -> None:
    await github.act("cy-gh", "settings", required_approvals=2)
    missing = APPROVALS.format("2 approving reviews are")
    assert await refusal(github) == (405, missing)
    await github.act("cy-gh", "approve", 1)
    await github.act("bob-gh", "approve", 1)
    assert await refusal(github) == (405, missing)
    await github.drive("/users/bob-gh", permission="write")
    await github.act("cy-gh", "dismiss_review", 1)
    assert (await refusal(github))[0] == 405
    await github.act("cy-gh", "settings", required_approvals=1)
    await github.act("cy-gh", "request_changes", 1)
    assert await refusal(github) == (405, APPROVALS.format("1 approving review is"))
    await github.act("cy-gh", "approve", 1)
    assert (await merge(github)).status == 200


async def test_required_checks_are_named(github: GitHub) -> None:
    await github.act("cy-gh", "settings", required_checks=["test"])
    said = [await refusal(github)]
    await github.act("ann-gh", "check", 1, name="test")
    said.append(await refusal(github))
    await github.act("ann-gh", "check", 1, name="test", conclusion="failure")
    said.append(await refusal(github))
    assert said == [
        (405, f'Required status check "test" is {word}.') for word in ("expected", "in progress", "failing")
    ]


@pytest.mark.parametrize(
    ("setting", "method", "message"),
    [
        ("allow_merge_commit", "merge", "Merge commits are not allowed on this repository."),
        ("allow_squash_merge", "squash", "Squash merges are not allowed on this repository."),
        ("allow_rebase_merge", "rebase", "Rebase merges are not allowed on this repository."),
    ],
)
async def test_ways_of_merging_are_settings(github: GitHub, setting: str, method: str, message: str) -> None:
    admin = await github.token("cy-gh")
    changed = await github.call("PATCH", "/repos/acme/component", token=admin, body={setting: False})
    assert (changed.status, changed.json[setting]) == (200, False)
    shown = (await github.call("GET", PULL, token=admin)).json["base"]["repo"]
    assert shown[setting] is False
    assert await refusal(github, merge_method=method) == (405, message)


async def test_settings_are_for_administrators(github: GitHub) -> None:
    refused = await github.call(
        "PATCH", "/repos/acme/component", token=await github.token("ann-gh"), body={"name": "part"}
    )
    assert (refused.status, refused.json["message"]) == (403, "Must have admin rights to Repository.")


async def test_queue_and_auto_merge_are_for_open_ones(github: GitHub) -> None:
    await github.act("ann-gh", "draft", 1)
    drafts = await github.ask("POST", "/_sandbox/act", json={"as": "ann-gh", "do": "enqueue", "number": 1})
    assert drafts.status == 405
    await github.act("ann-gh", "close", 1)
    await github.act("cy-gh", "settings", allow_auto_merge=True)
    assert (await github.act("ann-gh", "auto_merge", 1))["auto_merge"] is None
    bad = {"as": "ann-gh", "do": "dequeue", "number": 1, "reason": "MOOD"}
    assert (await github.ask("POST", "/_sandbox/act", json=bad)).status == 422


async def test_auto_merge_is_a_setting(github: GitHub) -> None:
    body = {"as": "ann-gh", "do": "auto_merge", "number": 1}
    refused = await github.ask("POST", "/_sandbox/act", json=body)
    assert (refused.status, "not allowed" in refused.json["message"]) == (422, True)
