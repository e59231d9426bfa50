"""The rules of a branch and its merge queue, as GitHub shows them to one user."""

from bridge.clients.github import GitHub
from bridge.clients.github_repositories import query_repository
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
    github: GitHub, repository_id: int, full_name: str, branch: str, token: str
) -> BranchRules:
    """Read rulesets and classic protection, by two calls; raises as `GitHub.call` does."""
    subject = f"the rules of {branch} in {full_name}"
    place = {"id": str(repository_id), "branch": branch}
    url = "/repositories/{id}/rules/branches/{branch}?per_page=100"
    rulesets = await github.call(Call(method="GET", url=url, variables=place), token=token, subject=subject)
    data = {"branch": branch, "ref": f"refs/heads/{branch}"}
    try:
        repository = await query_repository(
            github, _CLASSIC, repository_id, full_name, token=token, subject=subject, **data
        )
    except GitHubRefused:
        # An old Enterprise Server has no merge queue to ask about.
        repository = {}
    classic = (repository.get("ref") or {}).get("refUpdateRule") or {}
    return rules.read(branch, rulesets, classic, queue=bool(repository.get("mergeQueue")))


async def read_places(
    github: GitHub, repository_id: int, full_name: str, branch: str, token: str
) -> dict[int, int]:
    """Read the place of each pull request in a branch's merge queue; raises as `GitHub.call` does."""
    subject = f"the merge queue of {branch} in {full_name}"
    repository = await query_repository(
        github, _QUEUE, repository_id, full_name, token=token, subject=subject, branch=branch
    )
    if not (queue := repository.get("mergeQueue")):
        return {}
    nodes = queue["entries"]["nodes"]
    return {one["pullRequest"]["number"]: one["position"] for one in nodes if one and one["pullRequest"]}
