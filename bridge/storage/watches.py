"""Questions to GitHub, due at a time: any process adds them, one of them asks."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Literal

import msgspec
from redis.exceptions import OutOfMemoryError

from bridge.storage import keys
from bridge.storage.due_queue import DueQueue
from bridge.storage.redis import Redis

ASK_STATE_SECONDS = 2
"""The wait before a question about a state: by GitHub's clock, the answer must be of a later second."""

MERGE_SECONDS = 60
"""The wait before the first question about a merge still pending after its click."""

TEAMS_SECONDS = 60
"""The least time between two questions about the teams of a pull request."""

MEMBERS_SECONDS = 60
"""The wait after a change of a team's members: all changes meanwhile share one question."""

QUEUE_SECONDS = 5
"""The wait before a question about a merge queue: all changes meanwhile share one question."""


class Watch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question to GitHub; `asked` counts the times without an answer.

    It is about a pull request's `mergeable`; its `state`, where a delivery contradicted itself; the `rules`
    or the merge `queue` of a `branch`; the `teams` that are asked for a review; the last `push` of a fork; or
    a `merge` that a `user` asked for, by GitHub's `uuid`. One about `members` is about an `organization`'s
    pull requests that ask its team, here `number`, for a review.
    """

    repository_id: int
    about: Literal["mergeable", "state", "rules", "queue", "teams", "members", "merge", "push"]
    number: int = 0
    asked: int = 0
    branch: str = ""
    user: str = ""
    uuid: str = ""
    organization: str = ""


class Watches:
    """The questions in Redis; one that waits already is not asked twice."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._due = DueQueue(redis, keys.WATCH)

    async def add(self, watches: Iterable[Watch], *, delay: float = 0) -> None:
        """Schedule questions in `delay` seconds."""
        await self._due.add((msgspec.json.encode(one).decode() for one in watches), delay=delay)

    async def once(
        self, watch: Watch, *, every: int, delay: float = 0, mark: str = "", or_later: bool = False
    ) -> None:
        """Schedule a question about a branch, unless one was scheduled in the last `every` seconds.

        Then it is dropped, or comes `or_later`: after them. Questions with a `mark` count by themselves.
        While Redis is full there is none: another delivery asks.
        """
        place = keys.branch_asked(watch.repository_id, mark or watch.about, watch.branch)
        with suppress(OutOfMemoryError):
            if await self._redis.set(place, 1, ex=every, nx=True):
                await self.add([watch], delay=delay)
            elif or_later:
                await self.add([watch], delay=every)

    async def mergeable(self, repository_id: int, numbers: Iterable[int], *, asked: int = 0) -> None:
        """Ask whether pull requests conflict; each time without an answer doubles the delay."""
        watches = [
            Watch(repository_id=repository_id, about="mergeable", number=number, asked=asked)
            for number in numbers
        ]
        await self.add(watches, delay=2**asked)

    async def state(self, repository_id: int, number: int) -> None:
        """Ask for a pull request's state, after the current second."""
        await self.add(
            [Watch(repository_id=repository_id, about="state", number=number)], delay=ASK_STATE_SECONDS
        )

    async def push(self, repository_id: int, number: int) -> None:
        """Ask whether the last push to a pull request was forced."""
        await self.add([Watch(repository_id=repository_id, about="push", number=number)])

    async def queue(self, repository_id: int, number: int, branch: str) -> None:
        """Ask for the places in the merge queue of the branch that a pull request goes into."""
        question = Watch(repository_id=repository_id, about="queue", number=number, branch=branch)
        await self.once(question, every=QUEUE_SECONDS, delay=QUEUE_SECONDS)

    async def teams(self, repository_id: int, number: int) -> None:
        """Ask for the members of the teams that a pull request asks for a review, once a minute at most."""
        await self.once(_teams(repository_id, number), every=TEAMS_SECONDS, delay=1)

    async def teams_again(self, repository_id: int, numbers: Iterable[int]) -> None:
        """Ask the same of several pull requests, since a team changed."""
        await self.add(_teams(repository_id, number) for number in numbers)

    async def members(self, organization: str, team: int) -> None:
        """Ask for the members of an organization's team, for the pull requests that ask it for a review."""
        question = Watch(repository_id=0, about="members", number=team, organization=organization)
        await self.add([question], delay=MEMBERS_SECONDS)

    async def merge(self, repository_id: int, number: int, *, user: str, uuid: str, asked: int = 0) -> None:
        """Ask how a merge ended; each time without an answer doubles the delay."""
        one = Watch(
            repository_id=repository_id, about="merge", number=number, asked=asked, user=user, uuid=uuid
        )
        await self.add([one], delay=MERGE_SECONDS * 2**asked)

    async def next(self) -> Watch | None:
        """Return a question that is due, for this caller alone."""
        return await self._due.claim_as(Watch)


def _teams(repository_id: int, number: int) -> Watch:
    return Watch(repository_id=repository_id, about="teams", number=number, branch=str(number))
