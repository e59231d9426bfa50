"""The rules of a branch as GitHub's REST API shows them.

https://docs.github.com/rest/repos/rules#get-rules-for-a-branch
"""

from .model import Repo
from .payloads import Json
from .records import Rules

QUEUE = {
    "check_response_timeout_minutes": 60,
    "grouping_strategy": "ALLGREEN",
    "max_entries_to_build": 5,
    "max_entries_to_merge": 5,
    "merge_method": "MERGE",
    "min_entries_to_merge": 1,
    "min_entries_to_merge_wait_minutes": 5,
}


def rules_payload(repo: Repo, branch: str) -> list[Json]:
    """All rules of a branch, each with the ruleset that it is from."""
    if (rules := repo.rules.get(branch)) is None:
        return []
    source = {
        "ruleset_source_type": "Repository",
        "ruleset_source": repo.full_name,
        "ruleset_id": repo.id % 10_000,
    }
    return [rule | source for rule in _rules(rules)]


def _rules(rules: Rules) -> list[Json]:
    found: list[Json] = []
    if rules.approvals or rules.code_owners or rules.last_push or rules.conversations or rules.methods:
        parameters = {
            "dismiss_stale_reviews_on_push": False,
            "require_code_owner_review": rules.code_owners,
            "require_last_push_approval": rules.last_push,
            "required_approving_review_count": rules.approvals,
            "required_review_thread_resolution": rules.conversations,
            "allowed_merge_methods": list(rules.methods or ("merge", "squash", "rebase")),
        }
        found.append({"type": "pull_request", "parameters": parameters})
    if rules.checks:
        parameters = {
            "strict_required_status_checks_policy": rules.strict,
            "required_status_checks": [{"context": name} for name in rules.checks],
        }
        found.append({"type": "required_status_checks", "parameters": parameters})
    if rules.queue:
        found.append({"type": "merge_queue", "parameters": QUEUE})
    return found
