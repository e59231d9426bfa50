"""The manifest of bridge's GitHub App: its permissions and events.

https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

LONGEST_NAME = 34
"""GitHub's limit."""

PERMISSIONS = {
    "actions": "write",
    "checks": "read",
    "contents": "write",
    "deployments": "read",
    "issues": "write",
    "metadata": "read",
    "pull_requests": "write",
    "statuses": "read",
}
"""The permissions of the buttons (`write`: re-run, merge, assign, review and close), of the events, and
of the logs of failed jobs (`actions`).

https://docs.github.com/rest/authentication/permissions-required-for-github-apps
"""

_OF_REPOSITORY_HOOKS = frozenset({"meta", "repository_ruleset", "branch_protection_rule"})
"""`meta` tells of a repository's webhook, which an App does not have. The others would take a right to read
the repository's administration: rules are read again each day."""


def default_name(web_url: str) -> str:
    """Return a name that tells installations apart."""
    host = re.sub(r"[^a-z0-9]+", "-", (urlsplit(web_url).hostname or "").lower()).strip("-")
    return f"bridge-{host}"[:LONGEST_NAME].strip("-")


def permissions(*, members: bool) -> dict[str, str]:
    """Return the permissions to ask for; `members` adds reading an organization's members."""
    return {**PERMISSIONS, "members": "read"} if members else PERMISSIONS


def manifest(
    *, web_url: str, name: str, webhook: str, events: Iterable[str], members: bool = False
) -> dict[str, Any]:
    """Return the manifest for bridge at `web_url`; `webhook` is the full address for deliveries."""
    return {
        "name": name,
        "url": web_url,
        "description": "One thread per pull request, with buttons that act as the one who clicked.",
        "hook_attributes": {"url": webhook, "active": True},
        "redirect_url": f"{web_url}/github/manifest/created",
        "callback_urls": [f"{web_url}/auth/github/callback"],
        "setup_url": f"{web_url}/",
        "public": False,
        "default_permissions": permissions(members=members),
        "default_events": sorted(set(events) - _OF_REPOSITORY_HOOKS),
    }
