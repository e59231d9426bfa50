"""The turn: the person or thing that a pull request waits for."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from bridge.core.pulls.checks import verdict
from bridge.core.pulls.model import Person, PullRequest, Reviewer
from bridge.core.pulls.to_merge import missing

CONFLICTS = "conflicts with the base branch"
REVIEW = "to review"


TurnKind = Literal["author", "review", "ready", "maintainer", "waiting"]
"""The step that comes next; `waiting`: for machines, nobody has to do anything."""


class Turn(NamedTuple):
    """`who` in words; `people` are those meant, none for checks, teams and nobody."""

    who: str
    why: str = ""
    people: tuple[Person, ...] = ()
    kind: TurnKind = "author"

    def named(self, show: Callable[[Person], str], other: Callable[[str], str] = str) -> str:
        """Return `who` with each person as `show` has them, and the words between as `other` has them."""
        people = {one.login: show(one) for one in self.people}
        return ", ".join(people.get(part) or other(part) for part in self.who.split(", "))


def next_action(pull: PullRequest) -> Turn | None:
    """Return the turn; None once the pull request is closed or merged.

    It is never a bot's: if a bot is the author, it is that of the people assigned or asked for a review.
    In this order: problems that only the author can fix; workflows that await a maintainer's approval; a
    requested review; a deployment that a workflow waits for; running checks. Then it is ready to merge if
    somebody approved; else the author must ask for a review.
    """
    if not pull.is_open:
        return None
    if why := _for_author(pull):
        return _of_author(pull, why)
    if verdict(pull.checks) == "waiting":
        return Turn(who="a maintainer", why="to approve workflows", kind="maintainer")
    if asked := tuple(one for one in pull.with_state("requested") if not one.bot):
        people = tuple(person for one in asked for person in (one.members or (one.person,)) if person)
        names = ", ".join(_asked(reviewer) for reviewer in asked)
        return Turn(who=names, why=REVIEW, people=people, kind="review")
    if pull.unresolved or pull.more_unresolved:
        return _of_author(pull, "conversations to resolve")
    if pull.queued:
        return Turn(who="merge queue", kind="waiting")
    if verdict(pull.checks) == "running":
        # GitHub calls a workflow running while its deployment waits.
        if any(one.state == "waiting" for one in pull.deployments):
            return Turn(who="a maintainer", why="to approve a deployment", kind="maintainer")
        return Turn(who="checks", why="running", kind="waiting")
    if pull.with_state("approved"):
        return _ready(pull)
    return _of_author(pull, REVIEW if pull.author.bot else "to ask for a review")


def _asked(reviewer: Reviewer) -> str:
    """Name a person, or a team with its people."""
    names = " or ".join(one.login for one in reviewer.members)
    return f"{reviewer.name}: {names}" if names else reviewer.name


def holders(pull: PullRequest, found: Turn) -> tuple[Person, ...]:
    """Return the people who can take the next step; to merge, these are the author and the assignees."""
    people = (pull.author, *pull.assignees) if found.kind == "ready" else found.people
    return tuple({one.id: one for one in people if one.id and not one.bot}.values())


def since(pull: PullRequest, found: Turn | None, before: Mapping[str, float], now: float) -> dict[str, float]:
    """Return the time since which each holder has the turn, `before` for those who had it already.

    The keys are `kind:id`, with an empty id where nobody holds it.
    """
    if found is None:
        return {}
    names = [f"{found.kind}:{one.id}" for one in holders(pull, found)] or [f"{found.kind}:"]
    return {name: before.get(name, now) for name in names}


def _ready(pull: PullRequest) -> Turn:
    """Only where nothing is missing by the branch's rules, and GitHub does not contradict."""
    if not (lacks := missing(pull)):
        return Turn(who="ready to merge", kind="ready")
    if lacks[0].startswith("checks: "):
        return Turn(who="checks", why=lacks[0].removeprefix("checks: "), kind="waiting")
    return _of_author(pull, f"missing: {lacks[0]}")


def _of_author(pull: PullRequest, why: str) -> Turn:
    if not pull.author.bot:
        return Turn(who=pull.author.login, why=why, people=(pull.author,))
    asked = (reviewer.person for reviewer in pull.with_state("requested"))
    people = {one.id: one for one in (*pull.assignees, *asked) if one and not one.bot}
    names = ", ".join(person.login for person in people.values())
    kind: TurnKind = "review" if why == REVIEW else "author"
    return Turn(who=names or "a maintainer", why=why, people=tuple(people.values()), kind=kind)


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
