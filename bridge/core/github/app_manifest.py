"""The manifest of bridge's GitHub App: its permissions and events.

https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

LONGEST_NAME = 34
"""GitHub's limit."""


class Permission(NamedTuple):
    """A permission that the App asks for, and the reason.

    https://docs.github.com/rest/authentication/permissions-required-for-github-apps
    """

    name: str
    level: Literal["read", "write"]
    reason: str


_ALWAYS = (
    Permission("actions", "write", "re-run failed checks, approve workflows, say why jobs failed"),
    Permission("checks", "read", "show checks"),
    Permission("deployments", "write", "show deployments, and approve them"),
    Permission("issues", "write", "assign, and follow comments"),
    Permission("metadata", "read", "know a repository, as every App may"),
    Permission("pull_requests", "write", "approve, ask for reviews, close, update branches"),
    Permission("statuses", "read", "show commit statuses"),
)
_MERGING = Permission("contents", "write", "merge, also by merge queue and auto-merge; follow pushes")
_WITHOUT_MERGING = Permission("contents", "read", "follow pushes")
_MEMBERS = Permission(
    "members",
    "read",
    "name and tag the members of a team that is asked for a review; let members into the inbox",
)

_OF_REPOSITORY_HOOKS = frozenset({"meta", "repository_ruleset", "branch_protection_rule"})
"""`meta` tells of a repository's webhook, which an App does not have. The others would take a right to read
the repository's administration: rules are read again each day."""


def default_name(web_url: str) -> str:
    """Return a name that tells installations apart."""
    host = re.sub(r"[^a-z0-9]+", "-", (urlsplit(web_url).hostname or "").lower()).strip("-")
    return f"bridge-{host}"[:LONGEST_NAME].strip("-")


def permissions(*, merging: bool = True, members: bool = False) -> tuple[Permission, ...]:
    """Return the permissions to ask for: with those to merge, and to read an organization's members."""
    contents = _MERGING if merging else _WITHOUT_MERGING
    return tuple(sorted((*_ALWAYS, contents, *((_MEMBERS,) if members else ()))))


def lacking(granted: Mapping[str, str]) -> tuple[Permission, ...]:
    """Return the permissions that an installation does not have."""
    return tuple(
        one for one in permissions(members=True) if granted.get(one.name) not in (one.level, "write", "admin")
    )


def manifest(
    *, web_url: str, name: str, webhook: str, events: Iterable[str], asked: Iterable[Permission]
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
        "default_permissions": {one.name: one.level for one in asked},
        "default_events": sorted(set(events) - _OF_REPOSITORY_HOOKS),
    }
