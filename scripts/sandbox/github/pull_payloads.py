"""Payloads of pull requests and their parts, in GitHub's shape.

https://docs.github.com/rest/pulls/pulls#get-a-pull-request
"""

from typing import Any

from .diffs import files_of
from .label_payloads import label_payload, milestone_payload, team_payload
from .mergeability import merge_state
from .model import Permission, Pull, Repo, World
from .payloads import (
    Json,
    merge_settings,
    node_id,
    repo_payload,
    stamp,
    stamp_or_none,
    user_payload,
)
from .records import User

REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def simple_pull_payload(world: World, repo: Repo, pull: Pull) -> Json:
    """Return a pull request as lists and pull_request_review events carry it."""
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
        "requested_teams": [team_payload(world, repo.owner, team) for team in pull.teams],
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
        "auto_merge": _auto_merge(world, pull),
        "draft": pull.draft,
    }


def pull_payload(world: World, repo: Repo, pull: Pull, *, computed: bool = True) -> Json:
    """Return a pull request with all details.

    `computed` says whether GitHub knows yet that it can be merged: it does not in the first events
    after a pull request opened, reopened or got commits.
    """
    # GitHub computes no mergeability for a closed one.
    known = computed and pull.closed_at is None
    mergeable, state = merge_state(repo, pull)
    return simple_pull_payload(world, repo, pull) | {
        "merged": pull.merged_at is not None,
        "mergeable": mergeable if known else None,
        "rebaseable": mergeable if known else None,
        "mergeable_state": state if known else "unknown",
        "merged_by": user_payload(world, pull.merged_by) if pull.merged_by else None,
        "comments": len(pull.comments),
        "review_comments": len(pull.line_comments),
        "maintainer_can_modify": pull.head_repo.fork,
        "commits": len(pull.commits),
        "additions": sum(commit.additions for commit in pull.commits),
        "deletions": sum(commit.deletions for commit in pull.commits),
        "changed_files": len(files_of(pull)),
        **({"stack": stack_payload(pull)} if pull.stack else {}),
    }


def stack_payload(pull: Pull) -> Json | None:
    """Return the stack a pull request is part of."""
    if (stack := pull.stack) is None:
        return None
    return {
        "id": stack.id,
        "number": stack.number,
        "base": {"ref": stack.base_ref, "sha": stack.base_sha},
        "position": stack.position,
        "size": stack.size,
    }


def issue_payload(world: World, repo: Repo, pull: Pull) -> Json:
    """Return a pull request as the issue that it also is."""
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
        "reactions": reactions(url),
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": None,
        "state_reason": None,
    }


def pull_page(world: World, repo: Repo, pull: Pull) -> str:
    """Return the address of the pull request's page."""
    return f"{world.config.web_url}/{repo.full_name}/pull/{pull.number}"


def association(repo: Repo, user: User) -> str:
    """Return the `author_association` of `user`."""
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
    shown = _branch(world, pull.head_repo, pull.head_ref, pull.head_sha)
    return shown | ({"repo": None} if pull.fork_gone else {})


def _auto_merge(world: World, pull: Pull) -> Json | None:
    if (wish := pull.auto_merge) is None:
        return None
    return {
        "enabled_by": user_payload(world, wish.by),
        "merge_method": wish.method,
        "commit_title": wish.title,
        "commit_message": wish.message,
    }


def _branch(world: World, repo: Repo, ref: str, sha: str) -> Json:
    return {
        "label": f"{repo.owner.login}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": user_payload(world, repo.owner),
        "repo": repo_payload(world, repo) | merge_settings(repo),
    }


def reactions(url: str) -> dict[str, Any]:
    """Return the reactions of an item without any."""
    return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(REACTIONS, 0)}
