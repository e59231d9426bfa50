"""Read the linked members of the teams that a pull request asks for a review."""

import time
from typing import Any

import structlog

from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.actions import Call
from bridge.core.errors import BridgeError, GitHubRefused, NotLinked
from bridge.core.pulls.accounts import person
from bridge.core.pulls.own_events import TEAMS
from bridge.monitor.announce import announce
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.storage.pulls import PullRequestStore
from bridge.storage.watches import Watch

MAX_READERS = 3
MAX_TEAMS = 3
MAX_MEMBERS = 5

log = structlog.get_logger()


async def read(
    watch: Watch, *, pulls: PullRequestStore, accounts: LinkedAccounts, queue: DeliveryQueue
) -> None:
    """Read the teams of a pull request, and have its thread name and tag their members.

    GitHub says which teams are asked: a delivery could name any team of the organization.
    """
    if (name := await pulls.repository_name(watch.repository_id)) is None:
        return
    for user in await pulls.readers(watch.repository_id, watch.number, limit=MAX_READERS):
        try:
            teams = await accounts.reading(user, lambda token: _teams(accounts, watch, name, token))
        except (GitHubRefused, NotLinked):
            continue
        except (BridgeError, LookupError, TypeError, AttributeError) as error:
            log.info("teams_unread", repository=name, number=watch.number, reason=str(error))
            return
        read_at = time.time()
        await announce(
            queue,
            TEAMS,
            f"teams:{watch.repository_id}:{watch.number}:{read_at}",
            repository_id=watch.repository_id,
            name=name,
            number=watch.number,
            teams=[{"id": team, "members": await _linked(accounts, found)} for team, found in teams.items()],
            read_at=read_at,
        )
        return


async def _teams(accounts: LinkedAccounts, watch: Watch, name: str, token: str) -> dict[int, list[Any]]:
    """Return the members of each team, by its id.

    https://docs.github.com/rest/pulls/review-requests#get-all-requested-reviewers-for-a-pull-request
    https://docs.github.com/rest/teams/members#list-team-members
    """
    subject = f"the teams asked for a review of {name}#{watch.number}"
    place = {"id": str(watch.repository_id), "number": str(watch.number)}
    call = Call(method="GET", url="/repositories/{id}/pulls/{number}/requested_reviewers", variables=place)
    asked = await accounts.github.call(call, token=token, subject=subject)
    found = {}
    for team in asked["teams"][:MAX_TEAMS]:
        where = {"org": name.partition("/")[0], "slug": team["slug"]}
        call = Call(method="GET", url="/orgs/{org}/teams/{slug}/members?per_page=100", variables=where)
        found[team["id"]] = await accounts.github.call(call, token=token, subject=subject)
    return found


async def _linked(accounts: LinkedAccounts, members: list[Any]) -> list[dict[str, Any]]:
    found = []
    for one in map(person, members):
        if one["id"] and await accounts.store.linked_to(one["id"]):
            found.append(one)
    return found[:MAX_MEMBERS]
