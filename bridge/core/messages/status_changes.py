"""Word the outcome of a commit's checks and deployments: once their sum changes, never for each job."""

from itertools import chain
from typing import Any

from bridge.core.messages.events import Happening, Said
from bridge.core.messages.events.table import given, named
from bridge.core.messages.html import code, escape, folded, link, listed
from bridge.core.messages.thread import sum_of
from bridge.core.pulls import to_merge
from bridge.core.pulls.checks import Verdict, environments, verdict
from bridge.core.pulls.job_log import FailedStep
from bridge.core.pulls.model import Check, PullRequest
from bridge.core.pulls.snapshot import Snapshot

MAX_NAMED = 3

MAX_FAILED = 100
"""Failed checks of a commit that are remembered."""

_DEPLOYMENTS = {"failed": "failed", "waiting": "awaiting approval", "passed": "succeeded"}
"""Words for the states of deployments, the most important first."""

_REVIEWED = {"requested": "asked", "approved": "approved", "rejected": "rejected"}


def of_checks(pull: PullRequest, known: Snapshot) -> tuple[Said | None, Snapshot]:
    """Return what is said of the checks, and the snapshot with that noted."""
    now = verdict(pull.checks)
    head, last, failed = known.said.get("checks", ("", "none", ()))
    if now not in ("passed", "failed", "waiting") or not pull.is_open:
        return None, known
    before: list[Any] = (known.said.get("shown") or {}).get("checks", ["", "none", [], False])
    failed = sorted({*(failed if head == known.head_sha else ()), *_failed(pull)})[:MAX_FAILED]
    noted = known.saying(checks=[known.head_sha, now, failed])
    if (head, last) == (known.head_sha, now) and not _is_behind(before, pull):
        return None, noted
    is_again = (head, last, before[1]) == (known.head_sha, "failed", "running")
    is_flaky = any(check.name in failed for check in pull.checks_that("passed"))
    title = _title(pull, now, last, is_again=is_again, is_flaky=is_flaky)
    body = outputs(to_merge.failed(pull)) if now == "failed" else ""
    return Said(title=title, body=body, group="checks"), noted


def _failed(pull: PullRequest) -> set[str]:
    """Return the names of the checks that failed, not for being cancelled."""
    return {check.name for check in pull.checks_that("failed") if not check.is_cancelled}


def shown(pull: PullRequest) -> list[Any]:
    """Return the head, the sum of its checks, those that failed, and whether any is counted as running."""
    head = pull.head.sha if pull.head else ""
    failed = sorted(check.url or check.name for check in pull.checks_that("failed"))[:MAX_FAILED]
    return [head, verdict(pull.checks), failed, bool(pull.checks_that("running"))]


def _is_behind(before: list[Any], pull: PullRequest) -> bool:
    """Tell whether a thread with `before` shows a check as running that is over, or other failures."""
    head, now, failed, _ = shown(pull)
    if before[0] != head:
        return False
    if before[1] == "running" or now != "failed":
        return bool(before[1] == "running")
    if any(check.state == "running" for check in pull.checks):
        # As many as before, and others: a suite that came before its runs was named in their place.
        return bool(len(failed) == len(before[2]) and failed != before[2])
    return bool(before[2:] != [failed, False])


def _title(pull: PullRequest, now: Verdict, last: str, *, is_again: bool, is_flaky: bool) -> str:
    if now == "passed":
        words = "all green" if pull.checks_that("passed") else sum_of(pull)
        verb = "recovered" if last == "failed" else "passed"
        return f"{verb}{', flaky' if is_flaky else ''}: {link(pull.url + '/checks', words)}"
    if now == "waiting":
        return f"awaiting approval: {names(pull.checks_that('waiting'))}"
    return f"failed{' again' if is_again else ''}: {names(to_merge.failed(pull))}"


def names(checks: tuple[Check, ...]) -> str:
    """Name checks with links, the rest counted."""
    return listed([link(check.url, check.name) for check in checks], MAX_NAMED)


def outputs(failed: tuple[Check, ...]) -> str:
    """Fold what apps say of their checks that are named."""
    told = [check for check in failed[:MAX_NAMED] if check.output]
    return "".join(folded(f"Why {check.name} failed", code(check.output.split("\n"))) for check in told)


def unread(failed: tuple[Check, ...], noted: Snapshot) -> tuple[tuple[int, ...], Snapshot]:
    """Return the jobs among the failed checks that are named, each once, and the snapshot with that noted."""
    known = noted.said.get("logs", ())
    jobs = [one.job_id for one in failed[:MAX_NAMED] if one.job_id and not one.is_cancelled]
    new = tuple(job for job in jobs if job not in known)
    return new, noted.saying(logs=[*known, *new][-MAX_FAILED:]) if new else noted


def of_job(check: Check, step: FailedStep, lines: list[str]) -> Said:
    """Return what is said of the reason why a job failed."""
    at = f"{check.url}#step:{step.number}:1" if step.number and check.url else check.url
    where = f": {escape(step.name)}" if step.name else ""
    count = "Last line" if len(lines) == 1 else f"Last {len(lines)} lines"
    body = folded(count, code(lines)) if lines else ""
    return Said(title=f"Why {link(at, check.name)} failed{where}", body=body, group="checks")


def of_queue(
    commit: PullRequest, failed: tuple[Check, ...], sha: str, known: Snapshot
) -> tuple[Said | None, Snapshot]:
    """Return what is said of the checks that failed in a merge queue, and the snapshot with that noted.

    `commit` is the pull request with the checks of the queue's commit. The thread shows their sum. Only a
    failure is told: what passes is merged, and that is told.
    """
    if not commit.queued:
        return None, known
    noted = known.saying(in_queue=[known.queued_since, sum_of(commit)])
    told = [sha, [check.name for check in failed]]
    if not failed or known.said.get("queue") == told:
        return None, noted
    said = Said(title=f"failed in the merge queue: {names(failed)}", body=outputs(failed), group="checks")
    return said, noted.saying(queue=told)


def of_deployments(pull: PullRequest, known: Snapshot) -> tuple[Said | None, Snapshot]:
    """Return what is said of the deployments that ended, and the snapshot with that noted."""
    told = _told_deployments(known)
    new = tuple(one for one in pull.deployments if told.get(one.name) not in _covering(one.state))
    if not new or not pull.is_open:
        return None, known
    by_state = {state: tuple(one for one in new if one.state == state) for state in _DEPLOYMENTS}
    state, found = next((state, found) for state, found in by_state.items() if found)
    title = f"{_DEPLOYMENTS[state]}: {names(found)}"
    return Said(title=title, group="other"), _deployed(known, {one.name: one.state for one in new})


def of_review(happening: Happening) -> tuple[Said | None, Snapshot]:
    """Return what is said of a deployment's review, and the snapshot with that noted.

    https://docs.github.com/webhooks/webhook-events-and-payloads#deployment_review
    """
    payload, known = happening.payload, happening.known
    places = environments(payload)
    outcome = _REVIEWED.get(happening.delivery.action)
    if outcome is None or not places or not happening.pull.is_open:
        return None, known
    run = given(payload, "workflow_run", "html_url")
    where = listed([link(run, place) for place in places], MAX_NAMED)
    noted = _deployed(known, dict.fromkeys(places, outcome))
    if outcome == "asked":
        if noted is known:
            return None, known
        asked = [one["reviewer"] for one in payload.get("reviewers") or [] if one.get("reviewer")]
        shown = [link(one.get("html_url"), one.get("login") or one.get("name") or "?") for one in asked]
        names = listed(shown, MAX_NAMED)
        people = tuple(chain.from_iterable(named(one) for one in asked if one.get("login")))
        title = f"awaiting approval{f' by {names}' if names else ''}: {where}"
        return Said(title=title, people=people, group="other"), noted
    body = happening.html(payload.get("comment"), run)
    return Said(title=f"{outcome.capitalize()} the deployment to {where}", body=body, group="other"), noted


def _covering(state: str) -> tuple[str, ...]:
    """Return the states that, once told of a deployment, make this one no news."""
    return {"waiting": ("waiting", "asked"), "failed": ("failed", "rejected")}.get(state, (state,))


def _deployed(known: Snapshot, states: dict[str, str]) -> Snapshot:
    """Note the states of the head's deployments that messages reported, by environment."""
    return known.saying(deployments=[known.head_sha, {**_told_deployments(known), **states}])


def _told_deployments(known: Snapshot) -> dict[str, str]:
    head, told = known.said.get("deployments", ("", {}))
    return told if head == known.head_sha else {}
