"""Read the linked members of the teams that a pull request asks for a review."""

import time
from typing import Any

from bridge.clients.github_repositories import query_repository
from bridge.core.pulls.accounts import person
from bridge.core.pulls.own_events import TEAMS
from bridge.core.pulls.snapshot import Snapshot
from bridge.monitor.question import Question
from bridge.storage.connections import ConnectionStore
from bridge.storage.pulls import PullRequestStore
from bridge.storage.watches import Watch

MAX_TEAMS = 3
MAX_MEMBERS = 5

MAX_OPEN = 500
"""Open pull requests of a repository that are looked through for a team."""

MAX_PULLS = 50
"""Pull requests that show a change of a team's members, the newest of each repository first."""

_REQUESTED = """
query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    databaseId
    pullRequest(number: $number) {
      reviewRequests(first: 100) {
        nodes {
          requestedReviewer {
            ... on Team {
              databaseId
              members(first: 100) { nodes { databaseId login url status { indicatesLimitedAvailability } } }
            }
          }
        }
      }
    }
  }
}
"""


async def look_up(watch: Watch, pulls: PullRequestStore, connections: ConnectionStore) -> None:
    """Find the open pull requests that ask a changed team for a review, and have its members read."""
    left = MAX_PULLS
    ids = {one.repository_id for one in await connections.all() if one.repository_id}
    for repository_id, name in (await pulls.repository_names(ids)).items():
        if left and name.partition("/")[0].lower() == watch.organization.lower():
            newest = (await pulls.open_numbers(repository_id))[::-1]
            known, _ = await pulls.read([(repository_id, number) for number in newest[:MAX_OPEN]], ())
            asking = [number for (_, number), one in known.items() if _asks(one, watch.number)][:left]
            await pulls.watches.teams_again(repository_id, asking)
            left -= len(asking)


def _asks(known: Snapshot, team: int) -> bool:
    asked = known.sets.get("requested")
    return asked is not None and any(one["is_team"] and one["id"] == team for one in asked.items())


async def read(question: Question) -> None:
    """Read the teams of a pull request, and have its thread name and tag their members.

    GitHub says which teams are asked: a delivery could name any team of the organization.
    """

    async def shown(token: str) -> dict[int, list[Any]] | None:
        # GitHub hides them from those who may not read them.
        return await _teams(question, token) or None

    if (teams := await question.ask(shown)) is None:
        return
    read_at, number = time.time(), question.watch.number
    linked = [{"id": team, "members": await _linked(question, found)} for team, found in teams.items()]
    await question.answer(TEAMS, f"{number}:{read_at}", number=number, teams=linked, read_at=read_at)


async def _teams(question: Question, token: str) -> dict[int, list[Any]]:
    """Return the members of each team who are not away, by the team's id.

    https://docs.github.com/graphql/reference/objects#team
    """
    number = question.watch.number
    repository = await query_repository(
        question.accounts.github,
        _REQUESTED,
        question.watch.repository_id,
        question.name,
        token=token,
        subject=f"the teams asked for a review of {question.name}#{number}",
        number=number,
    )
    if not repository:
        return {}
    asked = [one["requestedReviewer"] for one in repository["pullRequest"]["reviewRequests"]["nodes"]]
    teams = [one for one in asked if one and "members" in one][:MAX_TEAMS]
    return {
        team["databaseId"]: [
            {"id": one["databaseId"], "login": one["login"], "html_url": one["url"]}
            for one in team["members"]["nodes"]
            if not (one["status"] or {}).get("indicatesLimitedAvailability")
        ]
        for team in teams
    }


async def _linked(question: Question, members: list[Any]) -> list[dict[str, Any]]:
    found = []
    for one in map(person, members):
        if one["id"] and await question.accounts.store.linked_to(one["id"]):
            found.append(one)
    return found[:MAX_MEMBERS]
