"""The calls to GitHub that follow from deliveries, counted, and the table of them in docs/scaling.md."""

import re
from functools import partial
from typing import Any

import pytest

from bridge.clients import github_api
from bridge.monitor import merge_conflicts
from bridge.storage import watches
from scripts.sandbox.house import ROOT
from tests.conftest import House, eventually
from tests.kits.accounts import link
from tests.kits.life import Life, drive, know_flow
from tests.kits.monitor import start_poller

RULES = ["GET /rules/branches/main", "POST /api/graphql"]
LACKING = {"state": "open", "merged": None, "merged_at": None}
STEPS: list[tuple[str, str, str, dict[str, Any], list[str]]] = [
    (
        "the first pull request into a branch, and once a day",
        "ann-gh",
        "open",
        {"title": "Fix", "head": "fix"},
        RULES,
    ),
    ("", "ann-gh", "open", {"title": "Second", "head": "second"}, []),
    ("", "cy-gh", "comment", {"body": "Why?"}, []),
    ("", "cy-gh", "review", {"body": "Hm", "event": "COMMENT"}, []),
    ("", "ann-gh", "label", {"label": "bug"}, []),
    ("", "ann-gh", "push", {}, []),
    ("", "ann-gh", "check", {"conclusion": "failure"}, []),
    ("", "ann-gh", "request_review", {"reviewer": "cy-gh"}, []),
    (
        "a request for a team's review",
        "ann-gh",
        "request_review",
        {"team": "makers"},
        ["POST /api/graphql"],
    ),
    (
        "a change of a team's members, where a GitHub App reports it",
        "cy-gh",
        "team",
        {"add": "dee-gh"},
        ["POST /api/graphql"],
    ),
    ("an event that changes rules", "cy-gh", "ruleset", {"queue": True}, RULES),
    ("entering or leaving a merge queue", "ann-gh", "enqueue", {}, ["POST /api/graphql"]),
    ("entering or leaving a merge queue", "ann-gh", "dequeue", {"reason": "MANUAL"}, ["POST /api/graphql"]),
    ("a push to a base branch", "cy-gh", "push_base", {}, ["GET /pulls/1", "GET /pulls/2"] * 2),
    ("a delivery that contradicts itself", "ann-gh", "close", {"instead": LACKING}, ["GET /pulls/1"]),
    ("", "bob-gh", "open", {"title": "From a fork", "head": "forked"}, []),
    (
        "a push to the branch of a fork, whose `push` nobody receives",
        "bob-gh",
        "push",
        {"number": 3},
        ["GET /compare"],
    ),
]
ELSEWHERE = {
    "a review, conversation or check that leaves nothing to count while GitHub blocked the merge",
    "a merge that outlasts its click",
    "a failed job of GitHub Actions that a message names",
    "a pull request with up to 30 changed lines, once it is no draft",
}
"""Rows whose calls the tests of branches' rules, of merges and of readings see."""


def test_the_table_has_a_row_for_each() -> None:
    text = (ROOT / "docs/scaling.md").read_text()
    table = text.partition("| after | calls |\n| --- | ---: |\n")[2].partition("\n\n")[0]
    rows = {line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()}
    assert rows == ELSEWHERE | {name for name, *_ in STEPS if name}


async def test_no_delivery_makes_more_calls_than_the_table_says(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("QUEUE_SECONDS", 1), ("TEAMS_SECONDS", 1), ("MEMBERS_SECONDS", 1)):
        monkeypatch.setattr(watches, name, seconds)
    monkeypatch.setattr(watches, "ASK_STATE_SECONDS", 0)
    # The newer version of GitHub's REST leaves fields out: bridge reads none of them.
    monkeypatch.setattr(github_api, "API_VERSION", "2026-03-10")
    await link(house, "ann", scopes="repo read:org")
    await start_poller(house, monkeypatch)
    monkeypatch.setattr(merge_conflicts, "MAX_ASKED", 3)
    await know_flow(house)
    await house.hook(events=["membership"], app=True)
    life = Life(house)
    for name, who, do, fields, expected in STEPS:
        house.github_journal.calls.clear()
        if do == "team":
            await drive(house, "teams/makers", fields)
        else:
            await house.act(who, do, **{"number": 1, **fields})
        await eventually(partial(enough, life, len(expected)))
        assert sorted(made(house)) == sorted(expected), (name, do)


async def enough(life: Life, wanted: int) -> bool:
    """Tell whether nothing is on its way, and so many calls were made."""
    await life.news()
    return len(made(life.house)) >= wanted and not await life.house.redis.exists("bridge:watch")


def made(house: House) -> list[str]:
    """The calls to GitHub's API, without the repository's address."""
    calls = [(one.method, one.path) for one in house.github_journal.calls if one.path.startswith("/api/")]
    repository = re.compile(r"^/api/v3(/repos/acme/component|/repositories/[0-9]+)?(?=/)|(?<=/compare)/.*")
    return [f"{method} {repository.sub('', path)}" for method, path in calls]
