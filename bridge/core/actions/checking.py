"""Running failed checks again."""

from collections.abc import Generator
from typing import Any

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
    count = "1 workflow" if len(failed) == 1 else f"{len(failed)} workflows"
    return f"Re-running the failed jobs of {count} of {click.target}."


def _newest_runs(click: Click, sha: str) -> Generator[Call, Any, list[dict[str, Any]]]:
    """Ask for the runs of a commit, and leave out those that a newer run of the same workflow replaced."""
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
