"""GraphQL, for actions that REST lacks: drafts, auto-merge, the merge queue, resolving conversations.

Errors come with status 200, as GraphQL has it.
https://docs.github.com/graphql/reference/mutations
"""

from typing import Any

from .deeds import perform
from .graphql_query import Field, Problem, Query, parse, pick
from .graphql_types import Value, pull_value, repo_value, thread_value
from .mergeability import merge_state
from .model import Permission, Pull, Repo, Thread
from .payloads import Json, node_id
from .refusals import Refused
from .rest_call import NOT_FOR_APPS, Answer, Call
from .rest_users import require_members_read

# By mutation: its deed, and the field that names its pull request or conversation.
MUTATIONS = {
    "markPullRequestReadyForReview": ("ready", "pullRequestId"),
    "convertPullRequestToDraft": ("draft", "pullRequestId"),
    "closePullRequest": ("close", "pullRequestId"),
    "reopenPullRequest": ("reopen", "pullRequestId"),
    "enablePullRequestAutoMerge": ("auto_merge", "pullRequestId"),
    "disablePullRequestAutoMerge": ("no_auto_merge", "pullRequestId"),
    "enqueuePullRequest": ("enqueue", "pullRequestId"),
    "dequeuePullRequest": ("dequeue", "id"),
    "resolveReviewThread": ("resolve", "threadId"),
    "unresolveReviewThread": ("unresolve", "threadId"),
}
# Those that a moved head refuses.
HELD = ("auto_merge", "enqueue")
CLEAN = "Pull request Pull request is in clean status"
MOVED = "Head sha didn't match the expected head OID."
WRITING = (("pull_requests", "write"),)
FORBIDDEN = "{login} does not have the correct permissions to execute `{name}`"
NO_NODE = "Could not resolve to a node with the global id of '{id}'"
NO_REPO = "Could not resolve to a Repository with the name '{name}'."


async def graphql(call: Call) -> Answer:
    """Answer a query or a mutation."""
    _ = call.user
    problems: list[Problem] = []
    try:
        query = parse(str(call.body.get("query") or ""), call.body.get("variables") or {})
        _check_scopes(call, query.selected)
        root = _mutations(call, query) if query.kind == "mutation" else _queries(call)
        data = pick(root, query.selected, problems)
    except Problem as problem:
        return Answer({"errors": [problem.shown()]})
    body: Json = {"data": data}
    return Answer(body | ({"errors": [problem.shown() for problem in problems]} if problems else {}))


def _check_scopes(call: Call, selected: list[Field]) -> None:
    for one in selected:
        if one.on == "Team":
            try:
                require_members_read(call)
            except Refused as refused:
                kind = "FORBIDDEN" if call.by_app else "INSUFFICIENT_SCOPES"
                raise Problem(str(refused), kind) from None
        _check_scopes(call, one.selected)


def _queries(call: Call) -> Value:
    world = call.services.world

    def repository(arguments: Value) -> Value:
        name = f"{arguments.get('owner')}/{arguments.get('name')}"
        found = world.repo(name) or world.repo_by_id(world.moved.get(name.lower(), 0))
        if found is None or not _visible(call, found):
            raise Problem(NO_REPO.format(name=name), "NOT_FOUND")
        return repo_value(world, found)

    def node(arguments: Value) -> Value:
        repo, pull, thread = _find(call, str(arguments.get("id")))
        return thread_value(world, repo, pull, thread) if thread else pull_value(world, repo, pull)

    viewer = {"__typename": "User", "login": call.user.login, "databaseId": call.user.id}
    return {"__typename": "Query", "viewer": viewer, "repository": repository, "node": node}


def _mutations(call: Call, query: Query) -> Value:
    known = {name: _mutation(call, name) for name in MUTATIONS}
    for one in query.selected:
        _check_input(one)
    return {"__typename": "Mutation", **known}


def _check_input(one: Field) -> None:
    if one.name not in MUTATIONS:
        return
    given, wanted = one.arguments.get("input"), MUTATIONS[one.name][1]
    if not isinstance(given, dict) or not given.get(wanted):
        kind = f"{one.name[0].upper()}{one.name[1:]}Input"
        raise Problem(f"Argument '{wanted}' on InputObject '{kind}' is required. Expected type ID!")


def _mutation(call: Call, name: str) -> Any:
    deed, wanted = MUTATIONS[name]

    def run(arguments: Value) -> Value:
        given = arguments["input"]
        repo, pull, thread = _find(call, str(given[wanted]))
        if call.token and call.by_app and not call.services.apps.may(call.token, repo, WRITING):
            raise Problem(NOT_FOR_APPS, "FORBIDDEN")
        fields = {"thread": thread.id} if thread else _fields(given)
        if deed in HELD and given.get("expectedHeadOid", pull.head_sha) != pull.head_sha:
            raise Problem(MOVED, "UNPROCESSABLE")
        if deed == "auto_merge" and merge_state(repo, pull)[1] in ("clean", "unstable"):
            raise Problem(CLEAN, "UNPROCESSABLE")
        try:
            perform(call.services.change(call.user, repo), deed, pull, fields)
        except Refused as refused:
            raise _problem(call, name, refused) from None
        world = call.services.world
        shown = {
            "__typename": f"{name[0].upper()}{name[1:]}Payload",
            "clientMutationId": given.get("clientMutationId"),
        }
        if thread:
            return shown | {"thread": thread_value(world, repo, pull, thread)}
        return shown | {"pullRequest": pull_value(world, repo, pull)}

    return run


def _fields(given: Value) -> Value:
    return {"merge_method": given.get("mergeMethod", "MERGE").lower()}


def _problem(call: Call, name: str, refused: Refused) -> Problem:
    if refused.status == 403:
        execute = f"{name[0].upper()}{name[1:]}"
        return Problem(FORBIDDEN.format(login=call.user.login, name=execute), "FORBIDDEN")
    return Problem(str(refused), "UNPROCESSABLE")


def _visible(call: Call, repo: Repo) -> bool:
    scopes = set(call.token.scopes) if call.token else set()
    if call.by_app:
        return repo.permission(call.user) >= Permission.READ and call.reaches(repo)
    enough = {"repo"} if repo.private else {"repo", "public_repo"}
    return repo.permission(call.user) >= Permission.READ and bool(enough & scopes)


def _find(call: Call, wanted: str) -> tuple[Repo, Pull, Thread | None]:
    """Return the pull request of a node id, or the conversation and the pull request it is in."""
    for repo in call.services.world.repos.values():
        for pull in repo.pulls.values() if _visible(call, repo) else ():
            if node_id("PR", pull.id) == wanted:
                return repo, pull, None
            for thread in pull.threads:
                if node_id("PRRT", thread.id) == wanted:
                    return repo, pull, thread
    raise Problem(NO_NODE.format(id=wanted), "NOT_FOUND")
