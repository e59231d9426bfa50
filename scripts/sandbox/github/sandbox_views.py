"""A pull request in the driver routes: the numbers a test needs to name its parts."""

from .model import Pull, Repo, Thread
from .payloads import Json, node_id
from .records import Comment, LineComment


def pull_view(repo: Repo, pull: Pull) -> Json:
    """Return all parts of a pull request, by number and state."""
    return {
        "number": pull.number,
        "node_id": node_id("PR", pull.id),
        "head_sha": pull.head_sha,
        "comments": [_said(one) for one in pull.comments],
        "reviews": [
            {"id": one.id, "author": one.author.login, "state": one.state, "body": one.body}
            for one in pull.reviews
        ],
        "threads": [_thread(thread) for thread in pull.threads],
        **_checks(repo, pull.head_sha),
    }


def _said(one: Comment | LineComment) -> Json:
    return {"id": one.id, "author": one.author.login, "body": one.body}


def _thread(thread: Thread) -> Json:
    return {
        "id": thread.id,
        "node_id": node_id("PRRT", thread.id),
        "path": thread.first.path,
        "line": thread.first.line,
        "resolved": thread.resolved_by is not None,
        "comments": [_said(one) for one in thread.comments],
    }


def _checks(repo: Repo, sha: str) -> Json:
    board = repo.board
    return {
        "checks": [
            {"id": run.id, "name": run.name, "status": run.status, "conclusion": run.conclusion}
            for run in board.runs_of(sha)
        ],
        "suites": [
            {"id": suite.id, "app": suite.app, "status": suite.status, "conclusion": suite.conclusion}
            for suite in board.suites_of(sha)
        ],
        "runs": [
            {
                "id": run.id,
                "name": run.name,
                "attempt": run.attempt,
                "status": run.suite.status,
                "conclusion": run.suite.conclusion,
            }
            for run in board.workflow_runs()
            if run.suite.sha == sha
        ],
        "statuses": [
            {"id": one.id, "context": one.context, "state": one.state} for one in board.statuses_of(sha)
        ],
    }
