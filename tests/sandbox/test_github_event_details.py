"""The stand-in GitHub's events: what they tell, to whom, and what they leave out."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.kits.sandbox_github import GitHub, Received, Receiver, receiving, running
from tests.sandbox.schemas import validate

LINES = [
    {"path": "a.py", "line": 3, "body": "Why?"},
    {"path": "b.py", "line": 9, "start_line": 7, "body": "Oh"},
]


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running() as server:
        yield server


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as server:
        yield server


@pytest.fixture
async def hook(github: GitHub, receiver: Receiver) -> dict[str, Any]:
    """A webhook that sends everything to the receiver, and a pull request of Ann's; both are past."""
    made: dict[str, Any] = await github.drive("/hooks", repo="acme/component", url=receiver.url)
    await github.act("ann-gh", "open", title="Count once", body="All.")
    await github.idle()
    receiver.received.clear()
    return made


def payload(received: Received) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(received.body)
    return body


def names(receiver: Receiver) -> list[str]:
    return [f"{one.event}.{payload(one).get('action', '')}" for one in receiver.received]


def payloads(receiver: Receiver, event: str) -> list[dict[str, Any]]:
    return [payload(one) for one in receiver.received if one.event == event]


@pytest.mark.usefixtures("hook")
class TestWhatTheyTell:
    async def test_review_events_carry_an_incomplete_pull_request(
        self, github: GitHub, receiver: Receiver
    ) -> None:
        await github.act("bob-gh", "review", 1, body="Two", comments=LINES)
        await github.act("ann-gh", "resolve", 1)
        await github.idle()
        missing = {
            "merged",
            "mergeable",
            "mergeable_state",
            "merged_by",
            "rebaseable",
            "additions",
            "commits",
        }
        for one in receiver.received:
            pull = payload(one)["pull_request"]
            assert len(pull) == 36
            assert not missing & set(pull)

    async def test_the_comments_of_a_review_name_it(self, github: GitHub, receiver: Receiver) -> None:
        await github.act("bob-gh", "review", 1, body="Two", comments=LINES)
        await github.act("ann-gh", "reply", 1, body="So")
        await github.idle()
        reviews = [one["review"] for one in payloads(receiver, "pull_request_review")]
        said = [one["comment"] for one in payloads(receiver, "pull_request_review_comment")]
        assert [one["pull_request_review_id"] for one in said] == [reviews[i]["id"] for i in (0, 0, 1)]
        assert [(one["path"], one["line"], one["start_line"]) for one in said[:2]] == [
            ("a.py", 3, None),
            ("b.py", 9, 7),
        ]
        assert said[2]["in_reply_to_id"] == said[1]["id"]
        assert [(one["state"], one["body"]) for one in reviews] == [("commented", "Two"), ("commented", None)]

    async def test_lines_are_outdated_by_a_force_push(self, github: GitHub, receiver: Receiver) -> None:
        await github.act("bob-gh", "review_comment", 1, path="a.py", line=3, body="Why?")
        await github.act("ann-gh", "push", 1, force=True)
        await github.act("bob-gh", "edit_review_comment", 1, body="Why, please?")
        await github.idle()
        said = payloads(receiver, "pull_request_review_comment")[-1]
        shown = said["comment"]
        assert (shown["line"], shown["position"], shown["original_line"]) == (None, None, 3)
        assert said["changes"] == {"body": {"from": "Why?"}}

    async def test_a_dismissed_review_is_the_same_review(self, github: GitHub, receiver: Receiver) -> None:
        await github.act("cy-gh", "approve", 1)
        await github.act("ann-gh", "dismiss_review", 1, message="Too early")
        await github.idle()
        given, dismissed = [one["review"] for one in payloads(receiver, "pull_request_review")]
        assert (given["id"], dismissed["state"]) == (dismissed["id"], "dismissed")

    async def test_teams_and_people_are_asked_apart(self, github: GitHub, receiver: Receiver) -> None:
        pull = await github.act("ann-gh", "request_review", 1, reviewer="bob-gh", team="makers")
        await github.idle()
        user, team = payloads(receiver, "pull_request")
        assert user["requested_reviewer"]["login"] == "bob-gh"
        assert (team["requested_team"]["slug"], "requested_reviewer" in team) == ("makers", False)
        assert [one["slug"] for one in pull["requested_teams"]] == ["makers"]

    async def test_queue_and_auto_merge_are_shown(self, github: GitHub, receiver: Receiver) -> None:
        await github.act("cy-gh", "settings", allow_auto_merge=True)
        pull = await github.act("ann-gh", "auto_merge", 1, merge_method="squash")
        assert (pull["auto_merge"]["merge_method"], pull["auto_merge"]["enabled_by"]["login"]) == (
            "squash",
            "ann-gh",
        )
        await github.act("ann-gh", "enqueue", 1)
        await github.act("ann-gh", "merge", 1)
        await github.idle()
        *_, dequeued, closed = payloads(receiver, "pull_request")
        assert dequeued["reason"] == "MERGE"
        assert closed["pull_request"]["merged"] is True

    async def test_a_deleted_fork_is_null(self, github: GitHub, receiver: Receiver) -> None:
        await github.act("bob-gh", "open", title="From a fork")
        await github.act("bob-gh", "delete_fork", 2)
        await github.act("bob-gh", "close", 2)
        await github.idle()
        closed = receiver.received[-1]
        validate(closed.event, payload(closed))
        head = payload(closed)["pull_request"]["head"]
        assert (head["repo"], head["label"]) == (None, "bob-gh:patch-2")

    @pytest.mark.parametrize("fork", [False, True])
    async def test_checks_name_their_pull_request_unless_it_is_a_forks(
        self, github: GitHub, receiver: Receiver, fork: bool
    ) -> None:
        number = 1
        if fork:
            number = (await github.act("bob-gh", "open", title="From a fork"))["number"]
            await github.idle()
            receiver.received.clear()
        pull = await github.act("cy-gh", "check", number, name="test", conclusion="success")
        await github.idle()
        shown = [
            one.get("check_run") or one.get("check_suite") or one["workflow_run"]
            for one in map(payload, receiver.received)
        ]
        assert {one["head_sha"] for one in shown} == {pull["head"]["sha"]}
        numbers = [] if fork else [1]
        assert all([pull["number"] for pull in one["pull_requests"]] == numbers for one in shown)
        (suite,) = [one["check_suite"] for one in payloads(receiver, "check_suite")]
        assert suite["head_branch"] == (None if fork else "patch-1")

    async def test_a_status_names_branches_and_no_pull_request(
        self, github: GitHub, receiver: Receiver
    ) -> None:
        pull = await github.act("ann-gh", "status", 1, context="ci/x", state="failure")
        await github.idle()
        (status,) = payloads(receiver, "status")
        assert (status["sha"], status["branches"][0]["name"]) == (pull["head"]["sha"], "patch-1")
        assert not {"action", "pull_request"} & set(status)

    async def test_checks_of_an_older_commit(self, github: GitHub, receiver: Receiver) -> None:
        old = (await github.act("ann-gh", "push", 1))["head"]["sha"]
        await github.act("ann-gh", "push", 1)
        await github.act("ann-gh", "check", 1, name="late", conclusion="failure", sha=old)
        await github.idle()
        assert payloads(receiver, "check_run")[-1]["check_run"]["head_sha"] == old
        assert payloads(receiver, "check_run")[-1]["check_run"]["pull_requests"] == []
        assert (await github.ask("GET", "/_sandbox/pulls/acme/component/1")).json["checks"] == []

    async def test_conflicts_push_to_the_base(self, github: GitHub, receiver: Receiver) -> None:
        pull = await github.act("cy-gh", "conflict", 1)
        assert (pull["mergeable"], pull["mergeable_state"]) == (False, "dirty")
        await github.idle()
        (pushed,) = payloads(receiver, "push")
        assert (pushed["ref"], pushed["head_commit"]["id"]) == ("refs/heads/main", pushed["after"])
        assert (await github.act("cy-gh", "mend", 1))["mergeable_state"] == "clean"

    async def test_pushes_that_accompany_others_go_to_those_who_name_them(
        self, github: GitHub, receiver: Receiver
    ) -> None:
        await github.drive("/hooks", repo="acme/component", url=receiver.url, events=["push"])
        await github.act("ann-gh", "push", 1)
        await github.act("ann-gh", "push", 1, force=True)
        await github.act("ann-gh", "merge", 1)
        await github.idle()
        pushes = payloads(receiver, "push")
        assert [(one["ref"], one["forced"], len(one["commits"])) for one in pushes] == [
            ("refs/heads/patch-1", False, 1),
            ("refs/heads/patch-1", True, 1),
            ("refs/heads/main", False, 3),
        ]
        for one in pushes:
            validate("push", one)


async def test_an_apps_webhook_hears_of_its_installation(github: GitHub, receiver: Receiver) -> None:
    await github.drive("/hooks", repo="acme/component", url=receiver.url, app=True)
    await github.act("ann-gh", "open", title="T")
    await github.act("ann-gh", "check", 1, app="coverage", conclusion="failure")
    view = (await github.ask("GET", "/_sandbox/pulls/acme/component/1")).json
    path = f"/repos/acme/component/check-suites/{view['suites'][0]['id']}/rerequest"
    assert (await github.call("POST", path, token=await github.token("ann-gh"))).status == 201
    actions = ("created", "suspend", "unsuspend", "new_permissions_accepted", "added", "removed", "deleted")
    for action in actions:
        await github.drive("/installations", action=action)
    await github.idle()
    for one in receiver.received:
        validate(one.event, payload(one))
        assert one.event == "ping" or payload(one)["installation"]["id"] == 7001
        assert one.headers["X-GitHub-Hook-Installation-Target-Type"] == "integration"
    assert names(receiver)[1:7] == [
        "pull_request.opened",
        "check_suite.requested",
        "check_run.created",
        "check_run.completed",
        "check_suite.completed",
        "check_suite.rerequested",
    ]
    assert [name.split(".")[1] for name in names(receiver)[7:]] == list(actions)


async def test_only_apps_hear_who_reviews_a_deployment(github: GitHub, receiver: Receiver, hook: Any) -> None:
    await github.drive(
        "/hooks", repo="acme/component", url=receiver.url, app=True, events=["deployment_review"]
    )
    await github.act("ann-gh", "open", title="T")
    run = "/repos/acme/component/actions/runs"
    for state in ("approved", "rejected"):
        await github.act("ann-gh", "deploy", 1, environment=state, state="waiting", reviewers=["cy-gh"])
        token = await github.token("cy-gh")
        (found,) = (await github.call("GET", run, token=token)).json["workflow_runs"]
        place = f"{run}/{found['id']}/pending_deployments"
        (pending,) = (await github.call("GET", place, token=token)).json
        ids = [pending["environment"]["id"]]
        body = {"environment_ids": ids, "state": state, "comment": "So be it"}
        assert (await github.call("POST", place, token=token, body=body)).status == 200
    await github.idle()
    reviews = [one for one in receiver.received if one.event == "deployment_review"]
    for one in reviews:
        validate(one.event, payload(one))
    assert [payload(one)["action"] for one in reviews] == ["requested", "approved", "requested", "rejected"]


async def test_only_apps_hear_who_joins_and_leaves_a_team(
    github: GitHub, receiver: Receiver, hook: Any
) -> None:
    await github.drive("/hooks", repo="acme/component", url=receiver.url, app=True, events=["membership"])
    await github.drive("/teams/makers", add="ann-gh", remove="cy-gh")
    await github.idle()
    told = [payload(one) for one in receiver.received if one.event == "membership"]
    for one in told:
        validate("membership", one)
    assert [(one["action"], one["member"]["login"]) for one in told] == [
        ("added", "ann-gh"),
        ("removed", "cy-gh"),
    ]


async def test_only_apps_hear_of_installations(github: GitHub, receiver: Receiver, hook: Any) -> None:
    assert (await github.drive("/installations", action="created"))["hooks"] == 0
    bad = await github.ask("POST", "/_sandbox/installations", json={"action": "exploded"})
    assert bad.status == 400
