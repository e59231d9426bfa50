"""GraphQL, as far as REST cannot do it: marking a draft as ready, and back.

Of a query only the name of the mutation and the pull request's node id are looked at.
https://docs.github.com/graphql/reference/mutations#markpullrequestreadyforreview
"""

import re
from typing import Any

from .deeds import perform
from .model import Permission, Pull, Repo
from .payloads import Json, node_id
from .refusals import Refused
from .rest import Answer, Call

MUTATIONS = {
    "markPullRequestReadyForReview": "ready",
    "convertPullRequestToDraft": "draft",
    "closePullRequest": "close",
    "reopenPullRequest": "reopen",
}


async def graphql(call: Call) -> Answer:
    """Answer a mutation; errors come with status 200, as GraphQL has it."""
    _ = call.user
    query = str(call.body.get("query") or "")
    name = next((name for name in MUTATIONS if re.search(rf"\b{name}\b", query)), None)
    if name is None:
        return _errors("NOT_FOUND", f"The stand-in knows only {', '.join(MUTATIONS)}.")
    wanted = _pull_id(query, call.body.get("variables") or {})
    found = _find(call, wanted)
    if found is None:
        return _errors("NOT_FOUND", f"Could not resolve to a node with the global id of '{wanted}'.")
    repo, pull = found
    try:
        perform(call.services.change(call.user, repo), MUTATIONS[name], pull)
    except Refused as refused:
        kind = "FORBIDDEN" if refused.status == 403 else "UNPROCESSABLE"
        return _errors(kind, str(refused), path=name)
    return Answer({"data": {name: {"clientMutationId": None, "pullRequest": _shown(call, repo, pull)}}})


def _pull_id(query: str, variables: Json) -> str:
    """From the variables, on whatever level, or from the query itself."""
    values = [variables, *(value for value in variables.values() if isinstance(value, dict))]
    for value in values:
        for key, item in value.items():
            if key.lower() in {"id", "pullrequestid", "pull_request_id", "pull"} and isinstance(item, str):
                return item
    inline = re.search(r'pullRequestId\s*:\s*"([^"]+)"', query)
    return inline[1] if inline else ""


def _find(call: Call, wanted: str) -> tuple[Repo, Pull] | None:
    scopes = set(call.token.scopes) if call.token else set()
    for repo in call.services.world.repos.values():
        enough = {"repo"} if repo.private else {"repo", "public_repo"}
        if repo.permission(call.user) < Permission.READ or not enough & scopes:
            continue
        for pull in repo.pulls.values():
            if node_id("PR", pull.id) == wanted:
                return repo, pull
    return None


def _shown(call: Call, repo: Repo, pull: Pull) -> Json:
    return {
        "id": node_id("PR", pull.id),
        "number": pull.number,
        "isDraft": pull.draft,
        "state": "MERGED" if pull.merged_at else pull.state.upper(),
        "title": pull.title,
        "url": f"{call.services.config.web_url}/{repo.full_name}/pull/{pull.number}",
    }


def _errors(kind: str, message: str, path: str | None = None) -> Answer:
    error: dict[str, Any] = {"type": kind, "message": message}
    if path:
        error["path"] = [path]
    return Answer({"data": {path: None} if path else None, "errors": [error]})
