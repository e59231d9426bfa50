"""The rules of a branch that a merge into it must satisfy, from rulesets and from classic protection."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from bridge.core.model import Payload


class BranchRules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The rules of one branch; without `methods`, all that the repository allows.

    `is_known` is False if GitHub shows them to no linked account.
    """

    branch: str
    is_known: bool = True
    approvals: int = 0
    code_owners: bool = False
    last_push: bool = False
    teams: bool = False
    conversations: bool = False
    checks: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    queue: bool = False

    @property
    def asks_for(self) -> tuple[str, ...]:
        """The requirements that only GitHub can check."""
        demands = {
            "a code owner's approval": self.code_owners,
            "an approval of the last push": self.last_push,
            "a required team's approval": self.teams,
        }
        return tuple(words for words, is_set in demands.items() if is_set)


def read(branch: str, rulesets: Sequence[Payload], classic: Payload, *, queue: bool) -> BranchRules:
    """Read GitHub's answers: the strictest of all rules counts.

    https://docs.github.com/rest/repos/rules#get-rules-for-a-branch
    https://docs.github.com/graphql/reference/objects#refupdaterule
    """
    by_type: dict[str, list[Mapping[str, Any]]] = {}
    for rule in rulesets:
        by_type.setdefault(str(rule.get("type")), []).append(rule.get("parameters") or {})
    pulls = by_type.get("pull_request", [])
    checks = [
        str(check["context"])
        for rule in by_type.get("required_status_checks", [])
        for check in rule.get("required_status_checks") or []
    ]
    checks += [name for name in classic.get("requiredStatusCheckContexts") or [] if name]
    counts = [rule.get("required_approving_review_count") or 0 for rule in pulls]
    return BranchRules(
        branch=branch,
        approvals=max([*counts, classic.get("requiredApprovingReviewCount") or 0]),
        code_owners=_any(pulls, "require_code_owner_review") or bool(classic.get("requiresCodeOwnerReviews")),
        last_push=_any(pulls, "require_last_push_approval"),
        teams=any(
            one.get("minimum_approvals") for rule in pulls for one in rule.get("required_reviewers") or []
        ),
        conversations=_any(pulls, "required_review_thread_resolution")
        or bool(classic.get("requiresConversationResolution")),
        checks=tuple(sorted(set(checks), key=str.lower)),
        methods=_methods(pulls),
        queue=queue or "merge_queue" in by_type,
    )


def _any(rules: Sequence[Mapping[str, Any]], name: str) -> bool:
    return any(rule.get(name) for rule in rules)


def _methods(rules: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    allowed = [set(rule["allowed_merge_methods"]) for rule in rules if rule.get("allowed_merge_methods")]
    return tuple(sorted(set.intersection(*allowed))) if allowed else ()
