"""Read the rules of a branch on GitHub, as a linked account that may, and enqueue them as a delivery."""

import time

import msgspec

from bridge.clients.github_rules import read_rules
from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.pulls.own_events import RULES
from bridge.core.pulls.rules import BranchRules
from bridge.monitor import readers
from bridge.monitor.announce import announce
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.storage.pulls import PullRequestStore
from bridge.storage.watches import Watch


async def read(
    watch: Watch, *, pulls: PullRequestStore, accounts: LinkedAccounts, queue: DeliveryQueue
) -> None:
    """Read a branch's rules, keep them, and have its open pull requests show them."""
    if (name := await pulls.repository_name(watch.repository_id)) is None:
        return
    read_at = time.time()
    rules = await _read(watch, name, pulls, accounts)
    await pulls.rules.keep(watch.repository_id, rules, at=read_at)
    await announce(
        queue,
        RULES,
        f"rules:{watch.repository_id}:{watch.branch}:{read_at}",
        repository_id=watch.repository_id,
        name=name,
        rules=msgspec.to_builtins(rules),
        read_at=read_at,
    )


async def _read(watch: Watch, name: str, pulls: PullRequestStore, accounts: LinkedAccounts) -> BranchRules:
    async def question(token: str) -> BranchRules:
        return await read_rules(accounts.github, watch.repository_id, name, watch.branch, token=token)

    answer = await readers.ask(watch, question, name=name, pulls=pulls, accounts=accounts)
    return answer or BranchRules(branch=watch.branch, is_known=False)
