"""Messages about checks: once their sum changes, never one for each job."""

from typing import Any

import pytest

from tests.kits.core import check_samples as sample
from tests.kits.core import page
from tests.kits.core.pipeline import Bridge, connection, satisfies_flowdock, tagged
from tests.kits.core.row import OPENED, Told
from tests.kits.core.samples import REPOSITORY, on_pull, pull

NEXT = "a" * 40
LATER, LAST = "2026-03-10T12:00:01Z", "2026-03-10T12:00:02Z"


def run(name: str, state: str, **about: Any) -> Told:
    return ("check_run", sample.run(name, state, **about))


def workflow(state: str, **about: Any) -> Told:
    return ("workflow_run", sample.workflow("CI", state, **about))


def pushed() -> Told:
    head = {**pull()["head"], "sha": NEXT}
    payload = on_pull("synchronize", pull(updated_at=LATER, head=head), before="x", after=NEXT)
    return ("pull_request", payload)


START, GREEN, RED = run("build", "in_progress"), run("build", "success"), run("build", "failure")
AGAIN, MENDED = run("build", "in_progress", at=LATER), run("build", "success", at=LATER)
RED_AGAIN = run("build", "failure", at=LATER)
SUITE: Told = ("check_suite", sample.suite("failure", app=sample.ACTIONS))
ALL_GREEN = "passed: all green"

STORIES: list[tuple[str, list[Told], list[str]]] = [
    ("they run", [START, run("lint", "queued")], []),
    ("all green", [START, GREEN], [ALL_GREEN]),
    (
        "all green, job by job",
        [
            *(run(name, "queued") for name in "abcde"),
            *(run(name, "success") for name in "abcde"),
        ],
        [ALL_GREEN],
    ),
    ("the first failure", [START, run("lint", "in_progress"), RED], ["failed: build"]),
    (
        "more failures, once all is over",
        [RED, run("lint", "in_progress"), run("test", "failure"), run("lint", "failure")],
        ["failed: build", "failed: build, lint, test"],
    ),
    (
        "one failed and the rest went on",
        [run("lint", "in_progress"), RED, run("lint", "success")],
        ["failed: build", "failed: build"],
    ),
    (
        "failed, run again, recovered",
        [RED, AGAIN, MENDED],
        ["failed: build", "Re-running 1 check", "recovered, flaky: all green"],
    ),
    (
        "failed beside another, run again, recovered",
        [run("lint", "failure"), RED, AGAIN, run("lint", "success", at=LATER), MENDED],
        ["failed: lint", "failed: build, lint", "Re-running 1 check", "recovered, flaky: all green"],
    ),
    (
        "cancelled, run again, recovered",
        [run("build", "cancelled"), AGAIN, MENDED],
        ["failed: build", "Re-running 1 check", "recovered: all green"],
    ),
    (
        "failed, and a newer run of its workflow is green without it",
        [
            *(RED, workflow("failure")),
            *(
                run("test", "success", suite=20, at=LATER),
                workflow("success", workflow_id=33, number=34, suite=20, at=LATER),
            ),
        ],
        ["failed: build", "Now available: Re-run failed checks", "recovered: all green"],
    ),
    (
        "failed, pushed, failed otherwise, and green",
        [
            *(RED, pushed(), run("build", "success", sha=NEXT), run("lint", "failure", sha=NEXT)),
            run("lint", "skipped", sha=NEXT, at=LATER),
        ],
        ["failed: build", "recovered: all green", "failed: lint", "recovered: all green"],
    ),
    (
        "failed, run again, failed again",
        [RED, AGAIN, RED_AGAIN],
        ["failed: build", "Re-running 1 check", "failed again: build"],
    ),
    (
        "failed, run again twice within a minute",
        [RED, AGAIN, RED_AGAIN, run("build", "in_progress", at=LAST), run("build", "success", at=LAST)],
        [
            "failed: build",
            "Re-running 1 check",
            "failed again: build",
            "Re-running 1 check",
            "recovered, flaky: all green",
        ],
    ),
    (
        "two failed and run again",
        [
            *(run("lint", "in_progress"), RED, run("lint", "failure")),
            *(AGAIN, run("lint", "in_progress", at=LATER)),
        ],
        ["failed: build", "failed: build, lint", "Re-running 2 checks"],
    ),
    ("a suite whose run comes after it", [SUITE, RED], [f"failed: {sample.ACTIONS}", "failed: build"]),
    (
        "a suite whose run comes after it, while another app runs",
        [run("docs", "in_progress", app=sample.LINTER, suite=11), SUITE, RED],
        [f"failed: {sample.ACTIONS}", "failed: build"],
    ),
    ("a suite that comes after its run", [RED, SUITE], ["failed: build"]),
    ("only skipped", [run("build", "skipped")], ["passed: 1 skipped"]),
    (
        "waiting for a maintainer, then allowed and green",
        [workflow("action_required"), workflow("in_progress", at=LATER), workflow("success", at=LAST)],
        [
            "awaiting approval: CI",
            "Buttons: Assign to me, Close, Approve, Request my review, Merge, Squash",
            ALL_GREEN,
        ],
    ),
    (
        "green, then one fails",
        [GREEN, run("lint", "failure")],
        [ALL_GREEN, "failed: lint"],
    ),
    ("green, one more green", [GREEN, run("lint", "in_progress"), run("lint", "success")], [ALL_GREEN]),
    ("told again", [RED, RED], ["failed: build"]),
    (
        "green after a push that mends it",
        [RED, pushed(), run("build", "success", sha=NEXT)],
        ["failed: build", "recovered: all green"],
    ),
    (
        "green again after a push",
        [GREEN, pushed(), run("build", "success", sha=NEXT)],
        [ALL_GREEN, ALL_GREEN],
    ),
    (
        "red again after a push",
        [RED, pushed(), run("build", "failure", sha=NEXT)],
        ["failed: build", "failed: build"],
    ),
    ("of the commit before the push", [pushed(), RED], []),
    ("of no commit that is known", [run("build", "failure", sha="f" * 40)], []),
    (
        "a running workflow holds the green back",
        [workflow("queued"), GREEN, workflow("success")],
        [ALL_GREEN],
    ),
]


@pytest.mark.parametrize(("told", "said"), [pytest.param(*row, id=name) for name, *row in STORIES])
def test_only_a_turn_of_the_sum_is_told(told: list[Told], said: list[str]) -> None:
    bridge = Bridge().play([OPENED])
    messages = []
    for event, payload in told:
        message = bridge.says(event, payload)
        satisfies_flowdock(message, bridge.thread())
        if message and message.author.name == "Checks":
            messages.append(page.text(message.title))
    assert messages == said


def test_checks_that_come_before_the_push_show_after_it() -> None:
    bridge = Bridge().play([OPENED])
    assert bridge.says(*run("build", "failure", sha=NEXT)) is None
    bridge.tell(*pushed())
    assert bridge.fields()["Checks"] == "✗ 1 failed: build"


def test_checks_of_a_fork_find_their_pull_request_by_its_head() -> None:
    """GitHub names no pull request for a fork's commit."""
    bridge = Bridge().play([OPENED])
    message = bridge.says(*run("build", "failure", numbers=()))
    assert message is not None
    assert page.text(message.title) == "failed: build"


def test_one_commit_may_be_the_head_of_two_pull_requests() -> None:
    second = pull(number=5, html_url=f"{REPOSITORY}/pull/5")
    bridge = Bridge().play([OPENED, ("pull_request", on_pull("opened", second) | {"number": 5})])
    out = bridge.tell(*run("build", "failure", numbers=()))
    assert sorted(one.number for one in out) == [2, 5]
    assert len({one.uuid for one in out}) == 2


def test_the_failed_are_linked_and_the_rest_counted() -> None:
    bridge = Bridge().play([OPENED])
    bridge.play([run(name, "queued") for name in "abcdef"])
    # They fail together: told when the first of them does, with what has failed by then.
    message = bridge.says("check_run", sample.run("a", "failure"))
    assert message is not None
    assert message.title == f'failed: <a href="{REPOSITORY}/runs/a">a</a>'
    late = Bridge().play([run(name, "failure") for name in "abcde"]).play([OPENED])
    told = late.says(*run("f", "failure"))
    assert told is not None
    assert page.text(told.title) == "failed: a, b, c and 3 more"


def test_a_closed_pull_request_is_left_in_peace() -> None:
    closed = on_pull("closed", pull(state="closed", updated_at=LATER))
    bridge = Bridge().play([OPENED, ("pull_request", closed)])
    assert bridge.says(*RED) is None
    assert bridge.fields()["Checks"] == "✗ 1 failed: build"


def test_when_it_fails_its_author_is_told() -> None:
    """It was ann's turn before, then that of the checks."""
    bridge = Bridge().play([OPENED, START])
    assert bridge.fields()["Turn"] == "checks (running)"
    message = bridge.says(*RED)
    assert message is not None
    assert tagged(message) == ("ann",)
    assert bridge.fields()["Turn"] == "ann (checks failed)"


def test_without_the_group_checks_are_shown_and_not_told() -> None:
    bridge = Bridge(connection(groups=("reviews",))).play([OPENED])
    assert bridge.says(*RED) is None
    assert bridge.fields()["Checks"] == "✗ 1 failed: build"


# Deployments and their reviews


def review(action: str, **about: Any) -> Told:
    return ("deployment_review", sample.review(action, **about))


def deployment(state: str) -> Told:
    return ("deployment_status", sample.deployment("prod", state))


ASKED, WAITS = "awaiting approval by admins: prod", "awaiting approval: prod"
REVIEWS: list[tuple[str, list[Told], list[str]]] = [
    (
        "requested, whoever tells it twice",
        [review("requested"), deployment("waiting"), review("requested")],
        [ASKED],
    ),
    ("the wait comes first", [deployment("waiting"), review("requested")], [WAITS, ASKED]),
    (
        "approved",
        [review("requested"), review("approved", comment="Go <b>on</b>"), deployment("success")],
        [ASKED, "Approved the deployment to prod", "succeeded: prod"],
    ),
    (
        "it waits again",
        [review("requested"), review("approved"), review("requested")],
        [ASKED, "Approved the deployment to prod", ASKED],
    ),
    (
        "rejected, which is why it fails",
        [review("requested"), review("rejected"), deployment("failure")],
        [ASKED, "Rejected the deployment to prod"],
    ),
    (
        "several at once",
        [review("approved", workflow_job_runs=[{"environment": one} for one in "dbca"])],
        ["Approved the deployment to a, b, c and 1 more"],
    ),
    ("nobody is named", [review("requested", reviewers=[])], [WAITS]),
    ("of a commit that is no head", [review("approved", sha=NEXT)], []),
    ("without a workflow", [review("approved", workflow_run=None)], []),
    ("what GitHub may add", [review("commented")], []),
]


@pytest.mark.parametrize(
    ("deliveries", "expected"), [pytest.param(told, said, id=name) for name, told, said in REVIEWS]
)
def test_a_review_of_a_deployment_names_its_author_and_environment(
    deliveries: list[Told], expected: list[str]
) -> None:
    bridge, said = Bridge().play([OPENED]), []
    for told in deliveries:
        message = bridge.says(*told)
        satisfies_flowdock(message, bridge.thread())
        if message:
            said.append(page.text(message.title))
    assert said == expected


def test_a_person_who_is_asked_to_approve_a_deployment_is_tagged_and_an_approver_is_the_author() -> None:
    bridge, cy = Bridge().play([OPENED]), {**pull()["user"], "login": "cy", "id": 77}
    asked = bridge.says(*review("requested", reviewers=[{"type": "User", "reviewer": cy}]))
    assert asked is not None and (tagged(asked), asked.author.name) == (("cy",), "Deployments")
    done = bridge.says(*review("approved", sender=cy, comment="Go <script>on</script> **now**"))
    assert done is not None and done.author.name == "cy"
    assert "<strong>now</strong>" in done.body and "<script" not in done.body
