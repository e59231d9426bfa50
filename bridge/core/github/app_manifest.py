"""The manifest of bridge's GitHub App: its permissions and events.

https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from bridge.core.messages import translate

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
    "name and tag the members of a team that is asked for a review, follow who joins and leaves it;"
    " let members into the inbox",
)

_RULES = Permission("administration", "read", "follow changes of branch rules at once")

TEAM_EVENTS = frozenset({"membership", "team"})
"""Events of organizations about the members of teams. They take the right to read members.

https://docs.github.com/webhooks/webhook-events-and-payloads#membership
"""


def default_name(web_url: str) -> str:
    """Return a name that tells installations apart."""
    host = re.sub(r"[^a-z0-9]+", "-", (urlsplit(web_url).hostname or "").lower()).strip("-")
    return f"bridge-{host}"[:LONGEST_NAME].strip("-")


def permissions(
    *, merging: bool = True, members: bool = False, rules: bool = False
) -> tuple[Permission, ...]:
    """Return the permissions to ask for: also those to merge, to read members, and to follow rules."""
    contents = _MERGING if merging else _WITHOUT_MERGING
    chosen = (*((_MEMBERS,) if members else ()), *((_RULES,) if rules else ()))
    return tuple(sorted((*_ALWAYS, contents, *chosen)))


def lacking(granted: Mapping[str, str]) -> tuple[Permission, ...]:
    """Return the permissions that an installation does not have."""
    wanted = permissions(members=True, rules=True)
    return tuple(one for one in wanted if granted.get(one.name) not in (one.level, "write", "admin"))


def unheard(granted: Mapping[str, str], subscribed: Collection[str]) -> list[str]:
    """Return the events that an installation's permissions allow but its App does not subscribe to."""
    lacks = {one.name for one in lacking(granted)} - {_MERGING.name}
    heard = [one for one in permissions(members=True, rules=True) if one.name not in lacks]
    return [event for event in events(heard) if event not in subscribed]


def events(asked: Sequence[Permission]) -> list[str]:
    """Return the events that an App with these permissions subscribes to.

    `deployment_protection_rule` is none of them: GitHub sends it to an App that is itself such a rule, and
    holds up the deployment until that App answers.
    """
    # An App has no webhook of a repository, of which `meta` tells.
    without = {"meta"} | (set() if _RULES in asked else translate.RULE_EVENTS)
    return sorted((translate.EVENTS - without) | (TEAM_EVENTS if _MEMBERS in asked else set()))


def manifest(*, web_url: str, name: str, webhook: str, asked: Sequence[Permission]) -> dict[str, Any]:
    """Return the manifest for bridge at `web_url`; `webhook` is the full address for deliveries."""
    return {
        "name": name,
        "url": web_url,
        "description": "One thread per pull request, with buttons that act as the person who clicked.",
        "hook_attributes": {"url": webhook, "active": True},
        "redirect_url": f"{web_url}/github/manifest/created",
        "callback_urls": [f"{web_url}/auth/github/callback"],
        "setup_url": f"{web_url}/",
        "public": False,
        "default_permissions": {one.name: one.level for one in asked},
        "default_events": events(asked),
    }
