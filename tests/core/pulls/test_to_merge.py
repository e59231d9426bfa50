"""Missing requirements of a merge: counted by the branch's rules, and held to GitHub's word."""

from typing import Any

import pytest
from msgspec.structs import replace

from bridge.core.messages import thread
from bridge.core.pulls.model import Person, PullRequest
from bridge.core.pulls.rules import BranchRules
from bridge.core.pulls.to_merge import CONFIRMATION, failed, missing, seems_ready
from bridge.core.pulls.turn import next_action
from tests.kits.core.pulls import APPROVED, FAILED, PASSED, REFUSED, RUNNING, a_pull, check

TALK = ("https://github.com/acme/component/pull/1#discussion_r1",)
AGENT = Person(login="Copilot", id=9, bot=True)


def ruled(rules: dict[str, Any], **fields: Any) -> PullRequest:
    return a_pull(rules=BranchRules(branch="main", **rules), **fields)


TWO: dict[str, Any] = {"approvals": 2}
MISSING: list[tuple[str, PullRequest, list[str]]] = [
    ("no rules read", a_pull(reviewers=(REFUSED,), checks=(FAILED,), mergeable_state="blocked"), []),
    ("no rules", ruled({}), []),
    ("no approval", ruled({"approvals": 1}), ["0 of 1 approval"]),
    ("one of two", ruled(TWO, reviewers=(APPROVED, REFUSED)), ["1 of 2 approvals"]),
    ("enough", ruled({"approvals": 1}, reviewers=(APPROVED,)), []),
    (
        "a bot's does not count",
        ruled({"approvals": 1}, reviewers=(replace(APPROVED, bot=True),)),
        ["0 of 1 approval"],
    ),
    (
        "nor that of whoever had an agent make it",
        ruled(
            TWO,
            author=AGENT,
            assignees=(Person(login="bob", id=7),),
            reviewers=(replace(APPROVED, id=7), replace(APPROVED, id=8)),
        ),
        ["1 of 2 approvals (bob cannot give one)"],
    ),
    (
        "nor that of whoever pushed last, where the rules say so",
        ruled({"approvals": 1, "last_push": True}, pusher=Person(login="bob", id=7)),
        ["0 of 1 approval (bob cannot give one)"],
    ),
    ("a check that is not there", ruled({"checks": ("e2e",)}), ["checks: e2e missing"]),
    (
        "checks in each state",
        ruled({"checks": ("build", "lint", "test")}, checks=(FAILED, PASSED, RUNNING)),
        ["checks: build failed, test running"],
    ),
    ("skipped passes", ruled({"checks": ("docs",)}, checks=(check("docs", "skipped"),)), []),
    ("waits", ruled({"checks": ("docs",)}, checks=(check("docs", "waiting"),)), ["checks: docs waits"]),
    (
        "a job that two workflows have",
        ruled({"checks": ("test",)}, checks=(check("CI / test", "passed"), check("E2E / test", "failed"))),
        ["checks: test failed"],
    ),
    ("conversations", ruled({"conversations": True}, unresolved=TALK * 2), ["2 conversations to resolve"]),
    (
        "more than are kept",
        ruled({"conversations": True}, unresolved=TALK, more_unresolved=True),
        ["more than 1 conversation to resolve"],
    ),
    ("not demanded", ruled({}, unresolved=TALK, checks=(FAILED,)), []),
    ("behind", ruled({}, mergeable_state="behind"), ["the newest commits of the base branch"]),
    ("blocked", ruled({}, mergeable_state="blocked"), [CONFIRMATION]),
    (
        "blocked for what cannot be counted",
        ruled({"code_owners": True, "last_push": True}, mergeable_state="blocked"),
        ["a code owner's approval or an approval of the last push"],
    ),
    ("blocked for what is counted", ruled(TWO, mergeable_state="blocked"), ["0 of 2 approvals"]),
    ("nobody may read, blocked", ruled({"is_known": False}, mergeable_state="blocked"), [CONFIRMATION]),
    ("nobody may read", ruled({"is_known": False}, mergeable_state="clean"), []),
]


@pytest.mark.parametrize(("pull", "words"), [pytest.param(*row, id=name) for name, *row in MISSING])
def test_missing_requirements_are_named(pull: PullRequest, words: list[str]) -> None:
    assert list(missing(pull)) == words


@pytest.mark.parametrize(("pull", "words"), [pytest.param(*row, id=name) for name, *row in MISSING])
def test_it_is_ready_to_merge_only_if_nothing_is_missing(pull: PullRequest, words: list[str]) -> None:
    approved = replace(pull, reviewers=(APPROVED,), checks=(), unresolved=(), more_unresolved=False)
    turn = next_action(approved)
    assert turn is not None
    assert (turn.who == "ready to merge") == (not missing(approved))


FIELDS: list[tuple[PullRequest, str | None]] = [
    (a_pull(), None),
    (ruled({}), None),
    (ruled(TWO), "0 of 2 approvals"),
    (ruled({"approvals": 1, "checks": ("e2e",)}), "0 of 1 approval; checks: e2e missing"),
    (ruled({"approvals": 1}, reviewers=(APPROVED,)), "✓ nothing missing"),
    (ruled(TWO, state="merged"), None),
    (ruled({"is_known": False}), "unknown: no linked account can read the rules"),
    (
        ruled({"is_known": False}, mergeable_state="blocked"),
        f"unknown: no linked account can read the rules; {CONFIRMATION.replace(chr(39), '&#x27;')}",
    ),
]


@pytest.mark.parametrize(("pull", "value"), FIELDS)
def test_the_field_says_it(pull: PullRequest, value: str | None) -> None:
    fields = {row["label"]: row["value"] for row in thread.fields(pull, next_action(pull))}
    assert fields.get("To merge") == value


READY = ruled({"approvals": 1}, reviewers=(APPROVED,), mergeable_state="blocked")


@pytest.mark.parametrize(
    ("changes", "asks"),
    [
        ({}, True),
        ({"mergeable_state": "behind"}, True),
        ({"mergeable_state": "clean"}, False),
        ({"mergeable_state": ""}, False),
        ({"reviewers": ()}, False),
        ({"draft": True}, False),
        ({"queued": True}, False),
        ({"state": "closed"}, False),
        ({"mergeable": False}, False),
        ({"rules": None}, False),
    ],
    ids=str,
)
def test_github_is_asked_again_where_only_its_older_word_is_in_the_way(
    changes: dict[str, Any], asks: bool
) -> None:
    assert seems_ready(replace(READY, **changes)) is asks


def test_failed_checks_that_are_required_are_named_first() -> None:
    checks = tuple(check(name, "failed") for name in ("a", "b", "CI / test", "z"))
    pull = ruled({"checks": ("test", "z")}, checks=checks)
    assert [one.name for one in failed(pull)] == ["CI / test", "z", "a", "b"]
    assert [one.name for one in failed(replace(pull, rules=None))] == ["a", "b", "CI / test", "z"]
