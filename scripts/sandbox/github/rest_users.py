"""REST: the caller, their repositories, rate limit and tokens."""

import hashlib
from collections.abc import Mapping

from .app_permissions import allows
from .model import Permission, Repo
from .payloads import Json, full_repo_payload, profile_payload, stamp, stamp_or_none, user_payload
from .records import User
from .refusals import Refused, not_found
from .rest import endpoint
from .rest_call import NOT_FOR_APPS, Answer, Call
from .rest_paging import paged
from .tokens import Token

AFFILIATIONS = "owner,collaborator,organization_member"
APP_TOKEN = "/applications/{client_id}/token"


@endpoint("GET", "/user", docs="users/users#get-the-authenticated-user")
async def get_user(call: Call) -> Answer:
    """Return the token's user."""
    return Answer(profile_payload(call.services.world, call.require_user()))


@endpoint(
    "GET",
    "/user/memberships/orgs/{org}",
    docs="orgs/members#get-an-organization-membership-for-the-authenticated-user",
)
async def get_membership(call: Call) -> Answer:
    """Answer whether the caller is in an organization: for `read:org`, or an App that may read members."""
    user, organization = _member(call)
    world = call.services.world
    body = {
        "url": f"{world.config.api_url}/user/memberships/orgs/{organization.login}",
        "state": "active",
        "role": "member",
        "organization_url": f"{world.config.api_url}/orgs/{organization.login}",
        "user": user_payload(world, user),
    }
    return Answer(body)


def require_members_read(call: Call) -> None:
    """Refuse a token that may not read who is in an organization."""
    if call.token and call.by_app:
        permissions = call.services.apps.apps[call.token.app_id].manifest.permissions
        if not allows(permissions, (("members", "read"),)):
            raise Refused(403, NOT_FOR_APPS)
    elif not {"read:org", "write:org", "admin:org"} & set(call.token.scopes if call.token else ()):
        raise Refused(403, "You need at least read:org scope to read this organization.")


def _member(call: Call) -> tuple[User, User]:
    """Return the caller and the organization; refuse those who may not read who is in it."""
    user, world = call.require_user(), call.services.world
    require_members_read(call)
    organization = world.user(call.request.match_info["org"])
    if organization is None or user.id not in world.members.get(organization.id, ()):
        raise not_found()
    return user, organization


@endpoint("GET", "/users/{login}", docs="users/users#get-a-user")
async def get_public_user(call: Call) -> Answer:
    """Anybody's profile."""
    user = call.services.world.user(call.request.match_info["login"])
    if user is None:
        raise not_found()
    profile = profile_payload(call.services.world, user)
    del profile["notification_email"]
    return Answer(profile)


@endpoint("GET", "/user/repos", docs="repos/repos#list-repositories-for-the-authenticated-user")
async def list_repos(call: Call) -> Answer:
    """Answer with the repositories the caller was given access to; private ones only with the scope `repo`,
    or of a GitHub App's token where the App is installed.

    `affiliation`, `visibility` and `type` choose, `sort` and `direction` order them.
    """
    world, user, query = call.services.world, call.require_user(), call.request.query
    if "type" in query and {"visibility", "affiliation"} & query.keys():
        raise Refused(422, "If you specify visibility or affiliation, you cannot specify type.")
    found = [
        repo
        for repo in world.repos.values()
        if repo.permissions.get(user.login, Permission.NONE)
        and call.reaches(repo)
        and _is_chosen(repo, user, query)
    ]
    hidden = sorted({repo.owner.id for repo in found if call.lacks_sign_on(repo)})
    page, headers = paged(call, _sorted([repo for repo in found if not call.lacks_sign_on(repo)], query))
    if hidden:
        headers["X-GitHub-SSO"] = f"partial-results; organizations={','.join(map(str, hidden))}"
    return Answer([full_repo_payload(world, repo, user) for repo in page], headers=headers)


def _is_chosen(repo: Repo, user: User, query: Mapping[str, str]) -> bool:
    if repo.owner == user:
        affiliation = "owner"
    else:
        affiliation = "organization_member" if repo.owner.kind == "Organization" else "collaborator"
    kinds = {"public": "public", "private": "private", "owner": "owner", "member": "organization_member"}
    told = {affiliation, "private" if repo.private else "public"}
    wanted = kinds.get(query.get("type") or query.get("visibility", "all"))
    affiliations = query.get("affiliation", AFFILIATIONS).replace(" ", "").split(",")
    return affiliation in affiliations and (wanted is None or wanted in told)


def _sorted(repos: list[Repo], query: Mapping[str, str]) -> list[Repo]:
    sort = query.get("sort", "full_name")
    backwards = query.get("direction", "asc" if sort == "full_name" else "desc") == "desc"
    by_name = sorted(repos, key=lambda repo: repo.full_name.lower(), reverse=backwards)
    if sort == "created":
        return sorted(by_name, key=lambda repo: repo.created_at, reverse=backwards)
    if sort in {"updated", "pushed"}:
        return sorted(by_name, key=lambda repo: repo.pushed_at, reverse=backwards)
    return by_name


@endpoint(
    "GET",
    "/rate_limit",
    docs="rate-limit/rate-limit#get-rate-limit-status-for-the-authenticated-user",
    free=True,
)
async def get_rate_limit(call: Call) -> Answer:
    """Answer with the present window; asking is free."""
    window = call.services.limits.window(call.token.user.id if call.token else 0)
    core = {
        "limit": window.limit,
        "used": window.used,
        "remaining": window.remaining,
        "reset": int(window.reset.timestamp()),
    }
    return Answer({"resources": {"core": core, "search": core, "graphql": core}, "rate": core})


@endpoint("POST", APP_TOKEN, docs="apps/oauth-applications#check-a-token", app_auth=True)
async def check_token(call: Call) -> Answer:
    """Return one of the app's tokens; 404 if it is not valid."""
    return Answer(_authorization(call, _apps_token(call)))


@endpoint("DELETE", APP_TOKEN, docs="apps/oauth-applications#delete-an-app-token", app_auth=True)
async def delete_token(call: Call) -> Answer:
    """Revoke one token."""
    call.services.vault.revoke(_apps_token(call))
    return Answer(status=204)


@endpoint(
    "DELETE",
    "/applications/{client_id}/grant",
    docs="apps/oauth-applications#delete-an-app-authorization",
    app_auth=True,
)
async def delete_grant(call: Call) -> Answer:
    """Revoke all tokens of the user a token belongs to."""
    token = _apps_token(call)
    call.services.vault.revoke_all(token.user, app_id=token.app_id)
    return Answer(status=204)


def _apps_token(call: Call) -> Token:
    access = call.body.get("access_token")
    if not isinstance(access, str) or not access:
        raise Refused(422, "Validation Failed", [{"resource": "OauthAccess", "code": "missing_field"}])
    token = call.services.vault.find(access)
    if token is None or token.installation_id or call.client is None or token.app_id != call.client.app_id:
        raise not_found()
    return token


def _authorization(call: Call, token: Token) -> Json:
    config, client = call.services.config, call.client
    return {
        "id": token.id,
        "url": f"{config.api_url}/authorizations/{token.id}",
        "app": {"name": client.name, "url": client.url, "client_id": client.client_id} if client else None,
        "token": token.access,
        "hashed_token": hashlib.sha256(token.access.encode()).hexdigest(),
        "token_last_eight": token.access[-8:],
        "note": None,
        "note_url": None,
        "created_at": stamp(token.created_at),
        "updated_at": stamp(token.created_at),
        "scopes": list(token.scopes),
        "fingerprint": None,
        "expires_at": stamp_or_none(token.expires_at),
        "user": user_payload(call.services.world, token.user),
    }
