"""Webhooks and the record of their deliveries: the words, and how they are shown and signed.

https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers
"""

import hashlib
import hmac
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from .json_text import write_json
from .model import World
from .payloads import Json, stamp

# What a repository's webhook can subscribe to, besides "*".
KNOWN_EVENTS = frozenset(
    [
        *("branch_protection_configuration", "branch_protection_rule", "check_run", "check_suite"),
        *("code_scanning_alert", "commit_comment", "create", "delete", "dependabot_alert"),
        *("deploy_key", "deployment", "deployment_status", "discussion", "discussion_comment", "fork"),
        *("gollum", "issue_comment", "issues", "label", "member", "meta", "milestone", "package"),
        *("page_build", "project", "project_card", "project_column", "public", "pull_request"),
        *("pull_request_review", "pull_request_review_comment", "pull_request_review_thread", "push"),
        *("registry_package", "release", "repository", "repository_import", "repository_ruleset"),
        *("repository_vulnerability_alert", "secret_scanning_alert", "secret_scanning_alert_location"),
        *("security_and_analysis", "star", "status", "team_add", "watch", "workflow_job"),
        "workflow_run",
    ]
)
# What only GitHub Apps and, of the last two, an organization's webhooks can subscribe to.
NOT_OF_REPOSITORIES = {"deployment_review", "membership", "team"}
# What only GitHub Apps hear of; those without an action they need not ask for.
# https://docs.github.com/webhooks/webhook-events-and-payloads#check_suite
FOR_APPS = {
    ("github_app_authorization", None),
    ("installation", None),
    ("installation_repositories", None),
    ("check_suite", "requested"),
    ("check_suite", "rerequested"),
    ("check_run", "rerequested"),
}
# GitHub keeps deliveries for three days; the stand-in keeps this many of each webhook.
KEPT_DELIVERIES = 2000
MASK = "********"


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One event on its way to one webhook; `payload` is what the world was when it happened."""

    hook: "Hook"
    guid: str
    event: str
    action: str | None
    payload: Json
    redelivery: bool = False

    @property
    def number(self) -> int | None:
        """The number of the pull request it is about, if it is about one."""
        about: Json = self.payload.get("pull_request") or self.payload.get("issue") or {}
        return about.get("number")


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One attempt to deliver, as it went; `body` is what was signed and sent."""

    id: int
    shot: Shot
    url: str
    delivered_at: datetime
    duration: float
    status: str
    status_code: int
    request_headers: dict[str, str]
    body: bytes
    response_headers: dict[str, str]
    response_body: str

    @property
    def ok(self) -> bool:
        """Whether the receiver took it."""
        return self.status == "OK"


@dataclass(kw_only=True)
class Hook:
    """A webhook of a repository, or of a registered App: then `app_id` names it, and no repository."""

    id: int
    repository_id: int
    full_name: str
    url: str
    secret: str
    content_type: str
    events: list[str]
    created_at: datetime
    updated_at: datetime
    insecure_ssl: str = "0"
    active: bool = True
    app: bool = False
    app_id: int = 0
    deliveries: deque[Delivery] = field(default_factory=lambda: deque(maxlen=KEPT_DELIVERIES))

    def wants(self, event: str, action: str | None = None, *, named: bool = False) -> bool:
        """Tell whether the event is to be sent here; a ping always is. `named`: only if asked for by name."""
        if not self.app and (event in NOT_OF_REPOSITORIES or {(event, None), (event, action)} & FOR_APPS):
            return False
        if self.app_id and not self.active:
            return False
        if (event, None) in FOR_APPS | {("ping", None)}:
            return True
        return self.active and (event in self.events or ("*" in self.events and not named))


def encode(hook: Hook, shot: Shot) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a delivery, signed with the webhook's present secret."""
    text = write_json(shot.payload)
    if hook.content_type == "form":
        body, kind = urlencode({"payload": text}).encode(), "application/x-www-form-urlencoded"
    else:
        body, kind = text.encode(), "application/json"
    headers = {
        "Accept": "*/*",
        "Content-Type": kind,
        "User-Agent": "GitHub-Hookshot/5an6b0x",
        "X-GitHub-Delivery": shot.guid,
        "X-GitHub-Event": shot.event,
        "X-GitHub-Hook-ID": str(hook.id),
        "X-GitHub-Hook-Installation-Target-ID": str(hook.app_id or hook.repository_id),
        "X-GitHub-Hook-Installation-Target-Type": "integration" if hook.app else "repository",
    }
    if hook.secret:
        headers["X-Hub-Signature"] = f"sha1={_hmac(hook.secret, body, 'sha1')}"
        headers["X-Hub-Signature-256"] = f"sha256={_hmac(hook.secret, body, 'sha256')}"
    return body, headers


def hook_payload(world: World, hook: Hook) -> Json:
    """Return a webhook as REST shows it; the secret is masked."""
    if hook.app_id:
        return _app_hook_payload(world, hook)
    url = f"{world.config.api_url}/repos/{hook.full_name}/hooks/{hook.id}"
    return {
        "type": "Repository",
        "id": hook.id,
        "name": "web",
        "active": hook.active,
        "events": hook.events,
        "config": config_payload(hook),
        "updated_at": stamp(hook.updated_at),
        "created_at": stamp(hook.created_at),
        "url": url,
        "test_url": f"{url}/test",
        "ping_url": f"{url}/pings",
        "deliveries_url": f"{url}/deliveries",
        "last_response": _last_response(hook),
    }


def _app_hook_payload(world: World, hook: Hook) -> Json:
    """Return the webhook of an App, as a ping shows it: it has no address of its own."""
    return {
        "type": "App",
        "id": hook.id,
        "name": "web",
        "active": hook.active,
        "events": hook.events,
        "config": config_payload(hook),
        "updated_at": stamp(hook.updated_at),
        "created_at": stamp(hook.created_at),
        "app_id": hook.app_id,
        "deliveries_url": f"{world.config.api_url}/app/hook/deliveries",
    }


def config_payload(hook: Hook) -> Json:
    """Return the `config` of a webhook."""
    config = {"content_type": hook.content_type, "insecure_ssl": hook.insecure_ssl, "url": hook.url}
    return config | ({"secret": MASK} if hook.secret else {})


def delivery_payload(hook: Hook, delivery: Delivery, *, full: bool) -> Json:
    """Return a delivery as REST lists it, or shows it in `full`.

    https://docs.github.com/rest/repos/webhooks#list-deliveries-for-a-repository-webhook
    """
    shot = delivery.shot
    item: Json = {
        "id": delivery.id,
        "guid": shot.guid,
        "delivered_at": delivery.delivered_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "redelivery": shot.redelivery,
        "duration": round(delivery.duration, 2),
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": shot.event,
        "action": shot.action,
        "installation_id": shot.payload.get("installation", {}).get("id"),
        "repository_id": hook.repository_id or shot.payload.get("repository", {}).get("id"),
        "throttled_at": None,
    }
    if not full:
        return item
    return item | {
        "url": delivery.url,
        "request": {"headers": delivery.request_headers, "payload": shot.payload},
        "response": {"headers": delivery.response_headers, "payload": delivery.response_body},
    }


def _last_response(hook: Hook) -> dict[str, Any]:
    if not hook.deliveries:
        return {"code": None, "status": "unused", "message": None}
    last = hook.deliveries[-1]
    return {"code": last.status_code, "status": "active" if last.ok else "failed", "message": last.status}


def _hmac(secret: str, body: bytes, name: str) -> str:
    return hmac.new(secret.encode(), body, getattr(hashlib, name)).hexdigest()
