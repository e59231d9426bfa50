"""REST: comments, reviews, and comments on lines of a pull request."""

from .deeds import perform
from .model import Pull, Repo
from .records import Comment, LineComment, Review
from .refusals import Refused
from .rest import endpoint
from .rest_call import Answer, Call
from .rest_paging import paged
from .rest_pulls import ISSUE, PULL, reading, writing
from .talk_payloads import comment_payload, line_comment_payload, review_payload

REVIEW = PULL + "/reviews/{id}"
CONVERSATION = "/repos/{owner}/{repo}/issues/comments/{id}"
ON_LINE = "/repos/{owner}/{repo}/pulls/comments/{id}"


@endpoint("GET", f"{PULL}/reviews", docs="pulls/reviews#list-reviews-for-a-pull-request")
async def list_reviews(call: Call) -> Answer:
    """Answer with all reviews, oldest first."""
    repo, pull = reading(call)
    page, headers = paged(call, pull.reviews)
    return Answer([_review(call, repo, pull, review) for review in page], headers=headers)


@endpoint("POST", f"{PULL}/reviews", docs="pulls/reviews#create-a-review-for-a-pull-request")
async def create_review(call: Call) -> Answer:
    """Submit a review; one without `event` would stay pending, which the stand-in does not do."""
    change, repo, pull = writing(call)
    if "event" not in call.body:
        raise Refused(422, "The stand-in has no pending reviews: please give an event")
    perform(change, "review", pull, call.body)
    return Answer(_review(call, repo, pull, pull.reviews[-1]))


@endpoint("GET", REVIEW, docs="pulls/reviews#get-a-review-for-a-pull-request")
async def get_review(call: Call) -> Answer:
    """One review."""
    repo, pull = reading(call)
    return Answer(_review(call, repo, pull, call.item(pull.reviews)))


@endpoint("PUT", REVIEW, docs="pulls/reviews#update-a-review-for-a-pull-request")
async def update_review(call: Call) -> Answer:
    """Write another text."""
    change, repo, pull = writing(call)
    number = call.item(pull.reviews).id
    perform(change, "edit_review", pull, call.body | {"id": number})
    return Answer(_review(call, repo, pull, call.item(pull.reviews)))


@endpoint("PUT", f"{REVIEW}/dismissals", docs="pulls/reviews#dismiss-a-review-for-a-pull-request")
async def dismiss_review(call: Call) -> Answer:
    """It no longer counts."""
    change, repo, pull = writing(call)
    number = call.item(pull.reviews).id
    perform(change, "dismiss_review", pull, call.body | {"id": number})
    return Answer(_review(call, repo, pull, call.item(pull.reviews)))


@endpoint("GET", f"{REVIEW}/comments", docs="pulls/reviews#list-comments-for-a-pull-request-review")
async def list_comments_of_review(call: Call) -> Answer:
    """Answer with the comments on lines that came with a review."""
    repo, pull = reading(call)
    number = call.item(pull.reviews).id
    return _lines(call, repo, pull, [one for one in pull.line_comments if one.review_id == number])


@endpoint("GET", f"{PULL}/comments", docs="pulls/comments#list-review-comments-on-a-pull-request")
async def list_line_comments(call: Call) -> Answer:
    """Answer with all comments on lines, oldest first."""
    repo, pull = reading(call)
    return _lines(call, repo, pull, pull.line_comments)


@endpoint("POST", f"{PULL}/comments", docs="pulls/comments#create-a-review-comment-for-a-pull-request")
async def create_line_comment(call: Call) -> Answer:
    """Say something about a line, or answer with `in_reply_to`."""
    change, repo, pull = writing(call)
    perform(change, "review_comment", pull, call.body)
    return Answer(line_comment_payload(call.services.world, repo, pull, pull.line_comments[-1]), 201)


@endpoint(
    "POST", f"{PULL}/comments/{{id}}/replies", docs="pulls/comments#create-a-reply-for-a-review-comment"
)
async def create_reply(call: Call) -> Answer:
    """Answer a comment on a line."""
    change, repo, pull = writing(call)
    number = call.item(pull.line_comments).id
    perform(change, "reply", pull, call.body | {"to": number})
    return Answer(line_comment_payload(call.services.world, repo, pull, pull.line_comments[-1]), 201)


@endpoint("GET", ON_LINE, docs="pulls/comments#get-a-review-comment-for-a-pull-request")
async def get_line_comment(call: Call) -> Answer:
    """One comment on a line."""
    repo = call.repo()
    pull, said = _line(call, repo)
    return Answer(line_comment_payload(call.services.world, repo, pull, said))


@endpoint("PATCH", ON_LINE, docs="pulls/comments#update-a-review-comment-for-a-pull-request")
async def update_line_comment(call: Call) -> Answer:
    """Say something else."""
    repo = call.repo(write=True)
    pull, said = _line(call, repo)
    change = call.services.change(call.user, repo)
    perform(change, "edit_review_comment", pull, call.body | {"id": said.id})
    return Answer(line_comment_payload(call.services.world, repo, pull, _line(call, repo)[1]))


@endpoint("DELETE", ON_LINE, docs="pulls/comments#delete-a-review-comment-for-a-pull-request")
async def delete_line_comment(call: Call) -> Answer:
    """Take it away."""
    repo = call.repo(write=True)
    pull, said = _line(call, repo)
    perform(call.services.change(call.user, repo), "delete_review_comment", pull, {"id": said.id})
    return Answer(status=204)


@endpoint("GET", f"{ISSUE}/comments", docs="issues/comments#list-issue-comments")
async def list_comments(call: Call) -> Answer:
    """Answer with the conversation, oldest first."""
    (repo, pull), world = reading(call), call.services.world
    page, headers = paged(call, pull.comments)
    return Answer([comment_payload(world, repo, pull, comment) for comment in page], headers=headers)


@endpoint("POST", f"{ISSUE}/comments", docs="issues/comments#create-an-issue-comment")
async def create_comment(call: Call) -> Answer:
    """Say something."""
    change, repo, pull = writing(call)
    perform(change, "comment", pull, call.body)
    return Answer(comment_payload(call.services.world, repo, pull, pull.comments[-1]), 201)


@endpoint("GET", CONVERSATION, docs="issues/comments#get-an-issue-comment")
async def get_comment(call: Call) -> Answer:
    """One comment of the conversation."""
    repo = call.repo()
    pull, said = _comment(call, repo)
    return Answer(comment_payload(call.services.world, repo, pull, said))


@endpoint("PATCH", CONVERSATION, docs="issues/comments#update-an-issue-comment")
async def update_comment(call: Call) -> Answer:
    """Say something else."""
    repo = call.repo(write=True)
    pull, said = _comment(call, repo)
    perform(call.services.change(call.user, repo), "edit_comment", pull, call.body | {"id": said.id})
    return Answer(comment_payload(call.services.world, repo, pull, _comment(call, repo)[1]))


@endpoint("DELETE", CONVERSATION, docs="issues/comments#delete-an-issue-comment")
async def delete_comment(call: Call) -> Answer:
    """Take it away."""
    repo = call.repo(write=True)
    pull, said = _comment(call, repo)
    perform(call.services.change(call.user, repo), "delete_comment", pull, {"id": said.id})
    return Answer(status=204)


def _review(call: Call, repo: Repo, pull: Pull, review: Review) -> object:
    return review_payload(call.services.world, repo, pull, review, webhook=False)


def _lines(call: Call, repo: Repo, pull: Pull, said: list[LineComment]) -> Answer:
    page, headers = paged(call, said)
    world = call.services.world
    return Answer([line_comment_payload(world, repo, pull, one) for one in page], headers=headers)


def _line(call: Call, repo: Repo) -> tuple[Pull, LineComment]:
    found = call.item(one for pull in repo.pulls.values() for one in pull.line_comments)
    return next(pull for pull in repo.pulls.values() if found in pull.line_comments), found


def _comment(call: Call, repo: Repo) -> tuple[Pull, Comment]:
    found = call.item(one for pull in repo.pulls.values() for one in pull.comments)
    return next(pull for pull in repo.pulls.values() if found in pull.comments), found
