"""Follow what GitHub goes on with: a merge that outlasted its click, and the places in a merge queue."""

import time
from typing import Any

import structlog

from bridge.clients.github_rules import read_places
from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.actions import Call
from bridge.core.errors import BridgeError, GitHubRefused, NotLinked
from bridge.core.pulls.own_events import MERGE_FAILED, QUEUE
from bridge.monitor import readers
from bridge.monitor.announce import announce
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.storage.pulls import PullRequestStore
from bridge.storage.watches import Watch

MAX_ASKED = 10
"""Questions about one merge, the last after 17 hours: GitHub keeps the result for a day."""

log = structlog.get_logger()


async def follow(
    watch: Watch, *, pulls: PullRequestStore, accounts: LinkedAccounts, queue: DeliveryQueue
) -> None:
    """Ask how a merge ended, and have its thread tell if it failed; webhooks tell the rest.

    https://docs.github.com/rest/pulls/pulls#get-the-result-of-an-asynchronous-merge
    """
    name = await pulls.repository_name(watch.repository_id)
    account = await accounts.store.get(watch.user)
    if name is None or account is None:
        return
    try:
        answer = await accounts.reading(watch.user, lambda token: _result(accounts, watch, token))
    except (GitHubRefused, NotLinked):
        return
    except BridgeError as error:
        log.info("merge_not_followed", repository=name, number=watch.number, reason=str(error))
        answer = {"status": "pending"}
    match answer:
        case {"status": "pending"} if watch.asked + 1 < MAX_ASKED:
            await pulls.watches.merge(
                watch.repository_id, watch.number, user=watch.user, uuid=watch.uuid, asked=watch.asked + 1
            )
        case {"status": "failed", "details": {"message": str(message)}}:
            await announce(
                queue,
                MERGE_FAILED,
                f"merge:{watch.repository_id}:{watch.uuid}",
                repository_id=watch.repository_id,
                name=name,
                number=watch.number,
                message=message,
                user={"login": account.github.login, "id": account.github.id},
            )


async def _result(accounts: LinkedAccounts, watch: Watch, token: str) -> Any:
    variables = {"id": str(watch.repository_id), "number": str(watch.number), "uuid": watch.uuid}
    url = "/repositories/{id}/pulls/{number}/merge-async/{uuid}"
    call = Call(method="GET", url=url, variables=variables)
    return await accounts.github.call(call, token=token, subject=f"the merge of #{watch.number}")


async def read_queue(
    watch: Watch, *, pulls: PullRequestStore, accounts: LinkedAccounts, queue: DeliveryQueue
) -> None:
    """Read the places in a branch's merge queue, and have the threads show those that changed."""
    if (name := await pulls.repository_name(watch.repository_id)) is None:
        return
    read_at = time.time()
    places = await _places(watch, name, pulls, accounts)
    found, _ = await pulls.read([(watch.repository_id, number) for number in places], ())
    for (_, number), known in found.items():
        if known.is_known and known.value("queued") and known.place.number != places[number]:
            await announce(
                queue,
                QUEUE,
                f"queue:{watch.repository_id}:{number}:{read_at}",
                repository_id=watch.repository_id,
                name=name,
                number=number,
                place=places[number],
                since=known.values["queued"].at,
                read_at=read_at,
            )


async def _places(
    watch: Watch, name: str, pulls: PullRequestStore, accounts: LinkedAccounts
) -> dict[int, int]:
    async def question(token: str) -> dict[int, int]:
        return await read_places(accounts.github, watch.repository_id, name, watch.branch, token=token)

    answer = await readers.ask(watch, question, name=name, pulls=pulls, accounts=accounts)
    return answer or {}
