"""REST: runs of workflows, and having checks run again.

https://docs.github.com/rest/actions/workflow-runs
"""

from .check_payloads import (
    check_run_payload,
    full_suite_payload,
    job_payload,
    lite_repo_payload,
    workflow_run_payload,
)
from .checks import rerun_failed, tell_suite
from .ci import ACTIONS, CheckRun, CheckSuite, WorkflowRun
from .model import Repo
from .refusals import Refused
from .rest import endpoint
from .rest_call import Answer, Call
from .rest_paging import paged

RUNS = "/repos/{owner}/{repo}/actions/runs"
RUN = RUNS + "/{id}"
SUITE = "/repos/{owner}/{repo}/check-suites/{id}"
CHECK = "/repos/{owner}/{repo}/check-runs/{id}"
NOT_YOURS = "You must authenticate via a GitHub App."


@endpoint("GET", RUNS, docs="actions/workflow-runs#list-workflow-runs-for-a-repository")
async def list_runs(call: Call) -> Answer:
    """Newest first; `head_sha`, `branch`, `event`, `status` (also a conclusion) and `actor` choose."""
    repo, query, world = call.repo(), call.request.query, call.services.world
    runs = [
        run
        for run in repo.board.workflow_runs()
        if query.get("head_sha") in {None, run.suite.sha}
        and query.get("branch") in {None, run.suite.branch}
        and query.get("status") in {None, run.suite.status, run.suite.conclusion}
        and query.get("actor") in {None, run.actor.login}
        and query.get("event") in {None, "pull_request"}
    ]
    page, headers = paged(call, runs)
    shown = [workflow_run_payload(world, repo, run) for run in page]
    return Answer({"total_count": len(runs), "workflow_runs": shown}, headers=headers)


@endpoint("GET", RUN, docs="actions/workflow-runs#get-a-workflow-run")
async def get_run(call: Call) -> Answer:
    """One run."""
    repo = call.repo()
    return Answer(workflow_run_payload(call.services.world, repo, run_of(call, repo)))


@endpoint("GET", f"{RUN}/jobs", docs="actions/workflow-jobs#list-jobs-for-a-workflow-run")
async def list_jobs(call: Call) -> Answer:
    """Answer with the jobs of a run's newest attempt, or with `filter=all` of every attempt."""
    repo, world = call.repo(), call.services.world
    run = run_of(call, repo)
    jobs = run.suite.runs if call.request.query.get("filter") == "all" else run.suite.newest()
    page, headers = paged(call, jobs)
    shown = [job_payload(world, repo, run, job) for job in page]
    return Answer({"total_count": len(jobs), "jobs": shown}, headers=headers)


@endpoint(
    "POST",
    f"{RUN}/rerun-failed-jobs",
    docs="actions/workflow-runs#re-run-failed-jobs-from-a-workflow-run",
)
async def rerun_failed_jobs(call: Call) -> Answer:
    """Run the failed jobs again; 403 while the run is not over, or if nothing failed."""
    repo = call.repo(write=True)
    rerun_failed(call.services.change(call.user, repo), run_of(call, repo))
    return Answer({}, 201)


@endpoint("POST", f"{RUN}/rerun", docs="actions/workflow-runs#re-run-a-workflow")
async def rerun_all(call: Call) -> Answer:
    """Run all jobs again."""
    repo = call.repo(write=True)
    rerun_failed(call.services.change(call.user, repo), run_of(call, repo), every=True)
    return Answer({}, 201)


@endpoint("GET", SUITE, docs="checks/suites#get-a-check-suite")
async def get_suite(call: Call) -> Answer:
    """One suite."""
    repo, world = call.repo(), call.services.world
    shown = full_suite_payload(world, repo, _suite(call, repo))
    return Answer(shown | {"repository": lite_repo_payload(world, repo)})


@endpoint("POST", f"{SUITE}/rerequest", docs="checks/suites#rerequest-a-check-suite")
async def rerequest_suite(call: Call) -> Answer:
    """Ask the app to check again: only the app gets the event.

    GitHub Actions heeds it, and runs everything again.
    """
    repo = call.repo(write=True)
    suite, change = _suite(call, repo), call.services.change(call.user, repo)
    change.require_push()
    if suite.app == ACTIONS and suite.workflow:
        rerun_failed(change, suite.workflow, every=True)
    else:
        suite.status, suite.conclusion = "queued", None
        tell_suite(change, suite, "rerequested")
    return Answer({}, 201)


@endpoint("GET", CHECK, docs="checks/runs#get-a-check-run")
async def get_check(call: Call) -> Answer:
    """One check run."""
    repo = call.repo()
    return Answer(check_run_payload(call.services.world, repo, _check(call, repo), webhook=False))


@endpoint("POST", f"{CHECK}/rerequest", docs="checks/runs#rerequest-a-check-run")
async def rerequest_check(call: Call) -> Answer:
    """Only the app that made a check run may do this, and the stand-in's callers are no apps."""
    repo = call.repo(write=True)
    _check(call, repo)
    raise Refused(403, NOT_YOURS)


def run_of(call: Call, repo: Repo) -> WorkflowRun:
    """The run of the path."""
    return call.item(repo.board.workflow_runs())


def _suite(call: Call, repo: Repo) -> CheckSuite:
    return call.item(repo.board.suites)


def _check(call: Call, repo: Repo) -> CheckRun:
    return call.item(run for suite in repo.board.suites for run in suite.runs)
