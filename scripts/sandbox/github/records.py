"""Records of the stand-in: people, labels, commits, comments.

All are frozen: what changes is replaced.
"""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(kw_only=True, unsafe_hash=True)
class User:
    """A person or an organization, identified by id: logins change."""

    id: int
    login: str = field(compare=False)
    name: str = field(compare=False)
    kind: str = field(default="User", compare=False)


@dataclass(kw_only=True, eq=False)
class Team:
    """A team of an organization."""

    id: int
    slug: str
    name: str
    description: str = ""
    members: tuple[int, ...] = ()
    """By their ids."""


@dataclass(frozen=True, kw_only=True)
class Label:
    """A label of a repository; `color` is six hexadecimal digits."""

    id: int
    name: str
    color: str
    description: str


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """A change of a file; a picture, or one that was only renamed, has no `patch`."""

    filename: str
    patch: str = ""
    status: str = "modified"
    previous: str = ""

    @property
    def additions(self) -> int:
        """The lines that were added."""
        return sum(line.startswith("+") for line in self.patch.split("\n"))

    @property
    def deletions(self) -> int:
        """The lines that were removed."""
        return sum(line.startswith("-") for line in self.patch.split("\n"))


@dataclass(frozen=True, kw_only=True)
class Commit:
    """One pushed commit; `parent` may be a commit nobody remembers."""

    sha: str
    message: str
    author: User
    at: datetime
    additions: int
    deletions: int
    parent: str
    files: tuple[FileChange, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A comment in the conversation of a pull request."""

    id: int
    author: User
    body: str
    at: datetime
    edited_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Review:
    """A submitted review; `state` as in REST: APPROVED, CHANGES_REQUESTED, COMMENTED or DISMISSED."""

    id: int
    author: User
    state: str
    body: str
    commit_id: str
    at: datetime
    edited_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class LineComment:
    """A comment on the changes: on a line, `outdated` once it is no longer there, or on a file (line 0)."""

    id: int
    review_id: int
    author: User
    body: str
    path: str
    line: int
    commit_id: str
    at: datetime
    side: str = "RIGHT"
    start_line: int | None = None
    reply_to: int | None = None
    edited_at: datetime | None = None
    outdated: bool = False
    diff_hunk: str = ""


@dataclass(frozen=True, kw_only=True)
class AutoMerge:
    """The wish to merge as soon as it is allowed."""

    by: User
    method: str
    title: str | None = None
    message: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of a branch that a merge has to satisfy; no `methods`: any that the repository allows."""

    approvals: int = 0
    code_owners: bool = False
    last_push: bool = False
    conversations: bool = False
    checks: tuple[str, ...] = ()
    strict: bool = False
    methods: tuple[str, ...] = ()
    queue: bool = False


@dataclass(frozen=True, kw_only=True)
class MergeRequest:
    """An asynchronous merge that somebody asked for; `status` is `pending` until it ran."""

    uuid: str
    by: User
    sha: str
    method: str
    action: str
    status: str
    message: str
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Stack:
    """The stack of pull requests that one is part of."""

    id: int
    number: int
    base_ref: str
    base_sha: str
    position: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the timeline; `what` continues the sentence that begins with the actor."""

    at: datetime
    actor: User
    kind: str
    what: str
    body: str = ""
