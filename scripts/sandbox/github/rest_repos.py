"""REST: a repository itself, and changes to it by its administrators.

https://docs.github.com/rest/repos/repos
"""

from .installing import owned_by
from .model import Permission
from .payloads import full_repo_payload, repo_payload
from .records import User
from .refusals import Refused, forbidden, not_found
from .repositories import create, perform_on_repo
from .rest import endpoint
from .rest_call import NOT_FOR_APPS, Answer, Call

REPO = "/repos/{owner}/{repo}"


@endpoint("GET", REPO, docs="repos/repos#get-a-repository")
async def get_repo(call: Call) -> Answer:
    """Return a repository with the caller's permissions."""
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


@endpoint("POST", "/user/repos", docs="repos/repos#create-a-repository-for-the-authenticated-user")
async def create_own_repo(call: Call) -> Answer:
    """Make a repository of one's own."""
    return _create(call, call.require_user())


@endpoint("POST", "/orgs/{org}/repos", docs="repos/repos#create-an-organization-repository")
async def create_org_repo(call: Call) -> Answer:
    """Make one in an organization, for its owners."""
    owner, user = call.services.world.user(call.request.match_info["org"]), call.require_user()
    if owner is None or owner.kind != "Organization":
        raise not_found()
    if not owned_by(call.services.world, user, owner):
        raise forbidden()
    return _create(call, owner)


def _create(call: Call, owner: User) -> Answer:
    if call.by_app:
        raise Refused(403, NOT_FOR_APPS)
    scopes = set(call.token.scopes) if call.token else set()
    if not scopes & ({"repo"} if call.body.get("private") else {"repo", "public_repo"}):
        raise not_found()
    world = call.services.world
    repo = create(world, owner, call.body)
    repo.permissions[call.user.login] = Permission.ADMIN
    return Answer(full_repo_payload(world, repo, call.user), 201)
