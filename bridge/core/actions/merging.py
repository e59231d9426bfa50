"""Merging: only the head that the thread showed, and only as somebody whom GitHub lets merge.

A refusal becomes one sentence.
"""

import re
from collections.abc import Generator, Mapping
from types import MappingProxyType
from typing import Any

from bridge.core.actions.table import Call, Click, Merging, Offer, Steps, action, is_merged, may_push
from bridge.core.errors import GitHubRefused
from bridge.core.pulls.model import PullRequest

TRIES = 3
"""Attempts, since older servers refuse a merge during which the base branch moves."""

POLLS = (0.1, 0.3, 0.6, 1.0, 2.0, 3.5)
"""Seconds to wait before each question about a pending merge."""

METHODS = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}
"""The repository's setting for each method, the default first."""

_APPROVALS = re.compile(r"at least (\d+) approving review", re.IGNORECASE)
_MOVED_BASE = "base branch was modified"
_MOVED_HEAD = "head branch was modified"
_BY_QUEUE = re.compile(r"via a merge queue|through the merge queue", re.IGNORECASE)
_ASKED_TWICE = 409
_NOT_READY = 400
_ENQUEUE = """
mutation($pull: ID!, $head: GitObjectID!) {
  enqueuePullRequest(input: {pullRequestId: $pull, expectedHeadOid: $head}) { clientMutationId }
}
"""
_POSITION = """
query($pull: ID!) { node(id: $pull) { ... on PullRequest { mergeQueueEntry { position } } } }
"""


def may_merge(pull: PullRequest) -> bool:
    """Offer a merge unless the thread shows an obstacle."""
    return pull.is_open and not pull.draft and not pull.queued and pull.mergeable is not False


def has_queue(pull: PullRequest) -> bool:
    """Tell whether the base branch requires a merge queue."""
    return pull.rules is not None and pull.rules.queue


def _allows(method: str) -> Offer:
    """Offer a method that the repository allows; only the first one while its settings are unknown."""
    return lambda pull: (
        may_merge(pull) and not has_queue(pull) and method in (pull.merge_methods or ("merge",))
    )


@action("merge", "Merge", offered=_allows("merge"))
def merge(click: Click) -> Steps:
    """Merge with a merge commit."""
    return _merge(click, "merge")


@action("squash", "Squash", offered=_allows("squash"))
def squash(click: Click) -> Steps:
    """Merge as one commit."""
    return _merge(click, "squash")


@action("rebase", "Rebase", offered=_allows("rebase"))
def rebase(click: Click) -> Steps:
    """Merge by a rebase onto the base branch."""
    return _merge(click, "rebase")


@action("enqueue", "Add to merge queue", offered=lambda pull: may_merge(pull) and has_queue(pull))
def enqueue(click: Click) -> Steps:
    """Add it to the merge queue, which merges by its own method."""
    return _merge(click, "merge", {"merge_action": "merge_queue"})


def _merge(click: Click, method: str, by_queue: Mapping[str, str] = MappingProxyType({})) -> Steps:
    """Merge the shown head in the background, or add it to the base branch's merge queue.

    https://docs.github.com/rest/pulls/pulls#merge-a-pull-request-asynchronously
    """
    pull = yield from click.asked()
    if is_merged(pull):
        return f"{click.target} is already merged."
    refuse_by_state(click, pull)
    repository = yield click.call("GET", "")
    if not may_push(repository):
        raise GitHubRefused(f"@{click.login} needs write access to merge {click.target}")
    sha = head_of(click, pull)
    data = {"sha": sha, **(by_queue or {"merge_method": chosen(click, repository, method)})}
    try:
        answer = yield from _in_background(click, data)
        if answer["status"] == "failed" and _BY_QUEUE.search(answer["details"]["message"]):
            answer = yield from _in_background(click, {"sha": sha, "merge_action": "merge_queue"})
    except GitHubRefused as refusal:
        if refusal.answered != 404:
            raise
        # An Enterprise Server, which merges at once only.
        answer = yield from _at_once(click, pull, data)
    below = yield from _below(click, pull)
    return (yield from _told(click, pull, answer, below))


def _below(click: Click, pull: Mapping[str, Any]) -> Generator[Call, Any, str]:
    """Name the pull requests below this one in its stack, which GitHub merges with it.

    https://docs.github.com/rest/pulls/stacks#get-a-pull-request-stack
    """
    if not (stack := pull.get("stack")):
        return ""
    answer = yield click.call("GET", "/stacks/{stack}", stack=str(stack["number"]))
    numbers = [one["number"] for one in answer["pull_requests"]]
    below = numbers[: numbers.index(click.target.number)] if click.target.number in numbers else []
    return f", with {', '.join(f'#{number}' for number in below)} below it in its stack" if below else ""


def _in_background(click: Click, data: dict[str, Any]) -> Generator[Call, Any, dict[str, Any]]:
    """Ask for a merge, then for its outcome; return the last answer."""
    place, answers = "/pulls/{number}/merge-async", frozenset({_NOT_READY, _ASKED_TWICE})
    answer: dict[str, Any] = yield click.call("PUT", place, data, takes=answers)
    if "status" not in answer:
        raise _explained(click, str(answer["message"]))
    for delay in POLLS:
        if answer["status"] != "pending":
            break
        uuid = str(answer["details"]["uuid"])
        found = yield click.call("GET", f"{place}/{{uuid}}", delay=delay, uuid=uuid)
        if found is None:
            break
        answer = found
    return answer


def _told(click: Click, pull: Mapping[str, Any], answer: Mapping[str, Any], below: str) -> Steps:
    status = answer["status"]
    if status == "merged":
        return f"Merged {click.target}{below}."
    if status == "enqueued":
        found = yield Call(method="GRAPHQL", url=_POSITION, data={"pull": pull["node_id"]})
        entry = (found.get("node") or {}).get("mergeQueueEntry")
        place = f", at position {entry['position']}" if entry else ""
        stack = f"{below}," if below else ""
        return f"Added {click.target}{stack} to the merge queue{place}."
    if status == "pending":
        return Merging(
            f"Merging {click.target}{below}… The thread will show the result.", answer["details"]["uuid"]
        )
    raise _explained(click, answer["details"]["message"])


def _at_once(
    click: Click, pull: Mapping[str, Any], data: dict[str, Any]
) -> Generator[Call, Any, dict[str, Any]]:
    """Merge by the endpoint of older servers, or add it to the merge queue that they require.

    https://docs.github.com/rest/pulls/pulls#merge-a-pull-request
    """
    for left in reversed(range(TRIES)):
        try:
            answer = yield click.call("PUT", "/pulls/{number}/merge", data)
        except GitHubRefused as refusal:
            if left and _MOVED_BASE in refusal.reason.lower():
                continue
            if _BY_QUEUE.search(refusal.reason):
                yield Call(
                    method="GRAPHQL", url=_ENQUEUE, data={"pull": pull["node_id"], "head": data["sha"]}
                )
                return {"status": "enqueued"}
            if refusal.answered in (405, 409):
                raise _explained(click, refusal.reason) from None
            raise
        if answer.get("merged"):
            return {"status": "merged"}
        break
    raise GitHubRefused(f"GitHub did not merge {click.target}", status=409)


def refuse_by_state(click: Click, pull: Mapping[str, Any]) -> None:
    """Raise `GitHubRefused` for a pull request that GitHub's answer shows to be unmergeable."""
    if pull.get("state") != "open":
        raise GitHubRefused(f"{click.target} is closed", status=409)
    if pull.get("draft"):
        raise GitHubRefused(f"{click.target} is a draft: mark it ready for review first", status=409)
    refuse_moved_head(click, pull)
    if pull.get("mergeable") is False:
        raise GitHubRefused(f"{click.target} conflicts with its base branch", status=409)


def refuse_moved_head(click: Click, pull: Mapping[str, Any]) -> None:
    """Raise `GitHubRefused` if the head is not the one shown: nobody has looked at the new commits."""
    if click.shown_sha and pull["head"]["sha"] != click.shown_sha:
        raise moved_head(click)


def head_of(click: Click, pull: Mapping[str, Any]) -> str:
    """Return the head that the thread showed, or GitHub's if that is unknown."""
    return click.shown_sha or str(pull["head"]["sha"])


def chosen(click: Click, repository: Mapping[str, Any], method: str) -> str:
    """Return the button's merge method, or the first allowed one if the thread did not know the methods.

    GitHub shows the settings only to people with push access.
    """
    allowed = [name for name, setting in METHODS.items() if repository.get(setting, True)]
    if method in allowed or not allowed:
        return method
    if click.shown and click.shown.merge_methods:
        names = " or ".join(name.capitalize() for name in allowed)
        raise GitHubRefused(f"{click.target} can no longer be merged this way: use {names}", status=409)
    return allowed[0]


def moved_head(click: Click) -> GitHubRefused:
    """Return the refusal for a head that moved since the thread showed it."""
    return GitHubRefused(f"{click.target} has new commits: look at them, then click again", status=409)


def _explained(click: Click, reason: str) -> GitHubRefused:
    if _MOVED_HEAD in reason.lower():
        return moved_head(click)
    if found := _APPROVALS.search(reason):
        given = len(click.shown.with_state("approved")) if click.shown else 0
        missing = max(1, int(found[1]) - given)
        words = "it needs 1 more approval" if missing == 1 else f"it needs {missing} more approvals"
        return GitHubRefused(f"{click.target} cannot be merged yet: {words}", status=409)
    return GitHubRefused(f"{click.target} cannot be merged: {' '.join(reason.split())}", status=409)
