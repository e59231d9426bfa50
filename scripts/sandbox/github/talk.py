"""Comments in a pull request's conversation."""

from dataclasses import replace
from typing import TypeVar

from .deeds import Change, Fields, deed
from .model import Pull
from .pull_payloads import issue_payload
from .records import Comment, LineComment, Review
from .refusals import Refused, invalid, not_found
from .talk_payloads import comment_payload

Said = TypeVar("Said", Comment, Review, LineComment)


@deed("comment")
def comment(change: Change, pull: Pull, fields: Fields) -> None:
    """Say `body` in the conversation.

    https://docs.github.com/rest/issues/comments#create-an-issue-comment
    """
    body = text(fields, "IssueComment")
    if pull.locked and not change.may_push:
        raise Refused(403, "Unable to create comment because issue is locked.")
    said = Comment(id=change.world.new_id(), author=change.actor, body=body, at=change.world.clock.now())
    pull.comments.append(said)
    change.note(pull, "commented", "commented", body)
    _tell(change, pull, said, "created")


@deed("edit_comment")
def edit_comment(change: Change, pull: Pull, fields: Fields) -> None:
    """Say `body` instead in the comment `id`."""
    said = find(pull.comments, fields)
    require_own(change, said)
    if (body := text(fields, "IssueComment")) == said.body:
        return
    edited = replace(said, body=body, edited_at=change.world.clock.change())
    pull.comments[pull.comments.index(said)] = edited
    change.note(pull, "commented", "edited a comment", body)
    _tell(change, pull, edited, "edited", changes={"body": {"from": said.body}})


@deed("delete_comment")
def delete_comment(change: Change, pull: Pull, fields: Fields) -> None:
    """Take the comment `id` away."""
    said = find(pull.comments, fields)
    require_own(change, said)
    pull.comments.remove(said)
    change.note(pull, "commented", "deleted a comment")
    _tell(change, pull, said, "deleted")


def find(said: list[Said], fields: Fields, key: str = "id") -> Said:
    """Find the item that a field names by id: the newest by default; 404 if there is none."""
    wanted = fields.get(key)
    for one in reversed(said):
        if wanted in {None, ""} or one.id == int(str(wanted)):
            return one
    raise not_found()


def require_own(change: Change, said: Said) -> None:
    """Refuse unless the actor wrote it or has write access."""
    if said.author != change.actor:
        change.require_push()


def text(fields: Fields, resource: str) -> str:
    """Return the field `body`, which must not be empty."""
    body = str(fields.get("body") or "")
    if not body.strip():
        raise invalid(resource, "body", "missing_field")
    return body


def _tell(change: Change, pull: Pull, said: Comment, action: str, **extra: object) -> None:
    payload = {
        "action": action,
        **extra,
        "issue": issue_payload(change.world, change.repo, pull),
        "comment": comment_payload(change.world, change.repo, pull, said),
    }
    change.emit(change.repo, "issue_comment", payload | change.sender())
