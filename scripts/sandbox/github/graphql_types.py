"""GraphQL: pull requests and what hangs on them, as GitHub's schema names it.

https://docs.github.com/graphql/reference/objects#pullrequest
"""

from base64 import b64decode, b64encode
from typing import Any

from .graphql_query import Problem
from .mergeability import decision, merge_state
from .model import Pull, Repo, Thread, World
from .payloads import avatar_url, node_id, stamp, stamp_or_none
from .pull_payloads import pull_page
from .records import LineComment, Review, User

Value = dict[str, Any]
MOST = 100


def connection(kind: str, items: list[Value]) -> Any:
    """Return a list in pages, as a function of `first`, `last`, `after` and `before`.

    https://docs.github.com/graphql/guides/using-pagination-in-the-graphql-api
    """

    def page(arguments: Value) -> Value:
        first, last = arguments.get("first"), arguments.get("last")
        if first is None and last is None:
            raise Problem(
                "You must provide a `first` or `last` value to properly paginate the connection.",
                "MISSING_PAGINATION_BOUNDARIES",
            )
        if max(first or 0, last or 0) > MOST:
            raise Problem("Requesting too many records exceeds the limit of 100.", "EXCESSIVE_PAGINATION")
        start = _position(arguments.get("after"))
        stop = _position(arguments.get("before")) - 1 if arguments.get("before") else len(items)
        if first is not None:
            stop = min(stop, start + first)
        else:
            start = max(start, stop - int(last or 0))
        shown = items[start:stop]
        return {
            "__typename": f"{kind}Connection",
            "totalCount": len(items),
            "nodes": shown,
            "edges": [
                {"__typename": f"{kind}Edge", "node": item, "cursor": _cursor(start + index + 1)}
                for index, item in enumerate(shown)
            ],
            "pageInfo": {
                "__typename": "PageInfo",
                "hasNextPage": stop < len(items),
                "hasPreviousPage": start > 0,
                "startCursor": _cursor(start + 1) if shown else None,
                "endCursor": _cursor(stop) if shown else None,
            },
        }

    return page


def repo_value(world: World, repo: Repo) -> Value:
    """Return a repository."""

    def pull_request(arguments: Value) -> Value:
        number = arguments.get("number")
        if number not in repo.pulls:
            raise Problem(f"Could not resolve to a PullRequest with the number of {number}.", "NOT_FOUND")
        return pull_value(world, repo, repo.pulls[number])

    return {
        "__typename": "Repository",
        "id": node_id("R", repo.id),
        "databaseId": repo.id,
        "name": repo.name,
        "nameWithOwner": repo.full_name,
        "isArchived": repo.archived,
        "mergeQueue": lambda arguments: _queue(repo, str(arguments.get("branch") or repo.default_branch)),
        "ref": lambda arguments: _ref(repo, str(arguments.get("qualifiedName"))),
        "isPrivate": repo.private,
        "url": f"{world.config.web_url}/{repo.full_name}",
        "pullRequest": pull_request,
    }


def pull_value(world: World, repo: Repo, pull: Pull) -> Value:
    """Return a pull request."""
    reviews = [_review(world, repo, pull, review) for review in pull.reviews]
    threads = [thread_value(world, repo, pull, thread) for thread in pull.threads]
    return {
        "__typename": "PullRequest",
        "id": node_id("PR", pull.id),
        "databaseId": pull.id,
        "number": pull.number,
        "title": pull.title,
        "body": pull.body or "",
        "url": pull_page(world, repo, pull),
        "author": _actor(world, pull.author),
        "isDraft": pull.draft,
        "locked": pull.locked,
        "state": "MERGED" if pull.merged_at else pull.state.upper(),
        "merged": pull.merged_at is not None,
        "createdAt": stamp(pull.created_at),
        "updatedAt": stamp(pull.updated_at),
        "closedAt": stamp_or_none(pull.closed_at),
        "mergedAt": stamp_or_none(pull.merged_at),
        "headRefName": pull.head_ref,
        "headRefOid": pull.head_sha,
        "baseRefName": pull.base_ref,
        "baseRefOid": pull.base_sha,
        "isInMergeQueue": pull.queued,
        "isMergeQueueEnabled": repo.rules_of(pull).queue,
        "mergeQueueEntry": _queue_entry(repo, pull),
        "autoMergeRequest": _auto_merge(world, pull),
        "reviewDecision": decision(repo, pull),
        "reviews": connection("PullRequestReview", reviews),
        "reviewRequests": connection("ReviewRequest", _requests(world, pull)),
        "reviewThreads": connection("PullRequestReviewThread", threads),
        "statusCheckRollup": _rollup(repo, pull),
        **_merge_fields(repo, pull),
    }


def thread_value(world: World, repo: Repo, pull: Pull, thread: Thread) -> Value:
    """Return a conversation about a line.

    https://docs.github.com/graphql/reference/objects#pullrequestreviewthread
    """
    first = thread.first
    comments = [_line_comment(world, repo, pull, comment) for comment in thread.comments]
    return {
        "__typename": "PullRequestReviewThread",
        "id": node_id("PRRT", thread.id),
        "isResolved": thread.resolved_by is not None,
        "isOutdated": first.outdated,
        "isCollapsed": thread.resolved_by is not None or first.outdated,
        "path": first.path,
        "line": None if first.outdated else first.line,
        "originalLine": first.line,
        "startLine": None if first.outdated else first.start_line,
        "diffSide": first.side,
        "subjectType": "LINE",
        "resolvedBy": _actor(world, thread.resolved_by) if thread.resolved_by else None,
        "comments": connection("PullRequestReviewComment", comments),
    }


def _line_comment(world: World, repo: Repo, pull: Pull, comment: LineComment) -> Value:
    return {
        "__typename": "PullRequestReviewComment",
        "id": node_id("PRRC", comment.id),
        "databaseId": comment.id,
        "url": f"{pull_page(world, repo, pull)}#discussion_r{comment.id}",
        "author": _actor(world, comment.author),
        "body": comment.body,
        "path": comment.path,
        "line": None if comment.outdated else comment.line,
        "outdated": comment.outdated,
        "createdAt": stamp(comment.at),
        "updatedAt": stamp(comment.edited_at or comment.at),
    }


def _review(world: World, repo: Repo, pull: Pull, review: Review) -> Value:
    return {
        "__typename": "PullRequestReview",
        "id": node_id("PRR", review.id),
        "databaseId": review.id,
        "url": f"{pull_page(world, repo, pull)}#pullrequestreview-{review.id}",
        "author": _actor(world, review.author),
        "state": review.state,
        "body": review.body,
        "submittedAt": stamp(review.at),
    }


def _actor(world: World, user: User) -> Value:
    return {
        "__typename": user.kind,
        "id": node_id("U", user.id),
        "databaseId": user.id,
        "login": user.login,
        "name": user.name,
        "url": f"{world.config.web_url}/{user.login}",
        "avatarUrl": avatar_url(world, user),
    }


def _person(world: World, user: User) -> Value:
    status = {"__typename": "UserStatus", "indicatesLimitedAvailability": True}
    return _actor(world, user) | {"status": status if user.id in world.busy else None}


def _requests(world: World, pull: Pull) -> list[Value]:
    people = [_person(world, user) for user in pull.reviewers]
    for team in pull.teams:
        members = [_person(world, user) for user in world.people() if user.id in team.members]
        shown = {"__typename": "Team", "databaseId": team.id, "members": connection("TeamMember", members)}
        people.append(shown)
    return [{"__typename": "ReviewRequest", "requestedReviewer": one} for one in people]


def _auto_merge(world: World, pull: Pull) -> Value | None:
    if (wish := pull.auto_merge) is None:
        return None
    by = _actor(world, wish.by)
    return {"__typename": "AutoMergeRequest", "enabledBy": by, "mergeMethod": wish.method.upper()}


def _queue(repo: Repo, branch: str) -> Value | None:
    rules = repo.rules.get(branch)
    if not (rules and rules.queue):
        return None
    waiting = [one for one in repo.pulls.values() if one.queued and one.target == branch]
    entries = [
        {
            **(_queue_entry(repo, one) or {}),
            "pullRequest": {"__typename": "PullRequest", "number": one.number},
        }
        for one in waiting
    ]
    return {
        "__typename": "MergeQueue",
        "id": node_id("MQ", repo.id),
        "entries": connection("MergeQueueEntry", entries),
    }


def _ref(repo: Repo, name: str) -> Value | None:
    """Return a branch with its classic protection, as far as those see it who do not administer it.

    https://docs.github.com/graphql/reference/objects#refupdaterule
    """
    branch = name.removeprefix("refs/heads/")
    if branch not in repo.heads:
        return None
    rule = {
        "__typename": "RefUpdateRule",
        "requiredApprovingReviewCount": repo.required_approvals,
        "requiredStatusCheckContexts": list(repo.required_checks),
        "requiresCodeOwnerReviews": False,
        "requiresConversationResolution": False,
    }
    is_protected = repo.required_approvals or repo.required_checks
    return {"__typename": "Ref", "name": branch, "refUpdateRule": rule if is_protected else None}


def _queue_entry(repo: Repo, pull: Pull) -> Value | None:
    waiting = [one for one in repo.pulls.values() if one.queued and one.target == pull.target]
    if not pull.queued:
        return None
    return {"__typename": "MergeQueueEntry", "position": waiting.index(pull) + 1, "state": "QUEUED"}


def _rollup(repo: Repo, pull: Pull) -> Value | None:
    # https://docs.github.com/graphql/reference/enums#statusstate
    outcomes = set(repo.board.outcomes(pull.head_sha).values())
    if not outcomes:
        return None
    state = "FAILURE" if "failed" in outcomes else "PENDING" if "running" in outcomes else "SUCCESS"
    return {"__typename": "StatusCheckRollup", "state": state}


def _merge_fields(repo: Repo, pull: Pull) -> Value:
    known = pull.computed and not pull.closed_at
    mergeable, state = merge_state(repo, pull)

    def ask(answer: str) -> Any:
        """Asking makes GitHub compute it, for the next time."""

        def told(_arguments: Value) -> str:
            pull.computed = True
            return answer if known else "UNKNOWN"

        return told

    return {
        "mergeable": ask("MERGEABLE" if mergeable else "CONFLICTING"),
        "mergeStateStatus": ask(state.upper()),
    }


def _cursor(position: int) -> str:
    return b64encode(f"cursor:{position}".encode()).decode()


def _position(cursor: Any) -> int:
    if not cursor:
        return 0
    try:
        return int(b64decode(str(cursor)).decode().removeprefix("cursor:"))
    except ValueError:
        raise Problem(
            f"`{cursor}` does not appear to be a valid cursor.", "INVALID_CURSOR_ARGUMENTS"
        ) from None
