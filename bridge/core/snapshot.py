"""The pull request as bridge knows it: what a thread is drawn from.

Deliveries may come late, twice or in any order; `newest` decides which state stands.
"""

from dataclasses import asdict, dataclass
from typing import Any

import orjson

from bridge.core.model import Payload

MAX_BODY = 8000
"""Characters of the description that are kept: more than a thread shows."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """A GitHub login with the address of its page; 'ghost' stands for a deleted account."""

    login: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Branch:
    """One side of a pull request; `repository` is empty when the fork was deleted."""

    ref: str
    sha: str
    repository: str
    repository_url: str


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """The state of one pull request at `updated_at` (ISO 8601, UTC, whole seconds as GitHub sends it)."""

    repository: str
    number: int
    url: str
    title: str
    body: str
    state: str
    draft: bool
    merged: bool
    author: Person
    head: Branch
    base: Branch
    assignees: tuple[Person, ...]
    created_at: str
    updated_at: str
    closed_at: str

    @property
    def owner_and_name(self) -> tuple[str, str]:
        """The repository's owner and its own name."""
        owner, _, name = self.repository.partition("/")
        return owner, name


def from_payload(payload: Payload) -> PullRequest:
    """The state that a `pull_request` payload carries. Any nullable field may be null.

    Raises `KeyError` or `TypeError` where a field that GitHub always sends is missing.
    https://docs.github.com/webhooks/webhook-events-and-payloads#pull_request
    """
    pull: Payload = payload["pull_request"]
    return PullRequest(
        repository=payload["repository"]["full_name"],
        number=pull["number"],
        url=pull["html_url"],
        title=pull["title"],
        body=(pull.get("body") or "")[:MAX_BODY],
        state=pull["state"],
        draft=bool(pull.get("draft")),
        # Review events leave `merged` out; `merged_at` is in every payload.
        merged=bool(pull.get("merged_at")),
        author=person(pull.get("user")),
        head=_branch(pull["head"]),
        base=_branch(pull["base"]),
        assignees=tuple(person(user) for user in pull.get("assignees") or [] if user),
        created_at=pull["created_at"],
        updated_at=pull["updated_at"],
        closed_at=pull.get("closed_at") or "",
    )


def person(user: Payload | None) -> Person:
    """The person behind a `user` object; GitHub's ghost where it is null."""
    user = user or {}
    return Person(login=user.get("login") or "ghost", url=user.get("html_url") or "")


def _branch(side: Payload) -> Branch:
    repository = side.get("repo") or {}
    return Branch(
        ref=side["ref"],
        sha=side["sha"],
        repository=repository.get("full_name") or "",
        repository_url=repository.get("html_url") or "",
    )


def newest(known: PullRequest | None, incoming: PullRequest, *, action: str) -> PullRequest:
    """Which of the two states stands, `action` being the incoming delivery's.

    GitHub's clock has whole seconds, so ties are normal: `opened` is the oldest state there is, a
    state closed in that very second is newer than an open one unless it was reopened, and else the
    later arrival stands. A merge is never undone.
    """
    if known is None:
        return incoming
    if known.merged != incoming.merged:
        return known if known.merged else incoming
    if known.updated_at != incoming.updated_at:
        return max(known, incoming, key=lambda pull: pull.updated_at)
    return known if _loses_tie(known, incoming, action) else incoming


def _loses_tie(known: PullRequest, incoming: PullRequest, action: str) -> bool:
    if action == "opened":
        return True
    return known.state == "closed" and incoming.state == "open" and action != "reopened"


def dump(pull: PullRequest) -> bytes:
    """The snapshot as JSON."""
    return orjson.dumps(asdict(pull))


def load(data: bytes) -> PullRequest:
    """The snapshot that `dump` wrote."""
    fields: dict[str, Any] = orjson.loads(data)
    return PullRequest(
        **{
            **fields,
            "author": Person(**fields["author"]),
            "head": Branch(**fields["head"]),
            "base": Branch(**fields["base"]),
            "assignees": tuple(Person(**user) for user in fields["assignees"]),
        }
    )
