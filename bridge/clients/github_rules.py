"""The rules of a branch, as GitHub shows them to one user."""

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
