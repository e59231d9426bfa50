"""Reviews: a verdict, a text, and comments on lines, all of which can be changed afterwards.

A comment on a line belongs to a review; GitHub makes one for a single comment and for a reply.
https://docs.github.com/rest/pulls/reviews
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .deeds import Change, Fields, deed
from .model import Pull, Thread
from .pull_payloads import simple_pull_payload
from .records import LineComment, Review
from .refusals import Refused, not_found, unprocessable
from .talk import find, require_own, text
from .talk_payloads import line_comment_payload, review_payload, thread_payload

STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
SAID = {
    "APPROVED": "approved these changes",
    "CHANGES_REQUESTED": "requested changes",
    "COMMENTED": "reviewed",
}
OWN = {
    "APPROVE": "Can not approve your own pull request",
    "REQUEST_CHANGES": "Can not request changes on your own pull request",
}
PATH = "counter.py"


@deed("review")
def review(change: Change, pull: Pull, fields: Fields) -> None:
    """Submit a review: `event` is APPROVE, REQUEST_CHANGES or COMMENT, `body` its text, `comments` on lines.

    https://docs.github.com/rest/pulls/reviews#create-a-review-for-a-pull-request
    """
    event = str(fields.get("event") or "COMMENT").upper()
    body = str(fields.get("body") or "")
    comments = list(fields.get("comments") or [])
    if event not in STATES:
        raise unprocessable("Variable $event of type PullRequestReviewEvent was provided invalid value")
    if change.actor == pull.author and event in OWN:
        raise unprocessable(OWN[event])
    if not body.strip() and event != "APPROVE" and not comments:
        raise unprocessable("Could not create review: body can't be blank")
    commit_id = str(fields.get("commit_id") or pull.head_sha)
    if commit_id not in {commit.sha for commit in pull.commits}:
        raise unprocessable("The commit is not part of the pull request")
    _submit(change, pull, STATES[event], body, commit_id, comments)


@deed("approve")
def approve(change: Change, pull: Pull, fields: Fields) -> None:
    """Submit an approving review."""
    review(change, pull, {**fields, "event": "APPROVE"})


@deed("request_changes")
def request_changes(change: Change, pull: Pull, fields: Fields) -> None:
    """Submit a review that requests changes."""
    review(change, pull, {"body": "Please have another look.", **fields, "event": "REQUEST_CHANGES"})


@deed("review_comment")
def review_comment(change: Change, pull: Pull, fields: Fields) -> None:
    """Say `body` about the line `line` of `path`, or reply with it (`in_reply_to`)."""
    body = text(fields, "PullRequestReviewComment")
    if answered := fields.get("in_reply_to"):
        reply(change, pull, {"to": answered, "body": body})
    else:
        _submit(change, pull, "COMMENTED", "", pull.head_sha, [{**fields, "body": body}])


@deed("reply")
def reply(change: Change, pull: Pull, fields: Fields) -> None:
    """Answer the comment `to` with `body`.

    https://docs.github.com/rest/pulls/comments#create-a-reply-for-a-review-comment
    """
    body = text(fields, "PullRequestReviewComment")
    thread = _thread_of(pull, find(pull.line_comments, fields, "to"))
    first = thread.first
    line: dict[str, Any] = {"path": first.path, "line": first.line, "side": first.side}
    _submit(change, pull, "COMMENTED", "", pull.head_sha, [{**line, "body": body}], thread)


@deed("edit_review")
def edit_review(change: Change, pull: Pull, fields: Fields) -> None:
    """Write `body` in place of the text of the review `id`."""
    given = find(pull.reviews, fields)
    require_own(change, given)
    if (body := text(fields, "PullRequestReview")) == given.body:
        return
    edited = replace(given, body=body, edited_at=change.world.clock.change())
    pull.reviews[pull.reviews.index(given)] = edited
    change.note(pull, "commented", "edited a review", body)
    # GitHub leaves out `changes` where the text was empty before.
    _tell(change, pull, edited, "edited", changes={"body": {"from": given.body}} if given.body else {})


@deed("dismiss_review")
def dismiss_review(change: Change, pull: Pull, fields: Fields) -> None:
    """Dismiss the review `id` with a `message`.

    https://docs.github.com/rest/pulls/reviews#dismiss-a-review-for-a-pull-request
    """
    change.require_push()
    judged = [one for one in pull.reviews if one.state in {"APPROVED", "CHANGES_REQUESTED"}]
    given = find(judged if fields.get("id") is None else pull.reviews, fields)
    if given not in judged:
        raise unprocessable(f"Can not dismiss a {given.state.lower()} pull request review")
    dismissed = replace(given, state="DISMISSED", edited_at=change.world.clock.change())
    pull.reviews[pull.reviews.index(given)] = dismissed
    change.note(
        pull, "dismissed", f"dismissed {given.author.login}'s review", str(fields.get("message") or "")
    )
    _tell(change, pull, dismissed, "dismissed")


@deed("edit_review_comment")
def edit_review_comment(change: Change, pull: Pull, fields: Fields) -> None:
    """Say `body` instead in the comment on a line `id`."""
    said = find(pull.line_comments, fields)
    require_own(change, said)
    if (body := text(fields, "PullRequestReviewComment")) == said.body:
        return
    thread = _thread_of(pull, said)
    edited = replace(said, body=body, edited_at=change.world.clock.change())
    thread.comments[thread.comments.index(said)] = edited
    change.note(pull, "commented", "edited a comment on a line", body)
    _tell_line(change, pull, edited, "edited", changes={"body": {"from": said.body}})


@deed("delete_review_comment")
def delete_review_comment(change: Change, pull: Pull, fields: Fields) -> None:
    """Take the comment on a line `id` away, and the thread if it was the only one."""
    said = find(pull.line_comments, fields)
    require_own(change, said)
    thread = _thread_of(pull, said)
    thread.comments.remove(said)
    if not thread.comments:
        pull.threads.remove(thread)
    change.note(pull, "commented", "deleted a comment on a line")
    _tell_line(change, pull, said, "deleted")


@deed("resolve")
def resolve(change: Change, pull: Pull, fields: Fields) -> None:
    """Resolve the `thread`, or the one of the `comment`; the newest open one if neither is given."""
    _settle(change, pull, fields, resolved=True)


@deed("unresolve")
def unresolve(change: Change, pull: Pull, fields: Fields) -> None:
    """Open the `thread`, or the one of the `comment`, again; the newest resolved one if neither is given."""
    _settle(change, pull, fields, resolved=False)


def _submit(
    change: Change,
    pull: Pull,
    state: str,
    body: str,
    commit_id: str,
    lines: list[Mapping[str, Any]],
    thread: Thread | None = None,
) -> None:
    """Add a review with its comments on lines, all of them to `thread` or each to its own."""
    if pull.locked and not change.may_push:
        raise Refused(403, "Unable to create comment because issue is locked.")
    world = change.world
    number = world.new_id()
    said = [_line_comment(change, pull, number, commit_id, line, thread) for line in lines]
    # A review ends the request for it; GitHub sends no event for that.
    if change.actor in pull.reviewers and thread is None:
        pull.reviewers.remove(change.actor)
    told = "\n\n".join([body, *(f"`{one.path}:{one.line}` {one.body}" for one in said)]).strip()
    change.note(pull, state.lower(), "replied" if thread else SAID[state], told)
    at = pull.updated_at
    given = Review(id=number, author=change.actor, state=state, body=body, commit_id=commit_id, at=at)
    pull.reviews.append(given)
    for one in said:
        if thread:
            thread.comments.append(one)
        else:
            pull.threads.append(Thread(id=world.new_id(), comments=[one]))
    # GitHub keeps no order between a review and its comments.
    for one in said[: len(said) // 2]:
        _tell_line(change, pull, one, "created")
    _tell(change, pull, given, "submitted")
    for one in said[len(said) // 2 :]:
        _tell_line(change, pull, one, "created")


def _line_comment(
    change: Change, pull: Pull, review_id: int, commit_id: str, line: Mapping[str, Any], thread: Thread | None
) -> LineComment:
    body = text(line, "PullRequestReviewComment")
    start, of_file = line.get("start_line"), line.get("subject_type") == "file"
    return LineComment(
        id=change.world.new_id(),
        review_id=review_id,
        author=change.actor,
        body=body,
        path=str(line.get("path") or PATH),
        line=0 if of_file else int(line.get("line") or len(pull.threads) + 1),
        commit_id=commit_id,
        at=change.world.clock.now(),
        side=str(line.get("side") or "RIGHT"),
        start_line=int(start) if start else None,
        reply_to=thread.first.id if thread else None,
        diff_hunk=str(line.get("diff_hunk") or ""),
    )


def _settle(change: Change, pull: Pull, fields: Fields, *, resolved: bool) -> None:
    # https://docs.github.com/graphql/reference/mutations#resolvereviewthread
    change.require_author_or_push(pull)
    thread = _thread(pull, fields, resolved=not resolved)
    if (thread.resolved_by is not None) == resolved:
        return
    thread.resolved_by = change.actor if resolved else None
    where = f"the conversation about {thread.first.path}:{thread.first.line}"
    change.note(pull, "resolved", f"resolved {where}" if resolved else f"opened {where} again")
    world, repo = change.world, change.repo
    payload = {
        "action": "resolved" if resolved else "unresolved",
        "pull_request": simple_pull_payload(world, repo, pull),
        "thread": thread_payload(world, repo, pull, thread),
    }
    change.emit(repo, "pull_request_review_thread", payload | change.sender())


def _thread(pull: Pull, fields: Fields, *, resolved: bool) -> Thread:
    if fields.get("comment"):
        return _thread_of(pull, find(pull.line_comments, fields, "comment"))
    wanted = fields.get("thread")
    for thread in reversed(pull.threads):
        if thread.id == int(str(wanted)) if wanted else (thread.resolved_by is not None) == resolved:
            return thread
    raise not_found()


def _thread_of(pull: Pull, comment: LineComment) -> Thread:
    return next(thread for thread in pull.threads if comment in thread.comments)


def _tell(change: Change, pull: Pull, given: Review, action: str, **extra: object) -> None:
    world, repo = change.world, change.repo
    payload = {
        "action": action,
        **extra,
        "review": review_payload(world, repo, pull, given, webhook=True),
        "pull_request": simple_pull_payload(world, repo, pull),
    }
    change.emit(repo, "pull_request_review", payload | change.sender())


def _tell_line(change: Change, pull: Pull, said: LineComment, action: str, **extra: object) -> None:
    world, repo = change.world, change.repo
    payload = {
        "action": action,
        **extra,
        "comment": line_comment_payload(world, repo, pull, said),
        "pull_request": simple_pull_payload(world, repo, pull),
    }
    change.emit(repo, "pull_request_review_comment", payload | change.sender())
