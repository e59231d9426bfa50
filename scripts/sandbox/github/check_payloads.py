"""Checks in the shape GitHub gives them: runs, suites, workflow runs, statuses, deployments.

https://docs.github.com/rest/checks/runs and https://docs.github.com/rest/actions/workflow-runs
"""

from .ci import ACTIONS, CheckRun, CheckSuite, Status, WorkflowRun
from .commits import commit_payload, commit_simple
from .job_logs import steps_of
from .model import Repo, World
from .payloads import REPO_LINKS, Json, node_id, repo_payload, stamp, stamp_or_none, user_payload
from .records import User

ACTIONS_ID = 15368
GITHUB = User(id=9919, login="github", name="GitHub", kind="Organization")
LITE = ("id", "node_id", "name", "full_name", "private", "owner", "html_url", "description", "fork", "url")


def app_payload(world: World, slug: str) -> Json:
    """Return the app that checks; every slug but `github-actions` is some app of acme's."""
    own = slug != ACTIONS
    number = 100_000 + sum(slug.encode()) if own else ACTIONS_ID
    url = f"{world.config.web_url}/apps/{slug}"
    return {
        "id": number,
        "slug": slug,
        "node_id": node_id("A", number),
        "owner": user_payload(world, world.users["acme"] if own else GITHUB),
        "name": slug.replace("-", " ").title(),
        "description": "Checks what was pushed",
        "external_url": url,
        "html_url": url,
        "created_at": "2024-03-04T09:00:00Z",
        "updated_at": "2024-03-04T09:00:00Z",
        "permissions": {"checks": "write", "metadata": "read"},
        "events": ["check_run", "check_suite"],
    }


def pulls_of(world: World, repo: Repo, suite: CheckSuite) -> list[Json]:
    """Return the open pull requests of a suite's commit and branch: none if it came from a fork."""
    if suite.fork:
        return []
    return [
        {
            "url": f"{_api(world, repo)}/pulls/{pull.number}",
            "id": pull.id,
            "number": pull.number,
            "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": _ref(world, pull.head_repo)},
            "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": _ref(world, repo)},
        }
        for pull in repo.pulls.values()
        if (pull.head_sha, pull.head_ref, pull.closed_at) == (suite.sha, suite.branch, None)
    ]


def check_run_payload(world: World, repo: Repo, run: CheckRun, *, webhook: bool) -> Json:
    """Return a run; REST shows of its suite only the id."""
    suite = run.suite
    url = f"{_api(world, repo)}/check-runs/{run.id}"
    web = run.url or run_page(world, repo, run)
    return {
        "id": run.id,
        "name": run.name,
        "node_id": node_id("CR", run.id),
        "head_sha": suite.sha,
        "external_id": f"{run.id:x}",
        "url": url,
        "html_url": run_page(world, repo, run),
        "details_url": web,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": stamp(run.started_at),
        "completed_at": stamp_or_none(run.completed_at),
        "output": {
            "title": run.title,
            "summary": run.summary,
            "text": None,
            "annotations_count": 0,
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": suite_payload(world, repo, suite) if webhook else {"id": suite.id},
        "app": app_payload(world, suite.app),
        "pull_requests": pulls_of(world, repo, suite),
    }


def suite_payload(world: World, repo: Repo, suite: CheckSuite) -> Json:
    """Return a suite as check_run events carry it; their schema knows no conclusion `skipped`."""
    conclusion = "neutral" if suite.conclusion == "skipped" else suite.conclusion
    return {
        "id": suite.id,
        "node_id": node_id("CS", suite.id),
        "head_branch": None if suite.fork else suite.branch,
        "head_sha": suite.sha,
        "status": suite.status,
        "conclusion": conclusion,
        "url": f"{_api(world, repo)}/check-suites/{suite.id}",
        "before": suite.before,
        "after": suite.sha,
        "pull_requests": pulls_of(world, repo, suite),
        "app": app_payload(world, suite.app),
        "created_at": stamp(suite.created_at),
        "updated_at": stamp(suite.updated_at),
    }


def full_suite_payload(world: World, repo: Repo, suite: CheckSuite) -> Json:
    """Return a suite as its own event and REST show it."""
    return suite_payload(world, repo, suite) | {
        "rerequestable": True,
        "runs_rerequestable": suite.app != ACTIONS,
        "latest_check_runs_count": len(suite.newest()),
        "check_runs_url": f"{_api(world, repo)}/check-suites/{suite.id}/check-runs",
        "head_commit": commit_simple(world, suite.sha),
    }


def workflow_run_payload(world: World, repo: Repo, run: WorkflowRun) -> Json:
    """Return a run of a workflow."""
    suite, url = run.suite, f"{_api(world, repo)}/actions/runs/{run.id}"
    suite_url = f"{_api(world, repo)}/check-suites/{suite.id}"
    earlier = f"{url}/attempts/{run.attempt - 1}" if run.attempt > 1 else None
    head = world.repo_by_id(run.head_repository_id) or repo
    links = ("jobs", "logs", "artifacts", "cancel", "rerun")
    return {
        "id": run.id,
        "name": run.name,
        "node_id": node_id("WFR", run.id),
        "head_branch": suite.branch,
        "head_sha": suite.sha,
        "path": run.file,
        "display_title": run.title,
        "run_number": run.number,
        "event": "pull_request",
        "status": suite.status,
        "conclusion": suite.conclusion,
        "workflow_id": run.workflow_id,
        "check_suite_id": suite.id,
        "check_suite_node_id": node_id("CS", suite.id),
        "url": url,
        "html_url": workflow_page(world, repo, run),
        "pull_requests": pulls_of(world, repo, suite),
        "created_at": stamp(run.created_at),
        "updated_at": stamp(suite.updated_at),
        "actor": user_payload(world, run.actor),
        "run_attempt": run.attempt,
        "referenced_workflows": [],
        "run_started_at": stamp(run.started_at),
        "triggering_actor": user_payload(world, run.actor),
        **{f"{name}_url": f"{url}/{name}" for name in links},
        "check_suite_url": suite_url,
        "previous_attempt_url": earlier,
        "workflow_url": f"{_api(world, repo)}/actions/workflows/{run.workflow_id}",
        "head_commit": commit_simple(world, suite.sha),
        "repository": lite_repo_payload(world, repo),
        "head_repository": lite_repo_payload(world, head),
    }


def workflow_payload(world: World, repo: Repo, run: WorkflowRun) -> Json:
    """Return the workflow of a run, as the workflow_run event carries it."""
    web = f"{world.config.web_url}/{repo.full_name}"
    return {
        "id": run.workflow_id,
        "node_id": node_id("W", run.workflow_id),
        "name": run.name,
        "path": run.file,
        "state": "active",
        "created_at": "2024-03-04T09:00:00.000Z",
        "updated_at": "2024-03-04T09:00:00.000Z",
        "url": f"{_api(world, repo)}/actions/workflows/{run.workflow_id}",
        "html_url": f"{web}/blob/{repo.default_branch}/{run.file}",
        "badge_url": f"{web}/workflows/{run.name.replace(' ', '%20')}/badge.svg",
    }


def job_payload(world: World, repo: Repo, workflow: WorkflowRun, run: CheckRun) -> Json:
    """Return a run as a job of its workflow.

    https://docs.github.com/rest/actions/workflow-jobs
    """
    url = f"{_api(world, repo)}/actions"
    return {
        "id": run.id,
        "run_id": workflow.id,
        "run_url": f"{url}/runs/{workflow.id}",
        "run_attempt": workflow.attempt,
        "node_id": node_id("CR", run.id),
        "head_sha": run.suite.sha,
        "head_branch": run.suite.branch,
        "workflow_name": workflow.name,
        "url": f"{url}/jobs/{run.id}",
        "html_url": run_page(world, repo, run),
        "status": run.status,
        "conclusion": run.conclusion,
        "created_at": stamp(run.started_at),
        "started_at": stamp(run.started_at),
        "completed_at": stamp_or_none(run.completed_at),
        "name": run.name,
        "steps": steps_of(run),
        "check_run_url": f"{_api(world, repo)}/check-runs/{run.id}",
        "labels": ["ubuntu-latest"],
        "runner_id": None,
        "runner_name": None,
        "runner_group_id": None,
        "runner_group_name": None,
    }


def status_payload(world: World, repo: Repo, status: Status) -> Json:
    """Return a commit status as REST shows it."""
    return {
        "url": f"{_api(world, repo)}/statuses/{status.sha}",
        "avatar_url": user_payload(world, status.creator)["avatar_url"],
        "id": status.id,
        "node_id": node_id("SC", status.id),
        "state": status.state,
        "description": status.description,
        "target_url": status.target_url,
        "context": status.context,
        "created_at": stamp(status.at),
        "updated_at": stamp(status.at),
    }


def status_event_payload(world: World, repo: Repo, status: Status) -> Json:
    """Return the status event: a commit and at most ten branches whose head it is, but no pull request."""
    names = [name for name, sha in repo.heads.items() if sha == status.sha]
    names += [
        pull.head_ref
        for pull in repo.pulls.values()
        if pull.head_sha == status.sha and not pull.head_repo.fork and not pull.closed_at
    ]
    at = f"{_api(world, repo)}/commits/{status.sha}"
    return {
        "id": status.id,
        "sha": status.sha,
        "name": repo.full_name,
        "target_url": status.target_url,
        "avatar_url": user_payload(world, status.creator)["avatar_url"],
        "context": status.context,
        "description": status.description,
        "state": status.state,
        "commit": commit_payload(world, repo, world.commits[status.sha], webhook=True),
        "branches": [
            {"name": name, "commit": {"sha": status.sha, "url": at}, "protected": False}
            for name in names[:10]
        ],
        "created_at": stamp(status.at),
        "updated_at": stamp(status.at),
    }


def lite_repo_payload(world: World, repo: Repo) -> Json:
    """Return a repository in short."""
    shown = repo_payload(world, repo)
    return {name: shown[name] for name in (*LITE, *REPO_LINKS)}


def run_page(world: World, repo: Repo, run: CheckRun) -> str:
    """Return where one looks at a run."""
    if run.suite.workflow:
        return f"{workflow_page(world, repo, run.suite.workflow)}/job/{run.id}"
    return f"{world.config.web_url}/{repo.full_name}/runs/{run.id}"


def workflow_page(world: World, repo: Repo, run: WorkflowRun) -> str:
    """Return where one looks at a run of a workflow."""
    return f"{world.config.web_url}/{repo.full_name}/actions/runs/{run.id}"


def _api(world: World, repo: Repo) -> str:
    return f"{world.config.api_url}/repos/{repo.full_name}"


def _ref(world: World, repo: Repo) -> Json:
    return {"id": repo.id, "url": _api(world, repo), "name": repo.name}
