"""The turn: the person or thing that a pull request waits for."""

from typing import NamedTuple

from bridge.core.pulls.checks import verdict
from bridge.core.pulls.model import Person, PullRequest
from bridge.core.pulls.to_merge import missing

CONFLICTS = "conflicts with the base branch"


class Turn(NamedTuple):
    """`who` in words; `people` are those meant, none for checks, teams and nobody."""

    who: str
    why: str = ""
    people: tuple[Person, ...] = ()


def next_action(pull: PullRequest) -> Turn | None:
    """Return the turn; None once the pull request is closed or merged.

    It is never a bot's: where a bot is the author, it is that of the people assigned or asked for a review.
    In this order: problems that only the author can fix; workflows that a maintainer must allow; a requested
    review; running checks. Then it is ready to merge if somebody approved; else the author must ask for a
    review.
    """
    if not pull.is_open:
        return None
    if why := _for_author(pull):
        return _of_author(pull, why)
    if verdict(pull.checks) == "waiting":
        return Turn(who="a maintainer", why="to allow workflows to run")
    if asked := tuple(one for one in pull.with_state("requested") if not one.bot):
        people = tuple(person for one in asked if (person := one.person))
        return Turn(who=", ".join(reviewer.name for reviewer in asked), why="to review", people=people)
    if pull.unresolved or pull.more_unresolved:
        return _of_author(pull, "conversations to resolve")
    if pull.queued:
        return Turn(who="merge queue")
    if verdict(pull.checks) == "running":
        return Turn(who="checks", why="running")
    if pull.with_state("approved"):
        return _ready(pull)
    return _of_author(pull, "to review" if pull.author.bot else "to ask for a review")


def _ready(pull: PullRequest) -> Turn:
    """Only where nothing is missing by the branch's rules, and GitHub does not contradict."""
    if not (lacks := missing(pull)):
        return Turn(who="ready to merge")
    if lacks[0].startswith("checks: "):
        return Turn(who="checks", why=lacks[0].removeprefix("checks: "))
    return _of_author(pull, f"missing: {lacks[0]}")


def _of_author(pull: PullRequest, why: str) -> Turn:
    if not pull.author.bot:
        return Turn(who="author", why=why, people=(pull.author,))
    asked = (reviewer.person for reviewer in pull.with_state("requested"))
    people = {one.id: one for one in (*pull.assignees, *asked) if one and not one.bot}
    names = ", ".join(person.login for person in people.values())
    return Turn(who=names or "a maintainer", why=why, people=tuple(people.values()))


def _for_author(pull: PullRequest) -> str:
    if pull.draft:
        return "draft"
    if pull.mergeable is False:
        return CONFLICTS
    if verdict(pull.checks) == "failed":
        return "checks failed"
    if pull.with_state("changes requested"):
        return "changes requested"
    return ""
