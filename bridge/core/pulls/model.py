"""A pull request as a thread shows it, made of its snapshot and its checks."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from bridge.core.pulls.rules import BranchRules

PullKey = tuple[int, int]
"""A pull request: its repository's id and its number."""

Commit = tuple[int, str]
"""A commit: its repository's id and its SHA."""

CheckState = Literal["passed", "failed", "running", "waiting", "skipped", "neutral"]
"""`waiting`: for a maintainer, who has to allow a workflow to run."""

ReviewState = Literal["approved", "changes requested", "requested"]


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A GitHub account: `id` identifies it, `login` may change.

    A deleted account is called 'ghost', with id 0: GitHub no longer says which one it was.
    """

    login: str
    url: str = ""
    id: int = 0
    bot: bool = False


class Branch(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a pull request; `repository` is empty when the fork was deleted."""

    ref: str
    sha: str
    repository: str = ""
    repository_url: str = ""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A name with its address: a label, a milestone."""

    name: str
    url: str = ""


class Reviewer(msgspec.Struct, frozen=True, kw_only=True):
    """A person or a team asked for a review, or a person who gave one; a team has no account to tag."""

    name: str
    url: str
    state: ReviewState
    is_team: bool = False
    bot: bool = False
    members: tuple[Person, ...] = ()
    """A few people of the team who linked an account."""
    id: int = 0
    """GitHub's number of the person or of the team; 0 for a deleted account."""

    @property
    def person(self) -> Person | None:
        """The reviewer's account; None for a team."""
        return None if self.is_team else Person(login=self.name, url=self.url, id=self.id, bot=self.bot)


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """A pull request's place in a stack of them, 1 at the bottom; all go into `base`."""

    number: int
    base: str
    position: int
    size: int


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """The size of the diff."""

    additions: int
    deletions: int
    files: int
    commits: int


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check of the head commit, or a deployment of it; `run_id` is its workflow run's, 0 without one.

    `job_id` is that of a job of GitHub Actions, else 0. `output` are the first lines that another app wrote
    about its failure.

    A running workflow beside its jobs is not counted, nor is a note of dropped checks. One that was cancelled
    counts as failed.
    """

    name: str
    state: CheckState
    url: str = ""
    run_id: int = 0
    suite_id: int = 0
    is_deployment: bool = False
    is_counted: bool = True
    is_cancelled: bool = False
    job_id: int = 0
    output: str = ""


class Place(NamedTuple):
    """The place in the merge queue, 0 if it is not known, and the sum of the queue's `checks`, in words."""

    number: int = 0
    checks: str = ""


class Rendered(NamedTuple):
    """A description's HTML, and what it was made of (`bridge.core.messages.description`)."""

    made_of: str
    html: str


class PullRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known of one pull request; what no delivery told is empty or None."""

    repository: str
    repository_url: str
    number: int
    url: str
    title: str
    body: str
    state: Literal["open", "closed", "merged"]
    draft: bool
    author: Person
    head: Branch | None
    base: Branch | None
    pusher: Person | None = None
    """The account that pushed last, or opened it; None if it was not told."""
    stack: Stack | None = None
    assignees: tuple[Person, ...] = ()
    labels: tuple[Link, ...] = ()
    milestone: Link | None = None
    reviewers: tuple[Reviewer, ...] = ()
    named: tuple[Person, ...] = ()
    """Everybody involved, in the order in which their logins were told: a login belongs to the last."""
    changes: Changes | None = None
    auto_merge: bool = False
    queued: bool = False
    place: Place = Place()
    mergeable: bool | None = None
    mergeable_state: str = ""
    """GitHub's word for the obstacle to a merge, such as `blocked`; empty if it told none."""
    merge_methods: tuple[str, ...] = ()
    allows: tuple[str, ...] = ()
    """Names of repository settings that are on: `auto-merge`, `update-branch`."""
    unresolved: tuple[str, ...] = ()
    """The addresses of conversations that nobody resolved."""
    more_unresolved: bool = False
    """True if there are more than are kept."""
    rules: BranchRules | None = None
    """The rules of the base branch; None until they were asked for."""
    checks: tuple[Check, ...] = ()
    deployments: tuple[Check, ...] = ()
    turn_since: Mapping[str, float] = msgspec.field(default_factory=dict)
    """Since when each holder has the turn, as `bridge.core.pulls.turn.since` returns it."""
    rendered: Rendered | None = None
    html: str | None = None
    """Safe HTML of the description as it is; None: to be looked for (`bridge.core.messages.description`)."""

    @property
    def people(self) -> tuple[Person, ...]:
        """The author, the assignees, and the reviewers that are no teams."""
        reviewers = (person for one in self.reviewers if (person := one.person))
        return (self.author, *self.assignees, *reviewers)

    @property
    def target(self) -> str:
        """The branch that it merges into: that of its stack if it is in one, else its base."""
        if self.stack:
            return self.stack.base
        return self.base.ref if self.base else ""

    @property
    def is_open(self) -> bool:
        """Neither closed nor merged."""
        return self.state == "open"

    def with_state(self, state: ReviewState) -> tuple[Reviewer, ...]:
        """Return the reviewers whose last review is `state`."""
        if not self.reviewers:
            return ()
        return tuple(reviewer for reviewer in self.reviewers if reviewer.state == state)

    def checks_that(self, state: CheckState) -> tuple[Check, ...]:
        """Return the counted checks in a state."""
        if not self.checks:
            return ()
        return tuple(check for check in self.checks if check.state == state and check.is_counted)
