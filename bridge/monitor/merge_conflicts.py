"""Poll for merge conflicts: ask GitHub, after a push to a base branch, which open pull requests still merge.

GitHub sends no event for that, so each pull request costs a call, made as a linked account that may see the
repository; without one it is skipped. Calls are spaced and bounded per push. A lost one does no harm: the
next push asks again.

Other questions take their turn with these: the state of a pull request whose delivery contradicts itself, the
rules of a branch (`bridge.monitor.branches`), a blocked merge that seems ready.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.actions import is_in
from bridge.core.model import Target
from bridge.core.pulls.own_events import MERGEABLE
from bridge.monitor import branches, merges, teams
from bridge.monitor.polling import poll
from bridge.monitor.question import Question
from bridge.process.shutdown import Shutdown
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.storage.pulls import PullRequestStore
from bridge.storage.watches import Watch

SPACING = 1.0
"""Seconds between two calls: GitHub's secondary limits ask for calls one after the other."""

IDLE = 2.0
MAX_ASKED = 6
"""Requests to GitHub until it has worked out whether a pull request merges."""


@dataclass(frozen=True, kw_only=True)
class ConflictPoller:
    """Asks about one pull request at a time, until `stop` is set."""

    pulls: PullRequestStore
    accounts: LinkedAccounts
    queue: DeliveryQueue
    stop: Shutdown

    async def run(self) -> None:
        """Ask about each pull request that is due, at most one call a second."""
        await poll(
            self.pulls.watches.next,
            self._ask,
            stop=self.stop,
            idle=IDLE,
            spacing=SPACING,
        )

    async def _ask(self, watch: Watch) -> None:
        if watch.about == "members":
            await teams.look_up(watch, self.pulls, self.accounts.connections)
        elif name := await self.pulls.repository_name(watch.repository_id):
            question = Question(
                watch=watch, name=name, pulls=self.pulls, accounts=self.accounts, queue=self.queue
            )
            await _ANSWERERS[watch.about](question)


async def _read_pull(question: Question) -> None:
    """Read whether a pull request conflicts, or its state, and have its thread show it."""
    watch = question.watch
    pull = await question.ask(partial(_pull, question))
    if pull is None or not (watch.about == "state" or pull.get("state") == "open"):
        return
    if pull.get("mergeable") is None and watch.about != "state":
        if watch.asked + 1 < MAX_ASKED:
            await question.pulls.watches.mergeable(watch.repository_id, [watch.number], asked=watch.asked + 1)
        return
    repository = pull["base"]["repo"]
    state = f"{pull['head']['sha']}:{pull['base']['sha']}:{pull['mergeable']}:{pull['mergeable_state']}"
    if watch.about == "state":
        state = f"{pull['updated_at']}:{pull['state']}:{pull['merged_at']}:{pull['draft']}"
    await question.answer(
        MERGEABLE,
        f"{watch.number}:{state}:{repository['full_name']}:{repository.get('updated_at')}",
        number=watch.number,
        repository={key: repository[key] for key in ("id", "full_name", "html_url")},
        pull_request=pull,
        read_at=time.time(),
    )


async def _pull(question: Question, token: str) -> dict[str, Any]:
    owner, _, repo = question.name.partition("/")
    target = Target(owner=owner, repo=repo, number=question.watch.number, action="")
    pull = await question.accounts.github.pull(target, token=token)
    if not is_in(pull, question.watch.repository_id):
        # What only members of that repository may see must not be shown here.
        raise LookupError("another repository has the name now")
    return pull


_ANSWERERS: dict[str, Callable[[Question], Awaitable[None]]] = {
    "mergeable": _read_pull,
    "state": _read_pull,
    "rules": branches.read_branch_rules,
    "queue": merges.read_queue,
    "merge": merges.follow,
    "push": branches.compare_push,
    "teams": teams.read,
}
