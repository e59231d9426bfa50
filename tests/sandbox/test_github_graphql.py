"""The stand-in GitHub's GraphQL: what can be asked and done, and that errors come with status 200."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.kits.sandbox_github import GitHub, running

THREADS = """
query Threads($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewDecision
      mergeable
      reviewThreads(first: 1, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes { id isResolved isOutdated path line resolvedBy { login }
                comments(first: 10) { nodes { url author { login } body } } }
      }
    }
  }
}
"""
COMPONENT: dict[str, Any] = {"owner": "acme", "name": "component", "number": 1}


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running() as server:
        await server.act("ann-gh", "open", title="Count once")
        yield server


async def ask(github: GitHub, query: str, who: str = "ann-gh", **variables: Any) -> Any:
    """The body of an answer, whose status is 200."""
    headers = {"Authorization": f"bearer {await github.token(who)}", "User-Agent": "test"}
    body = {"query": query, "variables": variables}
    reply = await github.ask("POST", "/api/graphql", json=body, headers=headers)
    assert reply.status == 200
    return reply.json


async def node(github: GitHub) -> str:
    found: str = (await github.ask("GET", "/_sandbox/pulls/acme/component/1")).json["node_id"]
    return found


async def test_review_threads_come_in_pages(github: GitHub) -> None:
    lines = [{"path": "a.py", "line": 3, "body": "Why?"}, {"path": "b.py", "line": 9, "body": "Oh"}]
    await github.act("bob-gh", "review", 1, comments=lines)
    await github.act("ann-gh", "reply", 1, body="So")
    await github.act("ann-gh", "resolve", 1)
    first = (await ask(github, THREADS, **COMPONENT))["data"]["repository"]["pullRequest"]
    assert (first["reviewDecision"], first["reviewThreads"]["totalCount"]) == (None, 2)
    (open_one,) = first["reviewThreads"]["nodes"]
    assert (open_one["path"], open_one["line"], open_one["isResolved"]) == ("a.py", 3, False)
    after = first["reviewThreads"]["pageInfo"]["endCursor"]
    rest = (await ask(github, THREADS, **COMPONENT, after=after))["data"]["repository"]["pullRequest"]
    assert rest["reviewThreads"]["pageInfo"]["hasNextPage"] is False
    (resolved,) = rest["reviewThreads"]["nodes"]
    assert (resolved["isResolved"], resolved["resolvedBy"]) == (True, {"login": "ann-gh"})
    assert [one["body"] for one in resolved["comments"]["nodes"]] == ["Oh", "So"]
    assert resolved["comments"]["nodes"][0]["url"].startswith(
        f"{github.url}/acme/component/pull/1#discussion_r"
    )


async def test_the_decision_needs_a_rule(github: GitHub) -> None:
    async def decision() -> object:
        return (await ask(github, THREADS, **COMPONENT))["data"]["repository"]["pullRequest"][
            "reviewDecision"
        ]

    await github.act("cy-gh", "approve", 1)
    assert await decision() is None
    await github.act("cy-gh", "settings", required_approvals=2)
    assert await decision() == "REVIEW_REQUIRED"
    await github.act("cy-gh", "request_changes", 1)
    assert await decision() == "CHANGES_REQUESTED"
    await github.act("cy-gh", "settings", required_approvals=1)
    await github.act("cy-gh", "approve", 1)
    assert await decision() == "APPROVED"


async def test_mergeable_is_unknown_until_asked(github: GitHub) -> None:
    query = '{ repository(owner: "acme", name: "component") { pullRequest(number: 1) { m: mergeable } } }'
    said = [(await ask(github, query))["data"]["repository"]["pullRequest"]["m"] for _ in range(2)]
    await github.act("cy-gh", "conflict", 1)
    said += [(await ask(github, query))["data"]["repository"]["pullRequest"]["m"] for _ in range(2)]
    assert said == ["UNKNOWN", "MERGEABLE", "UNKNOWN", "CONFLICTING"]


@pytest.mark.parametrize(
    ("mutation", "field", "expected"),
    [
        ("convertPullRequestToDraft", "isDraft", True),
        ("markPullRequestReadyForReview", "isDraft", False),
        ("closePullRequest", "state", "CLOSED"),
        ("reopenPullRequest", "state", "OPEN"),
    ],
)
async def test_mutations(github: GitHub, mutation: str, field: str, expected: object) -> None:
    query = f"""mutation($input: {mutation[0].upper()}{mutation[1:]}Input!) {{
        {mutation}(input: $input) {{ clientMutationId pullRequest {{ {field} }} }} }}"""
    given = {"pullRequestId": await node(github), "clientMutationId": "x"}
    answer = (await ask(github, query, input=given))["data"][mutation]
    assert answer == {"clientMutationId": "x", "pullRequest": {field: expected}}


async def test_auto_merge_and_conversations(github: GitHub) -> None:
    enable = """mutation($id: ID!) {
      enablePullRequestAutoMerge(input: {pullRequestId: $id, mergeMethod: SQUASH}) {
        pullRequest { autoMergeRequest { mergeMethod enabledBy { login } } }
      }
    }"""
    await github.act("cy-gh", "settings", allow_auto_merge=True)
    clean = await ask(github, enable, id=await node(github))
    assert clean["errors"][0]["message"] == "Pull request Pull request is in clean status"
    await github.act("cy-gh", "settings", required_approvals=1, allow_auto_merge=True)
    answer = (await ask(github, enable, id=await node(github)))["data"]["enablePullRequestAutoMerge"]
    assert answer["pullRequest"]["autoMergeRequest"] == {
        "mergeMethod": "SQUASH",
        "enabledBy": {"login": "ann-gh"},
    }
    await github.act("bob-gh", "review_comment", 1, body="Why?")
    (thread,) = (await github.ask("GET", "/_sandbox/pulls/acme/component/1")).json["threads"]
    resolve = "mutation($t: ID!) { resolveReviewThread(input: {threadId: $t}) { thread { isResolved } } }"
    answer = (await ask(github, resolve, t=thread["node_id"]))["data"]["resolveReviewThread"]
    assert answer == {"thread": {"isResolved": True}}


REPO = '{ repository(owner: "acme", name: "%s") { pullRequest(number: %d) { %s } } }'


@pytest.mark.parametrize(
    ("query", "kind", "message", "path"),
    [
        (REPO % ("none", 1, "id"), "NOT_FOUND", "Could not resolve to a Repository", ["repository"]),
        (REPO % ("gadgets", 1, "id"), "NOT_FOUND", "Could not resolve to a Repository", ["repository"]),
        (
            REPO % ("component", 9, "id"),
            "NOT_FOUND",
            "Could not resolve to a PullRequest with the number of 9.",
            ["repository", "pullRequest"],
        ),
        (
            REPO % ("component", 1, "reviewThreads { totalCount }"),
            "MISSING_PAGINATION_BOUNDARIES",
            "You must provide a `first` or `last` value",
            ["repository", "pullRequest", "reviewThreads"],
        ),
        ('{ node(id: "PR_none") { id } }', "NOT_FOUND", "Could not resolve to a node", ["node"]),
        (REPO % ("component", 1, "mood"), None, "Field 'mood' doesn't exist on type 'PullRequest'", None),
        (REPO % ("component", 1, "author"), None, "Field must have selections", None),
        (REPO % ("component", 1, "title { x }"), None, "Selections can't be made on scalars", None),
        ("{ repository(owner: ", None, "Parse error", None),
        ("subscription { x }", None, "Parse error", None),
        ("mutation { closePullRequest(input: {}) { clientMutationId } }", None, "'pullRequestId'", None),
        ("query($n: Int!) { viewer { login } }", None, "Variable $n", None),
    ],
)
async def test_errors_come_with_200(
    github: GitHub, query: str, kind: str | None, message: str, path: list[str] | None
) -> None:
    answer = await ask(github, query, "dee-gh")
    (error,) = answer["errors"]
    assert message in error["message"]
    assert (error.get("type"), error.get("path")) == (kind, path)
    assert ("data" in answer) is (path is not None)


async def test_those_who_may_not_are_told_so(github: GitHub) -> None:
    query = "mutation($id: ID!) { closePullRequest(input: {pullRequestId: $id}) { pullRequest { state } } }"
    answer = await ask(github, query, "dee-gh", id=await node(github))
    assert answer["data"] == {"closePullRequest": None}
    assert answer["errors"] == [
        {
            "type": "FORBIDDEN",
            "path": ["closePullRequest"],
            "message": "dee-gh does not have the correct permissions to execute `ClosePullRequest`",
        }
    ]


async def test_inline_fragments_and_names_of_types(github: GitHub) -> None:
    query = """query($id: ID!) { node(id: $id) {
        __typename ... on PullRequest { number } ... on Issue { x } } }"""
    answer = await ask(github, query, id=await node(github))
    assert answer == {"data": {"node": {"__typename": "PullRequest", "number": 1}}}
