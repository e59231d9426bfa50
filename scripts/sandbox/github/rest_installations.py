"""REST: what a person reaches through a GitHub App, for the tokens they gave it.

https://docs.github.com/rest/apps/installations
"""

from .app_payloads import installation_payload
from .apps import Installation
from .model import Permission, Repo
from .payloads import full_repo_payload
from .refusals import Refused, not_found
from .rest import endpoint
from .rest_apps import SUSPENDED
from .rest_call import Answer, Call
from .rest_paging import paged

INSTALLATIONS = "/user/installations"
# GitHub's words, but for the last one's: `repositories` is ours.
ONLY_APPS = "You must authenticate with an access token authorized to a GitHub App in order to list {what}"


@endpoint(
    "GET",
    INSTALLATIONS,
    docs="apps/installations#list-app-installations-accessible-to-the-user-access-token",
)
async def list_installations(call: Call) -> Answer:
    """Answer with the installations of the token's App in which its user reaches a repository."""
    found = _theirs(call, "installations")
    page, headers = paged(call, found)
    shown = [installation_payload(call.services.world, one) for one in page]
    return Answer({"total_count": len(found), "installations": shown}, headers=headers)


@endpoint(
    "GET",
    f"{INSTALLATIONS}/{{installation}}/repositories",
    docs="apps/installations#list-repositories-accessible-to-the-user-access-token",
)
async def list_repositories(call: Call) -> Answer:
    """Answer with the repositories of an installation that the user reaches, with what they may do there."""
    number = call.request.match_info["installation"]
    found = next((one for one in _theirs(call, "repositories") if str(one.id) == number), None)
    if found is None:
        raise not_found()
    if found.suspended_by:
        raise Refused(403, SUSPENDED)
    repos = _reached(call, found)
    page, headers = paged(call, repos)
    shown = [full_repo_payload(call.services.world, repo, call.user) for repo in page]
    selection = "all" if found.every else "selected"
    body = {"total_count": len(repos), "repository_selection": selection, "repositories": shown}
    return Answer(body, headers=headers)


@endpoint(
    "GET",
    "/installation/repositories",
    docs="apps/installations#list-repositories-accessible-to-the-app-installation",
)
async def list_installations_repositories(call: Call) -> Answer:
    """Answer with the repositories that an installation's own token reaches."""
    _ = call.user
    token, apps = call.token, call.services.apps
    if token is None or not token.installation_id:
        raise Refused(403, ONLY_APPS.format(what="repositories"))
    covered = apps.repos_of(apps.installations[token.installation_id])
    repos = [repo for repo in covered if apps.granted(token, repo) is not None]
    page, headers = paged(call, repos)
    shown = [full_repo_payload(call.services.world, repo, call.user) for repo in page]
    selection = "all" if apps.installations[token.installation_id].every else "selected"
    body = {"total_count": len(repos), "repository_selection": selection, "repositories": shown}
    return Answer(body, headers=headers)


def _theirs(call: Call, what: str) -> list[Installation]:
    """Return the installations of the token's App that its user reaches; refuses other tokens."""
    _ = call.user
    if not call.token or not call.by_app or call.token.installation_id:
        raise Refused(403, ONLY_APPS.format(what=what))
    app = call.services.apps.apps[call.token.app_id]
    return [one for one in call.services.apps.of(app) if _reached(call, one)]


def _reached(call: Call, installation: Installation) -> list[Repo]:
    covered = call.services.apps.repos_of(installation)
    return [repo for repo in covered if repo.permissions.get(call.user.login, Permission.NONE)]
