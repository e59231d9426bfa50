"""The page of one pull request, and its buttons: every form does what a driver's verb of that name does."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .check_payloads import run_page
from .deeds import DEEDS, perform
from .mergeability import obstacle
from .merging import METHODS
from .model import Permission, Pull, Repo
from .pages import form_fields, page_repo, render, see_other, visitor
from .payloads import merge_settings
from .refusals import not_found
from .services import SERVICES

PAGE = "/{owner}/{repo}/pull/{number:[0-9]+}"
# As many comments on lines as the form for a review has room for.
LINES = 3


def install(router: web.UrlDispatcher) -> None:
    """Add the page to `router`."""
    router.add_get(PAGE, show_pull)
    router.add_get(f"{PAGE}/{{tab:files|checks|commits}}", show_tab)
    router.add_post(f"{PAGE}/{{deed:[a-z_]+}}", do_deed)
    router.add_get("/{owner}/{repo}/actions/runs/{run:[0-9]+}", go_to_checks)
    router.add_get("/{owner}/{repo}/actions/runs/{run:[0-9]+}/job/{job:[0-9]+}", go_to_checks)
    router.add_get("/{owner}/{repo}/runs/{job:[0-9]+}", go_to_checks)


async def show_pull(request: web.Request) -> web.Response:
    """One pull request: what happened, and what can be done."""
    repo = page_repo(request)
    pull, me = _pull(request, repo), visitor(request)
    may_push = repo.permission(me) >= Permission.WRITE and not repo.archived
    world = request.app[SERVICES].world
    known = [user for user in world.people() if user.login in repo.permissions]
    settings = merge_settings(repo)
    context = {
        "repo": repo,
        "pull": pull,
        "tab": "conversation",
        "may_push": may_push,
        "may_edit": may_push or (pull.author == me and not repo.archived),
        "candidates": [user for user in known if user not in (pull.author, *pull.reviewers)],
        "teams": [team for team in world.teams.values() if team not in pull.teams],
        "methods": [name for name, (setting, _) in METHODS.items() if settings[setting]],
        "obstacle": obstacle(repo, pull),
        "lines": range(1, LINES + 1),
        **_checks(repo, pull),
    }
    return render(request, "pull.html", context)


async def show_tab(request: web.Request) -> web.Response:
    """Show the other tabs of a pull request, in short."""
    repo, tab = page_repo(request), request.match_info["tab"]
    pull, world = _pull(request, repo), request.app[SERVICES].world
    pages = {run.id: run_page(world, repo, run) for run in repo.board.runs_of(pull.head_sha)}
    context = {"repo": repo, "pull": pull, "tab": tab, "pages": pages, **_checks(repo, pull)}
    return render(request, "tab.html", context)


async def do_deed(request: web.Request) -> web.Response:
    """Show a button of the page."""
    repo, name = page_repo(request), request.match_info["deed"]
    if name not in DEEDS:
        raise not_found()
    pull, me = _pull(request, repo), visitor(request)
    fields = _with_lines(await form_fields(request))
    perform(request.app[SERVICES].change(me, repo), name, pull, fields)
    return see_other(f"/{repo.full_name}/pull/{pull.number}")


async def go_to_checks(request: web.Request) -> web.Response:
    """Lead to the description of a check: on the tab of its newest pull request."""
    repo, match = page_repo(request), request.match_info
    for suite in reversed(repo.board.suites):
        runs = {str(run.id) for run in suite.runs} | ({str(suite.workflow.id)} if suite.workflow else set())
        if (match.get("job") or match.get("run")) not in runs:
            continue
        for pull in reversed(repo.pulls.values()):
            if suite.sha in {commit.sha for commit in pull.commits}:
                return see_other(f"/{repo.full_name}/pull/{pull.number}/checks")
    raise not_found()


def _pull(request: web.Request, repo: Repo) -> Pull:
    pull = repo.pulls.get(int(request.match_info["number"]))
    if pull is None:
        raise not_found()
    return pull


def _checks(repo: Repo, pull: Pull) -> dict[str, Any]:
    """Return the checks of the head, and how many there are of each outcome."""
    board, sha = repo.board, pull.head_sha
    outcomes = list(board.outcomes(sha).values())
    counts = {word: outcomes.count(word) for word in ("failed", "running", "passed")}
    return {
        "checks": board.runs_of(sha),
        "statuses": board.statuses_of(sha),
        "counts": {word: count for word, count in counts.items() if count},
        "can_rerun": any(suite.workflow and suite.conclusion == "failure" for suite in board.suites_of(sha)),
    }


def _with_lines(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a form, its comments on lines as a list."""
    lines = [
        {"path": fields.get(f"path-{n}"), "line": fields.get(f"line-{n}"), "body": fields[f"said-{n}"]}
        for n in range(1, LINES + 1)
        if fields.get(f"said-{n}", "").strip()
    ]
    plain: dict[str, Any] = {key: value for key, value in fields.items() if "-" not in key}
    return plain | ({"comments": lines} if lines else {})
