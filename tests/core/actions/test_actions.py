"""The table of actions, and those that assign, close, reopen and run checks again."""

from collections.abc import Callable
from typing import Any

import pytest

from bridge.core.actions import ACTIONS, Call, Click, Perform, Steps, find, table
from bridge.core.errors import NotFound
from tests.kits.core.clicks import PULLS, SHA, call, click, issue_with, pull_after, refusal

ASSIGN = ("POST", "/repos/{owner}/{repo}/issues/{number}/assignees", {"assignees": ["ann-gh"]})
CLOSE, REOPEN = ("PATCH", PULLS, {"state": "closed"}), ("PATCH", PULLS, {"state": "open"})
CLOSED, BOTH = ("close", "ann-gh"), (("close", "ann-gh"), ("reopen", "ann-gh"))
MERGED = ("merge", "cy-gh")

DONE: list[tuple[str, str, Callable[[], Any], tuple[str, str, dict[str, Any]], str]] = [
    (
        "assigned",
        "assign-to-me",
        lambda: issue_with("ann-gh"),
        ASSIGN,
        "Assigned acme/component#42 to @ann-gh.",
    ),
    (
        "assigned beside another",
        "assign-to-me",
        lambda: issue_with("cy-gh", "ann-gh"),
        ASSIGN,
        "Assigned acme/component#42 to @ann-gh.",
    ),
    ("closed", "close", lambda: pull_after(CLOSED), CLOSE, "Closed acme/component#42."),
    (
        "merged in the meantime",
        "close",
        lambda: pull_after(MERGED),
        CLOSE,
        "acme/component#42 is already merged.",
    ),
    ("reopened", "reopen", lambda: pull_after(*BOTH), REOPEN, "Reopened acme/component#42."),
]


@pytest.mark.parametrize(
    ("slug", "answer", "asked", "sentence"), [pytest.param(*row, id=name) for name, *row in DONE]
)
def test_an_action_asks_github_once_and_says_what_was_done(
    slug: str, answer: Callable[[], Any], asked: tuple[str, str, dict[str, Any]], sentence: str
) -> None:
    outcome = click(slug, answer())
    assert outcome.calls == [call(*asked)]
    assert outcome.said == sentence


def test_a_login_in_other_case_is_the_same() -> None:
    assert click("assign-to-me", issue_with("ann-gh"), login="Ann-GH").said.endswith("@Ann-GH.")
    renamed = {"assignees": [{"login": "Ann-GH"}]}
    assert click("assign-to-me", renamed, login="ann-gh").said.endswith("@ann-gh.")


@pytest.mark.parametrize("answer", [{"merged": True}, {"merged_at": "2026-03-10T12:00:00Z"}], ids=repr)
def test_either_sign_of_a_merge_will_do(answer: Any) -> None:
    assert click("close", answer | {"state": "closed"}).said.endswith("is already merged.")


REFUSED: list[tuple[str, str, Callable[[], Any], int, str]] = [
    ("silently not assigned", "assign-to-me", issue_with, 422, "needs push access"),
    ("only others assigned", "assign-to-me", lambda: issue_with("cy-gh"), 422, "did not assign @ann-gh"),
    ("no word on assignees", "assign-to-me", lambda: {"assignees": None}, 422, "did not assign"),
    ("a null among them", "assign-to-me", lambda: {"assignees": [None]}, 422, "did not assign"),
    (
        "a name that begins alike",
        "assign-to-me",
        lambda: {"assignees": [{"login": "ann-gh-2"}]},
        422,
        "did not assign",
    ),
    ("still open", "close", lambda: pull_after(*BOTH), 409, "did not close acme/component#42"),
    ("no word on the state", "close", dict, 409, "did not close"),
    ("still closed", "reopen", lambda: pull_after(CLOSED), 409, "did not reopen acme/component#42"),
    ("merged", "reopen", lambda: pull_after(MERGED), 409, "did not reopen"),
]


@pytest.mark.parametrize(
    ("slug", "answer", "status", "sentence"), [pytest.param(*row, id=name) for name, *row in REFUSED]
)
def test_a_success_of_github_that_changed_nothing_is_refused(
    slug: str, answer: Callable[[], Any], status: int, sentence: str
) -> None:
    outcome = click(slug, answer())
    assert sentence in outcome.why
    assert outcome.refused is not None
    assert outcome.refused.status == status


@pytest.mark.parametrize(
    "slug", ["assign-to-me", "close", "reopen", "request-review", "ready", "rerun-checks"]
)
def test_a_plain_refusal_is_passed_on(slug: str) -> None:
    refused = refusal(403, "Resource not accessible")
    assert click(slug, refused).refused is refused


# Checks

RUNS = f"/repos/{{owner}}/{{repo}}/actions/runs?per_page=100&head_sha={SHA}"


def runs(**conclusions: str | None) -> dict[str, Any]:
    """Workflow runs by conclusion, None while one is under way."""
    found = [
        {"id": int(name[1:]), "status": "completed" if ended else "in_progress", "conclusion": ended}
        for name, ended in conclusions.items()
    ]
    return {"total_count": len(found), "workflow_runs": found}


def rerun(number: int) -> Call:
    return call("POST", f"/repos/{{owner}}/{{repo}}/actions/runs/{number}/rerun-failed-jobs")


RERUN: list[tuple[str, dict[str, str | None], list[int], str]] = [
    ("one", {"r1": "failure", "r2": "success"}, [1], "1 workflow"),
    (
        "all kinds",
        {"r1": "failure", "r2": "timed_out", "r3": "cancelled", "r4": "startup_failure", "r5": "skipped"},
        [1, 2, 3, 4],
        "4 workflows",
    ),
    ("one, another runs", {"r1": "failure", "r2": None}, [1], "1 workflow"),
]


@pytest.mark.parametrize(("found", "again", "count"), [pytest.param(*row, id=name) for name, *row in RERUN])
def test_failed_workflows_are_run_again(found: dict[str, str | None], again: list[int], count: str) -> None:
    outcome = click("rerun-checks", pull_after(), runs(**found), *({} for _ in again))
    assert outcome.calls == [call("GET", PULLS), call("GET", RUNS), *(rerun(number) for number in again)]
    assert outcome.said == f"Re-running the failed jobs of {count} of acme/component#42."


def test_a_run_that_a_newer_one_replaced_is_left_alone() -> None:
    found = runs(r1="cancelled", r2="success", r3="failure", r4="failure")
    for run, event in zip(found["workflow_runs"], ("push", "push", "push", "pull_request"), strict=True):
        run |= {"workflow_id": 7 if run["id"] < 3 else 8, "event": event, "head_branch": "fix"}
    assert click("rerun-checks", pull_after(), found, {}, {}).calls[2:] == [rerun(3), rerun(4)]


def test_a_failed_run_is_found_on_a_later_page_too() -> None:
    full = runs(**{f"r{number}": "success" for number in range(1, 101)})
    outcome = click("rerun-checks", pull_after(), full, runs(r101="failure"), {})
    assert outcome.calls[2:] == [call("GET", f"{RUNS}&page=2"), rerun(101)]


def test_checks_that_run_already_are_a_success() -> None:
    outcome = click("rerun-checks", pull_after(), runs(r1=None, r2="success"))
    assert outcome.said == "The checks of acme/component#42 are already running."


@pytest.mark.parametrize("found", [runs(), runs(r1="success"), {"workflow_runs": None}, {}], ids=str)
def test_where_no_workflow_failed_there_is_nothing_to_run(found: dict[str, Any]) -> None:
    outcome = click("rerun-checks", pull_after(), found)
    assert outcome.why.startswith("no GitHub Actions workflow failed on acme/component#42")
    assert outcome.refused is not None
    assert outcome.refused.status == 409


def test_a_refusal_of_one_run_is_told() -> None:
    refused = refusal(403, "This workflow run is too old")
    assert click("rerun-checks", pull_after(), runs(r1="failure"), refused).refused is refused


# What waits


def waiting(**fields: Any) -> Any:
    return {"workflow_runs": [{"id": 1, "workflow_id": 7, **fields}]}


def test_workflows_that_wait_no_more_are_a_success() -> None:
    outcome = click("approve-and-run", pull_after(), waiting(conclusion="success"))
    assert outcome.said == "No workflow of acme/component#42 is waiting for approval."
    outcome = click("approve-deployment", pull_after(), waiting(status="in_progress"))
    assert outcome.said == "No deployment of acme/component#42 is waiting for approval."
    outcome = click("approve-deployment", pull_after(), waiting(status="waiting"), [])
    assert outcome.said == "No deployment of acme/component#42 is waiting for approval."


def test_a_github_without_an_api_to_approve_is_named() -> None:
    answers = (pull_after(), waiting(conclusion="action_required"))
    outcome = click("approve-and-run", *answers, refusal(404, "Not Found"))
    assert "cannot approve workflows by its API" in outcome.why
    refused = refusal(403, "Forbidden")
    assert click("approve-and-run", *answers, refused).refused is refused


@pytest.mark.parametrize("slug", ["approve-and-run", "approve-deployment"])
def test_commits_newer_than_the_thread_are_not_approved(slug: str) -> None:
    assert "new commits" in click(slug, pull_after(), sha="b" * 40).why


def test_only_the_environments_of_the_person_are_approved() -> None:
    pending = [
        {"environment": {"id": 5, "name": "prod"}, "current_user_can_approve": False},
        {"environment": {"id": 6, "name": "stage"}, "current_user_can_approve": True},
    ]
    outcome = click("approve-deployment", pull_after(), waiting(status="waiting"), pending, [])
    assert outcome.calls[-1].data == {"environment_ids": [6], "state": "approved", "comment": ""}
    assert outcome.said == "Approved the deployment of acme/component#42 to stage."
    outcome = click("approve-deployment", pull_after(), waiting(status="waiting"), pending[:1])
    assert outcome.why == "@ann-gh may not approve the deployment of acme/component#42"


# The table


NAMES = {
    "assign-to-me": "Assign to me",
    "close": "Close",
    "reopen": "Reopen",
    "approve": "Approve",
    "request-review": "Request my review",
    "ready": "Ready for review",
    "merge": "Merge",
    "squash": "Squash",
    "rebase": "Rebase",
    "enqueue": "Add to merge queue",
    "auto-merge": "Enable auto-merge",
    "no-auto-merge": "Disable auto-merge",
    "update-branch": "Update branch",
    "rerun-checks": "Re-run failed checks",
    "approve-and-run": "Approve and run",
    "approve-deployment": "Approve deployment",
}


def test_these_are_the_actions_and_each_is_found_by_its_slug() -> None:
    assert {slug: find(slug).name for slug in ACTIONS} == NAMES
    assert all(action.slug == slug for slug, action in ACTIONS.items())


@pytest.mark.parametrize("slug", ["", "Close", "close ", "merge-everything", "__class__"])
def test_an_unknown_action_is_told_which_there_are(slug: str) -> None:
    with pytest.raises(NotFound, match="the actions are assign-to-me, close, reopen, approve"):
        find(slug)


def test_an_action_is_defined_once() -> None:
    def nothing(click: Click) -> Steps:
        raise NotImplementedError

    register: Callable[..., Callable[[Perform], Perform]] = table.action
    with pytest.raises(ValueError, match="close is defined twice"):
        register("close", "Close", offered=bool)(nothing)


def test_a_slug_serves_in_an_address() -> None:
    assert all(slug.replace("-", "").isalnum() and slug.islower() for slug in ACTIONS)
