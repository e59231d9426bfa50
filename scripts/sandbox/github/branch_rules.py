"""The rules of a branch as GitHub's REST API shows them.

https://docs.github.com/rest/repos/rules#get-rules-for-a-branch
"""

from .model import Repo
from .payloads import Json, stamp
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
    """Return all rules of a branch, each with the ruleset that it is from."""
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


def ruleset_payload(repo: Repo) -> Json:
    """Return the ruleset that holds all rules of the repository, as webhooks carry it.

    https://docs.github.com/webhooks/webhook-events-and-payloads#repository_ruleset
    """
    return {
        "id": repo.id % 10_000,
        "name": "Branches",
        "target": "branch",
        "source_type": "Repository",
        "source": repo.full_name,
        "enforcement": "active",
    }


def protection_payload(repo: Repo) -> Json:
    """Return the classic protection of the branches, as webhooks carry it.

    https://docs.github.com/webhooks/webhook-events-and-payloads#branch_protection_rule
    """
    return {
        "id": repo.id % 10_000,
        "repository_id": repo.id,
        "name": "*",
        "created_at": stamp(repo.created_at),
        "updated_at": stamp(repo.pushed_at),
        "pull_request_reviews_enforcement_level": "everyone" if repo.required_approvals else "off",
        "required_approving_review_count": repo.required_approvals,
        "dismiss_stale_reviews_on_push": False,
        "require_code_owner_review": False,
        "authorized_dismissal_actors_only": False,
        "ignore_approvals_from_contributors": False,
        "required_status_checks": list(repo.required_checks),
        "required_status_checks_enforcement_level": "everyone" if repo.required_checks else "off",
        "strict_required_status_checks_policy": False,
        "signature_requirement_enforcement_level": "off",
        "linear_history_requirement_enforcement_level": "off",
        "lock_branch_enforcement_level": "off",
        "admin_enforced": False,
        "allow_force_pushes_enforcement_level": "off",
        "allow_deletions_enforcement_level": "off",
        "merge_queue_enforcement_level": "off",
        "required_deployments_enforcement_level": "off",
        "required_conversation_resolution_level": "off",
        "authorized_actors_only": False,
        "authorized_actor_names": [],
    }
