"""Auto-merge, and updating the branch from its base."""

from typing import Any

from bridge.core.actions.merging import chosen, head_of, may_merge, moved_head, refuse_by_state
from bridge.core.actions.table import Call, Click, Steps, action, is_merged
from bridge.core.errors import GitHubRefused
from bridge.core.pulls.model import PullRequest

_ENABLE = """
mutation($pull: ID!, $head: GitObjectID!, $method: PullRequestMergeMethod!) {
  enablePullRequestAutoMerge(input: {pullRequestId: $pull, expectedHeadOid: $head, mergeMethod: $method}) {
    pullRequest { autoMergeRequest { mergeMethod } }
  }
}
"""
_DISABLE = """
mutation($pull: ID!) {
  disablePullRequestAutoMerge(input: {pullRequestId: $pull}) {
    pullRequest { autoMergeRequest { mergeMethod } }
  }
}
"""
_UP_TO_DATE = "no new commits on the base branch"


def _may_enable(pull: PullRequest) -> bool:
    return may_merge(pull) and "auto-merge" in pull.allows and not (pull.auto_merge or pull.stack)


@action("auto-merge", "Enable auto-merge", offered=_may_enable)
def enable_auto_merge(click: Click) -> Steps:
    """Have GitHub merge the shown head once all requirements are met; already on counts as success.

    https://docs.github.com/graphql/reference/mutations#enablepullrequestautomerge
    """
    pull = yield from click.asked()
    if is_merged(pull):
        return f"{click.target} is already merged."
    refuse_by_state(click, pull)
    if pull.get("auto_merge"):
        return f"Auto-merge of {click.target} is already on."
    repository = yield click.call("GET", "")
    method = chosen(click, repository, _default(click))
    data = {"pull": pull["node_id"], "head": head_of(click, pull), "method": method.upper()}
    try:
        answer = yield Call(method="GRAPHQL", url=_ENABLE, data=data)
    except GitHubRefused as refusal:
        raise _explained(click, refusal) from None
    if not _is_on(answer["enablePullRequestAutoMerge"]):
        raise GitHubRefused(f"GitHub did not enable auto-merge of {click.target}", status=409)
    return f"GitHub will merge {click.target} once all requirements are met."


def _default(click: Click) -> str:
    return click.shown.merge_methods[0] if click.shown and click.shown.merge_methods else "merge"


def _explained(click: Click, refusal: GitHubRefused) -> GitHubRefused:
    reason = refusal.reason.lower()
    if "clean status" in reason:
        return GitHubRefused(f"{click.target} is ready to merge: merge it right away", status=409)
    return moved_head(click) if "head oid" in reason else refusal


def _is_on(answer: dict[str, Any]) -> bool:
    return bool(answer["pullRequest"]["autoMergeRequest"])


@action("no-auto-merge", "Disable auto-merge", offered=lambda pull: pull.is_open and pull.auto_merge)
def disable_auto_merge(click: Click) -> Steps:
    """Disable auto-merge; already off counts as success.

    https://docs.github.com/graphql/reference/mutations#disablepullrequestautomerge
    """
    pull = yield from click.asked()
    if is_merged(pull):
        raise GitHubRefused(f"{click.target} is already merged", status=409)
    if not pull.get("auto_merge"):
        return f"Auto-merge of {click.target} is already off."
    answer = yield Call(method="GRAPHQL", url=_DISABLE, data={"pull": pull["node_id"]})
    if _is_on(answer["disablePullRequestAutoMerge"]):
        raise GitHubRefused(f"GitHub did not disable auto-merge of {click.target}", status=409)
    return f"Auto-merge of {click.target} is off."


def _may_update(pull: PullRequest) -> bool:
    known = pull.is_open and pull.mergeable is not False
    return known and (pull.mergeable_state == "behind" or "update-branch" in pull.allows)


@action("update-branch", "Update branch", offered=_may_update)
def update_branch(click: Click) -> Steps:
    """Merge the base branch into the shown head; already up to date counts as success.

    https://docs.github.com/rest/pulls/pulls#update-a-pull-request-branch
    """
    pull = yield from click.asked()
    if pull.get("state") != "open":
        raise GitHubRefused(f"{click.target} is closed", status=409)
    try:
        yield click.call("PUT", "/pulls/{number}/update-branch", {"expected_head_sha": head_of(click, pull)})
    except GitHubRefused as refusal:
        reason = refusal.reason.lower()
        if _UP_TO_DATE in reason:
            return f"{click.target} is already up to date with its base branch."
        if "expected head sha" in reason:
            raise moved_head(click) from None
        raise
    return f"Updating the branch of {click.target}."
