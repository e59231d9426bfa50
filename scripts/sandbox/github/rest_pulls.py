"""REST: pull requests, and the issues they also are."""

from .changes import open_pull
from .deeds import Change, perform
from .model import Pull, Repo
from .pull_payloads import issue_payload, pull_payload, simple_pull_payload
from .refusals import Refused, invalid, not_found
from .rest import Answer, Call, endpoint
from .rest_paging import paged
from .talk_payloads import comment_payload, review_payload

PULL = "/repos/{owner}/{repo}/pulls/{number}"
ISSUE = "/repos/{owner}/{repo}/issues/{number}"
MERGED = "Pull Request successfully merged"


def _writing(call: Call) -> tuple[Change, Repo, Pull]:
    repo = call.repo(write=True)
    return call.services.change(call.user, repo), repo, call.pull(repo)


@endpoint("GET", "/repos/{owner}/{repo}/pulls", docs="pulls/pulls#list-pull-requests")
async def list_pulls(call: Call) -> Answer:
    """Newest first; `state`, `head`, `base`, `per_page` and `page` choose."""
    repo, query = call.repo(), call.request.query
    state, head, base = query.get("state", "open"), query.get("head"), query.get("base")
    found = [
        pull
        for pull in reversed(repo.pulls.values())
        if state in {"all", pull.state}
        and head in {None, f"{pull.head_repo.owner.login}:{pull.head_ref}"}
        and base in {None, pull.base_ref}
    ]
    page, headers = paged(call, found)
    return Answer([simple_pull_payload(call.services.world, repo, pull) for pull in page], headers=headers)


@endpoint("POST", "/repos/{owner}/{repo}/pulls", docs="pulls/pulls#create-a-pull-request")
async def create_pull(call: Call) -> Answer:
    """Open one."""
    repo = call.repo(write=True)
    if "head" not in call.body or "base" not in call.body:
        raise invalid("PullRequest", "head" if "base" in call.body else "base", "missing_field")
    pull = open_pull(call.services.change(call.user, repo), call.body)
    return Answer(pull_payload(call.services.world, repo, pull, computed=False), 201)


@endpoint("GET", PULL, docs="pulls/pulls#get-a-pull-request")
async def get_pull(call: Call) -> Answer:
    """One with all details."""
    repo = call.repo()
    return Answer(pull_payload(call.services.world, repo, call.pull(repo)))


@endpoint("PATCH", PULL, docs="pulls/pulls#update-a-pull-request")
async def update_pull(call: Call) -> Answer:
    """Change title, body, base or state."""
    change, repo, pull = _writing(call)
    state = call.body.get("state")
    if state not in {None, "open", "closed"}:
        raise invalid("PullRequest", "state", "invalid")
    perform(
        change, "edit", pull, {key: call.body[key] for key in ("title", "body", "base") if key in call.body}
    )
    if state:
        perform(change, "close" if state == "closed" else "reopen", pull)
    return Answer(pull_payload(call.services.world, repo, pull))


@endpoint("PUT", f"{PULL}/merge", docs="pulls/pulls#merge-a-pull-request")
async def merge_pull(call: Call) -> Answer:
    """Merge it."""
    change, _repo, pull = _writing(call)
    perform(change, "merge", pull, call.body)
    return Answer({"sha": pull.merge_sha, "merged": True, "message": MERGED})


@endpoint("GET", f"{PULL}/merge", docs="pulls/pulls#check-if-a-pull-request-has-been-merged")
async def is_merged(call: Call) -> Answer:
    """204 if it was merged, else 404."""
    if call.pull(call.repo()).merged_at is None:
        raise not_found()
    return Answer(status=204)


@endpoint("GET", f"{PULL}/reviews", docs="pulls/reviews#list-reviews-for-a-pull-request")
async def list_reviews(call: Call) -> Answer:
    """All reviews, oldest first."""
    repo = call.repo()
    pull, world = call.pull(repo), call.services.world
    return Answer([review_payload(world, repo, pull, review, webhook=False) for review in pull.reviews])


@endpoint("POST", f"{PULL}/reviews", docs="pulls/reviews#create-a-review-for-a-pull-request")
async def create_review(call: Call) -> Answer:
    """Submit a review; one without `event` would stay pending, which the stand-in does not do."""
    change, repo, pull = _writing(call)
    if "event" not in call.body:
        raise Refused(422, "The stand-in has no pending reviews: please give an event")
    perform(change, "review", pull, call.body)
    return Answer(review_payload(call.services.world, repo, pull, pull.reviews[-1], webhook=False))


@endpoint(
    "POST", f"{PULL}/requested_reviewers", docs="pulls/review-requests#request-reviewers-for-a-pull-request"
)
async def request_reviewers(call: Call) -> Answer:
    """Ask for reviews."""
    change, repo, pull = _writing(call)
    perform(change, "request_review", pull, {"reviewers": call.body.get("reviewers", [])})
    return Answer(simple_pull_payload(call.services.world, repo, pull), 201)


@endpoint(
    "DELETE",
    f"{PULL}/requested_reviewers",
    docs="pulls/review-requests#remove-requested-reviewers-from-a-pull-request",
)
async def remove_reviewers(call: Call) -> Answer:
    """Take requests back."""
    change, repo, pull = _writing(call)
    perform(change, "unrequest_review", pull, {"reviewers": call.body.get("reviewers", [])})
    return Answer(simple_pull_payload(call.services.world, repo, pull))


@endpoint("GET", ISSUE, docs="issues/issues#get-an-issue")
async def get_issue(call: Call) -> Answer:
    """The pull request as an issue."""
    repo = call.repo()
    return Answer(issue_payload(call.services.world, repo, call.pull(repo)))


@endpoint("POST", f"{ISSUE}/assignees", docs="issues/assignees#add-assignees-to-an-issue")
async def add_assignees(call: Call) -> Answer:
    """Assign people; without push access it answers the same and changes nothing."""
    return _assignees(call, "assign", 201)


@endpoint("DELETE", f"{ISSUE}/assignees", docs="issues/assignees#remove-assignees-from-an-issue")
async def remove_assignees(call: Call) -> Answer:
    """Unassign people; without push access it answers the same and changes nothing."""
    return _assignees(call, "unassign", 200)


def _assignees(call: Call, name: str, status: int) -> Answer:
    change, repo, pull = _writing(call)
    perform(change, name, pull, {"assignees": call.body.get("assignees", [])})
    return Answer(issue_payload(call.services.world, repo, pull), status)


@endpoint("GET", f"{ISSUE}/comments", docs="issues/comments#list-issue-comments")
async def list_comments(call: Call) -> Answer:
    """The conversation, oldest first."""
    repo = call.repo()
    pull, world = call.pull(repo), call.services.world
    return Answer([comment_payload(world, repo, pull, comment) for comment in pull.comments])


@endpoint("POST", f"{ISSUE}/comments", docs="issues/comments#create-an-issue-comment")
async def create_comment(call: Call) -> Answer:
    """Say something."""
    change, repo, pull = _writing(call)
    perform(change, "comment", pull, call.body)
    return Answer(comment_payload(call.services.world, repo, pull, pull.comments[-1]), 201)


@endpoint(
    "GET",
    "/repos/{owner}/{repo}/assignees/{login}",
    docs="issues/assignees#check-if-a-user-can-be-assigned",
)
async def check_assignee(call: Call) -> Answer:
    """204 if that user can be assigned here, else 404."""
    repo = call.repo()
    user = call.services.world.user(call.request.match_info["login"])
    if user is None or user.login not in repo.permissions:
        raise not_found()
    return Answer(status=204)


@endpoint(
    "GET", "/repos/{owner}/{repo}/commits/{sha}/pulls", docs="commits/commits#list-pull-requests-associated"
)
async def pulls_of_commit(call: Call) -> Answer:
    """The pull requests that contain a commit."""
    repo, sha = call.repo(), call.request.match_info["sha"]
    found = [pull for pull in repo.pulls.values() if sha in {commit.sha for commit in pull.commits}]
    return Answer([simple_pull_payload(call.services.world, repo, pull) for pull in found])
