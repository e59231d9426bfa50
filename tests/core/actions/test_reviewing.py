"""Approving, asking to review, ending a draft."""

from typing import Any

import pytest

from bridge.core.actions import ACTIONS, Click
from bridge.core.errors import GitHubRefused
from bridge.core.messages import thread
from bridge.core.model import Target
from bridge.core.pulls.model import Person
from bridge.core.pulls.rules import BranchRules
from tests.kits.core.clicks import PULLS, SHA, call, click, pull_after, refusal
from tests.kits.core.pulls import a_pull

OWN = "Can not approve your own pull request"
NOTE = "Approvals by before-the-rename (opened it) do not count"
AUTHOR = "Review cannot be requested from pull request author."
OUTSIDER = "Reviews may only be requested from collaborators."


def test_an_approval_is_of_the_commit_that_the_thread_showed() -> None:
    outcome = click("approve", {"state": "APPROVED"}, sha=SHA)
    assert outcome.calls == [call("POST", f"{PULLS}/reviews", {"event": "APPROVE", "commit_id": SHA})]
    assert outcome.said == "Approved acme/component#42."


def test_where_no_commit_was_shown_it_is_of_the_newest() -> None:
    outcome = click("approve", pull_after(), {"state": "APPROVED"})
    assert outcome.asked == ["GET " + PULLS, f"POST {PULLS}/reviews"]
    assert outcome.calls[-1].data == {"event": "APPROVE", "commit_id": SHA}


@pytest.mark.parametrize("words", [OWN, OWN.upper(), f"Unprocessable Entity: {OWN}"])
def test_ones_own_pull_request_is_refused_plainly(words: str) -> None:
    outcome = click("approve", refusal(422, words), sha=SHA)
    assert outcome.why == "GitHub does not let you approve your own pull request"
    assert outcome.refused is not None
    assert outcome.refused.status == 422


def test_ones_own_pull_request_is_refused_without_a_call_where_the_author_is_known() -> None:
    own = a_pull(author=Person(login="before-the-rename", id=7))
    target = Target(owner="acme", repo="component", number=42, action="approve")
    steps = ACTIONS["approve"].perform(Click(target=target, login="ann-gh", user_id=7, shown=own))
    with pytest.raises(GitHubRefused, match="your own pull request"):
        next(steps)


ONE, LAST = BranchRules(branch="main", approvals=1), BranchRules(branch="main", last_push=True)
MINE = Person(login="before-the-rename", id=7)
AGENTS: dict[str, Any] = {"author": Person(login="Copilot", id=9, bot=True), "assignees": (MINE,)}
MAY, MAY_NOT = {"permissions": {"push": True}}, {"permissions": {"push": False}}
COUNTED: list[tuple[str, dict[str, Any], list[Any], str]] = [
    ("nothing is in the way", {"rules": ONE}, [MAY], ""),
    ("an outsider", {"rules": ONE}, [MAY_NOT], "@ann-gh has no write access"),
    ("nothing is said of rights", {"rules": LAST}, [{}], "@ann-gh has no write access"),
    ("no approval is demanded", {"rules": BranchRules(branch="main")}, [], ""),
    ("the rules were not read", {}, [], ""),
    ("an agent's, assigned", {"rules": ONE, **AGENTS}, [], "@ann-gh had an agent make it"),
    ("an agent's, of others", {"rules": ONE, **AGENTS, "assignees": ()}, [MAY], ""),
    ("the last push", {"rules": LAST, "pusher": MINE}, [], "@ann-gh pushed last"),
    ("the last push, which does not matter", {"rules": ONE, "pusher": MINE}, [MAY], ""),
    ("somebody else's last push", {"rules": LAST, "pusher": Person(login="bob", id=8)}, [MAY], ""),
]


@pytest.mark.parametrize(
    ("fields", "answers", "why"), [pytest.param(*row, id=name) for name, *row in COUNTED]
)
def test_an_approval_that_cannot_count_says_so(fields: dict[str, Any], answers: list[Any], why: str) -> None:
    outcome = click("approve", *answers, {"state": "APPROVED"}, user_id=7, shown=a_pull(**fields), sha=SHA)
    assert (
        outcome.said == f"Approved acme/component#42{f', but GitHub does not count it: {why}' * bool(why)}."
    )


NOTES: list[tuple[str, dict[str, Any], str]] = [
    ("no rules", {}, ""),
    ("no approval is demanded", {"rules": BranchRules(branch="main"), "pusher": MINE}, ""),
    ("the author", {"rules": ONE, "author": MINE}, "Approvals by before-the-rename (opened it) do not count"),
    (
        "the author and the last to push",
        {"rules": LAST, "author": MINE, "pusher": Person(login="bob", id=8)},
        "Approvals by before-the-rename (opened it) and bob (pushed last) do not count",
    ),
    ("the author pushed", {"rules": LAST, "author": MINE, "pusher": MINE}, NOTE),
    ("a bot pushed", {"rules": LAST, "author": MINE, "pusher": Person(login="b", id=1, bot=True)}, NOTE),
    (
        "an agent's",
        {"rules": ONE, **AGENTS},
        "Approvals by before-the-rename (had an agent make it) do not count",
    ),
    ("a deleted author", {"rules": ONE, "author": Person(login="ghost")}, ""),
]


@pytest.mark.parametrize(("fields", "note"), [pytest.param(*row, id=name) for name, *row in NOTES])
def test_the_button_says_beforehand_whose_approval_cannot_count(fields: dict[str, Any], note: str) -> None:
    (button,) = [
        one
        for one in thread.render(a_pull(**fields), web_url="https://bridge.example")["actions"]
        if one["name"] == "Approve"
    ]
    assert button.get("description", "") == note


def test_another_refusal_is_passed_on() -> None:
    refused = refusal(422, "Commit is not part of the pull request")
    assert click("approve", refused, sha=SHA).refused is refused


@pytest.mark.parametrize(
    "answer", [{"state": "PENDING"}, {"state": "COMMENTED"}, {"state": None}, {}], ids=str
)
def test_an_approval_that_is_none_is_refused(answer: dict[str, Any]) -> None:
    assert click("approve", answer, sha=SHA).why == "GitHub did not accept the approval of acme/component#42"


def asked(*logins: str) -> dict[str, Any]:
    return {"requested_reviewers": [{"login": login} for login in logins]}


def test_the_person_who_clicks_is_asked_for_a_review() -> None:
    outcome = click("request-review", asked("bob", "ann-gh"))
    assert outcome.calls == [call("POST", f"{PULLS}/requested_reviewers", {"reviewers": ["ann-gh"]})]
    assert outcome.said == "@ann-gh will review acme/component#42."


def test_a_login_in_other_case_is_the_same() -> None:
    assert click("request-review", asked("Ann-GH")).said.startswith("@ann-gh will review")


@pytest.mark.parametrize(
    "answer",
    [asked(), asked("ann-gh-2"), {"requested_reviewers": None}, {"requested_reviewers": [None]}, {}],
    ids=str,
)
def test_a_person_whom_github_did_not_ask_is_told(answer: dict[str, Any]) -> None:
    assert click("request-review", answer).why == "GitHub did not ask @ann-gh to review acme/component#42"


@pytest.mark.parametrize("words", [AUTHOR, OUTSIDER])
def test_githubs_reason_is_passed_on(words: str) -> None:
    """The author may not review; nor may who is no collaborator."""
    refused = refusal(422, words)
    assert click("request-review", refused).refused is refused
    assert words in str(refused)


def answered(is_draft: bool) -> dict[str, Any]:
    return {"markPullRequestReadyForReview": {"pullRequest": {"isDraft": is_draft}}}


def test_a_draft_is_made_ready_by_its_id() -> None:
    pull = pull_after(draft=True)
    outcome = click("ready", pull, answered(False))
    first, second = outcome.calls
    assert first == call("GET", PULLS)
    assert (second.method, second.data) == ("GRAPHQL", {"pull": pull["node_id"]})
    assert "markPullRequestReadyForReview" in second.url
    assert outcome.said == "acme/component#42 is ready for review."


def test_a_pull_request_that_is_no_draft_is_already_ready() -> None:
    outcome = click("ready", pull_after())
    assert outcome.said == "acme/component#42 is already ready for review."


def test_a_draft_that_github_leaves_one_is_refused() -> None:
    outcome = click("ready", pull_after(draft=True), answered(True))
    assert outcome.why == "GitHub did not mark acme/component#42 as ready for review"
    assert outcome.refused is not None
    assert outcome.refused.status == 409
