"""What the stand-in remembers: people, repositories, pull requests, and the time.

Nothing here talks to anybody. `changes` alters a pull request by GitHub's rules, `payloads` shows
it the way GitHub does.
"""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from hashlib import sha1

from .config import Config


class Permission(IntEnum):
    """What somebody may do with a repository; a higher one includes the lower ones."""

    NONE = 0
    READ = 1
    WRITE = 2
    ADMIN = 3


class Clock:
    """The time in whole seconds, as GitHub gives it.

    `advance` moves it forward; with `tick` on, no two changes share a second.
    """

    def __init__(self) -> None:
        self.tick = False
        self._offset = timedelta()
        self._last = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """The present time, UTC."""
        return (datetime.now(UTC) + self._offset).replace(microsecond=0)

    def change(self) -> datetime:
        """The time of a change that happens now."""
        now = self.now()
        if self.tick and now <= self._last:
            self.advance((self._last - now).total_seconds() + 1)
            now = self._last + timedelta(seconds=1)
        self._last = now
        return now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        self._offset += timedelta(seconds=seconds)


@dataclass(frozen=True, kw_only=True)
class User:
    """A person, or an organization."""

    id: int
    login: str
    name: str
    kind: str = "User"


@dataclass(frozen=True, kw_only=True)
class Label:
    """A label of a repository; `color` is six hexadecimal digits."""

    id: int
    name: str
    color: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Commit:
    """One pushed commit."""

    sha: str
    message: str
    author: User
    at: datetime
    additions: int
    deletions: int


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A comment in the conversation of a pull request."""

    id: int
    author: User
    body: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Review:
    """A submitted review; `state` as in REST: APPROVED, CHANGES_REQUESTED or COMMENTED."""

    id: int
    author: User
    state: str
    body: str
    commit_id: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the timeline; `what` continues the sentence that begins with the actor."""

    at: datetime
    actor: User
    kind: str
    what: str
    body: str = ""


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
    commits: list[Commit] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    reviewers: list[User] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
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
    def badge(self) -> str:
        """The state as the page names it."""
        if self.merged_at:
            return "Merged"
        if self.closed_at:
            return "Closed"
        return "Draft" if self.draft else "Open"

    @property
    def verdicts(self) -> dict[str, str]:
        """What each reviewer thinks, by login; a mere comment takes back neither yes nor no."""
        found: dict[str, str] = {}
        for review in self.reviews:
            if review.state != "COMMENTED" or review.author.login not in found:
                found[review.author.login] = review.state
        return found


@dataclass(kw_only=True)
class Repo:
    """A repository; `permissions` by login, for those who were given more than the public has."""

    id: int
    owner: User
    name: str
    private: bool
    description: str
    created_at: datetime
    pushed_at: datetime
    fork: bool = False
    default_branch: str = "main"
    permissions: dict[str, Permission] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    milestones: dict[str, int] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner.login}/{self.name}"

    def permission(self, user: User | None) -> Permission:
        """What `user` (None: somebody unknown) may do here."""
        floor = Permission.NONE if self.private else Permission.READ
        return max(floor, self.permissions.get(user.login, floor)) if user else floor


class World:
    """Everything the stand-in remembers, but for tokens and webhooks."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = Clock()
        self.users: dict[str, User] = {}
        self.repos: dict[str, Repo] = {}
        self._ids = itertools.count(2_400_001)

    def new_id(self) -> int:
        """A number nothing else has."""
        return next(self._ids)

    def new_sha(self) -> str:
        """Forty hexadecimal digits, the same ones in every run."""
        return sha1(f"commit {self.new_id()}".encode(), usedforsecurity=False).hexdigest()

    def add_user(self, user: User) -> User:
        """Remember `user`."""
        self.users[user.login.lower()] = user
        return user

    def add_repo(self, repo: Repo) -> Repo:
        """Remember `repo`."""
        self.repos[repo.full_name.lower()] = repo
        return repo

    def user(self, login: str) -> User | None:
        """The user of that login, in whatever case; None if there is none."""
        return self.users.get(login.lower())

    def repo(self, full_name: str) -> Repo | None:
        """The repository of that `owner/name`, in whatever case; None if there is none."""
        return self.repos.get(full_name.lower())

    def people(self) -> list[User]:
        """Everybody one can sign in as."""
        return [user for user in self.users.values() if user.kind == "User"]
