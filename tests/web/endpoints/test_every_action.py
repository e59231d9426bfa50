"""Every button from the inbox to GitHub: when it is there, what GitHub is asked, what the person is told."""

import re
import time
from pathlib import Path

import pytest

from bridge.clients import github_api
from bridge.core.actions import ACTIONS
from bridge.core.github import app_manifest
from bridge.core.pulls.rules import BranchRules
from scripts.sandbox.faults import Fault
from scripts.sandbox.github.app_permissions import allows, needs
from tests.conftest import House, open_house, set_to_work
from tests.kits.clicks import JSON, OPEN, PULL, begin_open, calls, click, refused, sent, unseen
from tests.kits.life import Json, Life, drive, tags, titles

FAILED = [*OPEN, "Re-run failed checks"]
DRAFT = ["Assign to me", "Close", "Ready for review"]


@pytest.fixture
async def life(working: House) -> Life:
    return await begin_open(working)


# When a button is there

OFFERED: list[tuple[str, list[tuple[str, str, Json]], list[str]]] = [
    ("open", [], OPEN),
    ("approved", [("cy-gh", "approve", {})], OPEN),
    ("changes requested", [("cy-gh", "request_changes", {})], OPEN),
    ("draft", [("ann-gh", "draft", {})], DRAFT),
    ("ready again", [("ann-gh", "draft", {}), ("ann-gh", "ready", {})], OPEN),
    ("failed", [("ann-gh", "check", {"conclusion": "failure"})], FAILED),
    (
        "failed draft",
        [("ann-gh", "draft", {}), ("ann-gh", "check", {"conclusion": "failure"})],
        [*DRAFT, "Re-run failed checks"],
    ),
    (
        "failed and closed",
        [("ann-gh", "check", {"conclusion": "failure"}), ("ann-gh", "close", {})],
        ["Reopen"],
    ),
    ("queued", [("ann-gh", "enqueue", {})], OPEN[:-3]),
    ("closed", [("ann-gh", "close", {})], ["Reopen"]),
    ("closed draft", [("ann-gh", "draft", {}), ("ann-gh", "close", {})], ["Reopen"]),
    ("reopened", [("ann-gh", "close", {}), ("ann-gh", "reopen", {})], OPEN),
    ("merged", [("cy-gh", "merge", {})], []),
]


@pytest.mark.parametrize(
    ("deeds", "buttons"), [pytest.param(deeds, buttons, id=name) for name, deeds, buttons in OFFERED]
)
async def test_each_state_offers_its_buttons(
    life: Life, deeds: list[tuple[str, str, Json]], buttons: list[str]
) -> None:
    for who, do, fields in deeds:
        await life.act(who, do, **fields)

    assert (await life.thread()).buttons == buttons


# Approve


async def test_approve_approves_the_commit_that_the_thread_showed(life: Life) -> None:
    shown = (await unseen(life, "ann-gh", "edit", body="Same commits"))["head"]["sha"]
    await life.house.act("ann-gh", "push", number=1)

    outcome = await click(life, "cy", "Approve")
    assert (outcome["status"], outcome["message"]) == (200, f"Approved {PULL}.")
    assert calls(life) == [("GET", "/pulls/1"), ("POST", "/pulls/1/reviews")]
    assert sent(life) == {"event": "APPROVE", "commit_id": shown}
    await drive(life.house, "webhooks", {"mode": "send"})
    await life.news()
    assert (await life.thread()).fields["Reviewers"] == "✓ cy-gh (approved)"


async def test_approving_ones_own_is_refused_plainly(life: Life) -> None:
    outcome = await click(life, "ann", "Approve")
    refused(outcome, 422, "GitHub does not let you approve your own pull request")
    assert calls(life) == [("GET", "/pulls/1")]


# Ready for review


async def test_ready_ends_a_draft_by_graphql(life: Life) -> None:
    pull = await life.house.act("ann-gh", "draft", number=1)
    await life.news()

    outcome = await click(life, "ann", "Ready for review")
    assert (outcome["status"], outcome["message"]) == (200, f"{PULL} is ready for review.")
    assert calls(life) == [("GET", "/pulls/1"), ("POST", "/api/graphql")]
    assert sent(life)["variables"] == {"pull": pull["node_id"]}
    assert titles(await life.news()) == ["ann-gh: Marked as ready for review"]
    assert (await life.thread()).buttons == OPEN


async def test_one_that_is_ready_already_is_a_success(life: Life) -> None:
    await life.act("ann-gh", "draft")
    await unseen(life, "ann-gh", "ready")
    outcome = await click(life, "ann", "Ready for review")
    assert (outcome["status"], outcome["message"]) == (200, f"{PULL} is already ready for review.")
    assert calls(life) == [("GET", "/pulls/1")]


GRAPHQL: list[tuple[str, Json, int, str]] = [
    ("errors", {"answer": '{"data": null, "errors": [{"message": "Not so fast"}]}'}, 422, "Not so fast"),
    ("limit", {"answer": '{"errors": [{"type": "RATE_LIMITED", "message": "x"}]}'}, 429, "in 60 s"),
    ("broken", {"status": 502, "answer": "<html>"}, 502, "try again"),
    ("another shape", {"answer": '{"data": {"markPullRequestReadyForReview": null}}'}, 502, "not understand"),
]


@pytest.mark.parametrize(
    ("fault", "status", "words"), [pytest.param(*case, id=name) for name, *case in GRAPHQL]
)
async def test_graphqls_errors_come_back_as_one_sentence(
    life: Life, fault: Json, status: int, words: str
) -> None:
    await life.act("ann-gh", "draft")
    life.house.github_journal.faults.append(
        Fault(path="/api/graphql", headers=JSON, **{"status": 200, **fault})
    )
    refused(await click(life, "ann", "Ready for review"), status, words)
    assert calls(life)[-1] == ("POST", "/api/graphql")


async def test_a_person_who_may_not_end_a_draft_is_told_githubs_reason(life: Life) -> None:
    await life.act("ann-gh", "draft")
    outcome = await click(life, "bob", "Ready for review")
    refused(outcome, 422, "GitHub refused: ")
    assert (await life.thread()).status == "draft"
    assert await life.news() == []


# Run failed checks again

RUNS = [("GET", "/pulls/1"), ("GET", "/actions/runs")]


async def test_the_failed_jobs_of_each_failed_workflow_of_the_head_run_again(life: Life) -> None:
    await life.act("ann-gh", "check", name="old", conclusion="failure")
    await life.act("ann-gh", "push")
    for name, workflow, conclusion in (
        ("test", "CI", "failure"),
        ("lint", "CI", "success"),
        ("docs", "Docs", "success"),
        ("ship", "Ship", "timed_out"),
    ):
        await life.act("ann-gh", "check", name=name, workflow=workflow, conclusion=conclusion)

    outcome = await click(life, "ann", "Re-run failed checks")
    assert (outcome["status"], outcome["message"]) == (
        200,
        f"Re-running the failed jobs of 2 workflows of {PULL}.",
    )
    got = calls(life)
    assert got[:2] == RUNS
    assert [path.rpartition("/")[2] for _, path in got[2:]] == ["rerun-failed-jobs"] * 2
    assert len(set(got[2:])) == 2
    assert titles(await life.news()) == ["Checks: Re-running 2 checks"]
    thread = await life.thread()
    assert thread.fields["Checks"] == "… 2 passed, 2 running"
    assert "Re-run failed checks" not in [action["name"] for action in thread.shown["actions"]]


async def test_the_failed_checks_of_a_fork_run_again_too(life: Life) -> None:
    await life.house.act("bob-gh", "open", title="Too", head="fix")
    await life.act("bob-gh", "check", number=2, conclusion="failure")
    life.house.github_journal.calls.clear()
    outcome = await life.house.click("ann", "github:component:pr:2", "Re-run failed checks")
    assert outcome["message"] == "Re-running the failed jobs of 1 workflow of acme/component#2."


async def test_checks_that_run_again_already_are_a_success(life: Life) -> None:
    await life.act("ann-gh", "check", conclusion="failure")
    await unseen(life, "ann-gh", "rerun")
    outcome = await click(life, "ann", "Re-run failed checks")
    assert (outcome["status"], outcome["message"]) == (200, f"The checks of {PULL} are already running.")
    assert calls(life) == RUNS


async def test_checks_of_other_services_cannot_be_re_run(life: Life) -> None:
    await life.act("ann-gh", "status", context="other-ci", state="failure")
    thread = await life.thread()
    assert thread.fields["Checks"] == "✗ 1 failed: other-ci"
    assert "Re-run failed checks" not in [action["name"] for action in thread.shown["actions"]]


async def test_without_push_access_nobody_re_runs_checks(life: Life) -> None:
    await life.act("ann-gh", "check", conclusion="failure")
    refused(
        await click(life, "bob", "Re-run failed checks"), 422, f"GitHub does not let you do that to {PULL}"
    )


# Workflows and deployments that wait


async def test_waiting_workflows_are_approved_by_people_who_may(life: Life) -> None:
    (told,) = titles(await life.act("ann-gh", "hold"))
    assert "awaiting approval" in told
    refused(await click(life, "bob", "Approve and run"), 422, f"GitHub does not let you do that to {PULL}")
    outcome = await click(life, "ann", "Approve and run")
    assert (outcome["status"], outcome["message"]) == (200, f"Approved 1 workflow of {PULL}.")
    assert [path.rpartition("/")[2] for _, path in calls(life)] == ["1", "runs", "approve"]
    await life.act("ann-gh", "check", conclusion="success")
    thread = await life.thread()
    assert (thread.fields["Checks"], "Approve and run" in thread.buttons) == ("✓ 1 passed", False)


async def test_workflows_of_a_commit_that_was_not_shown_are_not_approved(life: Life) -> None:
    await life.act("ann-gh", "hold")
    await unseen(life, "ann-gh", "push")
    refused(await click(life, "ann", "Approve and run"), 409, "new commits")


async def test_a_deployment_that_waits_is_told_and_approved_by_its_reviewer(life: Life) -> None:
    # Only an App hears of reviews.
    await life.house.hook(events=["deployment_review"], app=True)
    waiting: Json = {"environment": "production", "state": "waiting", "reviewers": ["bob-gh", "cy-gh"]}
    *_, told = await life.act("ann-gh", "deploy", **waiting)
    assert titles([told]) == ["Deployments: awaiting approval by bob-gh, cy-gh: production"]
    assert tags([told]) == ["@bob", "@cy"]
    assert (await life.thread()).fields["Deployments"] == "… production (awaiting approval)"
    refused(
        await click(life, "bob", "Approve deployment"),
        422,
        f"@bob-gh may not approve the deployment of {PULL}",
    )
    outcome = await click(life, "cy", "Approve deployment")
    assert outcome["message"] == f"Approved the deployment of {PULL} to production."
    assert sent(life)["state"] == "approved"
    assert titles(await life.news()) == ["cy-gh: Approved the deployment to production"]
    await life.act("ann-gh", "deploy", environment="production", state="success")
    thread = await life.thread()
    assert (thread.fields["Deployments"], "Approve deployment" in thread.buttons) == ("✓ production", False)


async def test_an_enterprise_server_has_deployments_approved_and_workflows_on_its_own_page(
    redis_url: str,
) -> None:
    async with open_house(redis_url, github_config={"ghes": True}) as house:
        life = await begin_open(await set_to_work(house))
        await life.act("ann-gh", "hold")
        refused(await click(life, "ann", "Approve and run"), 409, "cannot approve workflows by its API")
        await life.act("ann-gh", "deploy", environment="production", state="waiting")
        outcome = await click(life, "cy", "Approve deployment")
        assert outcome["message"] == f"Approved the deployment of {PULL} to production."


# Ask for one's own review


async def test_a_person_who_wants_to_review_is_asked(life: Life) -> None:
    outcome = await click(life, "cy", "Request my review")
    assert (outcome["status"], outcome["message"]) == (200, f"@cy-gh will review {PULL}.")
    assert calls(life)[1:] == [("GET", "/pulls/1"), ("POST", "/pulls/1/requested_reviewers")]
    assert sent(life) == {"reviewers": ["cy-gh"]}
    assert titles(await life.news()) == ["cy-gh: Self-requested a review"]
    thread = await life.thread()
    assert (thread.fields["Reviewers"], thread.fields["Turn"]) == ("… cy-gh (requested)", "cy-gh (to review)")


async def test_an_author_cannot_review_their_own(life: Life) -> None:
    refused(
        await click(life, "ann", "Request my review"),
        422,
        "GitHub refused: Review cannot be requested from pull request author",
    )


# States


async def test_reopen_opens_it_again(life: Life) -> None:
    await life.act("ann-gh", "close")
    outcome = await click(life, "ann", "Reopen")
    assert (outcome["status"], outcome["message"]) == (200, f"Reopened {PULL}.")
    assert (calls(life), sent(life)) == ([("GET", "/pulls/1"), ("PATCH", "/pulls/1")], {"state": "open"})
    assert titles(await life.news()) == ["ann-gh: Reopened pull request"]
    assert (await life.thread()).buttons == OPEN


async def test_one_that_was_merged_meanwhile_is_not_reopened_and_githubs_reason_said(life: Life) -> None:
    await life.act("ann-gh", "close")
    await drive(life.house, "webhooks", {"mode": "hold"})
    await life.house.act("ann-gh", "reopen", number=1)
    await life.house.act("ann-gh", "merge", number=1)
    refused(await click(life, "ann", "Reopen"), 422, "The pull request is merged")


# Who did what

DEEDS = [
    ("ann", "Assign to me", "assign-to-me", []),
    ("ann", "Close", "close", []),
    ("cy", "Approve", "approve", []),
    ("cy", "Request my review", "request-review", []),
    ("ann", "Merge", "merge", []),
    ("ann", "Squash", "squash", []),
    ("ann", "Rebase", "rebase", []),
    (
        "ann",
        "Enable auto-merge",
        "auto-merge",
        [("settings", {"allow_auto_merge": True, "required_approvals": 1})],
    ),
    (
        "ann",
        "Disable auto-merge",
        "no-auto-merge",
        [("settings", {"allow_auto_merge": True}), ("auto_merge", {})],
    ),
    ("ann", "Add to merge queue", "enqueue", [("ruleset", {"queue": True})]),
    ("ann", "Update branch", "update-branch", [("settings", {"allow_update_branch": True})]),
    ("ann", "Reopen", "reopen", [("close", {})]),
    ("ann", "Ready for review", "ready", [("draft", {})]),
    ("ann", "Re-run failed checks", "rerun-checks", [("check", {"conclusion": "failure"})]),
    ("ann", "Approve and run", "approve-and-run", [("hold", {})]),
    ("ann", "Approve deployment", "approve-deployment", [("deploy", {"state": "waiting"})]),
]


@pytest.mark.parametrize(("who", "button", "slug", "before"), DEEDS, ids=[slug for _, _, slug, _ in DEEDS])
async def test_the_log_says_who_did_what(
    life: Life,
    capsys: pytest.CaptureFixture[str],
    who: str,
    button: str,
    slug: str,
    before: list[tuple[str, Json]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for do, fields in before:
        await life.act("cy-gh", do, **fields)
        if do == "ruleset":
            (connection,) = await life.house.services.connections.all()
            rules = BranchRules(branch="main", queue=True)
            await life.house.services.pulls.rules.keep(connection.repository_id or 0, rules, at=time.time())
        if do in ("settings", "ruleset"):
            await life.act("ann-gh", "push")
    # The newer version of GitHub's REST leaves fields out: no button reads them.
    monkeypatch.setattr(github_api, "API_VERSION", "2026-03-10")
    capsys.readouterr()
    assert (await click(life, who, button))["status"] == 200
    granted = {one.name: one.level for one in app_manifest.permissions()}
    lacking = [one for one in calls(life) if "/api/" not in one[1] and not allows(granted, needs(*one))]
    assert lacking == [], "the GitHub App may do it, too"

    assert len(life.house.github_journal.calls) == costs()[button]
    (line,) = acted(capsys)
    user = {"ann": "1001", "cy": "1003"}[who]
    for word in (f"action={slug}", f"on={PULL}", f"flowdock_user={user}", f"login={who}-gh"):
        assert word in line.split()


def costs() -> dict[str, int]:
    """The calls to GitHub of each button's click, as docs/scaling.md has them."""
    text = Path("docs/scaling.md").read_text()
    rows = re.findall(r"^\| (\*.+\*) \| (\d+) \|", text, re.MULTILINE)
    return {name: int(calls) for names, calls in rows for name in re.findall(r"\*([^*]+)\*", names)}


async def test_every_action_is_among_those_whose_log_is_looked_at() -> None:
    assert {slug for _, _, slug, _ in DEEDS} == set(ACTIONS)


async def test_a_refused_action_is_not_logged_as_done(life: Life, capsys: pytest.CaptureFixture[str]) -> None:
    await click(life, "ann", "Approve")
    assert acted(capsys) == []


def acted(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of the log about what was done, without their colours."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    return [line for line in lines if re.search(r"\baction_performed\b", line)]
