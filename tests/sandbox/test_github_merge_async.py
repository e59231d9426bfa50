"""The stand-in GitHub merges in the background and by a queue; an Enterprise Server does not."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from scripts.sandbox.github.rest import ROUTES, Route
from tests.kits.sandbox_github import PULL, GitHub, Reply, running
from tests.sandbox.schemas import on_enterprise_server

ASYNC = f"{PULL}/merge-async"
RULES = "/repos/acme/component/rules/branches/main"


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running() as server:
        await server.act("ann-gh", "open", title="Count once")
        yield server


async def ask(github: GitHub, who: str = "ann-gh", **body: Any) -> Reply:
    return await github.call("PUT", ASYNC, token=await github.token(who), body=body)


async def result(github: GitHub, asked: Reply) -> tuple[str, str]:
    path = f"{ASYNC}/{asked.json['details']['uuid']}"
    found = (await github.call("GET", path, token=await github.token("ann-gh"))).json
    return found["status"], found["details"]["message"]


async def merged(github: GitHub, **body: Any) -> tuple[str, str]:
    """The outcome of a merge that GitHub accepts at first."""
    asked = await ask(github, **body)
    assert (asked.status, asked.json["status"]) == (202, "pending")
    return await result(github, asked)


async def test_it_merges_in_the_background(github: GitHub) -> None:
    await github.act("cy-gh", "settings", holds_merges=True)
    asked = await ask(github, merge_method="squash")
    assert asked.status == 202
    details = asked.json["details"]
    assert (details["merge_method"], details["merge_action"]) == ("squash", "default")
    assert await result(github, asked) == ("pending", "Merge request is in progress.")
    again = await ask(github)
    assert (again.status, again.json["status"], again.json["details"]["uuid"]) == (
        409,
        "pending",
        details["uuid"],
    )
    await github.act("cy-gh", "finish_merge", 1)
    assert await result(github, asked) == ("merged", "Pull request was merged.")
    late = await ask(github)
    assert (late.status, late.json["status"]) == (200, "merged")


async def test_a_result_is_kept_for_a_day(github: GitHub) -> None:
    asked = await ask(github)
    await github.drive("/clock", advance=24 * 3600 - 60)
    assert (await result(github, asked))[0] == "merged"
    await github.drive("/clock", advance=120)
    path = f"{ASYNC}/{asked.json['details']['uuid']}"
    token = await github.token("ann-gh")
    assert (await github.call("GET", path, token=token)).status == 404
    assert (await github.call("GET", f"{ASYNC}/unknown", token=token)).status == 404


@pytest.mark.parametrize(("do", "word"), [("close", "closed"), ("draft", "a draft")])
async def test_the_state_is_judged_at_once(github: GitHub, do: str, word: str) -> None:
    await github.act("ann-gh", do, 1)
    asked = await ask(github)
    assert (asked.status, asked.json["status"]) == (400, "failed")
    assert asked.json["details"] == {"message": f"Pull request is {word}."}


async def test_rules_and_the_head_are_judged_later(github: GitHub) -> None:
    assert await merged(github, sha="0" * 40) == (
        "failed",
        "Head branch was modified. Review and try the merge again.",
    )
    await github.act("cy-gh", "ruleset", approvals=1, methods=["squash"])
    assert (await merged(github))[0] == "failed"
    await github.act("cy-gh", "approve", 1)
    assert await merged(github, merge_method="rebase") == (
        "failed",
        "Rebase merges are not allowed into this branch.",
    )
    assert (await merged(github, merge_method="squash"))[0] == "merged"


async def test_people_without_push_access_and_unknown_merges_are_refused(github: GitHub) -> None:
    assert (await ask(github, "bob-gh")).status == 403
    assert (await ask(github, merge_method="octopus")).status == 422
    assert (await ask(github, merge_action="now")).status == 422


async def test_a_queue_takes_no_method_and_refuses_the_old_endpoint(github: GitHub) -> None:
    assert (await merged(github, merge_action="merge_queue"))[0] == "failed"
    await github.act("cy-gh", "ruleset", queue=True)
    old = await github.call("PUT", f"{PULL}/merge", token=await github.token("ann-gh"), body={})
    assert (old.status, old.json["message"]) == (405, "Changes must be made through the merge queue.")
    assert await merged(github, merge_method="merge") == (
        "failed",
        "Custom merge params are not supported when merging via a merge queue",
    )
    assert (await merged(github, merge_action="direct_merge"))[0] == "failed"
    assert (await merged(github))[0] == "enqueued"
    again = await ask(github)
    assert (again.status, again.json["status"]) == (200, "enqueued")
    await github.act("cy-gh", "dequeue", 1, reason="MERGE")
    assert (await ask(github)).json["status"] == "merged"


async def test_a_stack_is_merged_in_the_background_only(github: GitHub) -> None:
    await github.act("ann-gh", "stack", 1)
    old = await github.call("PUT", f"{PULL}/merge", token=await github.token("ann-gh"), body={})
    assert (old.status, old.json["message"].startswith("Merging stacked PRs")) == (403, True)
    assert (await merged(github))[0] == "merged"


async def test_a_branch_is_brought_up_to_date(github: GitHub) -> None:
    async def update(**body: Any) -> Reply:
        return await github.call(
            "PUT", f"{PULL}/update-branch", token=await github.token("ann-gh"), body=body
        )

    assert (await update()).status == 422
    await github.act("cy-gh", "push_base")
    assert (await update(expected_head_sha="0" * 40)).status == 422
    assert (await update()).status == 202
    commits = (await github.call("GET", PULL, token=await github.token("ann-gh"))).json["commits"]
    assert commits == 2


async def test_the_rules_of_a_branch(github: GitHub) -> None:
    token = await github.token("bob-gh")
    assert (await github.call("GET", RULES, token=token)).json == []
    await github.act(
        "cy-gh", "ruleset", approvals=2, code_owners=True, checks=["test"], strict=True, queue=True
    )
    rules = (await github.call("GET", RULES, token=token)).json
    assert [rule["type"] for rule in rules] == ["pull_request", "required_status_checks", "merge_queue"]
    assert (await github.call("GET", RULES.replace("main", "other"), token=token)).json == []


async def test_an_enterprise_server_lacks_what_is_new() -> None:
    async with running(ghes=True) as github:
        await github.act("ann-gh", "open", title="Count once")
        token = await github.token("ann-gh")
        for method, path in (("PUT", ASYNC), ("GET", f"{ASYNC}/x"), ("GET", RULES)):
            found = await github.call(method, path, token=token)
            assert (found.status != 404) == on_enterprise_server(method, path)
            assert found.headers["X-GitHub-Enterprise-Version"] == "3.19.0"
        old = await github.call("PUT", f"{PULL}/merge", token=token, body={})
        assert old.status == 200


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_github_describes_each_call_and_which_are_new_to_enterprise_servers(route: Route) -> None:
    path = re.sub(r"\{[^}]*\}", "1", route.path)
    assert on_enterprise_server(route.method, path) is not route.new
