"""The mergeability of a pull request, with the reasons.

https://docs.github.com/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches
"""

from .model import Permission, Pull, Repo

NOT_MERGEABLE = "Pull Request is not mergeable"
DRAFT = "Pull Request is still a draft"
APPROVALS = "At least {count} approving {reviews} required by reviewers with write access."
CONVERSATIONS = "A conversation must be resolved before this pull request can be merged."
OUT_OF_DATE = "The head branch is not up to date with the base branch."
CHECK = 'Required status check "{name}" is {outcome}.'


def approvals(repo: Repo, pull: Pull) -> int:
    """Return how many of those with write access approve."""
    return sum(state == "APPROVED" for state in _verdicts_that_count(repo, pull))


def decision(repo: Repo, pull: Pull) -> str | None:
    """GraphQL's `reviewDecision`: null where no approval is required.

    https://docs.github.com/graphql/reference/enums#pullrequestreviewdecision
    """
    if not _wanted(repo, pull):
        return None
    if "CHANGES_REQUESTED" in _verdicts_that_count(repo, pull):
        return "CHANGES_REQUESTED"
    enough = approvals(repo, pull) >= _wanted(repo, pull)
    return "APPROVED" if enough else "REVIEW_REQUIRED"


def obstacle(repo: Repo, pull: Pull) -> str:
    """Return why the branch's protection forbids merging; empty if it does not."""
    wanted, rules = _wanted(repo, pull), repo.rules_of(pull)
    if wanted and decision(repo, pull) != "APPROVED":
        return APPROVALS.format(count=wanted, reviews="review is" if wanted == 1 else "reviews are")
    outcomes = repo.board.outcomes(pull.head_sha)
    words = {"failed": "failing", "running": "in progress", "": "expected"}
    for name in (*repo.required_checks, *rules.checks):
        outcome = outcomes.get(name, "")
        if outcome != "passed":
            return CHECK.format(name=name, outcome=words[outcome])
    if rules.conversations and any(thread.resolved_by is None for thread in pull.threads):
        return CONVERSATIONS
    return OUT_OF_DATE if rules.strict and pull.behind else ""


def merge_state(repo: Repo, pull: Pull) -> tuple[bool, str]:
    """`mergeable` and `mergeable_state` of an open pull request, once computed.

    https://docs.github.com/graphql/reference/enums#mergestatestatus
    """
    if pull.conflict:
        return False, "dirty"
    if pull.draft:
        return True, "draft"
    if why := obstacle(repo, pull):
        return True, "behind" if why == OUT_OF_DATE else "blocked"
    unstable = set(repo.board.outcomes(pull.head_sha).values()) - {"passed"}
    return True, "unstable" if unstable else "clean"


def _wanted(repo: Repo, pull: Pull) -> int:
    return max(repo.required_approvals, repo.rules_of(pull).approvals)


def _verdicts_that_count(repo: Repo, pull: Pull) -> list[str]:
    writers = {login for login, held in repo.permissions.items() if held >= Permission.WRITE}
    return [state for login, state in pull.verdicts.items() if login in writers]
