"""Commits: how they hang together, and how GitHub shows them.

https://docs.github.com/rest/commits/commits
"""

from collections.abc import Iterable

from .model import Repo, World
from .payloads import Json, node_id, stamp, user_payload
from .records import Commit, FileChange, User


def new_commit(world: World, author: User, message: str, parent: str, files: Iterable[Json] = ()) -> Commit:
    """Return a commit on top of another one, remembered by the world, as all forks share their commits."""
    changed = tuple(FileChange(**one) for one in files)
    sha = world.new_sha()
    # Any numbers would do; with these, bridge shows the diff of a commit.
    commit = Commit(
        sha=sha,
        message=message,
        author=author,
        at=world.clock.now(),
        additions=sum(one.additions for one in changed) if changed else int(sha[:2], 16) % 20 + 1,
        deletions=sum(one.deletions for one in changed) if changed else int(sha[2:4], 16) % 10,
        parent=parent,
        files=changed,
    )
    world.commits[sha] = commit
    return commit


def ancestry(world: World, sha: str) -> list[str]:
    """Return the commit and all before it, newest first; the last one may be a commit nobody remembers."""
    found = [sha]
    while commit := world.commits.get(found[-1]):
        found.append(commit.parent)
    return found


def known(world: World, repo: Repo, sha: str) -> bool:
    """Tell whether the repository has that commit."""
    return sha in world.commits or sha in repo.heads.values()


def commit_simple(world: World, sha: str) -> Json:
    """Return a commit as check suites and workflow runs carry it; a made-up one if nobody remembers it."""
    commit = world.commits[sha]
    person = _person(commit.author)
    return {
        "id": sha,
        "tree_id": sha[::-1],
        "message": commit.message,
        "timestamp": stamp(commit.at),
        "author": person,
        "committer": person,
    }


def pushed_commit(world: World, repo: Repo, commit: Commit) -> Json:
    """Return a commit as the push event carries it."""
    person = _person(commit.author) | {"username": commit.author.login}
    return {
        "id": commit.sha,
        "tree_id": commit.sha[::-1],
        "distinct": True,
        "message": commit.message,
        "timestamp": stamp(commit.at),
        "url": f"{world.config.web_url}/{repo.full_name}/commit/{commit.sha}",
        "author": person,
        "committer": person,
        "added": [],
        "removed": [],
        "modified": ["counter.py"],
    }


def commit_payload(world: World, repo: Repo, commit: Commit, *, webhook: bool = False) -> Json:
    """Return a commit as REST shows it, and the status event too, whose schema lacks the newest field."""
    api = f"{world.config.api_url}/repos/{repo.full_name}"
    web = f"{world.config.web_url}/{repo.full_name}/commit"
    git = f"{api}/git/commits/{commit.sha}"
    person = _person(commit.author) | {"date": stamp(commit.at)}
    user = user_payload(world, commit.author)
    unsigned: Json = {"verified": False, "reason": "unsigned", "signature": None, "payload": None}
    unsigned |= {} if webhook else {"verified_at": None}
    return {
        "sha": commit.sha,
        "node_id": node_id("C", int(commit.sha[:8], 16)),
        "commit": {
            "author": person,
            "committer": person,
            "message": commit.message,
            "tree": {"sha": commit.sha[::-1], "url": f"{api}/git/trees/{commit.sha[::-1]}"},
            "url": git,
            "comment_count": 0,
            "verification": unsigned,
        },
        "url": f"{api}/commits/{commit.sha}",
        "html_url": f"{web}/{commit.sha}",
        "comments_url": f"{api}/commits/{commit.sha}/comments",
        "author": user,
        "committer": user,
        "parents": [
            {
                "sha": commit.parent,
                "url": f"{api}/commits/{commit.parent}",
                "html_url": f"{web}/{commit.parent}",
            }
        ],
    }


def comparison_payload(world: World, repo: Repo, base: str, head: str) -> Json:
    """Return what `head` has that `base` has not; `diverged` after a force-push.

    https://docs.github.com/rest/commits/commits#compare-two-commits
    """
    before, after = ancestry(world, base), ancestry(world, head)
    ahead = [sha for sha in after if sha not in before]
    behind = [sha for sha in before if sha not in after]
    common = next((sha for sha in after if sha in before), before[-1])
    relation = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind"}
    web = f"{world.config.web_url}/{repo.full_name}/compare/{base}...{head}"
    shown = [
        commit_payload(world, repo, world.commits[sha]) for sha in reversed(ahead) if sha in world.commits
    ]
    return {
        "url": f"{world.config.api_url}/repos/{repo.full_name}/compare/{base}...{head}",
        "html_url": web,
        "permalink_url": web,
        "diff_url": f"{web}.diff",
        "patch_url": f"{web}.patch",
        "base_commit": commit_payload(world, repo, _remembered(world, repo, base)),
        "merge_base_commit": commit_payload(world, repo, _remembered(world, repo, common)),
        "status": relation.get((bool(ahead), bool(behind)), "identical"),
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": shown,
        "files": [],
    }


def push_payload(
    world: World, repo: Repo, actor: User, ref: str, before: str, after: str, *, forced: bool = False
) -> Json:
    """Return the push event but for its repository and sender.

    https://docs.github.com/webhooks/webhook-events-and-payloads#push
    """
    old = ancestry(world, before)
    new = [world.commits[sha] for sha in ancestry(world, after) if sha not in old and sha in world.commits]
    shown = [pushed_commit(world, repo, commit) for commit in reversed(new)]
    return {
        "ref": f"refs/heads/{ref}",
        "before": before,
        "after": after,
        "created": False,
        "deleted": False,
        "forced": forced,
        "base_ref": None,
        "compare": f"{world.config.web_url}/{repo.full_name}/compare/{before[:12]}...{after[:12]}",
        "commits": shown,
        "head_commit": shown[-1] if shown else None,
        "pusher": {"name": actor.login, "email": f"{actor.login}@example.com"},
    }


def _remembered(world: World, repo: Repo, sha: str) -> Commit:
    """Return the commit; one that was there before the stand-in started looks like its owner's first."""
    made_up = Commit(
        sha=sha,
        message="Begin",
        author=repo.owner,
        at=repo.created_at,
        additions=1,
        deletions=0,
        parent="0" * 40,
    )
    return world.commits.get(sha, made_up)


def _person(user: User) -> Json:
    return {"name": user.name, "email": f"{user.login}@example.com"}
