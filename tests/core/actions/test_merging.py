"""Merging: only what the thread showed, only by whom GitHub lets, and why not in one sentence."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.core.actions.merging import METHODS, POLLS, TRIES
from bridge.core.pulls.model import PullRequest
from tests.kits.core.clicks import PULLS, SHA, Outcome, call, click, pull_after, refusal
from tests.kits.core.pulls import APPROVED, a_pull

REPOSITORY = "/repos/{owner}/{repo}"
MERGE, AT_ONCE = f"{PULLS}/merge-async", f"{PULLS}/merge"
RESULT = f"{MERGE}/{{uuid}}"
MERGED = {"status": "merged", "details": {"message": "Pull request was merged.", "sha": "c" * 40}}
PENDING = {"status": "pending", "details": {"message": "Merge request enqueued.", "uuid": "630b9d5e"}}
ENQUEUED = {"status": "enqueued", "details": {"message": "Pull request is in the merge queue."}}
BY_QUEUE = "Custom merge params are not supported when merging via a merge queue"
MOVED_BASE = "Base branch was modified. Review and try the merge again."
MOVED_HEAD = "Head branch was modified. Review and try the merge again."
ALL = ("merge", "squash", "rebase")


def failed(message: str) -> dict[str, Any]:
    return {"status": "failed", "details": {"message": message}}


def settings(**changes: Any) -> dict[str, Any]:
    """The repository as GitHub shows it to who may push."""
    methods = {"allow_merge_commit": True, "allow_squash_merge": True, "allow_rebase_merge": True}
    return {"permissions": {"push": True}, **methods, **changes}


def merge(*answers: Any, shown: PullRequest | None = None, sha: str = SHA, button: str = "merge") -> Outcome:
    """A click on Merge where the pull request and the repository let it."""
    return click(button, pull_after(), settings(), *answers, shown=shown, sha=sha)


@pytest.mark.parametrize("method", ALL)
def test_the_head_that_the_thread_showed_is_merged_by_the_buttons_method(method: str) -> None:
    outcome = merge(MERGED, button=method)
    assert outcome.calls == [
        call("GET", PULLS),
        call("GET", REPOSITORY),
        call("PUT", MERGE, {"sha": SHA, "merge_method": method}, takes={400, 409}),
    ]
    assert outcome.said == "Merged acme/component#42."


def test_where_no_head_was_shown_it_is_the_one_just_read() -> None:
    assert merge(MERGED, sha="").calls[-1].data["sha"] == SHA


def test_a_merge_under_way_is_asked_about_until_it_is_done() -> None:
    outcome = merge(PENDING, PENDING, MERGED)
    first, second = outcome.calls[-2:]
    assert (first.url, first.variables["uuid"]) == (RESULT, "630b9d5e")
    assert 0 < first.delay < second.delay
    assert outcome.said == "Merged acme/component#42."


def test_it_is_asked_about_for_some_seconds_only() -> None:
    assert sum(POLLS) < 8
    outcome = merge(PENDING, *[PENDING] * len(POLLS))
    assert outcome.said.startswith("Merging acme/component#42…")
    assert outcome.merge == "630b9d5e"
    # No time left.
    assert merge(PENDING, None) == replace(outcome, calls=outcome.calls[:4])


@pytest.mark.parametrize("entry", [{"position": 3}, None])
def test_a_queue_takes_it_without_a_method_and_its_place_is_said(entry: Any) -> None:
    outcome = merge(PENDING, failed(BY_QUEUE), PENDING, ENQUEUED, {"node": {"mergeQueueEntry": entry}})
    assert outcome.calls[-3].data == {"sha": SHA, "merge_action": "merge_queue"}
    place = ", at position 3" if entry else ""
    assert outcome.said == f"Added acme/component#42 to the merge queue{place}."


def test_a_failure_in_the_background_is_told_in_githubs_words() -> None:
    outcome = merge(PENDING, failed("Merge conflict:\n the pull request could not be merged."))
    assert outcome.why == (
        "acme/component#42 cannot be merged: Merge conflict: the pull request could not be merged."
    )
    assert "new commits" in merge(PENDING, failed(MOVED_HEAD)).why
    assert "new commits" in merge({"message": MOVED_HEAD}).why


OLD = refusal(404, "Not Found")


def test_an_enterprise_server_merges_at_once() -> None:
    outcome = merge(OLD, {"merged": True})
    assert outcome.calls[-1] == call("PUT", AT_ONCE, {"sha": SHA, "merge_method": "merge"})
    assert outcome.said == "Merged acme/component#42."


def test_an_enterprise_server_enqueues_where_the_branch_requires_a_queue() -> None:
    refused = refusal(405, "Changes must be made through the merge queue.")
    outcome = merge(OLD, refused, {"enqueuePullRequest": {}}, {"node": None})
    assert outcome.calls[-2].data["head"] == SHA
    assert outcome.said == "Added acme/component#42 to the merge queue."


@pytest.mark.parametrize(
    ("changes", "shown", "method"),
    [
        ({}, None, "merge"),
        ({"allow_merge_commit": False}, a_pull(), "squash"),
        ({"allow_merge_commit": False, "allow_squash_merge": False}, None, "rebase"),
        ({"allow_squash_merge": False, "allow_rebase_merge": False}, None, "merge"),
        (dict.fromkeys(METHODS.values(), False), None, "merge"),
        ({}, a_pull(merge_methods=ALL), "merge"),
    ],
    ids=str,
)
def test_where_the_thread_knows_no_methods_it_is_one_that_the_repository_allows(
    changes: dict[str, Any], shown: PullRequest | None, method: str
) -> None:
    outcome = click("merge", pull_after(), settings(**changes), MERGED, sha=SHA, shown=shown)
    assert outcome.calls[-1].data["merge_method"] == method


def test_a_method_that_is_no_longer_allowed_is_not_replaced_by_another() -> None:
    answer = settings(allow_merge_commit=False)
    outcome = click("merge", pull_after(), answer, sha=SHA, shown=a_pull(merge_methods=ALL))
    assert outcome.why == "acme/component#42 can no longer be merged this way: use Squash or Rebase"


@pytest.mark.parametrize(
    "sign", [{"merged": True}, {"merged": None, "merged_at": "2026-03-10T12:00:00Z"}], ids=str
)
def test_merging_a_merged_pull_request_is_a_success(sign: dict[str, Any]) -> None:
    outcome = click("merge", {**pull_after(("close", "ann-gh")), **sign}, sha="b" * 40)
    assert outcome.said == "acme/component#42 is already merged."


STATES: list[tuple[str, dict[str, Any], str, int]] = [
    ("closed", {"state": "closed"}, "acme/component#42 is closed", 409),
    ("a draft", {"draft": True}, "acme/component#42 is a draft: mark it ready for review first", 409),
    ("conflicts", {"mergeable": False}, "acme/component#42 conflicts with its base branch", 409),
    (
        "pushed to since",
        {"head": {"sha": "b" * 40}},
        "acme/component#42 has new commits: look at them, then click again",
        409,
    ),
]


@pytest.mark.parametrize(("changes", "why", "status"), [pytest.param(*row, id=name) for name, *row in STATES])
def test_a_pull_request_that_cannot_be_merged_is_refused_before_github_is_asked(
    changes: dict[str, Any], why: str, status: int
) -> None:
    outcome = click("merge", {**pull_after(), **changes}, sha=SHA)
    assert outcome.asked == [f"GET {PULLS}"]
    assert outcome.why == why
    assert outcome.refused is not None
    assert outcome.refused.status == status


@pytest.mark.parametrize("mergeable", [None, True])
def test_it_is_tried_where_github_has_not_said_that_it_conflicts(mergeable: bool | None) -> None:
    pull = {**pull_after(), "mergeable": mergeable}
    assert click("merge", pull, settings(), MERGED, sha=SHA).said == "Merged acme/component#42."


@pytest.mark.parametrize("permissions", [{"push": False}, {}, None], ids=str)
def test_a_person_without_push_access_is_told_so(permissions: Any) -> None:
    outcome = click("merge", pull_after(), settings(permissions=permissions), sha=SHA)
    assert outcome.why == "@ann-gh needs write access to merge acme/component#42"
    assert outcome.refused is not None
    assert outcome.refused.status == 422


# What GitHub answers to the merge itself

AT_LEAST = "At least {} approving review{} required by reviewers with write access."
TWICE_APPROVED = a_pull(reviewers=(APPROVED, APPROVED))

APPROVALS: list[tuple[int, PullRequest | None, str]] = [
    # How many are needed, what the thread showed, what is missing.
    (1, None, "it needs 1 more approval"),
    (2, None, "it needs 2 more approvals"),
    (2, a_pull(), "it needs 2 more approvals"),
    (2, a_pull(reviewers=(APPROVED,)), "it needs 1 more approval"),
    (5, TWICE_APPROVED, "it needs 3 more approvals"),
    # Approved by somebody who does not count: at least one is missing, or GitHub would not say so.
    (1, TWICE_APPROVED, "it needs 1 more approval"),
]


@pytest.mark.parametrize(("needed", "shown", "missing"), APPROVALS)
def test_missing_approvals_are_counted(needed: int, shown: PullRequest | None, missing: str) -> None:
    words = AT_LEAST.format(needed, " is" if needed == 1 else "s are")
    outcome = merge(failed(words), shown=shown)
    assert outcome.why == f"acme/component#42 cannot be merged yet: {missing}"
    assert outcome.refused is not None
    assert outcome.refused.status == 409


@pytest.mark.parametrize(
    "words",
    [
        "Pull Request is not mergeable",
        "You're not authorized to push to this branch.",
        'Required status check "build" is expected.',
        "Merge commits are not allowed on this repository.",
    ],
)
def test_other_reasons_of_github_are_told_in_its_words(words: str) -> None:
    assert merge(failed(words)).why == f"acme/component#42 cannot be merged: {words}"
    outcome = merge(OLD, refusal(405, words))
    assert outcome.why == f"acme/component#42 cannot be merged: {words}"
    assert outcome.refused is not None
    assert outcome.refused.status == 409


def test_a_head_that_moved_in_the_meantime_is_told() -> None:
    assert "new commits" in merge(OLD, refusal(409, MOVED_HEAD)).why


@pytest.mark.parametrize(
    ("status", "words"), [(403, "Forbidden"), (404, "Not Found"), (422, "Validation Failed")]
)
def test_a_plain_refusal_is_passed_on(status: int, words: str) -> None:
    refused = refusal(status, words)
    assert merge(*([OLD] if status == 404 else []), refused).refused is refused


def test_a_base_that_moves_during_the_merge_is_tried_again() -> None:
    outcome = merge(OLD, refusal(405, MOVED_BASE), refusal(405, MOVED_BASE.upper()), {"merged": True})
    assert outcome.said == "Merged acme/component#42."
    puts = [one for one in outcome.calls if one.url == AT_ONCE]
    assert len(puts) == TRIES == 3
    assert all(one == puts[0] for one in puts)


def test_retries_of_a_moving_base_end() -> None:
    outcome = merge(OLD, *(refusal(405, MOVED_BASE) for _ in range(TRIES)))
    assert outcome.why == f"acme/component#42 cannot be merged: {MOVED_BASE}"


def test_another_refusal_ends_the_tries() -> None:
    outcome = merge(OLD, refusal(405, MOVED_BASE), refusal(409, MOVED_HEAD))
    assert "new commits" in outcome.why


@pytest.mark.parametrize("answer", [{"merged": False}, {"message": "?"}, {}], ids=str)
def test_a_merge_that_github_says_it_did_and_did_not_is_refused(answer: dict[str, Any]) -> None:
    outcome = merge(OLD, answer)
    assert outcome.why == "GitHub did not merge acme/component#42"
    assert [one.method for one in outcome.calls] == ["GET", "GET", "PUT", "PUT"]


def stacked(**answer: Any) -> Outcome:
    """A click on Merge in a stack."""
    pull = {**pull_after(), "stack": {"number": 9, "position": 3, "size": 4, "base": {"ref": "main"}}}
    return click("merge", pull, settings(), MERGED, answer, sha=SHA)


def test_a_stacks_sentence_names_what_else_merges() -> None:
    outcome = stacked(pull_requests=[{"number": number} for number in (40, 41, 42, 43)])
    assert outcome.calls[-1].url == f"{REPOSITORY}/stacks/{{stack}}"
    assert outcome.calls[-1].variables["stack"] == "9"
    assert outcome.said == "Merged acme/component#42, with #40, #41 below it in its stack."
    assert stacked(pull_requests=[{"number": 42}]).said == "Merged acme/component#42."
    assert stacked(pull_requests=[]).said == "Merged acme/component#42."
