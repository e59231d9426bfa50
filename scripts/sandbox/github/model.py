"""The stand-in's state: people, repositories, pull requests, and the clock.

Nothing here talks to anybody. `changes` alters a pull request by GitHub's rules, `payloads` shows
it the way GitHub does.
"""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from hashlib import sha1

from .ci import Board
from .config import Config
from .records import (
    AutoMerge,
    Comment,
    Commit,
    Entry,
    Label,
    LineComment,
    MergeRequest,
    Review,
    Rules,
    Stack,
    Team,
    User,
)


class Permission(IntEnum):
    """A permission on a repository; each includes the lower ones."""

    NONE = 0
    READ = 1
    WRITE = 2
    ADMIN = 3


class Clock:
    """The time in whole seconds, as GitHub gives it.

    `advance` moves it forward; with `tick` on, no two changes share a second. While it is frozen, all happens
    within one second but for what `advance` does.
    """

    def __init__(self) -> None:
        self.tick = False
        self._offset = timedelta()
        self._frozen: datetime | None = None
        self._last = datetime.min.replace(tzinfo=UTC)

    @property
    def frozen(self) -> bool:
        """Whether time stands still."""
        return self._frozen is not None

    def freeze(self, *, frozen: bool) -> None:
        """Stop the time, or let it go on from where it stopped."""
        if frozen and self._frozen is None:
            self._frozen = datetime.now(UTC)
        elif not frozen and self._frozen is not None:
            self._offset -= datetime.now(UTC) - self._frozen
            self._frozen = None

    def now(self) -> datetime:
        """Return the present time, UTC."""
        return ((self._frozen or datetime.now(UTC)) + self._offset).replace(microsecond=0)

    def change(self) -> datetime:
        """Return the time of a change that happens now."""
        now = self.now()
        if self.tick and now <= self._last:
            self.advance((self._last - now).total_seconds() + 1)
            now = self._last + timedelta(seconds=1)
        self._last = now
        return now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        self._offset += timedelta(seconds=seconds)


@dataclass(kw_only=True)
class Thread:
    """A conversation about a line; open until somebody resolves it."""

    id: int
    comments: list[LineComment]
    resolved_by: User | None = None

    @property
    def first(self) -> LineComment:
        """The comment that began it."""
        return self.comments[0]


@dataclass(kw_only=True)
class Pull:
    """A pull request; also the issue of the same number."""

    id: int
    issue_id: int
    number: int
    title: str
    body: str | None
    author: User
    head_ref: str
    head_repo: "Repo"
    base_ref: str
    base_sha: str
    created_at: datetime
    updated_at: datetime
    draft: bool = False
    locked: bool = False
    lock_reason: str | None = None
    milestone: str | None = None
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merged_by: User | None = None
    merge_sha: str | None = None
    auto_merge: AutoMerge | None = None
    queued: bool = False
    queue_sha: str = ""
    merge_request: MergeRequest | None = None
    behind: bool = False
    stack: Stack | None = None
    fork_gone: bool = False
    conflict: bool = False
    computed: bool = False
    races: int = 0
    commits: list[Commit] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    reviewers: list[User] = field(default_factory=list)
    teams: list[Team] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)
    timeline: list[Entry] = field(default_factory=list)

    @property
    def state(self) -> str:
        """`open` or `closed`; a merged one is closed too."""
        return "closed" if self.closed_at else "open"

    @property
    def head_sha(self) -> str:
        """The newest commit."""
        return self.commits[-1].sha

    @property
    def target(self) -> str:
        """The branch it ends in: a stack's, or else its base."""
        return self.stack.base_ref if self.stack else self.base_ref

    @property
    def badge(self) -> str:
        """The state as the page names it."""
        if self.merged_at:
            return "Merged"
        if self.closed_at:
            return "Closed"
        return "Draft" if self.draft else "Open"

    @property
    def line_comments(self) -> list[LineComment]:
        """All comments on lines, oldest first."""
        return sorted((one for thread in self.threads for one in thread.comments), key=lambda one: one.id)

    @property
    def verdicts(self) -> dict[str, str]:
        """Return each reviewer's verdict by login; a comment changes no verdict."""
        found: dict[str, str] = {}
        for review in self.reviews:
            if review.state != "COMMENTED" or review.author.login not in found:
                found[review.author.login] = review.state
        return found


@dataclass(kw_only=True)
class Repo:
    """A repository; `permissions` by login, beyond what the public has."""

    id: int
    owner: User
    name: str
    private: bool
    description: str
    created_at: datetime
    pushed_at: datetime
    changed_at: datetime | None = None
    fork: bool = False
    default_branch: str = "main"
    archived: bool = False
    required_approvals: int = 0
    required_checks: tuple[str, ...] = ()
    merge_settings: dict[str, bool] = field(default_factory=dict)
    rules: dict[str, Rules] = field(default_factory=dict)
    holds_merges: bool = False
    # `all`, `collaborators_only` or `off`: those who may open pull requests.
    pull_requests: str = "all"
    board: Board = field(default_factory=Board)
    permissions: dict[str, Permission] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    milestones: dict[str, int] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner.login}/{self.name}"

    def rules_of(self, pull: Pull) -> Rules:
        """Return the rules of the branch that a pull request is merged into."""
        return self.rules.get(pull.target, Rules())

    def permission(self, user: User | None) -> Permission:
        """Return the permission of `user` (None: anonymous) here."""
        floor = Permission.NONE if self.private else Permission.READ
        if user and user.kind == "Bot":
            # An App that acts for itself: its installation and permissions were looked at before.
            return Permission.WRITE
        return max(floor, self.permissions.get(user.login, floor)) if user else floor


class World:
    """Everything the stand-in remembers, but for tokens and webhooks."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = Clock()
        self.users: dict[str, User] = {}
        self.teams: dict[str, Team] = {}
        self.repos: dict[str, Repo] = {}
        self.commits: dict[str, Commit] = {}
        # By the organization's id: the ids of its members.
        self.members: dict[int, set[int]] = {}
        # Former names of repositories, each with the repository's id.
        self.moved: dict[str, int] = {}
        # Those whose status says that they are busy.
        self.busy: set[int] = set()
        # Those who have no session of single sign-on with any organization.
        self.without_sign_on: set[int] = set()
        self._ids = itertools.count(2_400_001)

    def new_id(self) -> int:
        """Return a number nothing else has."""
        return next(self._ids)

    def new_sha(self) -> str:
        """Forty hexadecimal digits, the same ones in every run."""
        return sha1(f"commit {self.new_id()}".encode(), usedforsecurity=False).hexdigest()

    def add_user(self, user: User) -> User:
        """Remember `user`."""
        self.users[user.login.lower()] = user
        return user

    def rename_user(self, user: User, login: str) -> None:
        """Give somebody another login; the former one is free for others."""
        del self.users[user.login.lower()]
        for repo in self.repos.values():
            if user.login in repo.permissions:
                repo.permissions[login] = repo.permissions.pop(user.login)
        user.login = login
        self.users[login.lower()] = user

    def add_repo(self, repo: Repo) -> Repo:
        """Remember `repo`; a name that was another's leads to this one from now on."""
        self.repos[repo.full_name.lower()] = repo
        self.moved.pop(repo.full_name.lower(), None)
        return repo

    def user(self, login: str) -> User | None:
        """Find a user by login, case-insensitively; None if there is none."""
        return self.users.get(login.lower())

    def repo(self, full_name: str) -> Repo | None:
        """Find a repository by `owner/name`, case-insensitively; None if there is none."""
        return self.repos.get(full_name.lower())

    def repo_by_id(self, number: int) -> Repo | None:
        """Return the repository of that number; None if there is none."""
        return next((repo for repo in self.repos.values() if repo.id == number), None)

    def rename(self, repo: Repo, owner: User, name: str) -> None:
        """Give a repository another owner or name; the former name is remembered."""
        former = repo.full_name.lower()
        repo.owner, repo.name = owner, name
        if owner.kind == "User":
            repo.permissions[owner.login] = Permission.ADMIN
        del self.repos[former]
        self.moved[former] = repo.id
        self.add_repo(repo)

    def people(self) -> list[User]:
        """Everybody one can sign in as."""
        return [user for user in self.users.values() if user.kind == "User"]
