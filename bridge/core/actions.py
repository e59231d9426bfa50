"""The table of actions: which buttons a thread shows, and what a click does on GitHub.

An action is one decorated generator: it yields the `Call`s to make as the person who clicked, is sent
GitHub's JSON answer to each, raises `GitHubRefused` if GitHub did not really do it, and returns one
sentence. So each rule is tested without a network.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from bridge.core.errors import GitHubRefused, NotFound
from bridge.core.model import Target
from bridge.core.snapshot import PullRequest


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request to GitHub's REST API; `url` is a path with names to fill in from `variables`."""

    method: str
    url: str
    variables: dict[str, str]
    data: dict[str, Any]


Steps = Generator[Call, Any, str]
Perform = Callable[[Target, str], Steps]
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


def _is_open(pull: PullRequest) -> bool:
    return pull.state == "open"


def _is_closed_unmerged(pull: PullRequest) -> bool:
    return pull.state == "closed" and not pull.merged


@action("assign-to-me", "Assign to me", offered=_is_open)
def assign_to_me(target: Target, login: str) -> Steps:
    """Adds the person; GitHub silently ignores it without push access, so the answer is looked at.

    https://docs.github.com/rest/issues/assignees#add-assignees-to-an-issue
    """
    issue = yield _call(target, "POST", "issues/{number}/assignees", {"assignees": [login]})
    assigned = {user["login"].lower() for user in issue.get("assignees") or [] if user}
    if login.lower() not in assigned:
        raise GitHubRefused(
            f"GitHub did not assign @{login} to {target}: that needs push access to the repository"
            " and fewer than 10 assignees"
        )
    return f"Assigned {target} to @{login}."


@action("close", "Close", offered=_is_open)
def close(target: Target, login: str) -> Steps:
    """Closes the pull request; one that is closed already is a success.

    https://docs.github.com/rest/pulls/pulls#update-a-pull-request
    """
    pull = yield _set_state(target, "closed")
    if pull.get("merged") or pull.get("merged_at"):
        return f"{target} is merged already."
    if pull.get("state") != "closed":
        raise GitHubRefused(f"GitHub did not close {target}", status=409)
    return f"Closed {target}."


@action("reopen", "Reopen", offered=_is_closed_unmerged)
def reopen(target: Target, login: str) -> Steps:
    """Reopens the pull request; one that is open already is a success."""
    pull = yield _set_state(target, "open")
    if pull.get("state") != "open":
        raise GitHubRefused(f"GitHub did not reopen {target}", status=409)
    return f"Reopened {target}."


def _set_state(target: Target, state: str) -> Call:
    return _call(target, "PATCH", "pulls/{number}", {"state": state})


def _call(target: Target, method: str, path: str, data: dict[str, Any]) -> Call:
    variables = {"owner": target.owner, "repo": target.repo, "number": str(target.number)}
    return Call(method=method, url=f"/repos/{{owner}}/{{repo}}/{path}", variables=variables, data=data)
