"""The steps of a job, and its log as GitHub keeps it."""

from .ci import FAILED, CheckRun
from .payloads import Json, stamp, stamp_or_none

BEFORE = ("Set up job", "Run actions/checkout@v4")
AFTER = ("Post Run actions/checkout@v4", "Complete job")


def steps_of(run: CheckRun) -> list[Json]:
    """Return the steps: the job's own one fails as the job does, those before and after go well."""
    ended = run.status == "completed"
    names = (*BEFORE, run.step or f"Run {run.name}", *(AFTER if ended else ()))
    return [
        {
            "name": name,
            "status": "completed" if ended or name in BEFORE else "in_progress",
            "conclusion": _conclusion(run, name),
            "number": number,
            "started_at": stamp(run.started_at),
            "completed_at": stamp_or_none(run.completed_at),
        }
        for number, name in enumerate(names, start=1)
    ]


def log_of(run: CheckRun) -> bytes:
    """Return the log of a job: each line that the runner got has its time."""
    own = run.log if run.log is not None else f"1 of 7 tests failed\nE  assert {run.name} == 1"
    code = ["##[error]Process completed with exit code 1."] if run.conclusion in FAILED else []
    step = run.step or f"Run {run.name}"
    lines = ["##[group]Operating System", "Ubuntu", "##[endgroup]", f"##[group]{step}"]
    lines += [f"\x1b[36;1m{step}\x1b[0m", "##[endgroup]", *own.split("\n"), *code, "Post job cleanup."]
    at = (run.completed_at or run.started_at).strftime("%Y-%m-%dT%H:%M:%S")
    timed = (f"{at}.{number:07}Z {line}" for number, line in enumerate(lines))
    return ("\ufeff" + "\n".join(timed) + "\n").encode()


def _conclusion(run: CheckRun, name: str) -> str | None:
    if name in (*BEFORE, *AFTER):
        return "success"
    return run.conclusion
