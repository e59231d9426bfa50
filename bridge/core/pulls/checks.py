"""The checks of a commit: check runs, check suites, workflow runs, statuses and deployments, summed up.

They are kept by commit, not by pull request: a check may come before the push that it belongs to, and one
commit may be the head of several pull requests, of a fork too (for which GitHub names none).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from bridge.core.model import Delivery, Payload
from bridge.core.pulls.lww import LwwRegister, merge_all, moment
from bridge.core.pulls.model import Check
from bridge.core.urls import web_address

MAX_KEPT = 300
"""Checks that are kept of one commit: the newest."""

Verdict = Literal["none", "running", "passed", "failed"]

_CONCLUSIONS = {
    "success": "passed",
    "neutral": "passed",
    "skipped": "passed",
    "failure": "failed",
    "timed_out": "failed",
    "cancelled": "failed",
    "action_required": "failed",
    "startup_failure": "failed",
}
_STATUSES = {"success": "passed", "failure": "failed", "error": "failed", "pending": "running"}
_DEPLOYMENTS = {**_STATUSES, "in_progress": "running", "queued": "running", "waiting": "running"}


@dataclass(frozen=True, kw_only=True)
class ChecksDelta:
    """What a delivery tells of a commit's checks; `numbers` are the pull requests it names."""

    sha: str
    checks: Mapping[str, LwwRegister]
    numbers: tuple[int, ...] = ()


def delta(delivery: Delivery) -> ChecksDelta | None:
    """The checks in a delivery; None if it tells of none that counts."""
    read = _READERS.get(delivery.event)
    return read(delivery.payload) if read else None


def _check_run(payload: Payload) -> ChecksDelta:
    """https://docs.github.com/webhooks/webhook-events-and-payloads#check_run"""
    run = payload["check_run"]
    suite, app = run.get("check_suite") or {}, run.get("app") or {}
    done = run.get("status") == "completed"
    value = {
        "name": run["name"],
        "state": _CONCLUSIONS.get(run.get("conclusion") or "", "failed") if done else "running",
        "url": web_address(run.get("html_url")) or web_address(run.get("details_url")),
        "suite_id": suite.get("id") or 0,
        "kind": "run",
    }
    # A run that was started again is another run of the same name, which started later.
    at = moment(run.get("started_at") or suite.get("updated_at"))
    key = f"run:{app.get('slug') or ''}:{run['name']}"
    return ChecksDelta(
        sha=run["head_sha"],
        checks={key: LwwRegister(at, int(done), value)},
        numbers=_numbers(run.get("pull_requests")),
    )


def _check_suite(payload: Payload) -> ChecksDelta | None:
    """A suite counts only when it is completed: GitHub opens one for each app, wanted or not."""
    suite = payload["check_suite"]
    if suite.get("status") != "completed":
        return None
    app = suite.get("app") or {}
    value = {
        "name": app.get("name") or "checks",
        "state": _CONCLUSIONS.get(suite.get("conclusion") or "", "failed"),
        "url": "",
        "suite_id": suite["id"],
        "kind": "suite",
    }
    register = LwwRegister(moment(suite.get("updated_at")), 1, value)
    return ChecksDelta(
        sha=suite["head_sha"],
        checks={f"suite:{suite['id']}": register},
        numbers=_numbers(suite.get("pull_requests")),
    )


def _workflow_run(payload: Payload) -> ChecksDelta:
    run = payload["workflow_run"]
    done = run.get("status") == "completed"
    value = {
        "name": run.get("name") or "workflow",
        "state": _CONCLUSIONS.get(run.get("conclusion") or "", "failed") if done else "running",
        "url": web_address(run.get("html_url")),
        "run_id": run["id"],
        "suite_id": run.get("check_suite_id") or 0,
        "kind": "workflow",
    }
    at = moment(run.get("run_started_at") or run.get("created_at"))
    return ChecksDelta(
        sha=run["head_sha"],
        checks={f"workflow:{run.get('workflow_id')}": LwwRegister(at, int(done), value)},
        numbers=_numbers(run.get("pull_requests")),
    )


def _status(payload: Payload) -> ChecksDelta:
    value = {
        "name": payload.get("context") or "status",
        "state": _STATUSES.get(payload["state"], "running"),
        "url": web_address(payload.get("target_url")),
        "kind": "status",
    }
    register = LwwRegister(moment(payload.get("updated_at")), int(value["state"] != "running"), value)
    return ChecksDelta(sha=payload["sha"], checks={f"status:{value['name']}": register})


def _deployment_status(payload: Payload) -> ChecksDelta | None:
    status, deployment = payload["deployment_status"], payload["deployment"]
    state = _DEPLOYMENTS.get(status["state"])
    if state is None:
        return None
    name = f"deployment to {status.get('environment') or deployment.get('environment') or 'production'}"
    url = web_address(status.get("environment_url")) or web_address(status.get("target_url"))
    value = {"name": name, "state": state, "url": url, "kind": "deployment"}
    register = LwwRegister(moment(status.get("created_at")), int(state != "running"), value)
    return ChecksDelta(sha=deployment["sha"], checks={f"deployment:{name}": register})


_READERS: dict[str, Callable[[Payload], ChecksDelta | None]] = {
    "check_run": _check_run,
    "check_suite": _check_suite,
    "workflow_run": _workflow_run,
    "status": _status,
    "deployment_status": _deployment_status,
}
EVENTS = frozenset(_READERS)


def _numbers(pulls: Iterable[Payload | None] | None) -> tuple[int, ...]:
    return tuple(pull["number"] for pull in pulls or () if pull and pull.get("number"))


def merge(known: Mapping[str, LwwRegister], told_now: Mapping[str, LwwRegister]) -> dict[str, LwwRegister]:
    """The checks of a commit, with what was told now."""
    merged = merge_all(known, told_now)
    if len(merged) <= MAX_KEPT:
        return merged
    kept = sorted(merged, key=lambda key: (merged[key].at, key))[-MAX_KEPT:]
    return {key: merged[key] for key in kept}


def view(registers: Mapping[str, LwwRegister]) -> tuple[Check, ...]:
    """The checks that count, by name: a workflow or a suite stands back behind its own runs.

    A workflow that is still running counts all the same: more of its jobs may come.
    """
    values: list[Any] = [register.value for register in registers.values()]
    with_runs = {value["suite_id"] for value in values if value["kind"] == "run"}
    workflows = {value["suite_id"]: value["run_id"] for value in values if value["kind"] == "workflow"}
    with_workflow = set(workflows)
    checks = []
    for value in values:
        suite, kind = value.get("suite_id", 0), value["kind"]
        if kind == "workflow" and suite in with_runs and value["state"] != "running":
            continue
        if kind == "suite" and (suite in with_runs or suite in with_workflow):
            continue
        checks.append(
            Check(
                name=value["name"],
                state=value["state"],
                url=value["url"],
                run_id=workflows.get(suite, 0),
                suite_id=suite,
            )
        )
    return tuple(sorted(checks, key=lambda check: check.name.lower()))


def verdict(checks: tuple[Check, ...]) -> Verdict:
    """What they add up to: one failure is a failure, also while others are running."""
    if not checks:
        return "none"
    states = {check.state for check in checks}
    for state in ("failed", "running", "passed"):
        if state in states:
            return state
    return "none"


def dump(registers: Mapping[str, LwwRegister]) -> bytes:
    """A commit's checks as JSON."""
    return msgspec.json.encode(registers)


_DECODER = msgspec.json.Decoder(dict[str, LwwRegister])


def load(data: bytes | None) -> dict[str, LwwRegister]:
    """What `dump` wrote; none for None."""
    return _DECODER.decode(data) if data else {}
