"""Find the requirements that a pull request does not meet, by its branch's rules and by GitHub's word."""

from msgspec.structs import replace

from bridge.core.pulls.approvals import ineligible
from bridge.core.pulls.model import Check, CheckState, PullRequest

CONFIRMATION = "GitHub's confirmation"
"""The only thing missing if GitHub still blocks the merge, or did when it was asked last."""

_PASSES: frozenset[CheckState] = frozenset({"passed", "skipped", "neutral"})
_BLOCKED = frozenset({"blocked", "behind"})


def missing(pull: PullRequest) -> tuple[str, ...]:
    """Return the requirements not met, in words; none while no rules were read."""
    found = []
    if (rules := pull.rules) is not None and rules.is_known:
        given = _approvals(pull)
        if given < rules.approvals:
            words = f"{given} of {rules.approvals} approval{'' if rules.approvals == 1 else 's'}"
            names = ", ".join(one.login for one in ineligible(pull) if one != pull.author)
            found.append(f"{words} ({names} cannot give one)" if names else words)
        if checks := [words for name in rules.checks if (words := _of_check(pull, name))]:
            found.append(f"checks: {', '.join(checks)}")
        if rules.conversations and (count := len(pull.unresolved)):
            more = "more than " if pull.more_unresolved else ""
            found.append(f"{more}{count} conversation{'' if count == 1 else 's'} to resolve")
    if pull.mergeable_state == "behind":
        found.append("the newest commits of the base branch")
    if rules is not None and pull.mergeable_state == "blocked" and not found:
        found.append(" or ".join(rules.asks_for) or CONFIRMATION)
    return tuple(found)


def seems_ready(pull: PullRequest) -> bool:
    """Tell whether only GitHub's older word prevents a merge, so that it is worth asking again."""
    if pull.rules is None or not pull.is_open or pull.draft or pull.queued or pull.mergeable is False:
        return False
    return pull.mergeable_state in _BLOCKED and not missing(replace(pull, mergeable_state=""))


def failed(pull: PullRequest) -> tuple[Check, ...]:
    """Return the failed checks, the required ones first."""
    required = pull.rules.checks if pull.rules else ()
    return tuple(
        sorted(
            pull.checks_that("failed"), key=lambda one: not any(_is_called(one, name) for name in required)
        )
    )


def _is_called(check: Check, name: str) -> bool:
    """Tell whether a check has a name, perhaps behind that of its workflow."""
    return check.name == name or check.name.endswith(f" / {name}")


def _approvals(pull: PullRequest) -> int:
    """Count approvals: no bot's, and of an agent's pull request not that of its assignees."""
    not_counted = {one.id for one in pull.assignees} if pull.author.bot else set()
    return sum(not one.bot and one.id not in not_counted for one in pull.with_state("approved"))


def _of_check(pull: PullRequest, name: str) -> str:
    states = {check.state for check in pull.checks if _is_called(check, name)}
    if not states:
        return f"{name} missing"
    for state, words in (("failed", "failed"), ("waiting", "waits"), ("running", "running")):
        if state in states:
            return f"{name} {words}"
    return "" if states <= _PASSES else f"{name} missing"
