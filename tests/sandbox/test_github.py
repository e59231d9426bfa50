"""The stand-in GitHub's REST API: who may do what, what is refused, and what is counted."""

from collections.abc import AsyncIterator

import pytest

from tests.kits.sandbox_github import ISSUE, PULL, GitHub, running

HOOKS = "/repos/acme/component/hooks"


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running() as server:
        yield server


@pytest.fixture
async def ann(github: GitHub) -> str:
    """Ann's token, in a world where she opened a pull request."""
    await github.act("ann-gh", "open", title="Count once", body="All of them.")
    return await github.token("ann-gh")


class TestCalls:
    async def test_every_answer_has_githubs_headers(self, github: GitHub, ann: str) -> None:
        reply = await github.call("GET", "/user", token=ann)
        assert (reply.status, reply.json["login"], reply.json["id"]) == (200, "ann-gh", 1001)
        assert reply.headers["X-OAuth-Scopes"] == "repo"
        assert reply.headers["X-RateLimit-Limit"] == "5000"
        assert reply.headers["X-RateLimit-Remaining"] == "4999"
        assert reply.headers["X-GitHub-Media-Type"] == "github.v3; format=json"
        assert len(reply.headers["X-GitHub-Request-Id"]) == 20

    async def test_bad_credentials_are_401(self, github: GitHub) -> None:
        reply = await github.call("GET", "/user", token="gho_wrong")
        assert reply.status == 401
        assert reply.json == {
            "message": "Bad credentials",
            "documentation_url": "https://docs.github.com/rest/users/users#get-the-authenticated-user",
            "status": "401",
        }
        assert (await github.call("GET", "/user")).json["message"] == "Requires authentication"

    async def test_the_older_scheme_token_works(self, github: GitHub, ann: str) -> None:
        reply = await github.call("GET", "/user", headers={"Authorization": f"token {ann}"})
        assert reply.status == 200

    async def test_user_agent_is_demanded(self, github: GitHub, ann: str) -> None:
        reply = await github.call("GET", "/user", token=ann, headers={"User-Agent": ""})
        assert reply.status == 403
        assert "User-Agent" in reply.json["message"]

    async def test_versions_are_checked_and_the_newest_lacks_what_it_dropped(
        self, github: GitHub, ann: str
    ) -> None:
        old = await github.call("GET", PULL, token=ann, headers={"X-GitHub-Api-Version": "2022-11-28"})
        new = await github.call("GET", PULL, token=ann, headers={"X-GitHub-Api-Version": "2026-03-10"})
        bad = await github.call("GET", PULL, token=ann, headers={"X-GitHub-Api-Version": "2020-01-01"})
        assert set(old.json) - set(new.json) == {"assignee", "merge_commit_sha"}
        assert bad.status == 400
        assert '"2020-01-01", is not a supported version' in bad.json["message"]

    async def test_rate_limit_counts_per_user_and_refuses(self, github: GitHub, ann: str) -> None:
        await github.call("GET", "/user", token=ann)
        other = await github.token("ann-gh", "gist")
        await github.call("GET", "/user", token=other)
        core = (await github.call("GET", "/rate_limit", token=ann)).json["resources"]["core"]
        assert (core["used"], core["remaining"]) == (2, 4998)
        await github.drive("/users/ann-gh", rate_remaining=0)
        refused = await github.call("GET", "/user", token=ann)
        assert (refused.status, refused.headers["X-RateLimit-Remaining"]) == (403, "0")
        assert refused.json["message"] == "API rate limit exceeded for user ID 1001."
        await github.drive("/clock", advance=3600)
        assert (await github.call("GET", "/user", token=ann)).status == 200

    @pytest.mark.parametrize(("text", "message"), [("{", "Problems parsing JSON"), ("[]", "JSON object")])
    async def test_malformed_bodies_are_400(self, github: GitHub, ann: str, text: str, message: str) -> None:
        reply = await github.call("PATCH", PULL, token=ann, data=text)
        assert reply.status == 400
        assert message in reply.json["message"]

    async def test_unknown_paths_are_404_in_json(self, github: GitHub, ann: str) -> None:
        assert (await github.call("GET", "/nothing", token=ann)).json["message"] == "Not Found"

    async def test_private_repositories_hide_from_outsiders_and_narrow_tokens(self, github: GitHub) -> None:
        gadgets = "/repos/acme/gadgets"
        outsider, narrow = await github.token("dee-gh"), await github.token("ann-gh", "public_repo")
        assert (await github.call("GET", gadgets, token=outsider)).status == 404
        assert (await github.call("GET", gadgets, token=narrow)).status == 404
        assert (await github.call("GET", gadgets, token=await github.token("ann-gh"))).status == 200
        listed = [repo["full_name"] for repo in (await github.call("GET", "/user/repos", token=narrow)).json]
        assert listed == ["acme/component"]

    @pytest.mark.usefixtures("ann")
    async def test_a_token_without_scopes_cannot_write(self, github: GitHub) -> None:
        poor = await github.token("ann-gh", "")
        assert (await github.call("PATCH", PULL, token=poor, body={"state": "closed"})).status == 404
        assert (await github.call("GET", PULL, token=poor)).status == 200

    async def test_names_are_not_case_sensitive(self, github: GitHub, ann: str) -> None:
        assert (await github.call("GET", "/repos/Acme/Component", token=ann)).json["id"] == 1296269

    async def test_pages_are_linked(self, github: GitHub, ann: str) -> None:
        await github.act("ann-gh", "open", title="Second")
        first = await github.call("GET", "/repos/acme/component/pulls?per_page=1", token=ann)
        assert [pull["number"] for pull in first.json] == [2]
        assert "per_page=1&page=2" in first.headers["Link"]
        second = await github.call("GET", "/repos/acme/component/pulls?per_page=1&page=2", token=ann)
        assert [pull["number"] for pull in second.json] == [1]


class TestPulls:
    async def test_edit_close_and_reopen(self, github: GitHub, ann: str) -> None:
        edited = await github.call("PATCH", PULL, token=ann, body={"title": "New", "body": None})
        assert (edited.json["title"], edited.json["body"]) == ("New", None)
        closed = await github.call("PATCH", PULL, token=ann, body={"state": "closed"})
        assert (closed.status, closed.json["state"]) == (200, "closed")
        assert (await github.call("PATCH", PULL, token=ann, body={"state": "closed"})).status == 200
        opened = await github.call("PATCH", PULL, token=ann, body={"state": "open"})
        assert (opened.json["state"], opened.json["closed_at"]) == ("open", None)
        assert (await github.call("PATCH", PULL, token=ann, body={"state": "ajar"})).status == 422

    @pytest.mark.usefixtures("ann")
    async def test_readers_cannot_close_what_others_opened(self, github: GitHub) -> None:
        bob = await github.token("bob-gh")
        refused = await github.call("PATCH", PULL, token=bob, body={"state": "closed"})
        assert (refused.status, refused.json["message"]) == (403, "Must have admin rights to Repository.")
        merge = await github.call("PUT", f"{PULL}/merge", token=bob, body={})
        assert merge.status == 403

    async def test_authors_may_close_their_own_from_a_fork(self, github: GitHub) -> None:
        pull = await github.act("bob-gh", "open", title="From outside")
        assert (pull["head"]["label"], pull["head"]["repo"]["fork"]) == ("bob-gh:patch-1", True)
        reply = await github.call("PATCH", PULL, token=await github.token("bob-gh"), body={"state": "closed"})
        assert reply.json["state"] == "closed"

    async def test_assigning_needs_push_access_or_is_silently_ignored(self, github: GitHub, ann: str) -> None:
        bob = await github.token("bob-gh")
        body = {"assignees": ["bob-gh", "dee-gh", "nobody"]}
        ignored = await github.call("POST", f"{ISSUE}/assignees", token=bob, body=body)
        assert (ignored.status, ignored.json["assignees"]) == (201, [])
        done = await github.call("POST", f"{ISSUE}/assignees", token=ann, body=body)
        assert [user["login"] for user in done.json["assignees"]] == ["bob-gh"]
        gone = await github.call("DELETE", f"{ISSUE}/assignees", token=ann, body={"assignees": ["bob-gh"]})
        assert (gone.status, gone.json["assignees"]) == (200, [])

    async def test_people_who_can_be_assigned(self, github: GitHub, ann: str) -> None:
        path = "/repos/acme/component/assignees"
        assert (await github.call("GET", f"{path}/bob-gh", token=ann)).status == 204
        assert (await github.call("GET", f"{path}/dee-gh", token=ann)).status == 404

    async def test_merge(self, github: GitHub, ann: str) -> None:
        moved = await github.call("PUT", f"{PULL}/merge", token=ann, body={"sha": "0" * 40})
        assert (moved.status, moved.json["message"]) == (
            409,
            "Head branch was modified. Review and try the merge again.",
        )
        assert (await github.call("GET", f"{PULL}/merge", token=ann)).status == 404
        merged = await github.call("PUT", f"{PULL}/merge", token=ann, body={"merge_method": "squash"})
        assert merged.json["merged"] is True
        assert (await github.call("GET", f"{PULL}/merge", token=ann)).status == 204
        again = await github.call("PUT", f"{PULL}/merge", token=ann, body={})
        assert (again.status, again.json["message"]) == (405, "Pull Request is not mergeable")
        reopen = await github.call("PATCH", PULL, token=ann, body={"state": "open"})
        assert reopen.status == 422

    async def test_drafts_are_not_merged_until_graphql_marks_them_ready(
        self, github: GitHub, ann: str
    ) -> None:
        pull = await github.act("ann-gh", "draft", 1)
        assert (await github.call("PUT", f"{PULL}/merge", token=ann, body={})).status == 405
        query = """mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) {
            pullRequest { isDraft } } }"""
        reply = await github.ask(
            "POST",
            "/api/graphql",
            json={"query": query, "variables": {"id": pull["node_id"]}},
            headers={"Authorization": f"bearer {ann}"},
        )
        ready = reply.json["data"]["markPullRequestReadyForReview"]["pullRequest"]
        assert ready["isDraft"] is False
        assert (await github.call("PUT", f"{PULL}/merge", token=ann, body={})).status == 200

    async def test_graphql_errors_come_with_200(self, github: GitHub, ann: str) -> None:
        query = (
            'mutation { convertPullRequestToDraft(input: {pullRequestId: "PR_none"}) { clientMutationId } }'
        )
        reply = await github.ask(
            "POST", "/api/graphql", json={"query": query}, headers={"Authorization": f"bearer {ann}"}
        )
        assert (reply.status, reply.json["errors"][0]["type"]) == (200, "NOT_FOUND")

    async def test_nobody_approves_their_own(self, github: GitHub, ann: str) -> None:
        reply = await github.call("POST", f"{PULL}/reviews", token=ann, body={"event": "APPROVE"})
        assert reply.status == 422
        assert reply.json["message"] == "Unprocessable Entity"
        assert reply.json["errors"] == ["Can not approve your own pull request"]

    async def test_reviews_and_requests_for_them(self, github: GitHub, ann: str) -> None:
        ask = f"{PULL}/requested_reviewers"
        own = await github.call("POST", ask, token=ann, body={"reviewers": ["ann-gh"]})
        assert "from pull request author" in own.json["message"]
        assert (await github.call("POST", ask, token=ann, body={"reviewers": ["dee-gh"]})).status == 422
        asked = await github.call("POST", ask, token=ann, body={"reviewers": ["bob-gh"]})
        assert [user["login"] for user in asked.json["requested_reviewers"]] == ["bob-gh"]
        bob = await github.token("bob-gh")
        given = await github.call("POST", f"{PULL}/reviews", token=bob, body={"event": "APPROVE"})
        assert (given.status, given.json["state"]) == (200, "APPROVED")
        assert (await github.call("GET", PULL, token=ann)).json["requested_reviewers"] == []

    async def test_comments(self, github: GitHub, ann: str) -> None:
        said = await github.call("POST", f"{ISSUE}/comments", token=ann, body={"body": "Hello"})
        assert (said.status, said.json["body"]) == (201, "Hello")
        assert said.json["html_url"].endswith(f"/acme/component/pull/1#issuecomment-{said.json['id']}")
        empty = await github.call("POST", f"{ISSUE}/comments", token=ann, body={})
        assert empty.json["errors"][0]["code"] == "missing_field"

    async def test_a_second_one_for_a_branch_is_refused(self, github: GitHub, ann: str) -> None:
        body = {"title": "Again", "head": "patch-1", "base": "main"}
        reply = await github.call("POST", "/repos/acme/component/pulls", token=ann, body=body)
        assert reply.status == 422
        assert reply.json["errors"][0]["message"] == "A pull request already exists for acme:patch-1."
        made = await github.call(
            "POST", "/repos/acme/component/pulls", token=ann, body=body | {"head": "other"}
        )
        assert (made.status, made.json["number"]) == (201, 2)

    @pytest.mark.usefixtures("ann")
    async def test_the_clock_ticks_with_every_change(self, github: GitHub) -> None:
        await github.drive("/clock", tick=True)
        times = [(await github.act("ann-gh", "push", 1))["updated_at"] for _ in range(3)]
        assert len(set(times)) == 3
        assert times == sorted(times)


class TestHooks:
    async def test_only_administrators_see_them(self, github: GitHub, ann: str) -> None:
        assert (await github.call("GET", HOOKS, token=ann)).status == 404
        admin, narrow = await github.token("cy-gh"), await github.token("cy-gh", "public_repo")
        assert (await github.call("GET", HOOKS, token=admin)).json == []
        assert (await github.call("GET", HOOKS, token=narrow)).status == 404
        hook_only = await github.token("cy-gh", "write:repo_hook")
        assert (await github.call("GET", HOOKS, token=hook_only)).status == 200

    async def test_made_changed_and_removed(self, github: GitHub) -> None:
        admin = await github.token("cy-gh")
        body = {"config": {"url": "http://127.0.0.1:9/x", "secret": "s"}, "events": ["pull_request"]}
        made = await github.call("POST", HOOKS, token=admin, body=body)
        assert made.status == 201
        assert made.json["config"] == {
            "content_type": "form",
            "insecure_ssl": "0",
            "url": "http://127.0.0.1:9/x",
            "secret": "********",
        }
        assert made.json["last_response"]["status"] == "unused"
        twice = await github.call("POST", HOOKS, token=admin, body=body)
        assert twice.json["errors"][0]["message"] == "Hook already exists on this repository"
        path = f"{HOOKS}/{made.json['id']}"
        added = await github.call("PATCH", path, token=admin, body={"add_events": ["status"]})
        assert added.json["events"] == ["pull_request", "status"]
        only = await github.call("PATCH", f"{path}/config", token=admin, body={"content_type": "json"})
        assert (only.json["content_type"], only.json["secret"]) == ("json", "********")
        assert (await github.call("DELETE", path, token=admin)).status == 204
        assert (await github.call("GET", path, token=admin)).status == 404

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"config": {"url": "ftp://x"}},
            {"config": {"url": "http://x/"}, "events": ["pull_requests"]},
            {"config": {"url": "http://x/", "content_type": "xml"}},
        ],
    )
    async def test_nonsense_is_422(self, github: GitHub, body: dict[str, object]) -> None:
        reply = await github.call("POST", HOOKS, token=await github.token("cy-gh"), body=body)
        assert (reply.status, reply.json["message"]) == (422, "Validation Failed")
