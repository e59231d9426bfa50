"""REST: pull requests, and the issues they also are; `rest_reviews` has what is said about them."""

from .changes import open_pull
from .deeds import Change, perform
from .diffs import file_payload, files_of
from .label_payloads import team_payload, with_team_types
from .model import Pull, Repo
from .payloads import user_payload
from .pull_payloads import issue_payload, pull_payload, simple_pull_payload
from .refusals import invalid, not_found
from .rest import endpoint
from .rest_call import Answer, Call
from .rest_paging import paged

PULL = "/repos/{owner}/{repo}/pulls/{number}"
ISSUE = "/repos/{owner}/{repo}/issues/{number}"


def reading(call: Call) -> tuple[Repo, Pull]:
    """Return the repository and the pull request of the path."""
    repo = call.repo()
    return repo, call.pull(repo)


def writing(call: Call) -> tuple[Change, Repo, Pull]:
    """Return who writes, where, and to which pull request of the path."""
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
    shown = [simple_pull_payload(call.services.world, repo, pull) for pull in page]
    return Answer([with_team_types(pull) for pull in shown], headers=headers)


@endpoint("POST", "/repos/{owner}/{repo}/pulls", docs="pulls/pulls#create-a-pull-request")
async def create_pull(call: Call) -> Answer:
    """Open one."""
    repo = call.repo(write=True)
    if "head" not in call.body or "base" not in call.body:
        raise invalid("PullRequest", "head" if "base" in call.body else "base", "missing_field")
    pull = open_pull(call.services.change(call.user, repo), call.body)
    return Answer(with_team_types(pull_payload(call.services.world, repo, pull, computed=False)), 201)


@endpoint("GET", PULL, docs="pulls/pulls#get-a-pull-request")
async def get_pull(call: Call) -> Answer:
    """One with all details; at first GitHub does not know whether it can be merged.

    https://docs.github.com/rest/guides/using-the-rest-api-to-interact-with-your-git-database#checking-mergeability-of-pull-requests
    """
    repo = call.repo()
    pull = call.pull(repo)
    shown = pull_payload(call.services.world, repo, pull, computed=pull.computed)
    # Asking makes GitHub compute it, for the next time.
    pull.computed = True
    return Answer(with_team_types(shown))


@endpoint("GET", f"{PULL}/files", docs="pulls/pulls#list-pull-requests-files")
async def list_files(call: Call) -> Answer:
    """The files that it changes, with their patches."""
    repo = call.repo()
    pull = call.pull(repo)
    page, headers = paged(call, files_of(pull))
    return Answer([file_payload(call.services.world, repo, pull, one) for one in page], headers=headers)


@endpoint("PATCH", PULL, docs="pulls/pulls#update-a-pull-request")
async def update_pull(call: Call) -> Answer:
    """Change title, body, base or state."""
    change, repo, pull = writing(call)
    state = call.body.get("state")
    if state not in {None, "open", "closed"}:
        raise invalid("PullRequest", "state", "invalid")
    perform(
        change, "edit", pull, {key: call.body[key] for key in ("title", "body", "base") if key in call.body}
    )
    if state:
        perform(change, "close" if state == "closed" else "reopen", pull)
    return Answer(with_team_types(pull_payload(call.services.world, repo, pull)))


@endpoint(
    "GET",
    f"{PULL}/requested_reviewers",
    docs="pulls/review-requests#get-all-requested-reviewers-for-a-pull-request",
)
async def list_reviewers(call: Call) -> Answer:
    """Answer with the requested reviewers."""
    repo = call.repo()
    pull, world = call.pull(repo), call.services.world
    users = [user_payload(world, user) for user in pull.reviewers]
    teams = [team_payload(world, repo.owner, team) | {"type": "organization"} for team in pull.teams]
    return Answer({"users": users, "teams": teams})


@endpoint(
    "POST", f"{PULL}/requested_reviewers", docs="pulls/review-requests#request-reviewers-for-a-pull-request"
)
async def request_reviewers(call: Call) -> Answer:
    """Ask for reviews."""
    return _reviewers(call, "request_review", 201)


@endpoint(
    "DELETE",
    f"{PULL}/requested_reviewers",
    docs="pulls/review-requests#remove-requested-reviewers-from-a-pull-request",
)
async def remove_reviewers(call: Call) -> Answer:
    """Take requests back."""
    return _reviewers(call, "unrequest_review", 200)


def _reviewers(call: Call, name: str, status: int) -> Answer:
    change, repo, pull = writing(call)
    people, teams = call.body.get("reviewers", []), call.body.get("team_reviewers", [])
    if not isinstance(people, list) or not isinstance(teams, list):
        raise invalid("PullRequest", "reviewers", "invalid")
    perform(change, name, pull, {"reviewers": people, "teams": teams})
    return Answer(with_team_types(simple_pull_payload(call.services.world, repo, pull)), status)


@endpoint("GET", ISSUE, docs="issues/issues#get-an-issue")
async def get_issue(call: Call) -> Answer:
    """Answer with the pull request as an issue."""
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
    change, repo, pull = writing(call)
    perform(change, name, pull, {"assignees": call.body.get("assignees", [])})
    return Answer(issue_payload(call.services.world, repo, pull), status)


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
