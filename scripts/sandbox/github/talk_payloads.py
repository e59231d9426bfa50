"""Payloads of comments, reviews and review comments, in GitHub's shape.

https://docs.github.com/rest/pulls/comments
"""

from .model import Pull, Repo, Thread, World
from .payloads import Json, node_id, stamp, user_payload
from .pull_payloads import association, pull_page, reactions
from .records import Comment, LineComment, Review


def comment_payload(world: World, repo: Repo, pull: Pull, comment: Comment) -> Json:
    """Return a comment in the conversation."""
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
        "updated_at": stamp(comment.edited_at or comment.at),
        "author_association": association(repo, comment.author),
        "body": comment.body,
        "reactions": reactions(url),
        "performed_via_github_app": None,
    }


def review_payload(world: World, repo: Repo, pull: Pull, review: Review, *, webhook: bool) -> Json:
    """Return a review; webhooks write its state in small letters, REST in capitals."""
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


def line_comment_payload(world: World, repo: Repo, pull: Pull, comment: LineComment) -> Json:
    """Return a comment on a line; `line` and `position` are null once the line is no longer there."""
    api = f"{world.config.api_url}/repos/{repo.full_name}/pulls"
    url, pull_url = f"{api}/comments/{comment.id}", f"{api}/{pull.number}"
    web = f"{pull_page(world, repo, pull)}#discussion_r{comment.id}"
    here = None if comment.outdated else comment.line or None
    hunk = comment.diff_hunk or f"@@ -{comment.line},1 +{comment.line},2 @@\n total = 0\n+total += 1"
    started = None if comment.start_line is None else comment.side
    shown: Json = {
        "url": url,
        "pull_request_review_id": comment.review_id,
        "id": comment.id,
        "node_id": node_id("PRRC", comment.id),
        "diff_hunk": hunk,
        "path": comment.path,
        "commit_id": pull.head_sha,
        "original_commit_id": comment.commit_id,
        "user": user_payload(world, comment.author),
        "body": comment.body,
        "created_at": stamp(comment.at),
        "updated_at": stamp(comment.edited_at or comment.at),
        "html_url": web,
        "pull_request_url": pull_url,
        "author_association": association(repo, comment.author),
        "_links": {"self": {"href": url}, "html": {"href": web}, "pull_request": {"href": pull_url}},
        "reactions": reactions(url),
        "start_line": None if comment.outdated else comment.start_line,
        "original_start_line": comment.start_line,
        "start_side": started,
        "line": here,
        "original_line": comment.line or None,
        "side": comment.side,
        "original_position": comment.line or 1,
        "position": here,
        "subject_type": "line" if comment.line else "file",
    }
    return shown | ({"in_reply_to_id": comment.reply_to} if comment.reply_to else {})


def thread_payload(world: World, repo: Repo, pull: Pull, thread: Thread) -> Json:
    """Return a conversation about a line, as its event carries it."""
    comments = [line_comment_payload(world, repo, pull, comment) for comment in thread.comments]
    return {"node_id": node_id("PRRT", thread.id), "comments": comments}
