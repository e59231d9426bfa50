"""Waiting runs: workflows for a maintainer, deployments for a reviewer."""

from collections.abc import Sequence

from .checks import sha_of, suite_of, tell_suite, tell_workflow, workflow_of
from .ci import ACTIONS, WorkflowRun
from .deeds import Change, Fields, deed
from .deployments import deployment_review_payload, deployment_status_payload
from .model import Pull
from .payloads import Json, user_payload


def approve(change: Change, workflow: WorkflowRun) -> None:
    """A run that waited for a maintainer begins.

    https://docs.github.com/rest/actions/workflow-runs#approve-a-workflow-run-for-a-fork-pull-request
    """
    change.require_push()
    suite = workflow.suite
    suite.status, suite.conclusion, suite.updated_at = "in_progress", None, change.world.clock.change()
    tell_workflow(change, suite, "in_progress")


@deed("deploy")
def deploy(change: Change, pull: Pull, fields: Fields) -> None:
    """A deployment of the commit to `environment` gets a `state`; of `inactive` nobody hears.

    One that is `waiting` waits for one of its `reviewers`.
    """
    state = str(fields.get("state") or "success")
    environment = str(fields.get("environment") or "staging")
    change.note(pull, "check", f"deployed this to {environment}: {state}")
    if state == "waiting":
        suite = suite_of(change, pull, sha_of(change, pull, fields), ACTIONS, "Deploy")
        suite.status = "waiting"
        if suite.workflow:
            change.repo.board.pending.setdefault(suite.workflow.id, []).append(environment)
            asked = [change.world.user(str(login)) for login in fields.get("reviewers") or []]
            users = [{"type": "User", "reviewer": user_payload(change.world, one)} for one in asked if one]
            review(change, suite.workflow, environment, "requested", reviewers=users)
    if state != "inactive":
        sha, url = sha_of(change, pull, fields), str(fields.get("url") or "")
        shown = deployment_status_payload(change, pull, sha, environment, state, url)
        change.emit(change.repo, "deployment_status", shown | change.sender())


def review(
    change: Change,
    run: WorkflowRun,
    environment: str,
    action: str,
    *,
    reviewers: Sequence[Json] = (),
    comment: str = "",
) -> None:
    """Tell Apps that a review of a deployment was requested, or how it ended."""
    shown = deployment_review_payload(
        change, run, environment, action, reviewers=list(reviewers), comment=comment
    )
    change.emit(change.repo, "deployment_review", shown | change.sender())


@deed("hold")
def hold(change: Change, pull: Pull, fields: Fields) -> None:
    """A run of `workflow` is asked for that a maintainer has to allow."""
    suite = suite_of(change, pull, sha_of(change, pull, fields), ACTIONS, workflow_of(fields))
    suite.status, suite.conclusion = "completed", "action_required"
    suite.updated_at = change.world.clock.change()
    tell_suite(change, suite, "completed")
    tell_workflow(change, suite, "completed")
