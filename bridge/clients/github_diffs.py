"""Small diffs, as GitHub shows them to one user."""

from bridge.clients.github import GitHub
from bridge.core.actions import Call
from bridge.core.pulls import diffs
from bridge.core.pulls.diffs import Diff


async def read_diff(github: GitHub, repository_id: int, number: int, sha: str, *, token: str) -> Diff | None:
    """Read a pull request's diff by one call; None if it is not small. Raises as `GitHub.call` does.

    The repository is asked for by its id: another one may have taken its name.
    """
    place = {"id": str(repository_id), "number": str(number)}
    call = Call(method="GET", url="/repositories/{id}/pulls/{number}/files?per_page=100", variables=place)
    files = await github.call(call, token=token, subject=f"the changes of #{number}")
    return diffs.read(files, sha)
