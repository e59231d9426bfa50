"""Approving, asking to review, ending a draft."""

from typing import Any

import pytest

from tests.kits.core.clicks import PULLS, SHA, call, click, pull_after, refusal

OWN = "Can not approve your own pull request"
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


def test_who_clicks_is_asked_for_a_review() -> None:
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
def test_who_is_not_among_the_asked_is_told(answer: dict[str, Any]) -> None:
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


def test_what_is_no_draft_is_ready_already() -> None:
    outcome = click("ready", pull_after())
    assert outcome.said == "acme/component#42 is already ready for review."


def test_a_draft_that_github_leaves_one_is_refused() -> None:
    outcome = click("ready", pull_after(draft=True), answered(True))
    assert outcome.why == "GitHub left acme/component#42 a draft"
    assert outcome.refused is not None
    assert outcome.refused.status == 409
