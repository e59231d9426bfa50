"""GitHub's payloads about a commit's checks, made from the published examples."""

from datetime import datetime
from functools import cache
from typing import Any
from zlib import crc32

from tests.examples import example as copied_example
from tests.kits.core.samples import AT, NUMBER, REPOSITORY, SHA, Payload, repository

example = cache(copied_example)
"""Shared: what is made of it is a new dictionary each time."""

ACTIONS, LINTER = "github-actions", "octocoders-linter"
_RUNNING = ("queued", "in_progress")


def _progress(state: str) -> Payload:
    """A check's status and conclusion by one word: a status, or the conclusion of a completed one."""
    if state in _RUNNING:
        return {"status": state, "conclusion": None}
    return {"status": "completed", "conclusion": state}


def _pulls(numbers: tuple[int, ...]) -> list[Payload]:
    named = example("check_run", "completed")["check_run"]["pull_requests"][0]
    return [{**named, "number": number} for number in numbers]


def number_of(*name: object, at: str) -> int:
    """An id: the later the greater, and another one for another name."""
    return int(datetime.fromisoformat(at).timestamp()) * 10**6 + crc32(repr(name).encode()) % 10**6


def app_of(slug: str) -> Payload:
    """An app by its slug."""
    about = {"id": crc32(slug.encode()), "slug": slug, "name": slug}
    return {**example("check_run", "completed")["check_run"]["app"], **about}


def run(
    name: str,
    state: str,
    *,
    sha: str = SHA,
    suite: int = 10,
    at: str = AT,
    app: str = ACTIONS,
    numbers: tuple[int, ...] = (NUMBER,),
    **fields: Any,
) -> Payload:
    """`check_run`; one that begins at another time is another run."""
    action = "created" if state in _RUNNING else "completed"
    found = example("check_run", action)
    page = f"{REPOSITORY}/runs/{name}"
    about = {"name": name, "head_sha": sha, "html_url": page, "started_at": at, **_progress(state)}
    of_suite = {**found["check_run"]["check_suite"], "id": suite, "head_sha": sha, "updated_at": at}
    completed = {"completed_at": None if state in _RUNNING else at, "pull_requests": _pulls(numbers)}
    own = {"id": number_of(name, suite, at=at), "app": app_of(app), "check_suite": of_suite}
    check = {**found["check_run"], **about, **completed, **own, **fields}
    return {**found, "check_run": check, "repository": repository()}


def suite(
    state: str,
    *,
    sha: str = SHA,
    number: int = 10,
    at: str = AT,
    app: str = LINTER,
    numbers: tuple[int, ...] = (NUMBER,),
) -> Payload:
    """`check_suite`."""
    found = example("check_suite", "requested" if state in _RUNNING else "completed")
    about = {"id": number, "head_sha": sha, "updated_at": at, "pull_requests": _pulls(numbers)}
    about |= {"app": app_of(app)}
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
    page = {"html_url": f"{REPOSITORY}/actions/runs/{number}", "pull_requests": []}
    page |= {"run_started_at": at, "updated_at": at}
    return {
        **found,
        "workflow_run": {**found["workflow_run"], **about, **page, **_progress(state), **fields},
        "repository": repository(),
    }


def status(name: str, state: str, *, sha: str = SHA, at: str = AT) -> Payload:
    """`status`, of the older interface."""
    about: Payload = {"context": name, "state": state, "sha": sha, "updated_at": at}
    about |= {"id": 2 * number_of(at=at) + (state != "pending")}
    return {
        **example("status"),
        **about,
        "target_url": f"https://ci.example/{name}",
        "repository": repository(),
    }


def deployment(environment: str, state: str, *, sha: str = SHA, at: str = AT) -> Payload:
    """`deployment_status`."""
    found = example("deployment_status", "created")
    about: Payload = {"environment": environment, "state": state, "created_at": at}
    about |= {"environment_url": f"https://{environment}.example", "id": number_of(state, at=at)}
    own = {"id": crc32(environment.encode()), "sha": sha, "environment": environment}
    return {
        **found,
        "deployment": {**found["deployment"], **own},
        "deployment_status": {**found["deployment_status"], **about},
        "repository": repository(),
    }


def review(action: str, *, sha: str = SHA, run_attempt: int = 1, **about: Any) -> Payload:
    """`deployment_review`, of the environment `prod`."""
    found = example("deployment_review", "requested")
    ended = {"workflow_job_runs": [{"environment": "prod"}], "comment": "", "reviewers": []}
    job = {**found["workflow_job_run"], "environment": "prod"}
    told = {"environment": "prod", "workflow_job_run": job} if action == "requested" else ended
    workflow_run = {**found["workflow_run"], "head_sha": sha, "pull_requests": [], "run_attempt": run_attempt}
    return {
        **found,
        "action": action,
        "workflow_run": workflow_run,
        **told,
        "repository": repository(),
        **about,
    }
