"""The rules of a branch: the strictest of GitHub's answers counts."""

from typing import Any

import pytest

from bridge.core.pulls.rules import BranchRules, read

PULLS: dict[str, Any] = {
    "dismiss_stale_reviews_on_push": False,
    "require_code_owner_review": False,
    "require_last_push_approval": False,
    "required_approving_review_count": 0,
    "required_review_thread_resolution": False,
}


def pulls(**parameters: Any) -> dict[str, Any]:
    return {"type": "pull_request", "parameters": {**PULLS, **parameters}}


def checks(*names: str) -> dict[str, Any]:
    required = [{"context": name, "integration_id": 15368} for name in names]
    return {"type": "required_status_checks", "parameters": {"required_status_checks": required}}


TEAM = {"file_patterns": ["*"], "minimum_approvals": 1, "reviewer": {"id": 1, "type": "Team"}}
READ: list[tuple[str, list[dict[str, Any]], dict[str, Any], dict[str, Any]]] = [
    ("none", [], {}, {}),
    ("rules of no interest", [{"type": "deletion"}, {"type": "tomorrow", "parameters": None}], {}, {}),
    ("no parameters", [{"type": "pull_request"}, {"type": "required_status_checks"}], {}, {}),
    (
        "the most approvals",
        [pulls(required_approving_review_count=2), pulls(required_approving_review_count=1)],
        {"requiredApprovingReviewCount": 1},
        {"approvals": 2},
    ),
    ("of classic protection", [], {"requiredApprovingReviewCount": 1}, {"approvals": 1}),
    (
        "demands of any",
        [pulls(require_code_owner_review=True), pulls(require_last_push_approval=True)],
        {"requiresConversationResolution": True},
        {"code_owners": True, "last_push": True, "conversations": True},
    ),
    ("classic code owners", [], {"requiresCodeOwnerReviews": True}, {"code_owners": True}),
    (
        "checks of all, each once",
        [checks("test", "lint"), checks("test")],
        {"requiredStatusCheckContexts": ["build", None]},
        {"checks": ("build", "lint", "test")},
    ),
    (
        "methods that all allow",
        [
            pulls(allowed_merge_methods=["merge", "squash"]),
            pulls(allowed_merge_methods=["squash", "rebase"]),
            pulls(),
        ],
        {},
        {"methods": ("squash",)},
    ),
    ("a queue", [{"type": "merge_queue", "parameters": {}}], {}, {"queue": True}),
    ("a team's approval", [pulls(required_reviewers=[TEAM])], {}, {"teams": True}),
    ("a team that is only asked", [pulls(required_reviewers=[{**TEAM, "minimum_approvals": 0}])], {}, {}),
]


@pytest.mark.parametrize(
    ("rulesets", "classic", "expected"), [pytest.param(*row, id=name) for name, *row in READ]
)
def test_the_strictest_counts(
    rulesets: list[dict[str, Any]], classic: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert read("main", rulesets, classic, queue=False) == BranchRules(branch="main", **expected)


def test_a_queue_of_classic_protection_counts() -> None:
    assert read("main", [], {}, queue=True).queue
