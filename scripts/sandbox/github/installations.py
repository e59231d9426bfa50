"""Events about a GitHub App's installation.

One installation in acme is only made up: for webhooks that were made with `"app": true` and have no App.

https://docs.github.com/webhooks/webhook-events-and-payloads#installation
"""

from .model import Repo, World
from .payloads import Json, node_id, stamp, stamp_or_none, user_payload
from .records import User
from .seed import ACME, FOUNDED

INSTALLATION = 7001
APP = 7000
ACTIONS = {"created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"}
EVENTS = ["check_run", "check_suite", "issue_comment", "pull_request", "pull_request_review", "repository"]


def installation_lite(number: int) -> Json:
    """Return the installation as every event of an App carries it."""
    return {"id": number, "node_id": node_id("I", number)}


def installation_event(
    world: World, action: str, sender: User, repos: list[Repo], installation: Json | None = None
) -> tuple[str, Json]:
    """Return the event of that action and its payload; `added` and `removed` tell of `repos`.

    Without an `installation`, as REST shows one, it is the one that webhooks made with `"app": true` know.
    """
    installation = installation or _installation(world, sender, suspended=action == "suspend")
    shown = [_repository(repo) for repo in repos]
    around = {"installation": installation, "sender": user_payload(world, sender)}
    if action in ACTIONS:
        asked = {"requester": user_payload(world, sender)} if action == "created" else {}
        return "installation", {"action": action, **around, "repositories": shown, **asked}
    if action not in {"added", "removed"}:
        raise ValueError(f"the action is one of {', '.join(sorted(ACTIONS | {'added', 'removed'}))}")
    changed = {
        "repository_selection": installation["repository_selection"],
        "repositories_added": shown if action == "added" else [],
        "repositories_removed": shown if action == "removed" else [],
        "requester": None,
    }
    return "installation_repositories", {"action": action, **around, **changed}


def _installation(world: World, sender: User, *, suspended: bool) -> Json:
    now = world.clock.now()
    api = f"{world.config.api_url}/app/installations/{INSTALLATION}"
    return {
        "id": INSTALLATION,
        "account": user_payload(world, ACME),
        "repository_selection": "selected",
        "access_tokens_url": f"{api}/access_tokens",
        "repositories_url": f"{world.config.api_url}/installation/repositories",
        "html_url": f"{world.config.web_url}/organizations/acme/settings/installations/{INSTALLATION}",
        "app_id": APP,
        "app_slug": "bridge",
        "target_id": ACME.id,
        "target_type": "Organization",
        "permissions": {"metadata": "read", "pull_requests": "write", "checks": "read"},
        "events": EVENTS,
        "created_at": stamp(FOUNDED),
        "updated_at": stamp(now),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": user_payload(world, sender) if suspended else None,
        "suspended_at": stamp_or_none(now if suspended else None),
    }


def _repository(repo: Repo) -> Json:
    return {
        "id": repo.id,
        "node_id": node_id("R", repo.id),
        "name": repo.name,
        "full_name": repo.full_name,
        "private": repo.private,
    }
