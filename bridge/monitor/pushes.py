"""Ask GitHub whether a fork's push was forced: its `push` event goes to the fork's webhooks alone."""

from typing import Any

from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.actions import Call
from bridge.core.pulls.own_events import FORCED
from bridge.monitor import readers
from bridge.monitor.announce import announce
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.storage.pulls import PullRequestStore
from bridge.storage.watches import Watch

_FORCED = ("diverged", "behind")


async def compare(
    watch: Watch, *, pulls: PullRequestStore, accounts: LinkedAccounts, queue: DeliveryQueue
) -> None:
    """Compare the commits before and after the last push, and have the thread tell if it was forced."""
    name = await pulls.repository_name(watch.repository_id)
    moved = (await pulls.snapshot(watch.repository_id, watch.number)).said.get("moved")
    if name is None or not moved:
        return
    before, after, sender = moved
    variables = {"id": str(watch.repository_id), "before": before, "after": after}
    call = Call(method="GET", url="/repositories/{id}/compare/{before}...{after}", variables=variables)
    if await _status(watch, name, call, pulls, accounts) in _FORCED:
        await announce(
            queue,
            FORCED,
            f"forced:{watch.repository_id}:{watch.number}:{before}:{after}",
            repository_id=watch.repository_id,
            name=name,
            number=watch.number,
            before=before,
            after=after,
            sender=sender,
        )


async def _status(
    watch: Watch, name: str, call: Call, pulls: PullRequestStore, accounts: LinkedAccounts
) -> Any:
    """Return GitHub's word; None if no linked account may see it.

    https://docs.github.com/rest/commits/commits#compare-two-commits
    """

    async def question(token: str) -> Any:
        return (await accounts.github.call(call, token=token, subject=name))["status"]

    return await readers.ask(watch, question, name=name, pulls=pulls, accounts=accounts)
