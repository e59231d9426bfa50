"""REST: commits, how two of them compare, and the checks of one."""

from .check_payloads import check_run_payload, full_suite_payload, lite_repo_payload, status_payload
from .commits import commit_payload, comparison_payload, known
from .label_payloads import with_team_types
from .model import Pull, Repo
from .payloads import Json, user_payload
from .pull_payloads import simple_pull_payload
from .refusals import Refused, not_found
from .rest import endpoint
from .rest_call import Answer, Call
from .rest_paging import paged
from .rest_pulls import PULL

COMMIT = "/repos/{owner}/{repo}/commits/{ref:.+}"
NO_COMMIT = "No commit found for SHA: {ref}"


@endpoint(
    "GET",
    f"{COMMIT}/pulls",
    docs="commits/commits#list-pull-requests-associated-with-a-commit",
)
async def pulls_of_commit(call: Call) -> Answer:
    """Answer with the merged pull request that brought a commit in, else with those that contain it."""
    repo = call.repo()
    sha = resolve(call, repo)
    found = [pull for pull in repo.pulls.values() if sha in _shas(pull)]
    merged = [pull for pull in found if pull.merged_at and pull.base_ref == repo.default_branch]
    shown = merged or [pull for pull in found if pull.merged_at or not pull.closed_at]
    page, headers = paged(call, shown)
    pulls = [simple_pull_payload(call.services.world, repo, pull) for pull in page]
    return Answer([with_team_types(pull) for pull in pulls], headers=headers)


@endpoint("GET", f"{COMMIT}/check-runs", docs="checks/runs#list-check-runs-for-a-git-reference")
async def list_check_runs(call: Call) -> Answer:
    """Answer with the runs of a commit; `check_name`, `status`, `app_id` and `filter` choose."""
    repo, query = call.repo(), call.request.query
    sha, board = resolve(call, repo), repo.board
    runs = board.runs_of(sha)
    if query.get("filter") == "all":
        runs = [run for suite in board.suites_of(sha) for run in suite.runs]
    world = call.services.world
    shown = [check_run_payload(world, repo, run, webhook=False) for run in reversed(runs)]
    wanted = [
        run
        for run in shown
        if query.get("check_name") in {None, run["name"]}
        and query.get("status") in {None, run["status"]}
        and query.get("app_id") in {None, str(run["app"]["id"])}
    ]
    page, headers = paged(call, wanted)
    return Answer({"total_count": len(wanted), "check_runs": page}, headers=headers)


@endpoint("GET", f"{COMMIT}/check-suites", docs="checks/suites#list-check-suites-for-a-git-reference")
async def list_check_suites(call: Call) -> Answer:
    """Answer with the suites of a commit."""
    repo, world = call.repo(), call.services.world
    suites = repo.board.suites_of(resolve(call, repo))
    page, headers = paged(call, suites)
    shown = [
        full_suite_payload(world, repo, suite) | {"repository": lite_repo_payload(world, repo)}
        for suite in page
    ]
    return Answer({"total_count": len(suites), "check_suites": shown}, headers=headers)


@endpoint("GET", f"{COMMIT}/status", docs="commits/statuses#get-the-combined-status-for-a-specific-reference")
async def get_combined_status(call: Call) -> Answer:
    """Answer with what the statuses of a commit come to; check runs are no part of it."""
    repo, world = call.repo(), call.services.world
    sha = resolve(call, repo, missing=not_found())
    statuses = repo.board.statuses_of(sha)
    states = {status.state for status in statuses}
    state = "failure" if states & {"failure", "error"} else "success"
    if not statuses or (state == "success" and "pending" in states):
        state = "pending"
    page, headers = paged(call, statuses)
    url = f"{call.services.config.api_url}/repos/{repo.full_name}/commits/{sha}"
    body = {
        "state": state,
        "statuses": [status_payload(world, repo, status) for status in page],
        "sha": sha,
        "total_count": len(statuses),
        "repository": lite_repo_payload(world, repo),
        "commit_url": url,
        "url": f"{url}/status",
    }
    return Answer(body, headers=headers)


@endpoint("GET", f"{COMMIT}/statuses", docs="commits/statuses#list-commit-statuses-for-a-reference")
async def list_statuses(call: Call) -> Answer:
    """Answer with every status a commit ever had, newest first."""
    repo, world = call.repo(), call.services.world
    sha = resolve(call, repo)
    page, headers = paged(call, [one for one in reversed(repo.board.statuses) if one.sha == sha])
    shown = [
        status_payload(world, repo, status) | {"creator": user_payload(world, status.creator)}
        for status in page
    ]
    return Answer(shown, headers=headers)


@endpoint("GET", COMMIT, docs="commits/commits#get-a-commit")
async def get_commit(call: Call) -> Answer:
    """One commit."""
    repo, world = call.repo(), call.services.world
    commit = world.commits.get(resolve(call, repo))
    if commit is None:
        raise not_found()
    stats = {"additions": commit.additions, "deletions": commit.deletions}
    stats["total"] = commit.additions + commit.deletions
    return Answer(commit_payload(world, repo, commit) | {"stats": stats, "files": []})


@endpoint("GET", "/repos/{owner}/{repo}/compare/{range:.+}", docs="commits/commits#compare-two-commits")
async def compare(call: Call) -> Answer:
    """`BASE...HEAD`: how far one is ahead of the other; commits or branches, maybe `owner:branch`."""
    repo = call.repo()
    base, dots, head = call.request.match_info["range"].partition("...")
    if not dots:
        raise not_found()
    shas = [_find(repo, ref.rsplit(":", 1)[-1], call) for ref in (base, head)]
    if None in shas:
        raise not_found()
    return Answer(comparison_payload(call.services.world, repo, str(shas[0]), str(shas[1])))


@endpoint("GET", f"{PULL}/commits", docs="pulls/pulls#list-commits-on-a-pull-request")
async def list_commits(call: Call) -> Answer:
    """Answer with the commits of a pull request, oldest first."""
    repo, world = call.repo(), call.services.world
    page, headers = paged(call, call.pull(repo).commits)
    shown: list[Json] = [commit_payload(world, repo, commit) for commit in page]
    return Answer(shown, headers=headers)


def resolve(call: Call, repo: Repo, *, missing: Refused | None = None) -> str:
    """Return the sha that the path's `ref` means: a commit or a branch."""
    ref = call.request.match_info["ref"]
    sha = _find(repo, ref, call)
    if sha is None:
        raise missing or Refused(422, NO_COMMIT.format(ref=ref))
    return sha


def _find(repo: Repo, ref: str, call: Call) -> str | None:
    if known(call.services.world, repo, ref):
        return ref
    name = ref.removeprefix("refs/").removeprefix("heads/")
    if name in repo.heads:
        return repo.heads[name]
    heads = [pull.head_sha for pull in repo.pulls.values() if pull.head_ref == name]
    return heads[-1] if heads else None


def _shas(pull: Pull) -> set[str | None]:
    return {commit.sha for commit in pull.commits} | {pull.merge_sha}
