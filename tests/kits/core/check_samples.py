"""GitHub's payloads about a commit's checks, made from the published examples."""

from functools import cache
from typing import Any

from tests.examples import example as copied_example
from tests.kits.core.samples import AT, NUMBER, REPOSITORY, SHA, Payload, repository

example = cache(copied_example)
"""Shared: what is made of it is a new dictionary each time."""

_RUNNING = ("queued", "in_progress")


def _progress(state: str) -> Payload:
    """A check's status and conclusion by one word: a status, or the conclusion of a completed one."""
    if state in _RUNNING:
        return {"status": state, "conclusion": None}
    return {"status": "completed", "conclusion": state}


def _pulls(numbers: tuple[int, ...]) -> list[Payload]:
    named = example("check_run", "completed")["check_run"]["pull_requests"][0]
    return [{**named, "number": number} for number in numbers]


def run(
    name: str,
    state: str,
    *,
    sha: str = SHA,
    suite: int = 10,
    at: str = AT,
    numbers: tuple[int, ...] = (NUMBER,),
) -> Payload:
    """`check_run`."""
    action = "created" if state in _RUNNING else "completed"
    found = example("check_run", action)
    page = f"{REPOSITORY}/runs/{name}"
    about = {"name": name, "head_sha": sha, "html_url": page, "started_at": at, **_progress(state)}
    of_suite = {**found["check_run"]["check_suite"], "id": suite, "head_sha": sha, "updated_at": at}
    completed = {"completed_at": None if state in _RUNNING else at, "pull_requests": _pulls(numbers)}
    app = example("check_run", "completed")["check_run"]["app"]
    check = {**found["check_run"], **about, **completed, "app": app, "check_suite": of_suite}
    return {**found, "check_run": check, "repository": repository()}


def suite(
    state: str, *, sha: str = SHA, number: int = 10, at: str = AT, numbers: tuple[int, ...] = (NUMBER,)
) -> Payload:
    """`check_suite`, of the app octocoders-linter."""
    found = example("check_suite", "requested" if state in _RUNNING else "completed")
    about = {"id": number, "head_sha": sha, "updated_at": at, "pull_requests": _pulls(numbers)}
    return {
        **found,
        "check_suite": {**found["check_suite"], **about, **_progress(state)},
        "repository": repository(),
    }


def workflow(
    name: str, state: str, *, sha: str = SHA, suite: int = 10, number: int = 33, at: str = AT, **fields: Any
) -> Payload:
    """`workflow_run`; forks have no pull requests named."""
    found = example("workflow_run", "requested" if state in _RUNNING else "completed")
    about = {"id": number, "name": name, "head_sha": sha, "check_suite_id": suite, "workflow_id": number}
    page = {"html_url": f"{REPOSITORY}/actions/runs/{number}", "run_started_at": at, "pull_requests": []}
    return {
        **found,
        "workflow_run": {**found["workflow_run"], **about, **page, **_progress(state), **fields},
        "repository": repository(),
    }


def status(name: str, state: str, *, sha: str = SHA, at: str = AT) -> Payload:
    """`status`, of the older interface."""
    about = {"context": name, "state": state, "sha": sha, "updated_at": at}
    return {
        **example("status"),
        **about,
        "target_url": f"https://ci.example/{name}",
        "repository": repository(),
    }


def deployment(environment: str, state: str, *, sha: str = SHA, at: str = AT) -> Payload:
    """`deployment_status`."""
    found = example("deployment_status", "created")
    about = {"environment": environment, "state": state, "created_at": at}
    about |= {"environment_url": f"https://{environment}.example"}
    return {
        **found,
        "deployment": {**found["deployment"], "sha": sha, "environment": environment},
        "deployment_status": {**found["deployment_status"], **about},
        "repository": repository(),
    }
