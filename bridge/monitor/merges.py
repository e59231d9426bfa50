"""Follow merges that outlast their click, and the places in a merge queue."""

import time
from functools import partial
from typing import Any

import structlog

from bridge.clients.github_rules import read_places
from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.actions import Call
from bridge.core.errors import NO_REASON, BridgeError, GitHubRefused, NotLinked
from bridge.core.pulls.own_events import MERGE_FAILED, QUEUE
from bridge.monitor.question import Question
from bridge.storage.watches import Watch

MAX_ASKED = 10
"""Questions about one merge, the last after 17 hours: GitHub keeps the result for a day."""

log = structlog.get_logger()


async def follow(question: Question) -> None:
    """Ask how a merge ended, and have its thread tell if it failed; webhooks tell the rest.

    https://docs.github.com/rest/pulls/pulls#get-the-result-of-an-asynchronous-merge
    """
    watch, accounts = question.watch, question.accounts
    if (account := await accounts.store.get(watch.user)) is None:
        return
    try:
        answer = await accounts.reading(watch.user, lambda token: _result(accounts, watch, token))
    except (GitHubRefused, NotLinked):
        return
    except BridgeError as error:
        log.info("merge_check_failed", repository=question.name, number=watch.number, reason=str(error))
        answer = {"status": "pending"}
    match answer:
        case {"status": "pending"} if watch.asked + 1 < MAX_ASKED:
            await question.pulls.watches.merge(
                watch.repository_id, watch.number, user=watch.user, uuid=watch.uuid, asked=watch.asked + 1
            )
        case {"status": "failed", "details": {"message": str(message)}}:
            user = {"login": account.github.login, "id": account.github.id}
            message = message.strip() or NO_REASON
            await question.answer(MERGE_FAILED, watch.uuid, number=watch.number, message=message, user=user)


async def _result(accounts: LinkedAccounts, watch: Watch, token: str) -> Any:
    variables = {"id": str(watch.repository_id), "number": str(watch.number), "uuid": watch.uuid}
    url = "/repositories/{id}/pulls/{number}/merge-async/{uuid}"
    call = Call(method="GET", url=url, variables=variables)
    return await accounts.github.call(call, token=token, subject=f"the merge of #{watch.number}")


async def read_queue(question: Question) -> None:
    """Read the places in a branch's merge queue, and have the threads show those that changed."""
    repository_id, branch, read_at = question.watch.repository_id, question.watch.branch, time.time()
    read_as = partial(read_places, question.accounts.github, repository_id, question.name, branch)
    places = await question.ask(read_as) or {}
    found, _ = await question.pulls.read([(repository_id, number) for number in places], ())
    for (_, number), known in found.items():
        if known.is_known and known.value("queued") and known.place.number != places[number]:
            await question.answer(
                QUEUE,
                f"{number}:{read_at}",
                number=number,
                place=places[number],
                since=known.values["queued"].at,
                read_at=read_at,
            )
