"""Schedule the questions to GitHub that follow from a delivery; answers come as deliveries of their own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import ParamSpec

from bridge.core.messages import translate
from bridge.core.messages.translation import Translation
from bridge.core.model import Delivery
from bridge.core.pulls import checks, own_events, states, to_merge
from bridge.core.pulls.snapshot import Snapshot
from bridge.queue.entries import InboxEntry
from bridge.storage.pulls import PullRequestStore
from bridge.storage.readings import Reading
from bridge.worker.unit_of_work import UnitOfWork, has_rules

Arguments = ParamSpec("Arguments")

_MAY_UNBLOCK = frozenset({"pull_request_review", "pull_request_review_thread", own_events.RULES})
"""Events after which GitHub may no longer block a merge, besides those of checks."""

_ASKS_TEAMS = frozenset({"opened", "review_requested", "ready_for_review"})
"""Actions after which the members of teams that are asked for a review are read."""

_MOVES_QUEUE = frozenset({"enqueued", "dequeued"})
"""Actions after which all places in a merge queue are read again."""


class Questions:
    """The questions that follow from the deliveries of a batch, collected and then scheduled together."""

    def __init__(self, pulls: PullRequestStore) -> None:
        self._pulls = pulls
        self._collected: list[Callable[[], Awaitable[object]]] = []
        self._branches: set[tuple[int, str]] = set()

    async def schedule(self) -> None:
        """Schedule all at the same time, which shares Redis's round trips; raises redis-py's errors."""
        await asyncio.gather(*(one() for one in self._collected))

    def _add(
        self,
        ask: Callable[Arguments, Awaitable[object]],
        *args: Arguments.args,
        **named: Arguments.kwargs,
    ) -> None:
        self._collected.append(partial(ask, *args, **named))

    async def with_rules(
        self, entry: InboxEntry, delivery: Delivery, merged: Snapshot, work: UnitOfWork
    ) -> Snapshot:
        """Add the stored rules of the base branch, or ask for them; raises redis-py's errors."""
        branch = merged.target
        if delivery.event != "pull_request" or not branch or not merged.is_open or has_rules(merged):
            return merged
        if rules := await work.rules(entry.repository_id, branch):
            return merged.merge(Snapshot(values={"rules": rules}))
        if (entry.repository_id, branch) not in self._branches:
            self._branches.add((entry.repository_id, branch))
            self._add(self._pulls.rules.ask, entry.repository_id, entry.number, branch)
        return merged

    def about_pull(
        self, entry: InboxEntry, delivery: Delivery, before: Snapshot, result: Translation
    ) -> None:
        """Ask what a delivery about a pull request leaves open."""
        repository_id, number = entry.repository_id, entry.number
        if result.snapshot.said.get("conflict") and before.head_sha != result.snapshot.head_sha:
            # A push that may have ended it.
            self._add(self._pulls.watches.mergeable, repository_id, [number])
        if delivery.action in _MOVES_QUEUE and result.snapshot.target:
            self._add(self._pulls.watches.queue, repository_id, number, result.snapshot.target)
        if delivery.event not in translate.OWN_EVENTS and states.is_doubtful(delivery):
            self._add(self._pulls.watches.state, repository_id, number)
        if delivery.action == "synchronize" and _is_of_fork(result) and result.snapshot.said.get("moved"):
            self._add(self._pulls.watches.push, repository_id, number)
        if delivery.action in _ASKS_TEAMS and _asks_teams(result):
            self._add(self._pulls.watches.teams, repository_id, number)
        self.if_ready(repository_id, delivery, result)
        if result.wants_diff:
            sha, asked_at = result.snapshot.head_sha, int(entry.received_at)
            self._add(
                self._pulls.readings.ask,
                Reading(repository_id=repository_id, sha=sha, numbers=(number,), asked_at=asked_at),
            )

    def if_ready(self, repository_id: int, delivery: Delivery, result: Translation) -> None:
        """Ask again if only GitHub's older word prevents a merge, and it may have changed."""
        may_change = delivery.event in _MAY_UNBLOCK | checks.EVENTS
        if may_change and result.pull and to_merge.seems_ready(result.pull):
            self._add(self._pulls.watches.mergeable, repository_id, [result.number], asked=1)

    def about_jobs(self, entry: InboxEntry, sha: str, results: Sequence[Translation]) -> None:
        """Have the logs of failed jobs read, each once for all pull requests."""
        numbers: dict[int, list[int]] = {}
        for result in results:
            for job in result.jobs:
                numbers.setdefault(job, []).append(result.number)
        for job, shown in numbers.items():
            self._add(
                self._pulls.readings.ask,
                Reading(
                    repository_id=entry.repository_id,
                    sha=sha,
                    job=job,
                    numbers=tuple(shown),
                    asked_at=int(entry.received_at),
                ),
            )


def _asks_teams(result: Translation) -> bool:
    return result.pull is not None and any(one.is_team for one in result.pull.with_state("requested"))


def _is_of_fork(result: Translation) -> bool:
    """Tell whether the head is in another repository, of whose pushes bridge gets no events."""
    pull = result.pull
    if pull is None or pull.head is None or pull.base is None:
        return False
    return pull.head.repository != pull.base.repository
