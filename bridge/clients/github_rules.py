"""The rules of a branch and its merge queue, as GitHub shows them to one user."""

from typing import Any

from bridge.clients.github import GitHub
from bridge.core.actions import Call
from bridge.core.errors import GitHubRefused
from bridge.core.pulls import rules
from bridge.core.pulls.rules import BranchRules

_CLASSIC = """
query($owner: String!, $name: String!, $branch: String!, $ref: String!) {
  repository(owner: $owner, name: $name) {
    databaseId
    mergeQueue(branch: $branch) { id }
    ref(qualifiedName: $ref) {
      refUpdateRule {
        requiredApprovingReviewCount
        requiredStatusCheckContexts
        requiresCodeOwnerReviews
        requiresConversationResolution
      }
    }
  }
}
"""
_QUEUE = """
query($owner: String!, $name: String!, $branch: String!) {
  repository(owner: $owner, name: $name) {
    databaseId
    mergeQueue(branch: $branch) { entries(first: 100) { nodes { position pullRequest { number } } } }
  }
}
"""


async def read_rules(
    github: GitHub, repository_id: int, full_name: str, branch: str, *, token: str
) -> BranchRules:
    """Read rulesets and classic protection, by two calls; raises as `GitHub.call` does.

    The repository is asked for by its id: another one may have taken its name.
    """
    owner, _, name = full_name.partition("/")
    subject = f"the rules of {branch} in {full_name}"
    place = {"id": str(repository_id), "branch": branch}
    url = "/repositories/{id}/rules/branches/{branch}?per_page=100"
    rulesets = await github.call(Call(method="GET", url=url, variables=place), token=token, subject=subject)
    data = {"owner": owner, "name": name, "branch": branch, "ref": f"refs/heads/{branch}"}
    try:
        answer = await github.call(
            Call(method="GRAPHQL", url=_CLASSIC, data=data), token=token, subject=subject
        )
        repository: Any = answer["repository"] or {}
    except GitHubRefused:
        # An old Enterprise Server has no merge queue to ask about.
        repository = {}
    if repository.get("databaseId") != repository_id:
        repository = {}
    classic = (repository.get("ref") or {}).get("refUpdateRule") or {}
    return rules.read(branch, rulesets, classic, queue=bool(repository.get("mergeQueue")))


async def read_places(
    github: GitHub, repository_id: int, full_name: str, branch: str, *, token: str
) -> dict[int, int]:
    """Read the place of each pull request in a branch's merge queue; raises as `GitHub.call` does."""
    owner, _, name = full_name.partition("/")
    data = {"owner": owner, "name": name, "branch": branch}
    subject = f"the merge queue of {branch} in {full_name}"
    answer = await github.call(Call(method="GRAPHQL", url=_QUEUE, data=data), token=token, subject=subject)
    repository = answer["repository"] or {}
    if repository.get("databaseId") != repository_id or not repository["mergeQueue"]:
        return {}
    nodes = repository["mergeQueue"]["entries"]["nodes"]
    return {one["pullRequest"]["number"]: one["position"] for one in nodes if one and one["pullRequest"]}
