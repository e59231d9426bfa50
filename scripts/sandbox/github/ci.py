"""The state of checks: runs, suites, workflow runs and statuses."""

from dataclasses import dataclass, field
from datetime import datetime

from .records import User

ACTIONS = "github-actions"
# Every other conclusion lets a pull request be merged.
# https://docs.github.com/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/about-status-checks
FAILED = {"failure", "timed_out", "cancelled", "action_required", "startup_failure", "stale"}


@dataclass(kw_only=True)
class CheckRun:
    """A check run: a job, or an app's check."""

    id: int
    suite: "CheckSuite"
    name: str
    status: str
    conclusion: str | None
    started_at: datetime
    completed_at: datetime | None = None
    title: str | None = None
    summary: str | None = None
    url: str | None = None
    step: str = ""
    log: str | None = None
    log_keys: dict[str, datetime] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        """`passed`, `failed` or `running`."""
        if self.status != "completed":
            return "running"
        return "failed" if self.conclusion in FAILED else "passed"


@dataclass(kw_only=True)
class CheckSuite:
    """The runs of one app, or of one run of a workflow, for one commit."""

    id: int
    app: str
    sha: str
    before: str
    branch: str
    fork: bool
    created_at: datetime
    updated_at: datetime
    status: str = "queued"
    conclusion: str | None = None
    runs: list[CheckRun] = field(default_factory=list)
    workflow: "WorkflowRun | None" = None

    def newest(self) -> list[CheckRun]:
        """Return the runs, of each name only the newest."""
        return list({run.name: run for run in self.runs}.values())


@dataclass(kw_only=True)
class WorkflowRun:
    """One run of a workflow of GitHub Actions."""

    id: int
    workflow_id: int
    name: str
    number: int
    attempt: int
    suite: CheckSuite
    actor: User
    title: str
    head_repository_id: int
    created_at: datetime
    started_at: datetime

    @property
    def file(self) -> str:
        """The path of the workflow's file."""
        return f".github/workflows/{self.name.lower().replace(' ', '-')}.yml"


@dataclass(frozen=True, kw_only=True)
class Status:
    """A commit status; the newest of each context counts."""

    id: int
    sha: str
    context: str
    state: str
    description: str | None
    target_url: str | None
    creator: User
    at: datetime


@dataclass(kw_only=True)
class Board:
    """All checks of a repository, oldest first."""

    suites: list[CheckSuite] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    workflows: dict[str, int] = field(default_factory=dict)
    # Environments that a workflow run waits to deploy to, by its id.
    pending: dict[int, list[str]] = field(default_factory=dict)

    def suites_of(self, sha: str) -> list[CheckSuite]:
        """Return the suites of a commit."""
        return [suite for suite in self.suites if suite.sha == sha]

    def runs_of(self, sha: str) -> list[CheckRun]:
        """Return the runs of a commit, of each name and suite only the newest."""
        return [run for suite in self.suites_of(sha) for run in suite.newest()]

    def statuses_of(self, sha: str) -> list[Status]:
        """Return the statuses of a commit, of each context only the newest."""
        return list({one.context: one for one in self.statuses if one.sha == sha}.values())

    def outcomes(self, sha: str) -> dict[str, str]:
        """`passed`, `failed` or `running`, by the name of the check or the context of the status."""
        words = {"success": "passed", "pending": "running"}
        found = {one.context: words.get(one.state, "failed") for one in self.statuses_of(sha)}
        return found | {run.name: run.outcome for run in self.runs_of(sha)}

    def workflow_runs(self) -> list[WorkflowRun]:
        """Newest first."""
        return [suite.workflow for suite in reversed(self.suites) if suite.workflow]
