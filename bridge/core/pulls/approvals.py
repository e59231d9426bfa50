"""Approvals that cannot count, whatever GitHub answers to them."""

from bridge.core.pulls.model import Person, PullRequest


def without_a_say(pull: PullRequest) -> dict[Person, str]:
    """Return people whose approval cannot count, each with the reason as the end of a sentence.

    https://docs.github.com/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets
    """
    found = {} if pull.author.bot else {pull.author: "opened it"}
    if pull.author.bot:
        found |= {one: "had an agent make it" for one in pull.assignees if not one.bot}
    if pull.rules and pull.rules.last_push and pull.pusher and not pull.pusher.bot:
        found.setdefault(pull.pusher, "pushed last")
    return {one: why for one, why in found.items() if one.id}


def are_demanded(pull: PullRequest) -> bool:
    """Tell whether the branch's rules count approvals."""
    return pull.rules is not None and bool(pull.rules.approvals or pull.rules.last_push)


def note(pull: PullRequest) -> str:
    """Say whose approval cannot count; empty where the branch demands none."""
    if not are_demanded(pull):
        return ""
    people = [f"{one.login}, who {why}" for one, why in without_a_say(pull).items()]
    return f"It cannot count from {'; or from '.join(people)}" if people else ""
