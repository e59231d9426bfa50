"""The checks of a commit: each event's word on them, what counts, and what they add up to."""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.model import Delivery
from bridge.core.pulls import checks, current_checks
from bridge.core.pulls.checks import Verdict
from bridge.core.pulls.lww import LwwRegister
from bridge.core.pulls.model import Check
from tests.kits.core import check_samples as sample
from tests.kits.core.pipeline import delivery
from tests.kits.core.samples import REPOSITORY, SHA, checked

Told = tuple[str, dict[str, Any]]
LINTER = sample.LINTER
NOON, LATER = "2026-03-10T12:00:00Z", "2026-03-10T12:00:01Z"


def seen(*deliveries: Told) -> dict[str, str]:
    """The checks after deliveries, by name; they come to the same in the other order."""
    one, other = gathered(deliveries), gathered(deliveries[::-1])
    assert checks.view(one) == checks.view(other)
    found: dict[str, str] = {}
    for check in checks.view(one):
        name = f"{check.name}{'' if check.is_counted else ' (aside)'}"
        found[name] = f"{found[name]}, {check.state}" if name in found else check.state
    return found


def gathered(deliveries: tuple[Told, ...]) -> dict[str, LwwRegister]:
    known: dict[str, LwwRegister] = {}
    for event, payload in deliveries:
        # GitHub's schema knows no deployment that becomes inactive; its documentation does.
        is_known = payload.get("deployment_status", {}).get("state") != "inactive"
        news = checks.delta(delivery(event, checked(event, payload) if is_known else payload))
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


def review(action: str, **about: Any) -> Told:
    return ("deployment_review", sample.review(action, **about))


def deployment(environment: str, state: str, **about: Any) -> Told:
    return ("deployment_status", sample.deployment(environment, state, **about))


CONCLUSIONS = {
    "success": "passed",
    "neutral": "neutral",
    "skipped": "skipped",
    "failure": "failed",
    "timed_out": "failed",
    "cancelled": "failed",
    "action_required": "waiting",
}
OF_ANOTHER_APP = CONCLUSIONS | {"action_required": "failed"}
"""Only workflows wait for a maintainer; what another app requires is for the author to do."""

STATES: list[tuple[Told, dict[str, str]]] = [
    *((run("a", word), {"a": state}) for word, state in CONCLUSIONS.items()),
    *((workflow("a", word), {"a": state}) for word, state in CONCLUSIONS.items()),
    # Octokit's schemas do not know that a suite may be skipped.
    *((suite(word), {LINTER: state}) for word, state in OF_ANOTHER_APP.items() if word != "skipped"),
    *((run("a", word, app=LINTER), {"a": state}) for word, state in OF_ANOTHER_APP.items()),
    (suite("action_required", app=sample.ACTIONS), {sample.ACTIONS: "waiting"}),
    (run("a", "queued"), {"a": "running"}),
    (run("a", "in_progress"), {"a": "running"}),
    (workflow("a", "queued"), {"a": "running"}),
    # GitHub opens a suite for each app, wanted or not: it counts when it is completed.
    (suite("queued"), {}),
    (status("a", "success"), {"a": "passed"}),
    (status("a", "failure"), {"a": "failed"}),
    (status("a", "error"), {"a": "failed"}),
    (status("a", "pending"), {"a": "running"}),
    (deployment("prod", "success"), {"prod": "passed"}),
    (deployment("prod", "failure"), {"prod": "failed"}),
    (deployment("prod", "error"), {"prod": "failed"}),
    (deployment("prod", "pending"), {}),
    (deployment("prod", "in_progress"), {}),
    (deployment("prod", "queued"), {}),
    (deployment("prod", "waiting"), {"prod": "waiting"}),
    (deployment("prod", "inactive"), {}),
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
UNIT, E2E = workflow("Unit", "success", number=33), workflow("E2E", "success", number=34, suite=12)
CI, CI_AGAIN = {"workflow_id": 7}, {"workflow_id": 7, "number": 44, "suite": 20}
SOONER = "2026-03-10T11:00:00Z"

COUNTS: list[tuple[str, list[Told], dict[str, str]]] = [
    ("begun and ended", [run("build", "in_progress"), GREEN_RUN], {"build": "passed"}),
    ("of one second", [run("build", "queued"), run("build", "in_progress"), RED_RUN], {"build": "failed"}),
    (
        "an end counts over its beginning, whatever the times say",
        [run("build", "queued", at=LATER, id=5), run("build", "failure", at=SOONER, id=5)],
        {"build": "failed"},
    ),
    (
        "a run that was given another name",
        [run("build", "queued", id=5), run("Build all", "success", id=5, at=LATER)],
        {"Build all": "passed"},
    ),
    ("run again", [RED_RUN, run("build", "in_progress", at=LATER)], {"build": "running"}),
    ("run again, green", [RED_RUN, run("build", "success", at=LATER)], {"build": "passed"}),
    ("two jobs", [GREEN_RUN, run("lint", "failure")], {"build": "passed", "lint": "failed"}),
    (
        "two apps with a check of one name",
        [run("build", "failure"), run("build", "success", app=LINTER, suite=11, at=LATER)],
        {"build": "failed, passed"},
    ),
]

# Two workflows, each with a job of the same name
COUNTS += [
    (
        "two workflows with a job of one name",
        [UNIT, E2E, run("test", "failure"), run("test", "success", suite=12, at=LATER)],
        {"Unit / test": "failed", "E2E / test": "passed"},
    ),
    (
        "one of them is heard of only by its job",
        [UNIT, run("test", "failure"), run("test", "success", suite=12, at=LATER)],
        {"Unit / test": "failed", "test": "passed"},
    ),
    (
        "a workflow that was given another name",
        [workflow("CI", "failure", **CI), workflow("Tests", "success", at=LATER, **CI_AGAIN)],
        {"Tests": "passed"},
    ),
]

# A newer run of a workflow replaces the older whole
CANCELLED = [
    workflow("CI", "cancelled", **CI),
    run("build", "cancelled"),
    suite("cancelled", app=sample.ACTIONS),
]
AGAIN = [
    workflow("CI", "success", at=LATER, **CI_AGAIN),
    run("build", "success", suite=20, at=LATER),
    suite("success", number=20, app=sample.ACTIONS, at=LATER),
]
COUNTS += [
    ("cancelled", CANCELLED, {"build": "failed"}),
    ("cancelled, and run anew", [*CANCELLED, *AGAIN], {"build": "passed"}),
    ("cancelled before a job began", [*CANCELLED[::2], *AGAIN], {"build": "passed"}),
    ("run anew, jobs not heard of yet", [*CANCELLED, AGAIN[0]], {"CI": "passed"}),
    (
        "the older failed a job that the newer has not",
        [workflow("CI", "failure", **CI), run("old job", "failure"), *AGAIN],
        {"build": "passed"},
    ),
    (
        "by another event: neither replaces the other",
        [
            workflow("CI", "failure", event="push", **CI),
            run("build", "failure"),
            workflow("CI", "success", event="pull_request", at=LATER, **CI_AGAIN),
            run("build", "success", suite=20, at=LATER),
        ],
        {"CI / build": "failed, passed"},
    ),
    (
        "on another branch: neither replaces the other",
        [
            workflow("CI", "failure", head_branch="a", **CI),
            workflow("CI", "success", head_branch="b", at=LATER, **CI_AGAIN),
        ],
        {"CI": "failed, passed"},
    ),
    (
        "of an app without workflows, a newer suite replaces the older",
        [suite("failure", number=10), suite("success", number=11, at=LATER)],
        {LINTER: "passed"},
    ),
    (
        "of an app without workflows, a newer run of a newer suite replaces the older",
        [run("lint", "failure", app=LINTER), run("lint", "success", app=LINTER, suite=11, at=LATER)],
        {"lint": "passed"},
    ),
]

# A workflow or suite is not counted beside its own runs
COUNTS += [
    ("a suite and its runs", [suite("success"), GREEN_RUN], {"build": "passed"}),
    ("a suite and one of its runs that failed", [suite("failure"), RED_RUN], {"build": "failed"}),
    ("a suite of which no run failed", [suite("failure"), GREEN_RUN], {"build": "passed", LINTER: "failed"}),
    (
        "another suite",
        [suite("failure", number=11), GREEN_RUN],
        {"build": "passed", LINTER: "failed"},
    ),
    ("a workflow and its job that failed", [workflow("CI", "failure"), RED_RUN], {"build": "failed"}),
    (
        "a workflow failed, and of its job's failure nothing was heard",
        [workflow("CI", "failure"), GREEN_RUN],
        {"build": "passed", "CI": "failed"},
    ),
    (
        "a job was run again since its workflow failed",
        [workflow("CI", "failure"), RED_RUN, run("build", "success", at=LATER)],
        {"build": "passed"},
    ),
    (
        "one failed while its workflow runs",
        [workflow("CI", "in_progress"), RED_RUN],
        {"build": "failed", "CI (aside)": "running"},
    ),
    (
        "two run in a workflow that runs",
        [workflow("CI", "in_progress"), run("build", "queued"), run("lint", "queued")],
        {"build": "running", "lint": "running", "CI (aside)": "running"},
    ),
    (
        "more jobs may come",
        [workflow("CI", "queued"), GREEN_RUN],
        {"build": "passed", "CI (aside)": "running"},
    ),
    (
        "a workflow's end got lost, and its suite's did not",
        [workflow("CI", "queued"), GREEN_RUN, suite("success", at=LATER)],
        {"build": "passed"},
    ),
    (
        "a job's end got lost, and its workflow's did not",
        [workflow("CI", "success", at=LATER), run("build", "in_progress")],
        {"CI": "passed"},
    ),
    (
        "a job's end got lost, and its suite's did not",
        [suite("failure", at=LATER), run("build", "in_progress", app=LINTER)],
        {LINTER: "failed"},
    ),
    ("a suite and its workflow", [suite("failure"), workflow("CI", "success")], {"CI": "passed"}),
    (
        "a workflow started again",
        [workflow("CI", "failure"), workflow("CI", "queued", at=LATER, run_attempt=2)],
        {"CI": "running"},
    ),
    (
        "a workflow's end of one attempt, whatever the times say",
        [workflow("CI", "queued", at=LATER), workflow("CI", "failure", at=SOONER)],
        {"CI": "failed"},
    ),
    (
        "two workflows",
        [workflow("CI", "failure"), workflow("Docs", "success", number=34, suite=12)],
        {"CI": "failed", "Docs": "passed"},
    ),
]

# A maintainer has to allow it
COUNTS += [
    (
        "asked for, and waiting",
        [workflow("CI", "queued"), workflow("CI", "action_required")],
        {"CI": "waiting"},
    ),
    (
        "allowed",
        [workflow("CI", "action_required"), workflow("CI", "in_progress", at=LATER)],
        {"CI": "running"},
    ),
    (
        "allowed, and its suite's wait was told, too",
        [
            workflow("CI", "action_required"),
            suite("action_required", app=sample.ACTIONS),
            workflow("CI", "in_progress", updated_at=LATER),
        ],
        {"CI": "running"},
    ),
    (
        "a workflow's wait got lost, and its suite's did not",
        [workflow("CI", "queued"), suite("action_required", app=sample.ACTIONS, at=LATER)],
        {"CI": "waiting"},
    ),
    (
        "allowed, and over",
        [
            workflow("CI", "action_required"),
            suite("action_required", app=sample.ACTIONS),
            workflow("CI", "failure", at=LATER),
            run("build", "failure", at=LATER),
        ],
        {"build": "failed"},
    ),
]


@pytest.mark.parametrize(
    ("branch", "number"),
    [
        (f"gh-readonly-queue/main/pr-42-{SHA}", 42),
        (f"gh-readonly-queue/release/1.0/pr-7-{SHA}", 7),
        (f"gh-readonly-queue/main/pr-0-{SHA}", 0),
        (f"gh-readonly-queue/main/pr-42-{SHA}x", 0),
        (f"my/gh-readonly-queue/main/pr-42-{SHA}", 0),
        ("fix", 0),
        (None, 0),
    ],
)
def test_a_queues_commit_is_found_by_its_branch(branch: str | None, number: int) -> None:
    for event, thing in (
        ("check_run", {"check_suite": {"head_branch": branch}}),
        ("check_suite", {"head_branch": branch}),
        ("workflow_run", {"head_branch": branch}),
    ):
        assert checks.queued_number(Delivery.of("d", event, {event: thing})) == number
    assert checks.queued_number(Delivery.of("d", "status", {"state": "success"})) == 0


# Statuses and deployments
COUNTS += [
    ("a status again", [status("ci", "failure"), status("ci", "success", at=LATER)], {"ci": "passed"}),
    ("a status of one second", [status("ci", "pending"), status("ci", "success")], {"ci": "passed"}),
    ("two statuses", [status("ci", "failure"), status("cla", "success")], {"ci": "failed", "cla": "passed"}),
    (
        "two jobs of one name in one run",
        [workflow("CI", "success"), run("test", "success", id=1), run("test", "failure", id=2)],
        {"CI / test": "failed, passed"},
    ),
    (
        "run again, one of two jobs of one name",
        [
            run("test", "failure", id=1),
            run("test", "success", id=2),
            workflow("CI", "success", at=LATER, run_attempt=2),
            run("test", "success", id=3, at=LATER),
        ],
        {"test": "passed"},
    ),
    (
        "two environments",
        [deployment("prod", "failure"), deployment("stage", "success")],
        {"prod": "failed", "stage": "passed"},
    ),
    (
        "a deployment's end counts over its beginning",
        [deployment("prod", "success"), deployment("prod", "in_progress", at=LATER)],
        {"prod": "passed"},
    ),
    (
        "a deployment that was approved",
        [deployment("prod", "waiting"), deployment("prod", "in_progress", at=LATER)],
        {},
    ),
    ("inactive", [deployment("prod", "in_progress"), deployment("prod", "inactive", at=LATER)], {}),
    (
        "inactive after it ended",
        [deployment("prod", "success"), deployment("prod", "inactive", at=LATER)],
        {},
    ),
    ("a review is asked for", [review("requested")], {"prod": "waiting"}),
    ("a review is over", [deployment("prod", "waiting"), review("requested"), review("approved")], {}),
    ("a review is over, and was asked for", [review("rejected"), review("requested")], {}),
    ("another attempt waits", [review("approved"), review("requested", run_attempt=2)], {"prod": "waiting"}),
    ("reviewed and deployed", [review("requested"), deployment("prod", "success")], {"prod": "passed"}),
    (
        "two environments that wait",
        [review("requested"), deployment("stage", "waiting"), review("approved")],
        {"stage": "waiting"},
    ),
]


@pytest.mark.parametrize(("told", "shown"), [pytest.param(*row, id=name) for name, *row in COUNTS])
def test_the_newest_of_each_check_counts(told: list[Told], shown: dict[str, str]) -> None:
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


def played(told: Iterable[Told]) -> dict[str, LwwRegister]:
    """The checks after deliveries, which are not looked at by themselves."""
    known: dict[str, LwwRegister] = {}
    for one in told:
        if news := checks.delta(delivery(*one)):
            known = checks.merge(known, news.checks)
    return known


EXPECTED = played(EVERY)


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(range(len(EVERY))), repeats=st.lists(st.integers(0, len(EVERY) - 1), max_size=6))
def test_any_order_and_repetition_ends_in_the_same_checks(order: list[int], repeats: list[int]) -> None:
    assert played(EVERY[index] for index in [*order, *repeats]) == EXPECTED


END = st.sampled_from(["success", "failure", "cancelled", "timed_out", "skipped", "neutral"])


@dataclass(repr=False)
class Story:
    """Deliveries, and whether what counts in the end failed. Without its long payloads in a report."""

    told: list[Told]
    fails: bool


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Two workflows with equal job names, each with two jobs of one name, in up to two runs and attempts."""
    told: list[Told] = []
    fails, second = False, 0
    for which, name in enumerate(("Unit", "E2E")):
        runs = draw(st.integers(1, 2))
        for number in range(runs):
            ends: dict[str, str] = {}
            suite_id = 10 * which + number + 100
            about = {"workflow_id": which + 1, "number": suite_id + 1000, "suite": suite_id}
            for attempt in range(1, draw(st.integers(1, 2)) + 1):
                again = [job for job in ("test", "test too", "lint") if ends.get(job, "failure") in FAILS]
                if not again:
                    break
                second += 10
                called = draw(st.sampled_from([name, f"{name}, renamed"]))
                begun = f"2026-03-10T12:{second // 60:02}:{second % 60:02}Z"
                over = f"2026-03-10T12:{(second + 5) // 60:02}:{(second + 5) % 60:02}Z"
                told.append(workflow(called, "queued", at=begun, run_attempt=attempt, **about))
                for at, job in enumerate(again):
                    ends[job] = draw(END)
                    known = {"suite": suite_id, "at": begun, "id": 1000 * (suite_id + second) + at}
                    told.append(run(job.removesuffix(" too"), "queued", **known))
                    told.append(run(job.removesuffix(" too"), ends[job], **known))
                worst = "failure" if FAILS & set(ends.values()) else "success"
                times = {"run_started_at": begun, "updated_at": over, "run_attempt": attempt}
                told.append(workflow(called, worst, **about, **times))
                told.append(suite(worst, number=suite_id, at=over, app=sample.ACTIONS))
            if number == runs - 1:
                fails = fails or bool(FAILS & set(ends.values()))
    return Story(told, fails)


FAILS = {"failure", "cancelled", "timed_out"}


@settings(max_examples=60, deadline=None)
@given(story=stories(), seed=st.randoms(use_true_random=False))
def test_no_order_repetition_or_rename_makes_a_failed_check_green_or_running(
    story: Story, seed: Random
) -> None:
    order = [*story.told, *seed.sample(story.told, min(5, len(story.told)))]
    seed.shuffle(order)
    assert checks.verdict(checks.view(played(order))) == ("failed" if story.fails else "passed")


@settings(max_examples=60, deadline=None)
@given(story=stories(), bound=st.integers(4, 8))
def test_no_bound_makes_a_failed_check_green_or_running(story: Story, bound: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(current_checks, "MAX_KEPT", bound)
        assert checks.verdict(checks.view(played(story.told))) == ("failed" if story.fails else "passed")


def test_the_harmless_of_very_many_checks_are_dropped_first_and_noted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(current_checks, "MAX_KEPT", 3)
    told = [status("ci", "failure"), status("cd", "pending")]
    told += [status(name, "success", at=f"2026-03-10T12:00:0{index}Z") for index, name in enumerate("abcd")]
    for order in (told, told[::-1]):
        shown = checks.view(played(order))
        assert {check.name: check.state for check in shown if check.state != "passed"} == {
            "ci": "failed",
            "cd": "running",
        }
        assert Check(name="and more passed", state="passed", is_counted=False) in shown
        assert len(shown) <= 4


def test_a_note_stays_of_failures_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_checks, "MAX_KEPT", 2)
    monkeypatch.setattr(current_checks, "MAX_SERIOUS", 2)
    told = [status(name, "failure") for name in "abc"]
    told += [status(name, "success", at=LATER) for name in "abc"]
    assert checks.verdict(checks.view(played(told))) == "failed"


def test_a_note_stays_of_running_checks_beyond_the_limit_until_all_are_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(current_checks, "MAX_KEPT", 2)
    monkeypatch.setattr(current_checks, "MAX_SERIOUS", 2)
    told = [status(name, "pending") for name in "abc"]
    begun = checks.view(played(told))
    assert Check(name="and more running", state="running", is_counted=False) in begun
    assert len(begun) == 3
    over = checks.view(played([*told, *(status(name, "success", at=LATER) for name in "abc")]))
    assert checks.verdict(over) == "passed"
    assert "and more running" not in {check.name for check in over}
