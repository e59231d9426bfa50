"""Approvals that the branch's rules do not count, although GitHub accepts them."""

from bridge.core.pulls.model import Person, PullRequest


def ineligible(pull: PullRequest) -> dict[Person, str]:
    """Return people whose approval does not count, each with the reason as the end of a sentence.

    https://docs.github.com/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets
    """
    found = {} if pull.author.bot else {pull.author: "opened it"}
    if pull.author.bot:
        found |= {one: "had an agent make it" for one in pull.assignees if not one.bot}
    if pull.rules and pull.rules.last_push and pull.pusher and not pull.pusher.bot:
        found.setdefault(pull.pusher, "pushed last")
    return {one: why for one, why in found.items() if one.id}


def are_required(pull: PullRequest) -> bool:
    """Tell whether the branch's rules require approvals."""
    return pull.rules is not None and bool(pull.rules.approvals or pull.rules.last_push)


def note(pull: PullRequest) -> str:
    """Say whose approval does not count; empty if the branch requires none."""
    if not are_required(pull):
        return ""
    people = [f"{one.login} ({why})" for one, why in ineligible(pull).items()]
    return f"Approvals by {' and '.join(people)} do not count" if people else ""
