"""Merging: only what the thread showed, only by whom GitHub lets, and why not in one sentence."""

from typing import Any

import pytest

from bridge.core.actions.merging import TRIES
from bridge.core.pulls.model import PullRequest
from tests.kits.core.clicks import PULLS, SHA, Outcome, call, click, pull_after, refusal
from tests.kits.core.pulls import APPROVED, a_pull

REPOSITORY = "/repos/{owner}/{repo}"
MERGE = f"{PULLS}/merge"
MERGED = {"merged": True, "message": "Pull Request successfully merged", "sha": "c" * 40}
MOVED_BASE = "Base branch was modified. Review and try the merge again."
MOVED_HEAD = "Head branch was modified. Review and try the merge again."


def settings(**changes: Any) -> dict[str, Any]:
    """The repository as GitHub shows it to who may push."""
    methods = {"allow_merge_commit": True, "allow_squash_merge": True, "allow_rebase_merge": True}
    return {"permissions": {"push": True}, **methods, **changes}


def merge(*answers: Any, shown: PullRequest | None = None, sha: str = SHA) -> Outcome:
    """A click on Merge where the pull request and the repository let it."""
    return click("merge", pull_after(), settings(), *answers, shown=shown, sha=sha)


def test_the_head_that_the_thread_showed_is_merged() -> None:
    outcome = merge(MERGED)
    assert outcome.calls == [
        call("GET", PULLS),
        call("GET", REPOSITORY),
        call("PUT", MERGE, {"sha": SHA, "merge_method": "merge"}),
    ]
    assert outcome.said == "Merged acme/component#42."


def test_where_no_head_was_shown_it_is_the_one_just_read() -> None:
    assert merge(MERGED, sha="").calls[-1].data["sha"] == SHA


@pytest.mark.parametrize(
    ("changes", "method"),
    [
        ({}, "merge"),
        ({"allow_merge_commit": False}, "squash"),
        ({"allow_merge_commit": False, "allow_squash_merge": False}, "rebase"),
        ({"allow_squash_merge": False, "allow_rebase_merge": False}, "merge"),
        (dict.fromkeys(["allow_merge_commit", "allow_squash_merge", "allow_rebase_merge"], False), "merge"),
    ],
    ids=str,
)
def test_the_method_is_one_that_the_repository_allows(changes: dict[str, Any], method: str) -> None:
    outcome = click("merge", pull_after(), settings(**changes), MERGED, sha=SHA)
    assert outcome.calls[-1].data["merge_method"] == method


@pytest.mark.parametrize(
    "sign", [{"merged": True}, {"merged": None, "merged_at": "2026-03-10T12:00:00Z"}], ids=str
)
def test_what_is_merged_already_is_a_success(sign: dict[str, Any]) -> None:
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
def test_what_cannot_be_merged_is_refused_before_github_is_asked_to(
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
def test_who_may_not_push_is_told_so(permissions: Any) -> None:
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
    outcome = merge(refusal(405, words), shown=shown)
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
    outcome = merge(refusal(405, words))
    assert outcome.why == f"acme/component#42 cannot be merged: {words}"
    assert outcome.refused is not None
    assert outcome.refused.status == 409


def test_a_head_that_moved_in_the_meantime_is_told() -> None:
    assert "new commits" in merge(refusal(409, MOVED_HEAD)).why


@pytest.mark.parametrize(
    ("status", "words"), [(403, "Forbidden"), (404, "Not Found"), (422, "Validation Failed")]
)
def test_a_plain_refusal_is_passed_on(status: int, words: str) -> None:
    refused = refusal(status, words)
    assert merge(refused).refused is refused


def test_a_base_that_moves_during_the_merge_is_tried_again() -> None:
    outcome = merge(refusal(405, MOVED_BASE), refusal(405, MOVED_BASE.upper()), MERGED)
    assert outcome.said == "Merged acme/component#42."
    puts = [one for one in outcome.calls if one.method == "PUT"]
    assert len(puts) == TRIES == 3
    assert all(one == puts[0] for one in puts)


def test_but_not_for_ever() -> None:
    outcome = merge(*(refusal(405, MOVED_BASE) for _ in range(TRIES)))
    assert outcome.why == f"acme/component#42 cannot be merged: {MOVED_BASE}"


def test_another_refusal_ends_the_tries() -> None:
    outcome = merge(refusal(405, MOVED_BASE), refusal(409, MOVED_HEAD))
    assert "new commits" in outcome.why


@pytest.mark.parametrize("answer", [{"merged": False}, {"message": "?"}, {}], ids=str)
def test_a_merge_that_github_says_it_did_and_did_not_is_refused(answer: dict[str, Any]) -> None:
    outcome = merge(answer)
    assert outcome.why == "GitHub did not merge acme/component#42"
    assert [one.method for one in outcome.calls] == ["GET", "GET", "PUT"]
