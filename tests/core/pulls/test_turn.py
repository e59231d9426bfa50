"""The turn in each situation, in their order of precedence."""

from typing import Any

import pytest
from msgspec.structs import replace

from bridge.core.pulls.model import Person, PullRequest
from bridge.core.pulls.turn import Turn, holders, next_action, since
from tests.kits.core.pulls import (
    ANN,
    APPROVED,
    ASKED,
    FAILED,
    PASSED,
    REFUSED,
    RUNNING,
    TEAM,
    WAITING,
    a_pull,
)

TALK = ("https://github.com/acme/component/pull/1#discussion_r1",)


def author(why: str) -> Turn:
    return Turn(who=ANN.login, why=why, people=(ANN,))


COPILOT = Person(login="Copilot", id=198982749, bot=True)
EVE = Person(login="eve", id=5)
BOT_ASKED = replace(ASKED, name="Copilot", bot=True)


def agents(**fields: Any) -> PullRequest:
    """A pull request that an agent made."""
    return a_pull(author=COPILOT, **fields)


def eve(why: str) -> Turn:
    return Turn(who="eve", why=why, people=(EVE,), kind="review" if why == "to review" else "author")


DEE = Turn(
    who="dee", why="to review", people=(Person(login="dee", url="https://github.com/dee"),), kind="review"
)
CHECKS = Turn(who="checks", why="running", kind="waiting")
READY = Turn(who="ready to merge", kind="ready")

TURNS: list[tuple[str, PullRequest, Turn | None]] = [
    ("new", a_pull(), author("to ask for a review")),
    ("a draft", a_pull(draft=True), author("draft")),
    ("a draft with a review asked for", a_pull(draft=True, reviewers=(ASKED,)), author("draft")),
    ("conflicts", a_pull(mergeable=False, reviewers=(ASKED,)), author("conflicts with the base branch")),
    ("not known whether it merges", a_pull(mergeable=None, reviewers=(APPROVED,)), READY),
    ("it merges", a_pull(mergeable=True, reviewers=(APPROVED,)), READY),
    ("checks failed", a_pull(checks=(PASSED, FAILED, RUNNING), reviewers=(ASKED,)), author("checks failed")),
    ("changes requested", a_pull(reviewers=(APPROVED, REFUSED)), author("changes requested")),
    (
        "changes requested, and another asked",
        a_pull(reviewers=(REFUSED, ASKED)),
        author("changes requested"),
    ),
    ("asked for a review", a_pull(reviewers=(ASKED,)), DEE),
    ("approved, and another asked", a_pull(reviewers=(APPROVED, ASKED)), DEE),
    ("asked while checks run", a_pull(reviewers=(ASKED,), checks=(RUNNING,)), DEE),
    ("asked while conversations are open", a_pull(reviewers=(ASKED,), unresolved=TALK), DEE),
    (
        "a team asked whose members are known",
        a_pull(reviewers=(replace(TEAM, members=(EVE, replace(EVE, login="fay", id=6))),)),
        Turn(
            who="Core: eve or fay",
            why="to review",
            people=(EVE, replace(EVE, login="fay", id=6)),
            kind="review",
        ),
    ),
    ("a team asked", a_pull(reviewers=(TEAM,)), Turn(who="Core", why="to review", kind="review")),
    (
        "both asked",
        a_pull(reviewers=(ASKED, TEAM)),
        DEE._replace(who="dee, Core"),
    ),
    (
        "approved, conversations open",
        a_pull(reviewers=(APPROVED,), unresolved=TALK),
        author("conversations to resolve"),
    ),
    ("a bot asked", a_pull(reviewers=(BOT_ASKED,)), author("to ask for a review")),
    ("a bot asked, and checks run", a_pull(reviewers=(BOT_ASKED,), checks=(RUNNING,)), CHECKS),
    ("a bot and a person asked", a_pull(reviewers=(BOT_ASKED, ASKED)), DEE),
    ("an agent's, assigned", agents(assignees=(COPILOT, EVE)), eve("to review")),
    ("an agent's draft", agents(assignees=(EVE,), draft=True), eve("draft")),
    ("an agent's checks failed", agents(assignees=(EVE,), checks=(FAILED,)), eve("checks failed")),
    (
        "an agent's, changes requested by whom it waits for",
        agents(assignees=(EVE,), reviewers=(REFUSED,)),
        eve("changes requested"),
    ),
    ("an agent's, asked", agents(assignees=(EVE,), reviewers=(ASKED,)), DEE),
    (
        "an agent's checks failed, asked only",
        agents(reviewers=(ASKED, BOT_ASKED), checks=(FAILED,)),
        Turn(who="dee", why="checks failed", people=DEE.people),
    ),
    ("an agent's, nobody known", agents(), Turn(who="a maintainer", why="to review", kind="review")),
    ("an agent's, approved", agents(reviewers=(APPROVED,)), READY),
    (
        "queued",
        a_pull(queued=True, reviewers=(APPROVED,), checks=(RUNNING,)),
        CHECKS._replace(who="merge queue", why=""),
    ),
    (
        "checks run",
        a_pull(reviewers=(APPROVED,), checks=(RUNNING, PASSED)),
        CHECKS,
    ),
    (
        "a workflow waits to be allowed",
        a_pull(checks=(PASSED, WAITING), reviewers=(ASKED,)),
        Turn(who="a maintainer", why="to approve workflows", kind="maintainer"),
    ),
    ("a workflow waits, another runs", a_pull(checks=(WAITING, RUNNING)), CHECKS),
    (
        "a workflow runs until its deployment is approved",
        a_pull(checks=(RUNNING,), reviewers=(APPROVED,), deployments=(WAITING,)),
        Turn(who="a maintainer", why="to approve a deployment", kind="maintainer"),
    ),
    ("a deployment waits, no workflow", a_pull(reviewers=(APPROVED,), deployments=(WAITING,)), READY),
    ("a deployment failed", a_pull(deployments=(FAILED,)), author("to ask for a review")),
    ("more conversations than are kept", a_pull(more_unresolved=True), author("conversations to resolve")),
    ("checks run, nobody asked", a_pull(checks=(RUNNING,)), CHECKS),
    ("approved", a_pull(reviewers=(APPROVED,)), READY),
    ("approved and green", a_pull(reviewers=(APPROVED,), checks=(PASSED,)), READY),
    ("green, nobody asked", a_pull(checks=(PASSED,)), author("to ask for a review")),
    ("closed", a_pull(state="closed", reviewers=(ASKED,)), None),
    ("merged", a_pull(state="merged", checks=(FAILED,)), None),
]


@pytest.mark.parametrize(("pull", "turn"), [pytest.param(*row, id=name) for name, *row in TURNS])
def test_the_turn_is_of_the_one_who_has_to_do_something(pull: PullRequest, turn: Turn | None) -> None:
    assert next_action(pull) == turn


def test_a_kept_turn_dates_from_when_it_began() -> None:
    dee, eve = replace(ASKED, name="dee", id=4), replace(ASKED, name="eve", id=5)
    steps = [
        (a_pull(reviewers=(dee,)), {"review:4": 1.0}),
        (a_pull(reviewers=(dee, eve)), {"review:4": 1.0, "review:5": 2.0}),
        (a_pull(reviewers=(eve,)), {"review:5": 2.0}),
        (a_pull(reviewers=(eve,), draft=True, author=EVE), {"author:5": 4.0}),
        (a_pull(reviewers=(replace(dee, state="approved"),), author=EVE, assignees=(EVE,)), {"ready:5": 5.0}),
        (a_pull(checks=(RUNNING,)), {"waiting:": 6.0}),
        (a_pull(checks=(RUNNING,), title="another"), {"waiting:": 6.0}),
        (a_pull(state="closed"), {}),
    ]
    times: dict[str, float] = {}
    for now, (pull, expected) in enumerate(steps, start=1):
        times = since(pull, next_action(pull), times, float(now))
        assert times == expected


def test_no_bot_and_no_deleted_account_holds_the_turn() -> None:
    ghost = Person(login="ghost")
    pull = a_pull(author=COPILOT, assignees=(ghost, EVE, COPILOT), reviewers=(APPROVED,))
    assert holders(pull, READY) == (EVE,)
