"""Running failed checks again."""

from bridge.core.actions.table import Click, Steps, action
from bridge.core.errors import GitHubRefused
from bridge.core.pulls.model import PullRequest

_FAILED = frozenset({"failure", "timed_out", "cancelled", "startup_failure"})


def _has_failed(pull: PullRequest) -> bool:
    return pull.is_open and bool(pull.checks_that("failed"))


@action("rerun-checks", "Re-run failed checks", offered=_has_failed)
def rerun_checks(click: Click) -> Steps:
    """Runs the failed jobs of the head's workflows again; runs that are under way already are a success.

    Checks of other apps can only be run again by those. https://docs.github.com/rest/actions/workflow-runs
    """
    pull = yield from click.asked()
    found = yield click.call("GET", f"/actions/runs?per_page=100&head_sha={pull['head']['sha']}")
    runs = found.get("workflow_runs") or []
    failed = [run for run in runs if run.get("conclusion") in _FAILED]
    if not failed:
        if any(run.get("status") != "completed" for run in runs):
            return f"The checks of {click.target} are running already."
        raise GitHubRefused(
            f"no workflow of GitHub Actions failed on {click.target}; run other checks again where they ran",
            status=409,
        )
    for run in failed:
        yield click.call("POST", f"/actions/runs/{run['id']}/rerun-failed-jobs")
    count = "1 workflow" if len(failed) == 1 else f"{len(failed)} workflows"
    return f"Running the failed jobs of {count} of {click.target} again."
