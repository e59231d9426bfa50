"""Pull requests, and what hangs on them, in the shape GitHub gives them.

https://docs.github.com/rest/pulls/pulls#get-a-pull-request
"""

from typing import Any

from .model import Comment, Permission, Pull, Repo, Review, User, World
from .payloads import (
    MERGE_SETTINGS,
    Json,
    label_payload,
    milestone_payload,
    node_id,
    repo_payload,
    stamp,
    stamp_or_none,
    user_payload,
)

# Only the pull_request event and single REST answers carry these; reviews and lists do not.
DETAILS = (
    "merged",
    "mergeable",
    "rebaseable",
    "mergeable_state",
    "merged_by",
    "comments",
    "review_comments",
    "maintainer_can_modify",
    "commits",
    "additions",
    "deletions",
    "changed_files",
)
REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def simple_pull_payload(world: World, repo: Repo, pull: Pull) -> Json:
    """A pull request as lists and pull_request_review events carry it."""
    url = f"{world.config.api_url}/repos/{repo.full_name}/pulls/{pull.number}"
    issue = f"{world.config.api_url}/repos/{repo.full_name}/issues/{pull.number}"
    web = pull_page(world, repo, pull)
    links = {
        "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{url.rsplit('/', 1)[0]}/comments{{/number}}",
        "comments_url": f"{issue}/comments",
        "statuses_url": f"{url.rsplit('/', 2)[0]}/statuses/{pull.head_sha}",
    }
    return {
        "url": url,
        "id": pull.id,
        "node_id": node_id("PR", pull.id),
        "html_url": web,
        "diff_url": f"{web}.diff",
        "patch_url": f"{web}.patch",
        "issue_url": issue,
        **_words(world, repo, pull),
        "merged_at": stamp_or_none(pull.merged_at),
        "merge_commit_sha": pull.merge_sha,
        "requested_reviewers": [user_payload(world, user) for user in pull.reviewers],
        "requested_teams": [],
        **links,
        "head": _head(world, pull),
        "base": _branch(world, repo, pull.base_ref, pull.base_sha),
        "_links": {
            "self": {"href": url},
            "html": {"href": web},
            "issue": {"href": issue},
            **{name.removesuffix("_url"): {"href": link} for name, link in links.items()},
        },
        "author_association": association(repo, pull.author),
        "auto_merge": None,
        "draft": pull.draft,
    }


def pull_payload(world: World, repo: Repo, pull: Pull, *, computed: bool = True) -> Json:
    """A pull request with all details.

    `computed` says whether GitHub knows yet that it can be merged: it does not in the first events
    after a pull request opened, reopened or got commits.
    """
    # A closed one is not looked at any more.
    known = computed and pull.closed_at is None
    state = "draft" if pull.draft else "clean"
    return simple_pull_payload(world, repo, pull) | {
        "merged": pull.merged_at is not None,
        "mergeable": True if known else None,
        "rebaseable": True if known else None,
        "mergeable_state": state if known else "unknown",
        "merged_by": user_payload(world, pull.merged_by) if pull.merged_by else None,
        "comments": len(pull.comments),
        "review_comments": 0,
        "maintainer_can_modify": pull.head_repo.fork,
        "commits": len(pull.commits),
        "additions": sum(commit.additions for commit in pull.commits),
        "deletions": sum(commit.deletions for commit in pull.commits),
        "changed_files": min(len(pull.commits), 3),
    }


def issue_payload(world: World, repo: Repo, pull: Pull) -> Json:
    """A pull request as the issue that it also is."""
    url = f"{world.config.api_url}/repos/{repo.full_name}/issues/{pull.number}"
    web = pull_page(world, repo, pull)
    return {
        "url": url,
        "repository_url": f"{world.config.api_url}/repos/{repo.full_name}",
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": web,
        "id": pull.issue_id,
        "node_id": node_id("PR", pull.id),
        **_words(world, repo, pull),
        "comments": len(pull.comments),
        "author_association": association(repo, pull.author),
        "draft": pull.draft,
        "pull_request": {
            "url": url.replace("/issues/", "/pulls/"),
            "html_url": web,
            "diff_url": f"{web}.diff",
            "patch_url": f"{web}.patch",
            "merged_at": stamp_or_none(pull.merged_at),
        },
        "reactions": _reactions(url),
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": None,
        "state_reason": None,
    }


def comment_payload(world: World, repo: Repo, pull: Pull, comment: Comment) -> Json:
    """A comment in the conversation."""
    api = f"{world.config.api_url}/repos/{repo.full_name}"
    url = f"{api}/issues/comments/{comment.id}"
    return {
        "url": url,
        "html_url": f"{pull_page(world, repo, pull)}#issuecomment-{comment.id}",
        "issue_url": f"{api}/issues/{pull.number}",
        "id": comment.id,
        "node_id": node_id("IC", comment.id),
        "user": user_payload(world, comment.author),
        "created_at": stamp(comment.at),
        "updated_at": stamp(comment.at),
        "author_association": association(repo, comment.author),
        "body": comment.body,
        "reactions": _reactions(url),
        "performed_via_github_app": None,
    }


def review_payload(world: World, repo: Repo, pull: Pull, review: Review, *, webhook: bool) -> Json:
    """A review; webhooks write its state in small letters, REST in capitals."""
    url = f"{world.config.api_url}/repos/{repo.full_name}/pulls/{pull.number}"
    web = f"{pull_page(world, repo, pull)}#pullrequestreview-{review.id}"
    return {
        "id": review.id,
        "node_id": node_id("PRR", review.id),
        "user": user_payload(world, review.author),
        "body": (review.body or None) if webhook else review.body,
        "commit_id": review.commit_id,
        "submitted_at": stamp(review.at),
        "state": review.state.lower() if webhook else review.state,
        "html_url": web,
        "pull_request_url": url,
        "author_association": association(repo, review.author),
        "_links": {"html": {"href": web}, "pull_request": {"href": url}},
    }


def pull_page(world: World, repo: Repo, pull: Pull) -> str:
    """The address of the pull request's page."""
    return f"{world.config.web_url}/{repo.full_name}/pull/{pull.number}"


def association(repo: Repo, user: User) -> str:
    """What `user` is to the repository, in GitHub's words."""
    held = repo.permissions.get(user.login, Permission.NONE)
    if held >= Permission.WRITE:
        return "MEMBER"
    return "COLLABORATOR" if held else "NONE"


def _words(world: World, repo: Repo, pull: Pull) -> Json:
    assignees = [user_payload(world, user) for user in pull.assignees]
    return {
        "number": pull.number,
        "state": pull.state,
        "locked": pull.locked,
        "title": pull.title,
        "user": user_payload(world, pull.author),
        "body": pull.body,
        "created_at": stamp(pull.created_at),
        "updated_at": stamp(pull.updated_at),
        "closed_at": stamp_or_none(pull.closed_at),
        "assignee": assignees[0] if assignees else None,
        "assignees": assignees,
        "labels": [label_payload(world, repo, label) for label in pull.labels],
        "milestone": milestone_payload(world, repo, pull.milestone) if pull.milestone else None,
        "active_lock_reason": pull.lock_reason,
    }


def _head(world: World, pull: Pull) -> Json:
    return _branch(world, pull.head_repo, pull.head_ref, pull.head_sha)


def _branch(world: World, repo: Repo, ref: str, sha: str) -> Json:
    return {
        "label": f"{repo.owner.login}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user_payload(world, repo.owner),
        "repo": repo_payload(world, repo) | MERGE_SETTINGS,
    }


def _reactions(url: str) -> dict[str, Any]:
    return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(REACTIONS, 0)}
