"""Assigning, closing, reopening."""

from bridge.core.actions.table import Call, Click, Steps, action, is_merged, is_open
from bridge.core.errors import GitHubRefused


@action("assign-to-me", "Assign to me", offered=is_open, names_clicker=True)
def assign_to_me(click: Click) -> Steps:
    """Assign the person. Check the answer: without push access GitHub silently ignores the request.

    https://docs.github.com/rest/issues/assignees#add-assignees-to-an-issue
    """
    issue = yield click.call("POST", "/issues/{number}/assignees", {"assignees": [click.login]})
    assigned = {user["login"].lower() for user in issue.get("assignees") or [] if user}
    if click.login.lower() not in assigned:
        raise GitHubRefused(
            f"GitHub did not assign @{click.login} to {click.target}: that needs push access to the"
            " repository and fewer than 10 assignees"
        )
    return f"Assigned {click.target} to @{click.login}."


@action("close", "Close", offered=is_open)
def close(click: Click) -> Steps:
    """Close the pull request; already closed counts as success.

    https://docs.github.com/rest/pulls/pulls#update-a-pull-request
    """
    pull = yield _set_state(click, "closed")
    if is_merged(pull):
        return f"{click.target} is already merged."
    if pull.get("state") != "closed":
        raise GitHubRefused(f"GitHub did not close {click.target}", status=409)
    return f"Closed {click.target}."


@action("reopen", "Reopen", offered=lambda pull: pull.state == "closed")
def reopen(click: Click) -> Steps:
    """Reopen the pull request; already open counts as success."""
    pull = yield _set_state(click, "open")
    if pull.get("state") != "open":
        raise GitHubRefused(f"GitHub did not reopen {click.target}", status=409)
    return f"Reopened {click.target}."


def _set_state(click: Click, state: str) -> Call:
    return click.call("PATCH", "/pulls/{number}", {"state": state})
