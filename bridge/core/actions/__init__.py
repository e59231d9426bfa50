"""The table of actions: which buttons a thread shows, and what a click does on GitHub.

An action is one decorated generator: it yields the `Call`s to make as the person who clicked, is sent
GitHub's JSON answer to each (or has its refusal thrown in), raises `GitHubRefused` if GitHub did not
really do it, and returns one sentence. So each rule is tested without a network.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from bridge.core.errors import NotFound
from bridge.core.model import Target
from bridge.core.pull import PullRequest


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request to GitHub: REST (`url` a path with names to fill in from `variables`), or GraphQL.

    With the method GRAPHQL, `url` is the query and `data` its variables.
    """

    method: str
    url: str
    variables: dict[str, str] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Click:
    """What was clicked, by whom on GitHub; `pull` is what the thread showed, None if that is not known."""

    target: Target
    login: str
    shown: PullRequest | None = None
    shown_sha: str = ""

    def call(self, method: str, path: str, data: dict[str, Any] | None = None) -> Call:
        """A call below the repository's path."""
        target = self.target
        variables = {"owner": target.owner, "repo": target.repo, "number": str(target.number)}
        return Call(
            method=method, url=f"/repos/{{owner}}/{{repo}}{path}", variables=variables, data=data or {}
        )


Steps = Generator[Call, Any, str]
Perform = Callable[[Click], Steps]
Offer = Callable[[PullRequest], bool]


@dataclass(frozen=True, kw_only=True)
class Action:
    """A button: `slug` ends its address, `name` is what people read."""

    slug: str
    name: str
    offered: Offer
    perform: Perform


ACTIONS: dict[str, Action] = {}
"""Every action by its slug, in the order of the buttons."""


def action(slug: str, name: str, *, offered: Offer) -> Callable[[Perform], Perform]:
    """Register the decorated steps under `slug`; a slug is taken once."""
    if slug in ACTIONS:
        raise ValueError(f"the action {slug} is defined twice")

    def register(perform: Perform) -> Perform:
        ACTIONS[slug] = Action(slug=slug, name=name, offered=offered, perform=perform)
        return perform

    return register


def find(slug: str) -> Action:
    """The action of an address; raises `NotFound` naming those there are."""
    try:
        return ACTIONS[slug]
    except KeyError:
        raise NotFound(f"there is no such action; there are {', '.join(ACTIONS)}") from None


def is_open(pull: PullRequest) -> bool:
    """Offered on an open pull request."""
    return pull.is_open


def is_ready(pull: PullRequest) -> bool:
    """Offered on an open pull request that is no draft."""
    return pull.is_open and not pull.draft


from bridge.core.actions import states, reviewing, merging, checking  # noqa: E402, F401, I001  (the table's order)
