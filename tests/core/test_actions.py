"""The table of actions: what is asked of GitHub, and whether it really did it."""

from collections.abc import Callable
from typing import Any

import pytest

from bridge.core import actions, snapshot
from bridge.core.actions import ACTIONS, Call, Perform, Steps
from bridge.core.errors import GitHubRefused, NotFound
from bridge.core.model import Target
from tests.core.story import Story, payload_of


def perform(slug: str, *answers: Any, login: str = "ann-gh") -> tuple[list[Call], str]:
    """Do an action, GitHub answering in turn; the calls and the sentence."""
    target = Target(owner="acme", repo="component", number=42, action=slug)
    steps = ACTIONS[slug].perform(target, login)
    calls = [next(steps)]
    for answer in answers:
        try:
            calls.append(steps.send(answer))
        except StopIteration as done:
            return calls, done.value
    raise AssertionError(f"{slug} asks for more")


def issue_with(*logins: str) -> Any:
    """What GitHub answers with those assigned, in its full shape."""
    story = Story()
    for login in logins:
        story.do("assign", assignee=login)
    return story.rest_issue()


def pull_after(deed: str, who: str = "ann-gh") -> Any:
    story = Story()
    if deed == "reopen":
        story.do("close")
    story.do(deed, who)
    return story.rest_pull()


VARIABLES = {"owner": "acme", "repo": "component", "number": "42"}
PULLS = "/repos/{owner}/{repo}/pulls/{number}"

DONE: list[tuple[str, str, Callable[[], Any], tuple[str, str, dict[str, Any]], str]] = [
    (
        "assigned",
        "assign-to-me",
        lambda: issue_with("ann-gh"),
        ("POST", "/repos/{owner}/{repo}/issues/{number}/assignees", {"assignees": ["ann-gh"]}),
        "Assigned acme/component#42 to @ann-gh.",
    ),
    (
        "assigned beside another",
        "assign-to-me",
        lambda: issue_with("cy-gh", "ann-gh"),
        ("POST", "/repos/{owner}/{repo}/issues/{number}/assignees", {"assignees": ["ann-gh"]}),
        "Assigned acme/component#42 to @ann-gh.",
    ),
    (
        "closed",
        "close",
        lambda: pull_after("close"),
        ("PATCH", PULLS, {"state": "closed"}),
        "Closed acme/component#42.",
    ),
    (
        "merged in the meantime",
        "close",
        lambda: pull_after("merge", "cy-gh"),
        ("PATCH", PULLS, {"state": "closed"}),
        "acme/component#42 is merged already.",
    ),
    (
        "reopened",
        "reopen",
        lambda: pull_after("reopen"),
        ("PATCH", PULLS, {"state": "open"}),
        "Reopened acme/component#42.",
    ),
]


@pytest.mark.parametrize(
    ("slug", "answer", "asked", "sentence"), [pytest.param(*row, id=name) for name, *row in DONE]
)
def test_an_action_asks_github_once_and_says_what_was_done(
    slug: str, answer: Callable[[], Any], asked: tuple[str, str, dict[str, Any]], sentence: str
) -> None:
    calls, said = perform(slug, answer())
    method, url, data = asked
    assert calls == [Call(method=method, url=url, variables=VARIABLES, data=data)]
    assert said == sentence


def test_a_login_in_other_case_is_the_same() -> None:
    assert perform("assign-to-me", issue_with("ann-gh"), login="Ann-GH")[1].endswith("@Ann-GH.")
    renamed = {"assignees": [{"login": "Ann-GH"}]}
    assert perform("assign-to-me", renamed, login="ann-gh")[1].endswith("@ann-gh.")


@pytest.mark.parametrize("answer", [{"merged": True}, {"merged_at": "2026-03-10T12:00:00Z"}], ids=repr)
def test_either_sign_of_a_merge_will_do(answer: Any) -> None:
    assert perform("close", answer | {"state": "closed"})[1].endswith("is merged already.")


REFUSED: list[tuple[str, str, Callable[[], Any], int, str]] = [
    ("silently not assigned", "assign-to-me", issue_with, 422, "needs push access"),
    ("only others assigned", "assign-to-me", lambda: issue_with("cy-gh"), 422, "did not assign @ann-gh"),
    ("no word on assignees", "assign-to-me", lambda: {"assignees": None}, 422, "did not assign"),
    ("a null among them", "assign-to-me", lambda: {"assignees": [None]}, 422, "did not assign"),
    (
        "a name that begins alike",
        "assign-to-me",
        lambda: {"assignees": [{"login": "ann-gh-2"}]},
        422,
        "did not assign",
    ),
    ("still open", "close", lambda: pull_after("reopen"), 409, "did not close acme/component#42"),
    ("no word on the state", "close", dict, 409, "did not close"),
    ("still closed", "reopen", lambda: pull_after("close"), 409, "did not reopen acme/component#42"),
    ("merged", "reopen", lambda: pull_after("merge", "cy-gh"), 409, "did not reopen"),
]


@pytest.mark.parametrize(
    ("slug", "answer", "status", "sentence"), [pytest.param(*row, id=name) for name, *row in REFUSED]
)
def test_what_github_says_it_did_and_did_not_is_refused(
    slug: str, answer: Callable[[], Any], status: int, sentence: str
) -> None:
    with pytest.raises(GitHubRefused) as refused:
        perform(slug, answer())
    assert refused.value.status == status
    assert sentence in str(refused.value)


# The table


@pytest.mark.parametrize(
    ("slug", "name"), [("assign-to-me", "Assign to me"), ("close", "Close"), ("reopen", "Reopen")]
)
def test_an_action_is_found_by_its_slug(slug: str, name: str) -> None:
    found = actions.find(slug)
    assert (found.slug, found.name) == (slug, name)


@pytest.mark.parametrize("slug", ["", "Close", "close ", "merge-everything", "__class__"])
def test_an_unknown_action_is_told_which_there_are(slug: str) -> None:
    with pytest.raises(NotFound, match="assign-to-me, close, reopen"):
        actions.find(slug)


def test_an_action_is_defined_once() -> None:
    def nothing(target: Target, login: str) -> Steps:
        raise NotImplementedError

    register: Callable[..., Callable[[Perform], Perform]] = actions.action
    with pytest.raises(ValueError, match="close is defined twice"):
        register("close", "Close", offered=bool)(nothing)


@pytest.mark.parametrize(
    ("after", "offered"),
    [
        ("opened", {"assign-to-me", "close"}),
        ("converted_to_draft", {"assign-to-me", "close"}),
        ("closed", {"reopen"}),
        ("merged", set()),
    ],
)
def test_an_action_is_offered_where_it_can_be_done(after: str, offered: set[str]) -> None:
    pull = snapshot.from_payload(payload_of(after))
    assert {slug for slug, action in ACTIONS.items() if action.offered(pull)} == offered


def test_a_slug_serves_in_an_address() -> None:
    assert all(slug.replace("-", "").isalnum() and slug.islower() for slug in ACTIONS)
