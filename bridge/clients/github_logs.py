"""The reason why a job of GitHub Actions failed, as GitHub shows it to one user.

GitHub redirects to the log with an address that is good for a minute. The log is read without a token, and
from a private network only where GitHub itself is there.
https://docs.github.com/rest/actions/workflow-jobs#download-job-logs-for-a-workflow-run
"""

from typing import NamedTuple

import aiohttp
from yarl import URL

from bridge.clients.github import GitHub
from bridge.clients.session import open_session
from bridge.core.actions import Call
from bridge.core.errors import GitHubRefused
from bridge.core.pulls.job_log import FailedStep, failed_step, last_lines

MAX_BYTES = 256 * 1024
"""Bytes of the end of a log that are read."""

LOG_SECONDS = 9


class JobFailure(NamedTuple):
    """A job's failing step and its last lines; `unread` is why there are none, "" if there are."""

    step: FailedStep
    lines: list[str]
    unread: str = ""


async def read_failure(
    github: GitHub, repository_id: int, job_id: int, sha: str, *, api_url: str, token: str
) -> JobFailure | None:
    """Read why a job of this commit failed, by two calls and the log; None if it did not fail.

    Raises as `GitHub.call` does. The repository is asked for by its id: another one may have taken its name.
    """
    subject = f"job {job_id}"
    place = {"id": str(repository_id), "job": str(job_id)}
    url = "/repositories/{id}/actions/jobs/{job}"
    job = await github.call(Call(method="GET", url=url, variables=place), token=token, subject=subject)
    if job["head_sha"] != sha or job["conclusion"] in ("success", None):
        return None
    step = failed_step(job)
    try:
        log = Call(method="GET", url=f"{url}/logs", variables=place)
        address = await github.location(log, token=token, subject=subject)
        return JobFailure(step, last_lines(await read_end(address, api_url), step))
    except GitHubRefused as refusal:
        return JobFailure(step, [], unread=str(refusal))


async def read_end(address: str, api_url: str) -> bytes:
    """Read the end of a log; raises `GitHubRefused`."""
    try:
        url, own = URL(address), URL(api_url)
        if url.scheme != own.scheme or not url.host:
            raise GitHubRefused("GitHub did not redirect to a log")
        is_own = f".{url.host}".endswith(f".{own.host}")
        async with open_session(public_only=not is_own) as session:
            size, end = await _get(session, url, 0)
            if size > MAX_BYTES:
                # Not `bytes=-N`: Azure, where GitHub keeps logs, does not know it.
                _, end = await _get(session, url, size - MAX_BYTES)
            return end
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise GitHubRefused(f"GitHub's log cannot be read ({type(error).__name__})") from None


async def _get(session: aiohttp.ClientSession, url: URL, begin: int) -> tuple[int, bytes]:
    """Return the size of a log from `begin` on, and the log if it is not too large."""
    # Compressed, a few bytes might become any number of them.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={begin}-"} if begin else {})
    timeout = aiohttp.ClientTimeout(total=LOG_SECONDS)
    async with session.get(url, headers=headers, allow_redirects=False, timeout=timeout) as response:
        if response.status != (206 if begin else 200) or "Content-Encoding" in response.headers:
            raise GitHubRefused(
                f"GitHub answered {response.status} instead of the log", answered=response.status
            )
        if (size := response.content_length) is None:
            raise GitHubRefused("GitHub did not say how long the log is")
        return size, await response.read() if size <= MAX_BYTES else b""
