"""Deployments of a commit, as their event carries them.

https://docs.github.com/webhooks/webhook-events-and-payloads#deployment_status
"""

from .check_payloads import workflow_run_payload
from .ci import WorkflowRun
from .deeds import Change
from .model import Pull
from .payloads import Json, node_id, stamp, user_payload


def deployment_status_payload(
    change: Change, pull: Pull, sha: str, environment: str, state: str, url: str
) -> Json:
    """The event but for its repository and sender; each is of a deployment of its own."""
    deployment = deployment_payload(change, pull, sha, environment)
    at, number = deployment["url"], change.world.new_id()
    status = _common(change, pull) | {
        "url": f"{at}/statuses/{number}",
        "id": number,
        "node_id": node_id("DES", number),
        "state": state,
        "description": "",
        "environment": environment,
        "target_url": url,
        "log_url": url or f"{change.world.config.web_url}/{change.repo.full_name}/deployments",
        "deployment_url": at,
        **({"environment_url": url} if url else {}),
    }
    return {"action": "created", "deployment_status": status, "deployment": deployment}


def deployment_review_payload(
    change: Change, run: WorkflowRun, environment: str, action: str, *, reviewers: list[Json], comment: str
) -> Json:
    """A review of a deployment that is `requested`, `approved` or `rejected`, but for its repository.

    https://docs.github.com/webhooks/webhook-events-and-payloads#deployment_review
    """
    user, shown = (
        user_payload(change.world, change.actor),
        workflow_run_payload(change.world, change.repo, run),
    )
    job = {
        "id": change.world.new_id(),
        "name": "deploy",
        "status": "waiting",
        "created_at": stamp(run.created_at),
        "updated_at": stamp(run.suite.updated_at),
        "conclusion": None,
        "html_url": shown["html_url"],
        "environment": environment,
    }
    about = (
        {"environment": environment, "requestor": user, "workflow_job_run": job}
        if action == "requested"
        else {"approver": user, "comment": comment, "workflow_job_runs": [job]}
    )
    since = stamp(run.started_at)
    return {"action": action, **about, "reviewers": reviewers, "since": since, "workflow_run": shown}


def deployment_payload(change: Change, pull: Pull, sha: str, environment: str) -> Json:
    """A deployment; each is one of its own."""
    number = change.world.new_id()
    common = _common(change, pull)
    at = f"{common['repository_url']}/deployments/{number}"
    return common | {
        "url": at,
        "id": number,
        "node_id": node_id("DE", number),
        "sha": sha,
        "ref": pull.head_ref,
        "task": "deploy",
        "payload": {},
        "original_environment": environment,
        "environment": environment,
        "transient_environment": False,
        "production_environment": environment == "production",
        "description": None,
        "statuses_url": f"{at}/statuses",
    }


def _common(change: Change, pull: Pull) -> Json:
    now = stamp(pull.updated_at)
    return {
        "creator": user_payload(change.world, change.actor),
        "created_at": now,
        "updated_at": now,
        "repository_url": f"{change.world.config.api_url}/repos/{change.repo.full_name}",
        "performed_via_github_app": None,
    }
