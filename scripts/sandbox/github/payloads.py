"""People and repositories in the shape GitHub gives them, in REST answers and in webhooks.

The shapes are GitHub's own: https://docs.github.com/webhooks/webhook-events-and-payloads and
https://docs.github.com/rest. The tests hold them against its published schemas.
"""

from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Any

from .model import Permission, Repo, World
from .records import User

Json = dict[str, Any]

USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
ORGANIZATION_LINKS = {
    "repos_url": "/repos",
    "events_url": "/events",
    "hooks_url": "/hooks",
    "issues_url": "/issues",
    "members_url": "/members{/member}",
    "public_members_url": "/public_members{/member}",
}
REPO_LINKS = {
    "forks_url": "/forks",
    "keys_url": "/keys{/key_id}",
    "collaborators_url": "/collaborators{/collaborator}",
    "teams_url": "/teams",
    "hooks_url": "/hooks",
    "issue_events_url": "/issues/events{/number}",
    "events_url": "/events",
    "assignees_url": "/assignees{/user}",
    "branches_url": "/branches{/branch}",
    "tags_url": "/tags",
    "blobs_url": "/git/blobs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "trees_url": "/git/trees{/sha}",
    "statuses_url": "/statuses/{sha}",
    "languages_url": "/languages",
    "stargazers_url": "/stargazers",
    "contributors_url": "/contributors",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "commits_url": "/commits{/sha}",
    "git_commits_url": "/git/commits{/sha}",
    "comments_url": "/comments{/number}",
    "issue_comment_url": "/issues/comments{/number}",
    "contents_url": "/contents/{+path}",
    "compare_url": "/compare/{base}...{head}",
    "merges_url": "/merges",
    "archive_url": "/{archive_format}{/ref}",
    "downloads_url": "/downloads",
    "issues_url": "/issues{/number}",
    "pulls_url": "/pulls{/number}",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "labels_url": "/labels{/name}",
    "releases_url": "/releases{/id}",
    "deployments_url": "/deployments",
}
REPO_CONSTANTS: Json = {
    "homepage": None,
    "size": 128,
    "stargazers_count": 0,
    "watchers_count": 0,
    "language": "Python",
    "has_issues": True,
    "has_projects": True,
    "has_downloads": True,
    "has_wiki": True,
    "has_pages": False,
    "has_discussions": False,
    "forks_count": 0,
    "mirror_url": None,
    "disabled": False,
    "license": None,
    "allow_forking": True,
    "is_template": False,
    "web_commit_signoff_required": False,
    "topics": [],
    "forks": 0,
    "watchers": 0,
}
MERGE_SETTINGS: Json = {
    "allow_squash_merge": True,
    "allow_merge_commit": True,
    "allow_rebase_merge": True,
    "allow_auto_merge": False,
    "delete_branch_on_merge": False,
    "allow_update_branch": False,
    "use_squash_pr_title_as_default": False,
    "squash_merge_commit_message": "COMMIT_MESSAGES",
    "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
    "merge_commit_message": "PR_TITLE",
    "merge_commit_title": "MERGE_MESSAGE",
}


def stamp(at: datetime) -> str:
    """Return a time as GitHub writes it: `2026-03-10T12:00:00Z`."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp_or_none(at: datetime | None) -> str | None:
    """Return the same, or null."""
    return stamp(at) if at else None


def node_id(prefix: str, number: int) -> str:
    """Return the GraphQL id of the thing `number` of that kind."""
    return f"{prefix}_{urlsafe_b64encode(f'{prefix}:{number}'.encode()).decode().rstrip('=')}"


def avatar_url(world: World, user: User) -> str:
    """Return where the stand-in serves the picture of `user`."""
    return f"{world.config.web_url}/avatars/u/{user.id}?v=4"


def user_payload(world: World, user: User) -> Json:
    """Return a user, or an organization where a repository's owner is meant."""
    url = f"{world.config.api_url}/users/{user.login}"
    return {
        "login": user.login,
        "id": user.id,
        "node_id": node_id("O" if user.kind == "Organization" else "U", user.id),
        "avatar_url": avatar_url(world, user),
        "gravatar_id": "",
        "url": url,
        "html_url": f"{world.config.web_url}/{user.login}",
        **{name: url + path for name, path in USER_LINKS.items()},
        "type": user.kind,
        "site_admin": False,
    }


def profile_payload(world: World, user: User) -> Json:
    """Return the signed-in user, as `GET /user` shows them."""
    public = [repo for repo in world.repos.values() if repo.owner == user and not repo.private]
    return user_payload(world, user) | {
        "name": user.name,
        "company": "@acme",
        "blog": "",
        "location": None,
        "email": f"{user.login}@example.com",
        "hireable": None,
        "bio": None,
        "twitter_username": None,
        "notification_email": f"{user.login}@example.com",
        "public_repos": len(public),
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": "2024-03-04T09:00:00Z",
        "updated_at": "2024-03-04T09:00:00Z",
    }


def organization_payload(world: World, user: User) -> Json:
    """Return the organization of a repository, as webhooks carry it."""
    url = f"{world.config.api_url}/orgs/{user.login}"
    return {
        "login": user.login,
        "id": user.id,
        "node_id": node_id("O", user.id),
        "url": url,
        **{name: url + path for name, path in ORGANIZATION_LINKS.items()},
        "avatar_url": avatar_url(world, user),
        "description": f"{user.name}, the makers of everything",
    }


def repo_payload(world: World, repo: Repo) -> Json:
    """Return a repository, as webhooks and lists carry it."""
    web = f"{world.config.web_url}/{repo.full_name}"
    url = f"{world.config.api_url}/repos/{repo.full_name}"
    host = world.config.web_url.split("://", 1)[-1]
    issues = sum(pull.closed_at is None for pull in repo.pulls.values())
    return {
        "id": repo.id,
        "node_id": node_id("R", repo.id),
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
        "owner": user_payload(world, repo.owner),
        "html_url": web,
        "description": repo.description,
        "fork": repo.fork,
        "url": url,
        **{name: url + path for name, path in REPO_LINKS.items()},
        "created_at": stamp(repo.created_at),
        "updated_at": stamp(max(repo.pushed_at, repo.changed_at or repo.pushed_at)),
        "pushed_at": stamp(repo.pushed_at),
        "git_url": f"git://{host}/{repo.full_name}.git",
        "ssh_url": f"git@{host.split(':')[0]}:{repo.full_name}.git",
        "clone_url": f"{web}.git",
        "svn_url": web,
        **REPO_CONSTANTS,
        "archived": repo.archived,
        "open_issues_count": issues,
        "open_issues": issues,
        "visibility": "private" if repo.private else "public",
        "default_branch": repo.default_branch,
        "custom_properties": {},
    }


def merge_settings(repo: Repo) -> Json:
    """Return which ways of merging a repository allows."""
    return MERGE_SETTINGS | repo.merge_settings


def full_repo_payload(world: World, repo: Repo, user: User | None) -> Json:
    """Return a repository, as `GET /repos/{owner}/{repo}` shows it to `user`."""
    held = repo.permission(user)
    return (
        repo_payload(world, repo)
        | merge_settings(repo)
        | {
            "permissions": {
                "admin": held >= Permission.ADMIN,
                "maintain": held >= Permission.ADMIN,
                "push": held >= Permission.WRITE,
                "triage": held >= Permission.WRITE,
                "pull": held >= Permission.READ,
            },
            "has_pull_requests": repo.pull_requests != "off",
            "pull_request_creation_policy": "all" if repo.pull_requests == "off" else repo.pull_requests,
            "temp_clone_token": "",
            "network_count": 0,
            "subscribers_count": 1,
        }
        | ({"organization": user_payload(world, repo.owner)} if repo.owner.kind == "Organization" else {})
    )
