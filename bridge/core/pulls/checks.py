"""The checks of a commit: check runs, check suites, workflow runs, statuses and deployments.

They are kept by commit, not by pull request: a check may come before its push, and one commit may be the head
of several pull requests, also of a fork (for which GitHub names none).

Each run, status and deployment is kept by GitHub's id, so that its end counts over its beginning whatever the
times say. `bridge.core.pulls.current_checks` chooses those that count.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from bridge.core.compression import pack, unpack
from bridge.core.model import Delivery, Payload
from bridge.core.pulls.current_checks import bounded, view
from bridge.core.pulls.lww import LwwRegister, merge_all, moment
from bridge.core.pulls.model import Check
from bridge.core.urls import web_address

__all__ = ["EVENTS", "ChecksDelta", "Verdict", "delta", "dump", "load", "merge", "verdict", "view"]

Verdict = Literal["none", "running", "waiting", "passed", "failed"]

MAX_OUTPUT, MAX_OUTPUT_LINES = 600, 10
"""Characters and lines of what an app says of its check's failure that are kept."""

MAX_ENVIRONMENT = 100

_ACTIONS = "github-actions"
_QUEUE_BRANCH = re.compile(r"gh-readonly-queue/.+/pr-([1-9][0-9]{0,8})-[0-9a-f]{40}")
_RUN_URL = re.compile(r"/actions/runs/(\d{1,19})(?:/|$)")
_CONCLUSIONS = {"success": "passed", "neutral": "neutral", "skipped": "skipped"}
_STATUSES = {"success": "passed", "failure": "failed", "error": "failed", "pending": "running"}
_DEPLOYMENTS = {
    **_STATUSES,
    **dict.fromkeys(("in_progress", "queued"), "running"),
    "waiting": "waiting",
    "inactive": "gone",
}


@dataclass(frozen=True, kw_only=True)
class ChecksDelta:
    """The changes a delivery makes to a commit's checks; `numbers` are the pull requests it names."""

    sha: str
    checks: Mapping[str, LwwRegister]
    numbers: tuple[int, ...] = ()


def delta(delivery: Delivery) -> ChecksDelta | None:
    """Read the checks in a delivery; None if none in it counts."""
    read = _READERS.get(delivery.event)
    return read(delivery.payload) if read else None


def queued_number(delivery: Delivery) -> int:
    """Return the number of the pull request that a merge queue checks; 0 for checks of other commits.

    The queue checks a commit of its own, which is no pull request's head: its branch names the pull request.
    https://docs.github.com/pull-requests: managing a merge queue
    """
    thing = delivery.payload.get(delivery.event) or {}
    branch = thing.get("head_branch") or (thing.get("check_suite") or {}).get("head_branch") or ""
    found = _QUEUE_BRANCH.fullmatch(str(branch))
    return int(found[1]) if found else 0


def _register(value: dict[str, Any], *, rank: str, at: str) -> LwwRegister:
    """Make the register of one id: ranked by its attempt or number, then its end, then the time."""
    over = value["state"] not in ("running", "waiting")
    # Of one second a wait counts over the request that led to it.
    return LwwRegister(f"{rank}{int(over)}{at}", int(value["state"] == "waiting"), value)


def _state(thing: Payload, *, waits: bool) -> str:
    """Return the state of a run or suite; `waits`: a maintainer may have to allow it, as workflows."""
    if thing.get("status") != "completed":
        return "running"
    conclusion = thing.get("conclusion") or ""
    if conclusion == "action_required" and waits:
        return "waiting"
    return _CONCLUSIONS.get(conclusion, "failed")


def _check_run(payload: Payload) -> ChecksDelta:
    """Read a check run: https://docs.github.com/webhooks/webhook-events-and-payloads#check_run"""
    run = payload["check_run"]
    suite, app = run.get("check_suite") or {}, run.get("app") or {}
    url, details = web_address(run.get("html_url")), web_address(run.get("details_url"))
    is_job = app.get("slug") == _ACTIONS
    found = _RUN_URL.search(details) or _RUN_URL.search(url) if is_job else None
    value = {
        "kind": "run",
        "id": run["id"],
        "name": run["name"],
        "state": _state(run, waits=is_job),
        "is_cancelled": run.get("conclusion") == "cancelled",
        "url": url or details,
        "app": app.get("id") or 0,
        "suite": suite.get("id") or 0,
        "is_job": is_job,
        "run_id": int(found[1]) if found else 0,
        # GitHub gives a job and its check run one number. What a workflow reports by itself is no job.
        "job": run["id"] if found else 0,
        "began": moment(run.get("started_at")),
    }
    if value["state"] == "failed" and not found and (output := _output(run.get("output") or {})):
        value["output"] = output
    register = _register(value, rank="", at=moment(run.get("completed_at") or run.get("started_at")))
    return _told(run, f"run:{run['id']}", register)


def _output(output: Payload) -> str:
    """Return the first lines of what an app says of its check."""
    words = f"{output.get('title') or ''}\n{(output.get('summary') or '')[:MAX_OUTPUT]}"
    return "\n".join(words.strip().splitlines()[:MAX_OUTPUT_LINES])[:MAX_OUTPUT]


def _check_suite(payload: Payload) -> ChecksDelta | None:
    """Read a completed suite: GitHub opens one for each app, wanted or not."""
    suite = payload["check_suite"]
    if suite.get("status") != "completed":
        return None
    app = suite.get("app") or {}
    is_job = app.get("slug") == _ACTIONS
    value = {
        "kind": "suite",
        "id": suite["id"],
        "name": app.get("name") or "checks",
        "state": _state(suite, waits=is_job),
        "is_cancelled": suite.get("conclusion") == "cancelled",
        "url": "",
        "app": app.get("id") or 0,
        "suite": suite["id"],
        "is_job": is_job,
        "ended": moment(suite.get("updated_at")),
    }
    # No end and no wait counts over a later one: a suite may run again.
    return _told(suite, f"suite:{suite['id']}", LwwRegister(value["ended"], 0, value))


def _workflow_run(payload: Payload) -> ChecksDelta:
    """Read a workflow run: https://docs.github.com/webhooks/webhook-events-and-payloads#workflow_run"""
    run = payload["workflow_run"]
    updated = moment(run.get("updated_at"))
    value = {
        "kind": "workflow",
        "id": run["id"],
        "name": run.get("name") or "workflow",
        "state": _state(run, waits=True),
        "is_cancelled": run.get("conclusion") == "cancelled",
        "url": web_address(run.get("html_url")),
        "suite": run.get("check_suite_id") or 0,
        "run_id": run["id"],
        # A push and a pull request may each start the same workflow, and neither replaces the other.
        "workflow": [run.get("workflow_id") or 0, run.get("event") or "", run.get("head_branch") or ""],
        "began": moment(run.get("run_started_at")),
        "ended": updated,
    }
    register = _register(value, rank=f"{run.get('run_attempt') or 1:06}", at=updated)
    return _told(run, f"workflow:{run['id']}", register)


def _status(payload: Payload) -> ChecksDelta:
    """Read a status: https://docs.github.com/webhooks/webhook-events-and-payloads#status"""
    context = payload.get("context") or "status"
    value = {
        "kind": "status",
        "id": payload.get("id") or 0,
        "name": context,
        "state": _STATUSES.get(payload["state"], "running"),
        "url": web_address(payload.get("target_url")),
    }
    # Each word on a context is a status of its own: the newest of them counts.
    at = f"{value['id']:020}{moment(payload.get('updated_at'))}"
    register = LwwRegister(at, int(value["state"] != "running"), value)
    return ChecksDelta(sha=payload["sha"], checks={f"status:{context}": register})


def _deployment_status(payload: Payload) -> ChecksDelta | None:
    """Read a deployment, which is no check: its result is shown by itself, until it is `inactive`.

    None is shown as running: GitHub sends nothing when a deployment under way becomes inactive.
    """
    status = payload["deployment_status"]
    state = _DEPLOYMENTS.get(status["state"])
    if state is None:
        return None
    deployment = payload["deployment"]
    sha = deployment["sha"]
    url = web_address(status.get("environment_url")) or web_address(status.get("target_url"))
    value = {
        "kind": "deployment",
        "id": deployment["id"],
        "name": status.get("environment") or deployment.get("environment") or "production",
        "state": state,
        "url": url,
    }
    register = _register(value, rank="", at=f"{status['id']:020}")
    return ChecksDelta(sha=sha, checks={f"deployment:{deployment['id']}": register})


def _deployment_review(payload: Payload) -> ChecksDelta | None:
    """Read the environments that wait for a reviewer, or no longer; `deployment_status` says how they end."""
    if not (run := payload.get("workflow_run")):
        return None
    state = "waiting" if payload["action"] == "requested" else "gone"
    at = f"{run['id']:020}{run.get('run_attempt') or 1:06}{int(state == 'gone')}"
    common = {"kind": "review", "id": run["id"], "state": state, "url": web_address(run.get("html_url"))}
    reviews = {
        f"review:{name}": LwwRegister(at, 0, {**common, "name": name}) for name in environments(payload)
    }
    return ChecksDelta(sha=run["head_sha"], checks=reviews, numbers=_numbers(run))


def environments(payload: Payload) -> list[str]:
    """Return the environments whose deployments a `deployment_review` is about."""
    jobs = payload.get("workflow_job_runs") or [payload.get("workflow_job_run") or payload]
    return sorted({str(job["environment"])[:MAX_ENVIRONMENT] for job in jobs if job.get("environment")})


_READERS: dict[str, Callable[[Payload], ChecksDelta | None]] = {
    "check_run": _check_run,
    "check_suite": _check_suite,
    "workflow_run": _workflow_run,
    "status": _status,
    "deployment_status": _deployment_status,
    "deployment_review": _deployment_review,
}
EVENTS = frozenset(_READERS)


def _told(thing: Payload, key: str, register: LwwRegister) -> ChecksDelta:
    return ChecksDelta(sha=thing["head_sha"], checks={key: register}, numbers=_numbers(thing))


def _numbers(thing: Payload) -> tuple[int, ...]:
    pulls: Iterable[Payload | None] = thing.get("pull_requests") or ()
    return tuple(pull["number"] for pull in pulls if pull and pull.get("number"))


def merge(known: Mapping[str, LwwRegister], told: Mapping[str, LwwRegister]) -> dict[str, LwwRegister]:
    """Merge what was told into a commit's checks."""
    return bounded(merge_all(known, told))


def verdict(checks: tuple[Check, ...]) -> Verdict:
    """Sum checks up: one failure is a failure, also while others are running."""
    if not checks:
        return "none"
    states = {check.state for check in checks}
    for state in ("failed", "running", "waiting"):
        if state in states:
            return state
    return "passed"


def dump(registers: Mapping[str, LwwRegister]) -> bytes:
    """Encode a commit's checks, compressed."""
    return pack(msgspec.json.encode(registers), to_keep=True)


_DECODER = msgspec.json.Decoder(dict[str, LwwRegister])


def load(data: bytes | None) -> dict[str, LwwRegister]:
    """Decode what `dump` encoded; none from None."""
    return _DECODER.decode(unpack(data)) if data else {}
