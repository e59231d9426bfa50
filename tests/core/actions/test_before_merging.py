"""Auto-merge and the update of a branch: what GitHub is asked, and what is said."""

from typing import Any

import pytest

from bridge.core.actions import ACTIONS
from bridge.core.pulls.model import PullRequest
from tests.core.actions.test_merging import settings
from tests.kits.core.clicks import PULLS, SHA, call, click, pull_after, refusal
from tests.kits.core.pulls import a_pull

ON, OFF = {"autoMergeRequest": {"mergeMethod": "MERGE"}}, {"autoMergeRequest": None}
UPDATE = f"{PULLS}/update-branch"


def enabled(now: Any) -> Any:
    return {"enablePullRequestAutoMerge": {"pullRequest": now}}


def disabled(now: Any) -> Any:
    return {"disablePullRequestAutoMerge": {"pullRequest": now}}


def with_auto_merge() -> Any:
    return {**pull_after(), "auto_merge": {"merge_method": "merge"}}


ALLOWED = ("auto-merge", "update-branch")
OFFERED: list[tuple[str, PullRequest, list[str]]] = [
    ("not allowed", a_pull(), []),
    ("allowed", a_pull(allows=ALLOWED), ["auto-merge", "update-branch"]),
    ("on", a_pull(allows=ALLOWED[:1], auto_merge=True), ["no-auto-merge"]),
    ("on, and no longer allowed", a_pull(auto_merge=True), ["no-auto-merge"]),
    ("draft", a_pull(allows=ALLOWED[:1], draft=True), []),
    ("queued", a_pull(allows=ALLOWED[:1], queued=True), []),
    ("conflicts", a_pull(allows=ALLOWED, mergeable=False), []),
    ("closed", a_pull(allows=ALLOWED, state="closed", auto_merge=True), []),
    ("behind", a_pull(mergeable_state="behind"), ["update-branch"]),
    ("blocked", a_pull(mergeable_state="blocked"), []),
]


@pytest.mark.parametrize(("pull", "slugs"), [pytest.param(*row, id=name) for name, *row in OFFERED])
def test_each_state_offers_its_buttons(pull: PullRequest, slugs: list[str]) -> None:
    found = ("auto-merge", "no-auto-merge", "update-branch")
    assert [slug for slug in found if ACTIONS[slug].offered(pull)] == slugs


@pytest.mark.parametrize(
    ("shown", "method"), [(None, "MERGE"), (a_pull(merge_methods=("squash", "rebase")), "SQUASH")]
)
def test_the_head_that_the_thread_showed_is_merged_once_nothing_is_missing(
    shown: PullRequest | None, method: str
) -> None:
    outcome = click("auto-merge", pull_after(), settings(), enabled(ON), sha=SHA, shown=shown)
    asked = outcome.calls[-1].data
    assert (asked["head"], asked["method"]) == (SHA, method)
    assert outcome.said == "GitHub will merge acme/component#42 once all requirements are met."


REFUSED = [
    (
        "Pull request Pull request is in clean status",
        "acme/component#42 is ready to merge: merge it right away",
    ),
    ("Head sha didn't match the expected head OID.", "acme/component#42 has new commits"),
    ("Pull request Auto merge is not allowed for this repository", "not allowed for this repository"),
]


@pytest.mark.parametrize(("words", "why"), REFUSED)
def test_a_refusal_of_github_becomes_a_sentence(words: str, why: str) -> None:
    outcome = click("auto-merge", pull_after(), settings(), refusal(200, words), sha=SHA)
    assert why in outcome.why


def test_a_state_already_reached_is_a_success() -> None:
    assert click("auto-merge", with_auto_merge(), sha=SHA).said.endswith("is already on.")
    assert click("no-auto-merge", pull_after(), sha=SHA).said.endswith("is already off.")
    merged = {**pull_after(("close", "ann-gh")), "merged": True}
    assert click("auto-merge", merged, sha=SHA).said.endswith("is already merged.")
    assert click("no-auto-merge", merged, sha=SHA).why.endswith("is already merged")


def test_auto_merge_is_taken_back() -> None:
    assert click("no-auto-merge", with_auto_merge(), disabled(OFF)).said.endswith("is off.")


@pytest.mark.parametrize(
    ("slug", "answers"),
    [
        ("auto-merge", [pull_after(), settings(), enabled(OFF)]),
        ("no-auto-merge", [with_auto_merge(), disabled(ON)]),
    ],
)
def test_a_success_of_github_that_changed_nothing_is_refused(slug: str, answers: list[Any]) -> None:
    assert click(slug, *answers, sha=SHA).why.startswith("GitHub did not ")


def test_a_branch_is_updated_from_the_head_that_the_thread_showed() -> None:
    outcome = click("update-branch", pull_after(), {"message": "Updating"}, sha=SHA)
    assert outcome.calls == [call("GET", PULLS), call("PUT", UPDATE, {"expected_head_sha": SHA})]
    assert outcome.said == "Updating the branch of acme/component#42."


def test_a_branch_that_cannot_be_updated_is_said_to_be_so() -> None:
    up_to_date = refusal(422, "There are no new commits on the base branch.")
    assert "already up to date" in click("update-branch", pull_after(), up_to_date).said
    moved = refusal(422, "expected head sha didn’t match current head ref.")
    assert "new commits" in click("update-branch", pull_after(), moved).why
    conflict = refusal(422, "merge conflict between base and head")
    assert click("update-branch", pull_after(), conflict).refused is conflict
    assert "is closed" in click("update-branch", pull_after(("close", "ann-gh"))).why
