"""Choose the checks of a commit that count, and drop some where there are too many.

- A check is its app, its workflow and its name; of equals the run with the newest id counts.
- Jobs of one attempt of a workflow count each by itself, also where several have one name.
- A newer run of a workflow, started by the same event on the same branch, replaces the older whole.
- A workflow or suite counts only while none of its runs is known.
- Harmless checks are dropped first; a failed or running check is never dropped for them. A note says what was
  dropped.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from bridge.core.pulls.lww import LwwRegister
from bridge.core.pulls.model import Check

MAX_KEPT = 300
"""Checks of a commit that are kept, unless more of them failed or run."""

MAX_SERIOUS = 1000
"""Checks of a commit that are kept in any case: of more that failed or run there is only a note."""

_HARMLESS = frozenset({"passed", "skipped", "neutral"})
_OVER = _HARMLESS | {"failed"}
_OPEN = frozenset({"running", "waiting", "gone"})
_TOLD = frozenset({"passed", "failed", "waiting"})

Value = Mapping[str, Any]


def view(registers: Mapping[str, LwwRegister]) -> tuple[Check, ...]:
    """Return the checks and deployments that count, by name."""
    if not registers:
        return ()
    values = [register.value for register in registers.values()]
    current = _current(values)
    jobs = [value for value in current if value["kind"] == "run"]
    ends = _ends(current)
    open_jobs = [job for job in jobs if not _is_stale(job, ends)]
    workflows = {value["suite"]: value for value in current if value["kind"] == "workflow"}
    twice = {name for name, count in Counter(job["name"] for job in open_jobs).items() if count > 1}
    checks = [_check(value) for value in current if value["kind"] == "status"]
    checks += [_check(one) for one in _deployments(current)]
    checks += [_job(job, workflows.get(job["suite"]), is_alone=job["name"] not in twice) for job in open_jobs]
    checks += [_check(value, counted=counted) for value, counted in _wholes(current, jobs, open_jobs)]
    under_way = {check.state for check in checks} & _OPEN
    # Nothing tells when the last of those that were dropped under way is over.
    checks += [
        _check(note) for note in current if note["kind"] == "more" and note["state"] in under_way | _OVER
    ]
    return tuple(
        sorted(checks, key=lambda one: (one.name.lower(), one.name, one.suite_id, one.url, one.state))
    )


def _deployments(current: Iterable[Value]) -> Iterable[Value]:
    """Yield the deployments to show; one waits as long as its review does, if GitHub reports that."""
    reviews = {one["name"]: one for one in current if one["kind"] == "review"}
    deployed = {one["name"]: one for one in current if one["kind"] == "deployment"}
    for name, one in (reviews | deployed).items():
        is_reviewed = one["state"] == "waiting" and reviews.get(name, one)["state"] == "gone"
        if one["state"] in _TOLD and not is_reviewed:
            yield one


def _current(values: Iterable[Value]) -> list[Value]:
    """Leave out what something newer replaced."""
    equals: defaultdict[Any, list[Value]] = defaultdict(list)
    all_workflows = [value for value in values if value["kind"] == "workflow"]
    in_order = sorted(all_workflows, key=lambda value: value["id"])
    workflows = list({tuple(value["workflow"]): value for value in in_order}.values())
    replaced = {value["suite"] for value in all_workflows} - {value["suite"] for value in workflows} - {0}
    for value in values:
        if value["kind"] != "workflow" and value.get("suite") not in replaced:
            equals[_identity(value)].append(value)
    of_suite = {value["suite"]: value for value in workflows if value["began"]}
    return [*workflows, *(value for some in equals.values() for value in _counting(some, of_suite))]


def _counting(equals: list[Value], workflows: Mapping[int, Value]) -> list[Value]:
    """Return those of the newest attempt at a workflow; without a workflow, the newest."""
    if workflow := workflows.get(equals[0].get("suite") or 0):
        began = [(value.get("began", ""), value) for value in equals]
        if workflow["state"] != "running" and (
            next_attempt := [value for at, value in began if at > workflow["ended"]]
        ):
            return next_attempt
        if present := [value for at, value in began if at >= workflow["began"]]:
            return present
    return [max(equals, key=lambda value: value["id"])]


def _identity(value: Value) -> Any:
    kind = value["kind"]
    if kind == "run":
        return kind, value["app"], _place(value), value["name"]
    if kind == "suite":
        return kind, value["app"], _place(value)
    return kind, value["name"]


def _place(value: Value) -> int:
    """Return the suite, of which each run of a workflow has its own; 0 where a newer one replaces it."""
    return int(value["suite"]) if value["is_job"] or not value["app"] else 0


def _ends(current: Iterable[Value]) -> dict[int, tuple[str, str]]:
    """Return when each suite ended last, and how, as it or its workflow says."""
    ends: dict[int, tuple[str, str]] = {}
    for value in current:
        if value["kind"] in ("suite", "workflow") and value["state"] not in _OPEN:
            ends[value["suite"]] = max(ends.get(value["suite"], ("", "")), (value["ended"], value["state"]))
    return ends


def _is_stale(job: Value, ends: Mapping[int, tuple[str, str]]) -> bool:
    """Tell whether a job's end got lost: it seems to run, and its suite ended since it began."""
    ended, _ = ends.get(job["suite"], ("", ""))
    return job["state"] == "running" and bool(ended) and job["began"] <= ended


def _wholes(
    current: Iterable[Value], jobs: Iterable[Value], open_jobs: Iterable[Value]
) -> Iterable[tuple[Value, bool]]:
    """Yield each workflow and suite that says more than its own runs, and whether it is counted."""
    latest: defaultdict[int, str] = defaultdict(str)
    states: defaultdict[int, set[str]] = defaultdict(set)
    for job in jobs:
        latest[job["suite"]] = max(latest[job["suite"]], job["began"])
    for job in open_jobs:
        states[job["suite"]].add(job["state"])
    current = list(current)
    with_workflow = {value["suite"] for value in current if value["kind"] == "workflow"}
    suites = {value["suite"]: value for value in current if value["kind"] == "suite"}
    for value in current:
        kind, suite = value["kind"], value["suite"] if value["kind"] in ("workflow", "suite") else 0
        if kind not in ("workflow", "suite") or (kind == "suite" and suite in with_workflow):
            continue
        whole = _over(value, suites.get(suite))
        if whole["state"] == "running":
            # More of its jobs may come.
            yield whole, not states[suite]
        elif not states[suite] or (
            whole["state"] == "failed" and "failed" not in states[suite] and latest[suite] <= whole["ended"]
        ):
            yield whole, True


def _over(value: Value, suite: Value | None) -> Value:
    """Return a workflow as it is, or as its suite is, if that ended or waits since the last word on it."""
    # A workflow that a maintainer allowed began before its suite's wait.
    if (
        value["kind"] == "workflow"
        and value["state"] == "running"
        and suite
        and value["ended"] <= suite["ended"]
    ):
        return {**value, **{name: suite[name] for name in ("state", "is_cancelled", "ended")}}
    return value


def _job(job: Value, workflow: Value | None, *, is_alone: bool) -> Check:
    """Return a job's check, called by its workflow, too, where another has its name."""
    if workflow is None:
        return _check(job)
    name = job["name"] if is_alone else f"{workflow['name']} / {job['name']}"
    return _check({**job, "name": name, "run_id": workflow["run_id"]})


def _check(value: Value, *, counted: bool = True) -> Check:
    return Check(
        name=value["name"],
        state=value["state"],
        url=value["url"],
        run_id=value.get("run_id") or 0,
        suite_id=value.get("suite") or 0,
        is_deployment=value["kind"] in ("deployment", "review"),
        is_cancelled=value.get("is_cancelled", False),
        is_counted=counted and value["kind"] != "more",
        job_id=value.get("job") or 0,
        output=value.get("output", ""),
    )


def _worth(value: Value, key: str) -> Any:
    """Rank what may be dropped: workflows and suites last, since they tell that their runs are over."""
    return value["kind"] in ("workflow", "suite"), value["id"], key


def bounded(registers: dict[str, LwwRegister]) -> dict[str, LwwRegister]:
    """Drop what was replaced, then what is harmless, the oldest first, where there are too many."""
    if len(registers) <= MAX_KEPT:
        return registers
    current = {id(value) for value in _current([one.value for one in registers.values()])}
    kept = {key: one for key, one in registers.items() if id(one.value) in current}
    spare = len(kept) - MAX_KEPT
    for states in (_HARMLESS, _OPEN, {"failed"}):
        if spare <= 0:
            break
        of_state = [
            key for key, one in kept.items() if one.value["state"] in states and one.value["kind"] != "more"
        ]
        for key in sorted(of_state, key=lambda key: _worth(kept[key].value, key))[:spare]:
            state = kept.pop(key).value["state"]
            if state != "gone":
                more = {"kind": "more", "id": 0, "name": f"and more {state}", "state": state, "url": ""}
                kept[f"more:{state}"] = LwwRegister("", 0, more)
        spare = len(kept) - MAX_SERIOUS
    return kept
