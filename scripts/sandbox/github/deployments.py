"""Deployments of a commit, as their event carries them.

https://docs.github.com/webhooks/webhook-events-and-payloads#deployment_status
"""

from .deeds import Change
from .model import Pull
from .payloads import Json, node_id, stamp, user_payload


def deployment_status_payload(
    change: Change, pull: Pull, sha: str, environment: str, state: str, url: str
) -> Json:
    """The event but for its repository and sender; each is a deployment of its own."""
    world = change.world
    api = f"{world.config.api_url}/repos/{change.repo.full_name}"
    number, now = world.new_id(), stamp(pull.updated_at)
    at = f"{api}/deployments/{number}"
    status = world.new_id()
    creator = user_payload(world, change.actor)
    common = {"creator": creator, "created_at": now, "updated_at": now, "repository_url": api}
    return {
        "action": "created",
        "deployment_status": common
        | {
            "url": f"{at}/statuses/{status}",
            "id": status,
            "node_id": node_id("DES", status),
            "state": state,
            "description": "",
            "environment": environment,
            "target_url": url,
            "log_url": url or f"{world.config.web_url}/{change.repo.full_name}/deployments",
            "deployment_url": at,
            "performed_via_github_app": None,
            **({"environment_url": url} if url else {}),
        },
        "deployment": common
        | {
            "url": at,
            "id": number,
            "node_id": node_id("DE", number),
            "sha": sha,
            "ref": pull.head_ref,
            "task": "deploy",
            "payload": {},
            "original_environment": environment,
            "environment": environment,
            "transient_environment": False,
            "production_environment": environment == "production",
            "description": None,
            "statuses_url": f"{at}/statuses",
            "performed_via_github_app": None,
        },
    }
