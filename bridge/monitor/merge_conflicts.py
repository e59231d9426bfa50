"""Poll for merge conflicts: ask GitHub, after a push to a base branch, which open pull requests still merge.

GitHub sends no event for it. So each takes a call, by a linked account that may see the repository; without
such an account it is skipped. Calls are spaced and bounded per push. One that is lost does no harm: the next
push asks again.

Where a delivery contradicts itself, GitHub is asked in the same way, once, for the pull request's state. So
it is for the rules of a branch (`bridge.monitor.branch_rules`), and for what it blocked and seems ready now.
"""

import time
from dataclasses import dataclass
from typing import Any

from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.actions import is_in
from bridge.core.messages.translate import MERGEABLE
from bridge.core.model import Target
from bridge.lifecycle import Shutdown
from bridge.monitor import branch_rules, merges, pushes, readers, teams
from bridge.monitor.announce import announce
from bridge.monitor.polling import poll
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.storage.pulls import PullRequestStore
from bridge.storage.watches import Watch

SPACING = 1.0
"""Seconds between two calls: GitHub's secondary limits ask for calls one after the other."""

IDLE = 2.0
MAX_ASKED = 6
"""Requests to GitHub until it has worked out whether a pull request merges."""

_OTHERS = {
    "rules": branch_rules.read,
    "queue": merges.read_queue,
    "merge": merges.follow,
    "push": pushes.compare,
    "teams": teams.read,
    "members": teams.look_up,
}


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
            doing="polling for merge conflicts",
        )

    async def _ask(self, watch: Watch) -> None:
        if elsewhere := _OTHERS.get(watch.about):
            await elsewhere(watch, pulls=self.pulls, accounts=self.accounts, queue=self.queue)
            return
        pull = await self._read(watch)
        if pull is None or not (watch.about == "state" or pull.get("state") == "open"):
            return
        if pull.get("mergeable") is None and watch.about != "state":
            if watch.asked + 1 < MAX_ASKED:
                await self.pulls.watches.mergeable(watch.repository_id, [watch.number], asked=watch.asked + 1)
            return
        await self._enqueue(watch, pull)

    async def _read(self, watch: Watch) -> dict[str, Any] | None:
        """Return the pull request as GitHub shows it now; None if no linked account may see it."""
        name = await self.pulls.repository_name(watch.repository_id)
        if name is None:
            return None
        owner, _, repo = name.partition("/")
        target = Target(owner=owner, repo=repo, number=watch.number, action="")

        async def question(token: str) -> dict[str, Any]:
            pull = await self.accounts.github.pull(target, token=token)
            if not is_in(pull, watch.repository_id):
                # What only members of that repository may see must not be shown here.
                raise LookupError("another repository has the name now")
            return pull

        return await readers.ask(watch, question, name=name, pulls=self.pulls, accounts=self.accounts)

    async def _enqueue(self, watch: Watch, pull: dict[str, Any]) -> None:
        """Enqueue the answer as a delivery of our own, so that it waits its turn like any other."""
        repository = pull["base"]["repo"]
        state = f"{pull['head']['sha']}:{pull['base']['sha']}:{pull['mergeable']}:{pull['mergeable_state']}"
        if watch.about == "state":
            state = f"{pull['updated_at']}:{pull['state']}:{pull['merged_at']}:{pull['draft']}"
        await announce(
            self.queue,
            MERGEABLE,
            f"mergeable:{watch.repository_id}:{watch.number}:{state}",
            repository_id=watch.repository_id,
            name=repository["full_name"],
            number=watch.number,
            repository={key: repository[key] for key in ("id", "full_name", "html_url")},
            pull_request=pull,
            read_at=time.time(),
        )
