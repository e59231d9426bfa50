"""Checks of a commit: jobs of a workflow or of an app, commit statuses, and deployments.

Each step sends what GitHub sends. Repository webhooks hear of a run that is created or completed and of
a suite that is completed; the rest of these two events goes to GitHub Apps only.
https://docs.github.com/webhooks/webhook-events-and-payloads#check_run
"""

from .check_payloads import (
    check_run_payload,
    full_suite_payload,
    status_event_payload,
    workflow_payload,
    workflow_run_payload,
)
from .ci import ACTIONS, FAILED, CheckRun, CheckSuite, Status, WorkflowRun
from .commits import known, new_commit
from .deeds import Change, Fields, deed
from .model import Pull
from .refusals import Refused, invalid, not_found

STATUSES = {"queued", "in_progress", "completed", "waiting"}
CONCLUSIONS = {"success", "neutral", "skipped"} | FAILED
STATES = {"pending", "success", "failure", "error"}
RUNNING = "This workflow is already running"
CANNOT_RETRY = "This workflow run cannot be retried"
# What a suite of several conclusions comes to: the first of these that one of its runs has.
WORST = (
    "failure",
    "timed_out",
    "action_required",
    "cancelled",
    "startup_failure",
    "stale",
    "success",
    "neutral",
)


@deed("check")
def check(change: Change, pull: Pull, fields: Fields) -> None:
    """Give the check `name` a `status` or a `conclusion`; make it if it is new or was completed."""
    name, status, conclusion = _check_fields(fields)
    sha = _queue_commit(change, pull) if fields.get("queue") else sha_of(change, pull, fields)
    app = str(fields.get("app") or ACTIONS)
    workflow = workflow_of(fields) if app == ACTIONS else ""
    suite = suite_of(change, pull, sha, app, workflow)
    run = next((run for run in suite.newest() if run.name == name), None)
    if run and run.status == status == "completed" and run.conclusion == conclusion:
        return
    if run is None or run.status == "completed":
        run = _start(change, suite, name, status if status != "completed" else "in_progress")
    run.status = status
    run.title, run.summary = fields.get("title") or run.title, fields.get("summary") or run.summary
    run.url = fields.get("url") or run.url
    run.step, run.log = fields.get("step") or run.step, fields.get("log") or run.log
    if status == "completed":
        run.conclusion, run.completed_at = conclusion, change.world.clock.change()
        change.note(pull, "check", f"ended the check {name}: {conclusion}")
        tell_run(change, run, "completed")
    _sum_up(change, suite)


@deed("rerun")
def rerun(change: Change, pull: Pull, fields: Fields) -> None:
    """Run the failed jobs of the workflow run `id` again; of the newest failed run if it names none."""
    runs = [run for run in change.repo.board.workflow_runs() if run.suite.sha == pull.head_sha]
    wanted = fields.get("id")
    for run in runs:
        if run.id == int(str(wanted)) if wanted else run.suite.conclusion in FAILED:
            rerun_failed(change, run)
            return
    raise not_found()


def rerun_failed(change: Change, workflow: WorkflowRun, *, every: bool = False) -> None:
    """Run the failed jobs of a workflow run again, or `every` job.

    https://docs.github.com/rest/actions/workflow-runs#re-run-failed-jobs-from-a-workflow-run
    """
    change.require_writable()
    change.require_push()
    suite = workflow.suite
    if suite.status != "completed":
        raise Refused(403, RUNNING)
    again = [run for run in suite.newest() if every or run.outcome == "failed"]
    if not again:
        raise Refused(403, CANNOT_RETRY)
    _begin_attempt(change, suite)
    for run in again:
        _start(change, suite, run.name, "in_progress")
    _sum_up(change, suite)


@deed("cancel")
def cancel(change: Change, pull: Pull, fields: Fields) -> None:
    """The jobs of the newest run of `workflow` that are under way are cancelled."""
    suite = suite_of(change, pull, sha_of(change, pull, fields), ACTIONS, workflow_of(fields))
    for run in suite.newest():
        if run.status != "completed":
            run.status, run.conclusion, run.completed_at = (
                "completed",
                "cancelled",
                change.world.clock.change(),
            )
            tell_run(change, run, "completed")
    _sum_up(change, suite)


@deed("supersede")
def supersede(change: Change, pull: Pull, fields: Fields) -> None:
    """Cancel the newest run of `workflow`, and begin another one of the same commit."""
    cancel(change, pull, fields)
    _new_suite(change, pull, sha_of(change, pull, fields), ACTIONS, workflow_of(fields))


@deed("status")
def status(change: Change, pull: Pull, fields: Fields) -> None:
    """Give the commit status `context` a `state`.

    https://docs.github.com/rest/commits/statuses#create-a-commit-status
    """
    state = str(fields.get("state") or "success")
    if state not in STATES:
        raise invalid("Status", "state", "custom", "state is not included in the list")
    given = Status(
        id=change.world.new_id(),
        sha=sha_of(change, pull, fields),
        context=str(fields.get("context") or "default"),
        state=state,
        description=fields.get("description"),
        target_url=fields.get("target_url"),
        creator=change.actor,
        at=change.world.clock.change(),
    )
    change.repo.board.statuses.append(given)
    change.note(pull, "check", f"set the status {given.context} to {state}")
    change.emit(
        change.repo, "status", status_event_payload(change.world, change.repo, given) | change.sender()
    )


def tell_suite(change: Change, suite: CheckSuite, action: str) -> None:
    """Send the check_suite event of that action."""
    shown = full_suite_payload(change.world, change.repo, suite)
    if action == "rerequested":
        # Its schema knows neither of them.
        del shown["rerequestable"], shown["runs_rerequestable"]
    change.emit(change.repo, "check_suite", {"action": action, "check_suite": shown} | change.sender())


def tell_run(change: Change, run: CheckRun, action: str) -> None:
    """Send the check_run event of that action."""
    shown = check_run_payload(change.world, change.repo, run, webhook=True)
    change.emit(change.repo, "check_run", {"action": action, "check_run": shown} | change.sender())


def tell_workflow(change: Change, suite: CheckSuite, action: str) -> None:
    """Send the workflow_run event of that action, if the suite is a workflow's."""
    if (run := suite.workflow) is None:
        return
    payload = {
        "action": action,
        "workflow": workflow_payload(change.world, change.repo, run),
        "workflow_run": workflow_run_payload(change.world, change.repo, run),
    }
    change.emit(change.repo, "workflow_run", payload | change.sender())


def workflow_of(fields: Fields) -> str:
    """The name of the workflow that is meant."""
    return str(fields.get("workflow") or "CI")


def _check_fields(fields: Fields) -> tuple[str, str, str | None]:
    conclusion = fields.get("conclusion") or None
    status = str(fields.get("status") or ("completed" if conclusion else "in_progress"))
    if status not in STATUSES:
        raise invalid("CheckRun", "status", "invalid")
    if status == "completed" and conclusion not in CONCLUSIONS:
        raise invalid("CheckRun", "conclusion", "invalid")
    return str(fields.get("name") or "test"), status, conclusion if status == "completed" else None


def sha_of(change: Change, pull: Pull, fields: Fields) -> str:
    """The commit that is meant: the head if none is named."""
    sha = str(fields.get("sha") or pull.head_sha)
    if not known(change.world, change.repo, sha) or sha not in change.world.commits:
        raise Refused(422, f"No commit found for SHA: {sha}")
    return sha


def suite_of(change: Change, pull: Pull, sha: str, app: str, workflow: str) -> CheckSuite:
    """The suite that a check belongs to, made when it is first needed."""
    board = change.repo.board
    for suite in reversed(board.suites_of(sha)):
        if suite.app == app and (suite.workflow.name if suite.workflow else "") == workflow:
            return suite
    return _new_suite(change, pull, sha, app, workflow)


def _queue_commit(change: Change, pull: Pull) -> str:
    """The commit that the merge queue checks; made when it is first needed."""
    if not pull.queued:
        raise Refused(422, "The pull request is not in the merge queue.")
    if not pull.queue_sha:
        title = f"Merge pull request #{pull.number}"
        pull.queue_sha = new_commit(change.world, change.actor, title, pull.head_sha).sha
    return pull.queue_sha


def _new_suite(change: Change, pull: Pull, sha: str, app: str, workflow: str) -> CheckSuite:
    board, world = change.repo.board, change.world
    now = world.clock.change()
    suite = CheckSuite(
        id=world.new_id(),
        app=app,
        sha=sha,
        before=world.commits[sha].parent,
        branch=_branch(pull, sha),
        fork=pull.head_repo.fork,
        created_at=now,
        updated_at=now,
    )
    board.suites.append(suite)
    if workflow:
        suite.workflow = _workflow_run(change, pull, suite, workflow)
    tell_suite(change, suite, "requested")
    tell_workflow(change, suite, "requested")
    return suite


def _branch(pull: Pull, sha: str) -> str:
    is_queues = sha == pull.queue_sha
    return f"gh-readonly-queue/{pull.target}/pr-{pull.number}-{sha}" if is_queues else pull.head_ref


def _workflow_run(change: Change, pull: Pull, suite: CheckSuite, name: str) -> WorkflowRun:
    board, world = change.repo.board, change.world
    workflow_id = board.workflows.setdefault(name, world.new_id())
    return WorkflowRun(
        id=world.new_id(),
        workflow_id=workflow_id,
        name=name,
        number=1 + sum(run.workflow_id == workflow_id for run in board.workflow_runs()),
        attempt=1,
        suite=suite,
        actor=change.actor,
        title=pull.title,
        head_repository_id=pull.head_repo.id,
        created_at=suite.created_at,
        started_at=suite.created_at,
    )


def _start(change: Change, suite: CheckSuite, name: str, status: str) -> CheckRun:
    """Return a new run of a check, in a new attempt if the whole workflow run was over."""
    earlier = any(run.name == name for run in suite.runs)
    if earlier and suite.workflow and suite.status == "completed":
        _begin_attempt(change, suite)
    run = CheckRun(
        id=change.world.new_id(),
        suite=suite,
        name=name,
        status=status,
        conclusion=None,
        started_at=change.world.clock.change(),
    )
    suite.runs.append(run)
    tell_run(change, run, "created")
    return run


def _begin_attempt(change: Change, suite: CheckSuite) -> None:
    suite.status, suite.conclusion, suite.updated_at = "queued", None, change.world.clock.change()
    if suite.workflow:
        suite.workflow.attempt += 1
        suite.workflow.started_at = suite.updated_at
        tell_workflow(change, suite, "requested")


def _sum_up(change: Change, suite: CheckSuite) -> None:
    """Sum the suite and its workflow run up; send their events if the sum is new."""
    runs = suite.newest()
    over = all(run.status == "completed" for run in runs)
    started = over or any(run.status != "queued" for run in runs)
    status = "completed" if over else "in_progress" if started else "queued"
    conclusions = {run.conclusion for run in runs}
    conclusion = next((one for one in WORST if one in conclusions), "skipped") if over else None
    if (status, conclusion) == (suite.status, suite.conclusion):
        return
    suite.status, suite.conclusion, suite.updated_at = status, conclusion, change.world.clock.change()
    if over:
        tell_suite(change, suite, "completed")
        tell_workflow(change, suite, "completed")
    elif status == "in_progress":
        tell_workflow(change, suite, "in_progress")
