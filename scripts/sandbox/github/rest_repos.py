"""REST: a repository itself, as those who administer it change it.

https://docs.github.com/rest/repos/repos
"""

from .payloads import full_repo_payload, repo_payload
from .repositories import perform_on_repo
from .rest import endpoint
from .rest_call import Answer, Call

REPO = "/repos/{owner}/{repo}"


@endpoint("GET", REPO, docs="repos/repos#get-a-repository")
async def get_repo(call: Call) -> Answer:
    """One repository, with what the caller may do in it."""
    caller = call.token.user if call.token else None
    return Answer(full_repo_payload(call.services.world, call.repo(), caller))


@endpoint("PATCH", REPO, docs="repos/repos#update-a-repository")
async def update_repo(call: Call) -> Answer:
    """Change its name, which ways of merging it allows, and whether it is archived."""
    repo, body = call.repo(write=True), call.body
    change = call.services.change(call.user, repo)
    if body.get("archived") is False:
        perform_on_repo(change, "unarchive", {})
    perform_on_repo(change, "settings", {key: body[key] for key in body if key.startswith("allow_")})
    if "name" in body:
        perform_on_repo(change, "rename", {"name": body["name"]})
    if body.get("archived"):
        perform_on_repo(change, "archive", {})
    return Answer(full_repo_payload(call.services.world, repo, call.user))


@endpoint("POST", f"{REPO}/transfer", docs="repos/repos#transfer-a-repository")
async def transfer_repo(call: Call) -> Answer:
    """Give it to `new_owner`; 202, as GitHub does it later."""
    repo = call.repo(write=True)
    perform_on_repo(
        call.services.change(call.user, repo), "transfer", {"new_owner": call.body.get("new_owner")}
    )
    return Answer(repo_payload(call.services.world, repo), 202)
