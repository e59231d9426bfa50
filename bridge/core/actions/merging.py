"""Merging, guarded: only what the thread showed, only by whom GitHub lets, and why not in one sentence."""

import re
from collections.abc import Mapping
from typing import Any

from bridge.core.actions.table import Click, Steps, action
from bridge.core.errors import GitHubRefused
from bridge.core.pulls.model import PullRequest

TRIES = 3
"""For the race that GitHub reports when the base branch moves during a merge."""

_METHODS = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}
_APPROVALS = re.compile(r"at least (\d+) approving review", re.IGNORECASE)
_MOVED_BASE = "base branch was modified"


def _may_merge(pull: PullRequest) -> bool:
    return pull.is_open and not pull.draft and not pull.queued and pull.mergeable is not False


@action("merge", "Merge", offered=_may_merge)
def merge(click: Click) -> Steps:
    """Merge the head that the thread showed, by a method that the repository allows.

    https://docs.github.com/rest/pulls/pulls#merge-a-pull-request
    """
    pull = yield from click.asked()
    if pull.get("merged") or pull.get("merged_at"):
        return f"{click.target} is already merged."
    _refuse_by_state(click, pull)
    repository = yield click.call("GET", "")
    if not (repository.get("permissions") or {}).get("push"):
        raise GitHubRefused(f"@{click.login} needs write access to merge {click.target}")
    data = {"sha": click.shown_sha or pull["head"]["sha"], "merge_method": _method(repository)}
    for left in reversed(range(TRIES)):
        try:
            answer = yield click.call("PUT", "/pulls/{number}/merge", data)
        except GitHubRefused as refusal:
            if left and _MOVED_BASE in refusal.reason.lower():
                continue
            raise _explained(click, refusal) from None
        if answer.get("merged"):
            return f"Merged {click.target}."
        break
    raise GitHubRefused(f"GitHub did not merge {click.target}", status=409)


def _refuse_by_state(click: Click, pull: Mapping[str, Any]) -> None:
    if pull.get("state") != "open":
        raise GitHubRefused(f"{click.target} is closed", status=409)
    if pull.get("draft"):
        raise GitHubRefused(f"{click.target} is a draft: mark it ready for review first", status=409)
    if click.shown_sha and pull["head"]["sha"] != click.shown_sha:
        raise _moved_head(click)
    if pull.get("mergeable") is False:
        raise GitHubRefused(f"{click.target} conflicts with its base branch", status=409)


def _method(repository: dict[str, Any]) -> str:
    """Return the first method that the repository allows; GitHub shows the settings to users who may push."""
    allowed = [name for name, setting in _METHODS.items() if repository.get(setting, True)]
    return allowed[0] if allowed else "merge"


def _moved_head(click: Click) -> GitHubRefused:
    return GitHubRefused(
        f"{click.target} has new commits: look at them, then click again",
        status=409,
    )


def _explained(click: Click, refusal: GitHubRefused) -> GitHubRefused:
    if refusal.answered == 409:
        return _moved_head(click)
    if refusal.answered != 405:
        return refusal
    if found := _APPROVALS.search(refusal.reason):
        given = len(click.shown.with_state("approved")) if click.shown else 0
        missing = max(1, int(found[1]) - given)
        words = "it needs 1 more approval" if missing == 1 else f"it needs {missing} more approvals"
        return GitHubRefused(f"{click.target} cannot be merged yet: {words}", status=409)
    return GitHubRefused(f"{click.target} cannot be merged: {refusal.reason}", status=409)
