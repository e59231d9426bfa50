"""The checks of a commit: each event's word on them, what counts, and what they add up to."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.pulls import checks
from bridge.core.pulls.checks import Verdict
from bridge.core.pulls.lww import LwwRegister
from bridge.core.pulls.model import Check
from tests.kits.core import check_samples as sample
from tests.kits.core.pipeline import delivery
from tests.kits.core.samples import REPOSITORY, SHA, checked

Told = tuple[str, dict[str, Any]]
LINTER = "octocoders-linter"
NOON, LATER = "2026-03-10T12:00:00Z", "2026-03-10T12:00:01Z"


def seen(*deliveries: Told) -> dict[str, str]:
    """The checks after deliveries, by name; they come to the same in the other order."""
    one, other = gathered(deliveries), gathered(deliveries[::-1])
    assert checks.view(one) == checks.view(other)
    return {check.name: check.state for check in checks.view(one)}


def gathered(deliveries: tuple[Told, ...]) -> dict[str, LwwRegister]:
    known: dict[str, LwwRegister] = {}
    for event, payload in deliveries:
        news = checks.delta(delivery(event, checked(event, payload)))
        known = checks.load(checks.dump(checks.merge(known, news.checks if news else {})))
    return known


def run(name: str, state: str, **about: Any) -> Told:
    return ("check_run", sample.run(name, state, **about))


def suite(state: str, **about: Any) -> Told:
    return ("check_suite", sample.suite(state, **about))


def workflow(name: str, state: str, **about: Any) -> Told:
    return ("workflow_run", sample.workflow(name, state, **about))


def status(name: str, state: str, **about: Any) -> Told:
    return ("status", sample.status(name, state, **about))


def deployment(environment: str, state: str, **about: Any) -> Told:
    return ("deployment_status", sample.deployment(environment, state, **about))


CONCLUSIONS = {
    "success": "passed",
    "neutral": "passed",
    "skipped": "passed",
    "failure": "failed",
    "timed_out": "failed",
    "cancelled": "failed",
    "action_required": "failed",
}
STATES: list[tuple[Told, dict[str, str]]] = [
    *((run("a", word), {"a": state}) for word, state in CONCLUSIONS.items()),
    *((workflow("a", word), {"a": state}) for word, state in CONCLUSIONS.items()),
    # Octokit's schemas do not know that a suite may be skipped.
    *((suite(word), {LINTER: state}) for word, state in CONCLUSIONS.items() if word != "skipped"),
    (run("a", "queued"), {"a": "running"}),
    (run("a", "in_progress"), {"a": "running"}),
    (workflow("a", "queued"), {"a": "running"}),
    # GitHub opens a suite for each app, wanted or not: it counts when it is completed.
    (suite("queued"), {}),
    (status("a", "success"), {"a": "passed"}),
    (status("a", "failure"), {"a": "failed"}),
    (status("a", "error"), {"a": "failed"}),
    (status("a", "pending"), {"a": "running"}),
    (deployment("prod", "success"), {"deployment to prod": "passed"}),
    (deployment("prod", "failure"), {"deployment to prod": "failed"}),
    (deployment("prod", "error"), {"deployment to prod": "failed"}),
    (deployment("prod", "pending"), {"deployment to prod": "running"}),
    (deployment("prod", "in_progress"), {"deployment to prod": "running"}),
    (deployment("prod", "queued"), {"deployment to prod": "running"}),
    (deployment("prod", "waiting"), {"deployment to prod": "running"}),
]


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        pytest.param(told, shown, id=f"{told[0]}-{index}-{'-'.join(shown.values())}")
        for index, (told, shown) in enumerate(STATES)
    ],
)
def test_each_event_tells_of_a_check(told: Told, shown: dict[str, str]) -> None:
    assert seen(told) == shown


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("deployment_status", sample.deployment("prod", "success")),
        ("check_suite", sample.suite("success")),
        ("check_run", sample.run("a", "success")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_word_of_tomorrow_raises_nothing(event: str, payload: dict[str, Any]) -> None:
    holder = payload[event]
    for name in {"state", "status", "conclusion"} & set(holder):
        changed = payload | {event: holder | {name: "teleported"}}
        assert checks.delta(delivery(event, changed)) is None or seen_unchecked(event, changed)


def seen_unchecked(event: str, payload: dict[str, Any]) -> tuple[Check, ...]:
    news = checks.delta(delivery(event, payload))
    assert news is not None
    return checks.view(dict(news.checks))


GREEN_RUN, RED_RUN = run("build", "success"), run("build", "failure")

COUNTS: list[tuple[str, list[Told], dict[str, str]]] = [
    ("begun and ended", [run("build", "in_progress"), GREEN_RUN], {"build": "passed"}),
    (
        "of one second",
        [run("build", "queued"), run("build", "in_progress"), RED_RUN],
        {"build": "failed"},
    ),
    ("run again", [RED_RUN, run("build", "in_progress", at=LATER)], {"build": "running"}),
    ("run again, green", [RED_RUN, run("build", "success", at=LATER)], {"build": "passed"}),
    ("two jobs", [GREEN_RUN, run("lint", "failure")], {"build": "passed", "lint": "failed"}),
    (
        "a suite stands back behind its runs",
        [suite("failure"), GREEN_RUN],
        {"build": "passed"},
    ),
    (
        "another suite does not",
        [suite("failure", number=11), GREEN_RUN],
        {"build": "passed", LINTER: "failed"},
    ),
    ("a workflow stands back behind its runs", [workflow("CI", "failure"), GREEN_RUN], {"build": "passed"}),
    (
        "unless it is running: more jobs may come",
        [workflow("CI", "queued"), GREEN_RUN],
        {"build": "passed", "CI": "running"},
    ),
    (
        "a suite stands back behind its workflow",
        [suite("failure"), workflow("CI", "success")],
        {"CI": "passed"},
    ),
    (
        "the three together",
        [suite("success"), workflow("CI", "success"), run("build", "failure")],
        {"build": "failed"},
    ),
    (
        "a workflow started again",
        [workflow("CI", "failure"), workflow("CI", "queued", at=LATER)],
        {"CI": "running"},
    ),
    (
        "two workflows",
        [workflow("CI", "failure"), workflow("Docs", "success", number=34, suite=12)],
        {"CI": "failed", "Docs": "passed"},
    ),
    ("a status again", [status("ci", "failure"), status("ci", "success", at=LATER)], {"ci": "passed"}),
    ("a status of one second", [status("ci", "pending"), status("ci", "success")], {"ci": "passed"}),
    (
        "two statuses",
        [status("ci", "failure"), status("cla", "success")],
        {"ci": "failed", "cla": "passed"},
    ),
    (
        "two environments",
        [deployment("prod", "failure"), deployment("stage", "success")],
        {"deployment to prod": "failed", "deployment to stage": "passed"},
    ),
]


@pytest.mark.parametrize(("told", "shown"), [pytest.param(*row, id=name) for name, *row in COUNTS])
def test_what_counts_is_the_newest_of_each(told: list[Told], shown: dict[str, str]) -> None:
    assert seen(*told) == shown


def test_checks_are_by_name_with_links_and_what_runs_them_again() -> None:
    jobs = (run("lint", "failure"), run("Build", "success"))
    assert checks.view(gathered((*jobs, workflow("CI", "failure"), status("cla", "error")))) == (
        Check(name="Build", state="passed", url=f"{REPOSITORY}/runs/Build", run_id=33, suite_id=10),
        Check(name="cla", state="failed", url="https://ci.example/cla"),
        Check(name="lint", state="failed", url=f"{REPOSITORY}/runs/lint", run_id=33, suite_id=10),
    )


@pytest.mark.parametrize(
    ("told", "numbers"),
    [
        (run("a", "success", numbers=(2, 5)), (2, 5)),
        (run("a", "success", numbers=()), ()),
        (suite("success", numbers=(2,)), (2,)),
        (workflow("a", "success"), ()),
        (status("a", "success"), ()),
        (deployment("prod", "success"), ()),
    ],
    ids=str,
)
def test_the_commit_is_told_and_the_pull_requests_if_github_names_them(
    told: Told, numbers: tuple[int, ...]
) -> None:
    news = checks.delta(delivery(*told))
    assert news is not None
    assert (news.sha, news.numbers) == (SHA, numbers)


def test_a_null_among_the_pull_requests_is_none_of_them() -> None:
    """As GitHub's OpenAPI description has it for `workflow_run`."""
    payload = sample.workflow("a", "success", pull_requests=[None, {"number": 2}])
    news = checks.delta(delivery("workflow_run", payload))
    assert news is not None
    assert news.numbers == (2,)


@pytest.mark.parametrize("event", ["push", "pull_request", "ping", "check", ""])
def test_other_events_tell_of_no_checks(event: str) -> None:
    assert checks.delta(delivery(event, {})) is None


VERDICTS: list[tuple[str, Verdict]] = [
    ("", "none"),
    ("p", "passed"),
    ("pp", "passed"),
    ("r", "running"),
    ("pr", "running"),
    ("f", "failed"),
    ("pf", "failed"),
    ("rf", "failed"),
    ("prf", "failed"),
]


@pytest.mark.parametrize(("states", "verdict"), VERDICTS)
def test_one_failure_is_a_failure_also_while_others_run(states: str, verdict: Verdict) -> None:
    words: dict[str, Any] = {"p": "passed", "r": "running", "f": "failed"}
    for order in (states, states[::-1]):
        assert checks.verdict(tuple(Check(name=one, state=words[one]) for one in order)) == verdict


EVERY = [
    *(
        run(name, state, at=at)
        for name in "ab"
        for state in ("queued", "success", "failure")
        for at in (NOON, LATER)
    ),
    *(status("ci", state) for state in ("pending", "success", "failure")),
    *(workflow("CI", state, at=at) for state in ("queued", "success") for at in (NOON, LATER)),
    *(suite(state) for state in ("success", "failure")),
]


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(range(len(EVERY))), repeats=st.lists(st.integers(0, len(EVERY) - 1), max_size=6))
def test_any_order_and_repetition_ends_in_the_same_checks(order: list[int], repeats: list[int]) -> None:
    parts = [checks.delta(delivery(*EVERY[index])) for index in [*order, *repeats]]
    known: dict[str, LwwRegister] = {}
    for part in parts:
        known = checks.merge(known, part.checks if part else {})
    assert known == EXPECTED


EXPECTED: dict[str, LwwRegister] = {}
for one in EVERY:
    EXPECTED = checks.merge(EXPECTED, told.checks if (told := checks.delta(delivery(*one))) else {})


def test_of_very_many_checks_the_newest_are_kept() -> None:
    known: dict[str, LwwRegister] = {}
    for index in range(checks.MAX_KEPT + 3):
        at = f"2026-03-10T12:{index // 60:02}:{index % 60:02}Z"
        known = checks.merge(known, {f"status:{index}": LwwRegister(at, 1, {})})
    assert len(known) == checks.MAX_KEPT
    assert "status:2" not in known
    assert "status:3" in known
