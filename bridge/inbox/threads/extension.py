"""The member `bridge` of a thread: the pull request as the inbox's pages need it.

Flowdock documents no such member and ignores it. The inbox believes it of bridge's own sources alone.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

MEMBER = "bridge"

_Id = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
_Text = Annotated[str, msgspec.Meta(max_length=2000)]
_Moment = Annotated[int, msgspec.Meta(ge=0, lt=10**15)]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account on GitHub."""

    id: _Id
    login: _Text


class Holder(Account, frozen=True, kw_only=True):
    """Somebody who has the turn, `since` a Unix time in milliseconds, as far as that is known."""

    since: _Moment | None = None


class PullTurn(msgspec.Struct, frozen=True, kw_only=True):
    """The step that comes next: `who` and `why` in words, `people` those who can take it."""

    kind: Literal["author", "review", "ready", "maintainer", "waiting"]
    who: _Text
    why: _Text = ""
    since: _Moment | None = None
    people: Annotated[tuple[Holder, ...], msgspec.Meta(max_length=1000)] = ()

    def of(self, person_id: int) -> Holder | None:
        """Return a person as a holder of the turn; None if it is not theirs."""
        return next((one for one in self.people if one.id == person_id), None)

    def __str__(self) -> str:
        return f"{self.who} ({self.why})" if self.why else self.who


class Pull(msgspec.Struct, frozen=True, kw_only=True):
    """A pull request; `people` are author, assignees and reviewers, `turn` is None once it is closed."""

    repository: _Text
    number: _Id
    author: Account
    people: Annotated[tuple[Account, ...], msgspec.Meta(max_length=1000)] = ()
    turn: PullTurn | None = None


def problem(value: object) -> str:
    """Return the problem with a member; empty if there is none."""
    try:
        msgspec.convert(value, Pull)
    except msgspec.ValidationError as error:
        return f"does not match docs/protocol.md: {error}"
    return ""


def pull_of(state: Mapping[str, Any]) -> Pull | None:
    """Return the pull request of a thread's state; None if the thread is of something else."""
    value = state.get(MEMBER)
    return msgspec.convert(value, Pull) if value is not None else None
