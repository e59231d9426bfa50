"""REST: merging a pull request, at once or in the background, and what its branch demands."""

import asyncio

from . import merge_requests
from .branch_rules import rules_payload
from .deeds import perform
from .refusals import Refused, not_found
from .rest import endpoint
from .rest_call import Answer, Call
from .rest_paging import paged
from .rest_pulls import PULL, writing

MERGED = "Pull Request successfully merged"


@endpoint("PUT", f"{PULL}/merge", docs="pulls/pulls#merge-a-pull-request")
async def merge_pull(call: Call) -> Answer:
    """Merge it."""
    change, _repo, pull = writing(call)
    if pull.stack:
        raise Refused(403, merge_requests.STACKED)
    perform(change, "merge", pull, call.body)
    return Answer({"sha": pull.merge_sha, "merged": True, "message": MERGED})


@endpoint("GET", f"{PULL}/merge", docs="pulls/pulls#check-if-a-pull-request-has-been-merged")
async def is_merged(call: Call) -> Answer:
    """204 if it was merged, else 404."""
    if call.pull(call.repo()).merged_at is None:
        raise not_found()
    return Answer(status=204)


@endpoint("PUT", f"{PULL}/merge-async", docs="pulls/pulls#merge-a-pull-request-asynchronously", new=True)
async def merge_async(call: Call) -> Answer:
    """Ask for a merge in the background."""
    change, repo, pull = writing(call)
    change.require_writable()
    status, answer = merge_requests.ask(change, pull, call.body)
    if status == 202 and not repo.holds_merges:
        asyncio.get_running_loop().call_soon(merge_requests.run, change, pull)
    return Answer(answer, status)


@endpoint(
    "GET",
    f"{PULL}/merge-async/{{uuid}}",
    docs="pulls/pulls#get-the-result-of-an-asynchronous-merge",
    new=True,
)
async def merge_result(call: Call) -> Answer:
    """Return what became of it."""
    repo = call.repo()
    change = call.services.change(call.user, repo)
    answer = merge_requests.result(change, call.pull(repo), call.request.match_info["uuid"])
    if answer is None:
        raise not_found()
    return Answer(answer)


@endpoint("PUT", f"{PULL}/update-branch", docs="pulls/pulls#update-a-pull-request-branch")
async def update_branch(call: Call) -> Answer:
    """Merge the base into the head branch; 202, as GitHub does it later."""
    change, _repo, pull = writing(call)
    perform(change, "update_branch", pull, call.body)
    return Answer({"message": "Updating pull request branch.", "url": str(call.request.url)}, 202)


@endpoint(
    "GET", "/repos/{owner}/{repo}/rules/branches/{branch:.+}", docs="repos/rules#get-rules-for-a-branch"
)
async def branch_rules(call: Call) -> Answer:
    """Return the rules of a branch, which need not exist."""
    repo = call.repo()
    page, headers = paged(call, rules_payload(repo, call.request.match_info["branch"]))
    return Answer(page, headers=headers)
