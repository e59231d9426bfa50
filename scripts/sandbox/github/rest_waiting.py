"""REST: workflows that wait for a maintainer, and deployments that wait for a reviewer.

https://docs.github.com/rest/actions/workflow-runs
"""

from zlib import crc32

from .ci import WorkflowRun
from .deployments import deployment_payload
from .model import Permission, Pull, Repo
from .payloads import Json, node_id
from .refusals import Refused, forbidden, not_found
from .rest import endpoint
from .rest_call import Answer, Call
from .rest_checks import RUN, run_of
from .waiting import approve, deploy, review

NOT_WAITING = "This workflow run is not waiting for approval"


@endpoint(
    "POST",
    f"{RUN}/approve",
    docs="actions/workflow-runs#approve-a-workflow-run-for-a-fork-pull-request",
    new=True,
)
async def approve_run(call: Call) -> Answer:
    """Allow a run that waits for a maintainer."""
    repo = call.repo(write=True)
    run = run_of(call, repo)
    if run.suite.conclusion != "action_required":
        raise Refused(403, NOT_WAITING)
    approve(call.services.change(call.user, repo), run)
    return Answer({}, 201)


@endpoint(
    "GET",
    f"{RUN}/pending_deployments",
    docs="actions/workflow-runs#get-pending-deployments-for-a-workflow-run",
)
async def pending_deployments(call: Call) -> Answer:
    """The environments that the run waits for; all with push access may approve."""
    repo = call.repo()
    return Answer([_pending(call, repo, name) for name in repo.board.pending.get(run_of(call, repo).id, [])])


@endpoint(
    "POST",
    f"{RUN}/pending_deployments",
    docs="actions/workflow-runs#review-pending-deployments-for-a-workflow-run",
)
async def review_deployments(call: Call) -> Answer:
    """Approve or reject environments by their ids."""
    repo = call.repo(write=True)
    run, change = run_of(call, repo), call.services.change(call.user, repo)
    if not change.may_push:
        raise forbidden()
    waiting = repo.board.pending.get(run.id, [])
    chosen = [name for name in waiting if crc32(name.encode()) in call.body.get("environment_ids", [])]
    state = {"approved": "in_progress", "rejected": "error"}.get(str(call.body.get("state")))
    if not chosen or state is None:
        raise Refused(422, "Validation Failed")
    repo.board.pending[run.id] = [name for name in waiting if name not in chosen]
    if not repo.board.pending[run.id]:
        run.suite.status = "in_progress"
    pull = _pull(repo, run)
    for name in chosen:
        review(change, run, name, str(call.body["state"]), comment=str(call.body.get("comment") or ""))
        deploy(change, pull, {"environment": name, "state": state})
    return Answer([deployment_payload(change, pull, run.suite.sha, name) for name in chosen])


def _pull(repo: Repo, run: WorkflowRun) -> Pull:
    for pull in repo.pulls.values():
        if run.suite.sha in {commit.sha for commit in pull.commits}:
            return pull
    raise not_found()


def _pending(call: Call, repo: Repo, name: str) -> Json:
    number = crc32(name.encode())
    at = f"{call.services.config.api_url}/repos/{repo.full_name}/environments/{name}"
    return {
        "environment": {
            "id": number,
            "node_id": node_id("EN", number),
            "name": name,
            "url": at,
            "html_url": f"{call.services.config.web_url}/{repo.full_name}/deployments",
        },
        "wait_timer": 0,
        "wait_timer_started_at": None,
        "current_user_can_approve": repo.permission(call.user) >= Permission.WRITE,
        "reviewers": [],
    }
