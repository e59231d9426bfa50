"""Re-running checks, approving workflows and deployments."""

from collections.abc import Generator
from typing import Any

from bridge.core.actions.merging import refuse_moved_head
from bridge.core.actions.table import Call, Click, Steps, action
from bridge.core.errors import GitHubRefused
from bridge.core.pulls.model import PullRequest

_FAILED = frozenset({"failure", "timed_out", "cancelled", "startup_failure"})
_PAGE = 100
MAX_PAGES = 5


def _can_run_again(pull: PullRequest) -> bool:
    return pull.is_open and any(check.run_id for check in pull.checks_that("failed"))


@action("rerun-checks", "Re-run failed checks", offered=_can_run_again)
def rerun_checks(click: Click) -> Steps:
    """Re-run the failed jobs of the head's workflows; runs already under way count as success.

    Only the app that made a check can re-run it. https://docs.github.com/rest/actions/workflow-runs
    """
    pull = yield from click.asked()
    runs = yield from _newest_runs(click, pull["head"]["sha"])
    failed = [run for run in runs if run.get("conclusion") in _FAILED]
    if not failed:
        if any(run.get("status") != "completed" for run in runs):
            return f"The checks of {click.target} are already running."
        raise GitHubRefused(
            f"no GitHub Actions workflow failed on {click.target}; re-run other checks where they ran",
            status=409,
        )
    for run in failed:
        yield click.call("POST", f"/actions/runs/{run['id']}/rerun-failed-jobs")
    return f"Re-running the failed jobs of {_workflows(len(failed))} of {click.target}."


def _waits(pull: PullRequest) -> bool:
    return pull.is_open and bool(pull.checks_that("waiting"))


@action("approve-and-run", "Approve and run", offered=_waits)
def approve_and_run(click: Click) -> Steps:
    """Approve the head's workflows that wait for a maintainer; none waiting counts as success.

    https://docs.github.com/rest/actions/workflow-runs#approve-a-workflow-run-for-a-fork-pull-request
    """
    pull = yield from click.asked()
    refuse_moved_head(click, pull)
    runs = yield from _newest_runs(click, pull["head"]["sha"])
    waiting = [run for run in runs if run.get("conclusion") == "action_required"]
    if not waiting:
        return f"No workflow of {click.target} is waiting for approval."
    for run in waiting:
        try:
            yield click.call("POST", f"/actions/runs/{run['id']}/approve")
        except GitHubRefused as refusal:
            if refusal.answered != 404:
                raise
            raise GitHubRefused(
                f"this GitHub server cannot approve workflows by its API: approve those of {click.target} on"
                " its page",
                status=409,
            ) from None
    return f"Approved {_workflows(len(waiting))} of {click.target}."


def _has_waiting_deployment(pull: PullRequest) -> bool:
    return pull.is_open and any(one.state == "waiting" for one in pull.deployments)


@action("approve-deployment", "Approve deployment", offered=_has_waiting_deployment)
def approve_deployment(click: Click) -> Steps:
    """Approve the head's deployments that wait for the person; none waiting counts as success.

    https://docs.github.com/rest/actions/workflow-runs#review-pending-deployments-for-a-workflow-run
    """
    pull = yield from click.asked()
    refuse_moved_head(click, pull)
    runs = yield from _newest_runs(click, pull["head"]["sha"])
    approved, left = [], False
    for run in (run for run in runs if run.get("status") == "waiting"):
        place = f"/actions/runs/{run['id']}/pending_deployments"
        pending = yield click.call("GET", place)
        mine = [one["environment"] for one in pending if one["current_user_can_approve"]]
        left = left or len(mine) < len(pending)
        if mine:
            ids = [one["id"] for one in mine]
            yield click.call("POST", place, {"environment_ids": ids, "state": "approved", "comment": ""})
            approved += [str(one["name"]) for one in mine]
    if approved:
        return f"Approved the deployment of {click.target} to {', '.join(approved)}."
    if left:
        raise GitHubRefused(f"@{click.login} may not approve the deployment of {click.target}")
    return f"No deployment of {click.target} is waiting for approval."


def _workflows(count: int) -> str:
    return "1 workflow" if count == 1 else f"{count} workflows"


def _newest_runs(click: Click, sha: str) -> Generator[Call, Any, list[dict[str, Any]]]:
    """Return the runs of a commit, without those that a newer run of their workflow replaced."""
    newest: dict[Any, dict[str, Any]] = {}
    for page in range(1, MAX_PAGES + 1):
        more = f"&page={page}" if page > 1 else ""
        found = yield click.call("GET", f"/actions/runs?per_page={_PAGE}&head_sha={sha}{more}")
        runs = found.get("workflow_runs") or []
        for run in runs:
            workflow = run.get("workflow_id") or run["id"], run.get("event"), run.get("head_branch")
            newest[workflow] = max(run, newest.get(workflow, run), key=lambda one: int(one["id"]))
        if len(runs) < _PAGE:
            break
    return list(newest.values())
