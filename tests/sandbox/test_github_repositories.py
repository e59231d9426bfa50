"""The stand-in GitHub's repositories: renamed, given away, archived; and what is said in them, over REST."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.kits.sandbox_github import ISSUE, PULL, GitHub, Receiver, receiving, running
from tests.sandbox.schemas import validate

REPO = "/repos/acme/component"


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running() as server:
        await server.act("ann-gh", "open", title="Count once")
        yield server


@pytest.fixture
async def ann(github: GitHub) -> str:
    return await github.token("ann-gh")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as server:
        yield server


class TestNames:
    async def test_a_former_name_leads_to_the_number(self, github: GitHub, ann: str) -> None:
        renamed = await github.act("cy-gh", "rename", name="part")
        assert renamed["full_name"] == "acme/part"
        here = f"{github.url}/api/v3/repositories/1296269"
        read = await github.call("GET", f"{PULL}?x=1", token=ann)
        assert (read.status, read.headers["Location"]) == (301, f"{here}/pulls/1?x=1")
        assert read.json["message"] == "Moved Permanently"
        assert read.json["url"] == f"{here}/pulls/1?x=1"
        written = await github.call("POST", f"{ISSUE}/comments", token=ann, body={"body": "Hm"})
        assert (written.status, written.headers["Location"]) == (307, f"{here}/issues/1/comments")
        by_number = await github.call("GET", "/repositories/1296269/pulls/1", token=ann)
        assert by_number.json["base"]["repo"]["full_name"] == "acme/part"
        made = await github.call(
            "POST", "/repositories/1296269/issues/1/comments", token=ann, body={"body": "Hm"}
        )
        assert made.status == 201
        page = await github.ask("GET", "/acme/component/pull/1")
        assert (page.status, page.headers["Location"]) == (301, "/acme/part/pull/1")

    async def test_a_person_without_access_is_not_led_there(self, github: GitHub) -> None:
        await github.act("cy-gh", "rename", repo="acme/gadgets", name="things")
        reply = await github.call("GET", "/repos/acme/gadgets", token=await github.token("dee-gh"))
        assert reply.status == 404

    async def test_a_taken_name_is_refused(self, github: GitHub) -> None:
        body = {"as": "cy-gh", "do": "rename", "name": "gadgets"}
        reply = await github.ask("POST", "/_sandbox/act", json=body)
        assert reply.status == 422
        assert reply.json["errors"][0]["message"] == "name already exists on this account"

    async def test_webhooks_move_along(self, github: GitHub, receiver: Receiver) -> None:
        made = await github.drive("/hooks", repo="acme/component", url=receiver.url)
        await github.act("cy-gh", "rename", name="part")
        await github.act("cy-gh", "transfer", repo="acme/part", to="cy-gh")
        await github.act("cy-gh", "transfer", repo="cy-gh/part", to="acme")
        await github.idle()
        renamed, transferred, back = [json.loads(one.body) for one in receiver.received[1:]]
        assert renamed["changes"] == {"repository": {"name": {"from": "component"}}}
        assert transferred["repository"]["full_name"] == "cy-gh/part"
        assert transferred["changes"]["owner"]["from"]["organization"]["login"] == "acme"
        assert "organization" not in transferred
        validate("repository", back)
        admin = await github.token("cy-gh")
        path = f"/repos/acme/part/hooks/{made['id']}"
        hook = (await github.call("GET", path, token=admin)).json
        assert hook["url"] == f"{github.url}/api/v3{path}"
        old = await github.call("GET", f"{REPO}/hooks", token=admin)
        assert (old.status, old.headers["Location"]) == (
            301,
            f"{github.url}/api/v3/repositories/1296269/hooks",
        )

    async def test_over_rest(self, github: GitHub) -> None:
        admin = await github.token("cy-gh")
        renamed = await github.call("PATCH", REPO, token=admin, body={"name": "part"})
        assert renamed.json["name"] == "part"
        moved = await github.call(
            "POST", "/repos/acme/part/transfer", token=admin, body={"new_owner": "cy-gh"}
        )
        assert (moved.status, moved.json["full_name"]) == (202, "cy-gh/part")


async def test_an_archived_one_is_read_only(github: GitHub, ann: str) -> None:
    assert (await github.act("cy-gh", "archive"))["archived"] is True
    assert (await github.call("GET", PULL, token=ann)).json["base"]["repo"]["archived"] is True
    for method, path, body in (
        ("PATCH", PULL, {"state": "closed"}),
        ("POST", f"{ISSUE}/comments", {"body": "Hm"}),
        ("PUT", f"{PULL}/merge", {}),
        ("POST", f"{ISSUE}/assignees", {"assignees": ["ann-gh"]}),
    ):
        refused = await github.call(method, path, token=ann, body=body)
        assert (refused.status, refused.json["message"]) == (
            403,
            "Repository was archived so is read-only.",
        )
    assert (await github.act("cy-gh", "unarchive"))["archived"] is False
    assert (await github.call("PATCH", PULL, token=ann, body={"state": "closed"})).status == 200


class TestTalk:
    async def test_comments_are_changed_by_their_author(self, github: GitHub, ann: str) -> None:
        bob = await github.token("bob-gh")
        said = (await github.call("POST", f"{ISSUE}/comments", token=ann, body={"body": "Hm"})).json
        path = f"{REPO}/issues/comments/{said['id']}"
        assert (await github.call("PATCH", path, token=bob, body={"body": "x"})).status == 403
        assert (await github.call("PATCH", path, token=ann, body={"body": "Hm."})).json["body"] == "Hm."
        assert (await github.call("GET", path, token=bob)).json["body"] == "Hm."
        assert (await github.call("DELETE", path, token=ann)).status == 204
        assert (await github.call("GET", path, token=ann)).status == 404
        assert (await github.call("GET", f"{ISSUE}/comments", token=ann)).json == []

    async def test_reviews_and_their_lines(self, github: GitHub, ann: str) -> None:
        bob = await github.token("bob-gh")
        body = {"event": "COMMENT", "body": "Two", "comments": [{"path": "a.py", "line": 3, "body": "Why?"}]}
        given = (await github.call("POST", f"{PULL}/reviews", token=bob, body=body)).json
        path = f"{PULL}/reviews/{given['id']}"
        (line,) = (await github.call("GET", f"{path}/comments", token=ann)).json
        assert (line["path"], line["line"], line["pull_request_review_id"]) == ("a.py", 3, given["id"])
        edited = await github.call("PUT", path, token=bob, body={"body": "Three"})
        assert (edited.json["body"], edited.json["state"]) == ("Three", "COMMENTED")
        comments = f"{PULL}/comments"
        answer = await github.call("POST", f"{comments}/{line['id']}/replies", token=ann, body={"body": "So"})
        assert (answer.status, answer.json["in_reply_to_id"]) == (201, line["id"])
        own = {"path": "b.py", "line": 1, "body": "And here"}
        assert (await github.call("POST", comments, token=ann, body=own)).status == 201
        shown = (await github.call("GET", comments, token=ann)).json
        assert [one["body"] for one in shown] == ["Why?", "So", "And here"]
        one = f"{REPO}/pulls/comments/{line['id']}"
        assert (await github.call("PATCH", one, token=bob, body={"body": "Why not?"})).json[
            "body"
        ] == "Why not?"
        assert (await github.call("DELETE", one, token=bob)).status == 204
        assert (await github.call("GET", one, token=bob)).status == 404
        assert (await github.call("GET", PULL, token=ann)).json["review_comments"] == 2

    async def test_dismissing_is_for_writers_and_verdicts(self, github: GitHub, ann: str) -> None:
        bob = await github.token("bob-gh")
        given = (await github.call("POST", f"{PULL}/reviews", token=bob, body={"event": "APPROVE"})).json
        path = f"{PULL}/reviews/{given['id']}/dismissals"
        assert (await github.call("PUT", path, token=bob, body={"message": "x"})).status == 403
        assert (await github.call("PUT", path, token=ann, body={"message": "x"})).json["state"] == "DISMISSED"
        again = await github.call("PUT", path, token=ann, body={"message": "x"})
        assert (again.status, again.json["errors"]) == (
            422,
            ["Can not dismiss a dismissed pull request review"],
        )


class TestRequests:
    async def test_people_and_teams(self, github: GitHub, ann: str) -> None:
        path = f"{PULL}/requested_reviewers"
        body = {"reviewers": ["bob-gh"], "team_reviewers": ["makers"]}
        asked = await github.call("POST", path, token=ann, body=body)
        assert (asked.status, [one["slug"] for one in asked.json["requested_teams"]]) == (201, ["makers"])
        shown = (await github.call("GET", path, token=ann)).json
        assert ([one["login"] for one in shown["users"]], len(shown["teams"])) == (["bob-gh"], 1)
        left = await github.call(
            "DELETE", path, token=ann, body={"team_reviewers": ["makers"], "reviewers": []}
        )
        assert (left.status, left.json["requested_teams"]) == (200, [])

    async def test_one_may_ask_for_ones_own_review(self, github: GitHub) -> None:
        body = {"reviewers": ["cy-gh"]}
        path = f"{PULL}/requested_reviewers"
        asked = await github.call("POST", path, token=await github.token("cy-gh"), body=body)
        assert (asked.status, asked.json["requested_reviewers"][0]["login"]) == (201, "cy-gh")

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({"reviewers": ["ann-gh"]}, "Review cannot be requested from pull request author."),
            ({"reviewers": ["dee-gh"]}, "Reviews may only be requested from collaborators."),
            ({"reviewers": ["nobody"]}, "Reviews may only be requested from collaborators."),
            ({"team_reviewers": ["nobody"]}, "Reviews may only be requested from collaborators."),
            ({"reviewers": "bob-gh"}, "Validation Failed"),
        ],
    )
    async def test_refusals(self, github: GitHub, ann: str, body: object, message: str) -> None:
        reply = await github.call("POST", f"{PULL}/requested_reviewers", token=ann, body=body)
        assert reply.status == 422
        assert reply.json["message"].startswith(message)
        assert (await github.call("GET", PULL, token=ann)).json["requested_reviewers"] == []
