"""The table of actions, and what an action is made of."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from bridge.core import names
from bridge.core.errors import GitHubRefused, NotFound
from bridge.core.model import Target
from bridge.core.pulls.model import PullRequest


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request to GitHub: REST (`url` a path with names to fill in from `variables`), or GraphQL.

    With the method GRAPHQL, `url` is the query and `data` its variables. Statuses in `takes` answer as 200
    does. A call with a `delay`, in seconds, polls a pending operation: its answer is None if the click has
    no time left, or if GitHub is failing.
    """

    method: str
    url: str
    variables: dict[str, str] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    takes: frozenset[int] = frozenset()
    delay: float = 0


@dataclass(frozen=True, kw_only=True)
class Click:
    """A click on a button, by a GitHub account.

    `shown` is the pull request as the thread showed it, None if unknown. `repository_id` is that of the
    thread's repository, None before its first delivery. `pull` is GitHub's answer about the pull request,
    once `steps` has it.
    """

    target: Target
    login: str
    user_id: int = 0
    shown: PullRequest | None = None
    shown_sha: str = ""
    repository_id: int | None = None
    pull: Mapping[str, Any] | None = None

    def call(
        self,
        method: str,
        path: str,
        data: dict[str, Any] | None = None,
        *,
        takes: frozenset[int] = frozenset(),
        delay: float = 0,
        **variables: str,
    ) -> Call:
        """Return a call below the repository's path, whose names `variables` fill in too."""
        target = self.target
        places = {"owner": target.owner, "repo": target.repo, "number": str(target.number), **variables}
        url = f"/repos/{{owner}}/{{repo}}{path}"
        return Call(method=method, url=url, variables=places, data=data or {}, takes=takes, delay=delay)

    def asked(self) -> Generator[Call, Any, Mapping[str, Any]]:
        """Return GitHub's answer about the pull request; ask unless it is there."""
        if self.pull is not None:
            return self.pull
        answer: Mapping[str, Any] = yield self.call("GET", "/pulls/{number}")
        return answer


class Merging(NamedTuple):
    """The end of a click whose merge is still pending: the sentence, and the `uuid` to poll by."""

    sentence: str
    uuid: str


Steps = Generator[Call, Any, str | Merging]
Perform = Callable[[Click], Steps]
Offer = Callable[[PullRequest], bool]
Note = Callable[[PullRequest], str]


@dataclass(frozen=True, kw_only=True)
class Action:
    """A button: `slug` ends its address, `name` is its label, and `note` warns of a vain click.

    An action that `names_clicker` sends GitHub the person's login, which must be current.
    """

    slug: str
    name: str
    offered: Offer
    perform: Perform
    names_clicker: bool = False
    note: Note | None = None


ACTIONS: dict[str, Action] = {}
"""Every action by its slug, in the order of the buttons."""


def action(
    slug: str, name: str, *, offered: Offer, names_clicker: bool = False, note: Note | None = None
) -> Callable[[Perform], Perform]:
    """Register the decorated generator under a unique `slug`."""
    if slug in ACTIONS:
        raise ValueError(f"the action {slug} is defined twice")

    def register(perform: Perform) -> Perform:
        ACTIONS[slug] = Action(
            slug=slug,
            name=name,
            offered=offered,
            perform=perform,
            names_clicker=names_clicker,
            note=note,
        )
        return perform

    return register


def find(slug: str) -> Action:
    """Return the action of an address; raises `NotFound` naming the existing ones."""
    try:
        return ACTIONS[slug]
    except KeyError:
        raise NotFound(f"there is no such action; the actions are {', '.join(ACTIONS)}") from None


def steps(action: Action, click: Click) -> Steps:
    """Do an action on the repository that the thread is about, even if its name now leads elsewhere.

    Ask for the pull request by the name in the address. If that leads to another repository or to none,
    look up the name by the repository's id. Refuse to act on a repository with another id.
    """
    if (repository_id := click.repository_id) is None:
        return (yield from action.perform(click))
    pull: Any = None
    refusal: GitHubRefused | None = None
    try:
        pull = yield click.call("GET", "/pulls/{number}")
    except GitHubRefused as error:
        refusal = error
    if not is_in(pull, repository_id):
        click = yield from _found_anew(click, refusal)
        pull = yield click.call("GET", "/pulls/{number}")
        if not is_in(pull, repository_id):
            raise _elsewhere(click)
    return (yield from action.perform(replace(click, pull=pull)))


def _found_anew(click: Click, refusal: GitHubRefused | None) -> Generator[Call, Any, Click]:
    """Return the click with the repository's current name; raises `refusal` if there is no other."""
    call = Call(method="GET", url="/repositories/{id}", variables={"id": str(click.repository_id)})
    try:
        repository = yield call
    except GitHubRefused:
        raise refusal or _elsewhere(click) from None
    name = repository["full_name"]
    if repository["id"] != click.repository_id or not names.is_full_name(name):
        raise _elsewhere(click)
    owner, _, repo = name.partition("/")
    if refusal is not None and (owner, repo) == (click.target.owner, click.target.repo):
        raise refusal
    return replace(click, target=replace(click.target, owner=owner, repo=repo))


def is_in(pull: Any, repository_id: int) -> bool:
    """Tell whether GitHub's answer is a pull request of this repository."""
    return bool(pull) and pull["base"]["repo"]["id"] == repository_id


def _elsewhere(click: Click) -> GitHubRefused:
    return GitHubRefused(
        f"{click.target} now belongs to another repository than this thread: do it on GitHub",
        status=409,
    )


def is_merged(pull: Mapping[str, Any]) -> bool:
    """Tell whether GitHub's answer shows a pull request as merged."""
    return bool(pull.get("merged") or pull.get("merged_at"))


def may_push(repository: Mapping[str, Any]) -> bool:
    """Tell whether GitHub's answer about a repository gives the person push access."""
    return bool((repository.get("permissions") or {}).get("push"))


def is_open(pull: PullRequest) -> bool:
    """Offer the action on an open pull request."""
    return pull.is_open


def is_ready(pull: PullRequest) -> bool:
    """Offer the action on an open pull request that is no draft."""
    return pull.is_open and not pull.draft
