"""Approving, requesting one's own review, marking a draft as ready."""

from collections.abc import Generator
from typing import Any

from bridge.core.actions.table import Call, Click, Steps, action, is_ready, may_push
from bridge.core.errors import GitHubRefused
from bridge.core.pulls import approvals

_READY = """
mutation($pull: ID!) {
  markPullRequestReadyForReview(input: {pullRequestId: $pull}) { pullRequest { isDraft } }
}
"""


@action("approve", "Approve", offered=is_ready, note=approvals.note)
def approve(click: Click) -> Steps:
    """Approve the commit that the thread showed, and say so if that cannot count.

    https://docs.github.com/rest/pulls/reviews#create-a-review-for-a-pull-request
    """
    if click.shown and click.user_id and click.shown.author.id == click.user_id:
        raise _own()
    why = yield from _why_not(click)
    commit = click.shown_sha or (yield from click.asked())["head"]["sha"]
    data = {"event": "APPROVE", "commit_id": commit}
    try:
        review = yield click.call("POST", "/pulls/{number}/reviews", data)
    except GitHubRefused as refusal:
        if "your own pull request" in refusal.reason.lower():
            raise _own() from None
        raise
    if review.get("state") != "APPROVED":
        raise GitHubRefused(f"GitHub did not accept the approval of {click.target}", status=409)
    return f"Approved {click.target}{f', but GitHub does not count it: {why}' if why else ''}."


def _own() -> GitHubRefused:
    return GitHubRefused("GitHub does not let you approve your own pull request")


def _why_not(click: Click) -> Generator[Call, Any, str]:
    """Return why the branch's rules do not count the person's approval; empty if bridge knows no reason."""
    if click.shown is None or not approvals.are_required(click.shown):
        return ""
    for person, why in approvals.ineligible(click.shown).items():
        if person.id == click.user_id:
            return f"@{click.login} {why}"
    repository = yield click.call("GET", "")
    return "" if may_push(repository) else f"@{click.login} has no write access"


@action("request-review", "Request my review", offered=is_ready, names_clicker=True)
def request_review(click: Click) -> Steps:
    """Request the person's own review; already requested counts as success.

    https://docs.github.com/rest/pulls/review-requests#request-reviewers-for-a-pull-request
    """
    pull = yield click.call("POST", "/pulls/{number}/requested_reviewers", {"reviewers": [click.login]})
    asked = {user["login"].lower() for user in pull.get("requested_reviewers") or [] if user}
    if click.login.lower() not in asked:
        raise GitHubRefused(f"GitHub did not ask @{click.login} to review {click.target}")
    return f"@{click.login} will review {click.target}."


@action("ready", "Ready for review", offered=lambda pull: pull.is_open and pull.draft)
def ready(click: Click) -> Steps:
    """Mark a draft as ready for review, which needs GraphQL; already ready counts as success.

    https://docs.github.com/graphql/reference/mutations#markpullrequestreadyforreview
    """
    pull = yield from click.asked()
    if not pull.get("draft"):
        return f"{click.target} is already ready for review."
    answer = yield Call(method="GRAPHQL", url=_READY, data={"pull": pull["node_id"]})
    if answer["markPullRequestReadyForReview"]["pullRequest"]["isDraft"]:
        raise GitHubRefused(f"GitHub did not mark {click.target} as ready for review", status=409)
    return f"{click.target} is ready for review."
