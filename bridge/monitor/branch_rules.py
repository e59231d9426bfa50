"""Read the rules of a branch at GitHub, as a linked account that may, and enqueue them as a delivery."""

import time

import msgspec
import structlog

from bridge.clients.github_rules import read_rules
from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.errors import BridgeError, GitHubRefused, NotLinked
from bridge.core.pulls.own_events import RULES
from bridge.core.pulls.rules import BranchRules
from bridge.monitor.announce import announce
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.storage.pulls import PullRequestStore
from bridge.storage.watches import Watch

MAX_READERS = 3

log = structlog.get_logger()


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
    for user in await pulls.readers(watch.repository_id, watch.number, limit=MAX_READERS):
        try:
            return await accounts.reading(
                user,
                lambda token: read_rules(
                    accounts.github, watch.repository_id, name, watch.branch, token=token
                ),
            )
        except (GitHubRefused, NotLinked):
            continue
        except (BridgeError, LookupError, TypeError, AttributeError) as error:
            log.info("rules_unread", repository=name, branch=watch.branch, reason=str(error))
            break
    return BranchRules(branch=watch.branch, is_known=False)
