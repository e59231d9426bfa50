"""REST: jobs of workflows and their logs.

A log lies in a storage of its own, at an address that is good for a minute and takes no token, as on Azure.
https://docs.github.com/rest/actions/workflow-jobs
"""

import re
import secrets
from datetime import timedelta

from aiohttp import web

from .check_payloads import job_payload
from .ci import CheckRun, WorkflowRun
from .job_logs import log_of
from .model import Repo
from .refusals import Refused, not_found
from .rest import endpoint
from .rest_call import Answer, Call
from .services import SERVICES

JOB = "/repos/{owner}/{repo}/actions/jobs/{id}"
STORAGE = "/_storage/logs/{key}"
GOOD_FOR = timedelta(minutes=1)
KEPT = timedelta(days=90)


def install(router: web.UrlDispatcher) -> None:
    """Add the storage."""
    router.add_get(STORAGE, stored_log)


@endpoint("GET", JOB, docs="actions/workflow-jobs#get-a-job-for-a-workflow-run")
async def get_job(call: Call) -> Answer:
    """One job."""
    repo = call.repo()
    workflow, job = _job(call, repo)
    return Answer(job_payload(call.services.world, repo, workflow, job))


@endpoint("GET", f"{JOB}/logs", docs="actions/workflow-jobs#download-job-logs-for-a-workflow-run")
async def get_log(call: Call) -> Answer:
    """Redirect to the log of a job that is over; 410 once it has expired."""
    repo = call.repo()
    if call.token is None:
        raise Refused(403, "Must have admin rights to Repository.")
    _, job = _job(call, repo)
    now = call.services.world.clock.now()
    if job.completed_at is None:
        raise not_found()
    if now - job.completed_at > KEPT:
        raise Refused(410, "Server Error")
    key = secrets.token_urlsafe(16)
    job.log_keys[key] = now + GOOD_FOR
    return Answer(None, 302, {"Location": call.services.config.web_url + STORAGE.format(key=key)})


async def stored_log(request: web.Request) -> web.Response:
    """Answer with a log, or with its end from `bytes=N-` on; other ranges are not known here.

    https://learn.microsoft.com/rest/api/storageservices/specifying-the-range-header-for-blob-service-operations
    """
    world = request.app[SERVICES].world
    key = request.match_info["key"]
    jobs = (job for repo in world.repos.values() for suite in repo.board.suites for job in suite.runs)
    job = next((job for job in jobs if key in job.log_keys), None)
    if job is None or "Authorization" in request.headers or job.log_keys[key] < world.clock.now():
        return web.Response(status=403, text="AuthenticationFailed")
    log = log_of(job)
    found = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
    begin = int(found[1]) if found else 0
    return web.Response(status=206 if found else 200, body=log[begin:], content_type="text/plain")


def _job(call: Call, repo: Repo) -> tuple[WorkflowRun, CheckRun]:
    for suite in repo.board.suites:
        for run in suite.runs:
            if suite.workflow and str(run.id) == call.request.match_info["id"]:
                return suite.workflow, run
    raise not_found()
