"""GitHub's accounts and teams as the snapshot keeps them."""

from typing import Any

from bridge.core.model import Payload
from bridge.core.pulls.lww import Item
from bridge.core.urls import web_address

GHOST = "ghost"


def person(user: Payload | None) -> dict[str, Any]:
    """Return the fields of the `Person` behind a `user` object; a ghost's where it is null.

    GitHub shows all deleted accounts as the user `ghost`, whose id therefore identifies nobody.
    https://docs.github.com/account-and-profile: deleting your personal account
    """
    user = user or {}
    login, number = user.get("login") or GHOST, user.get("id")
    known = login != GHOST and isinstance(number, int) and not isinstance(number, bool)
    found = {"login": login, "url": web_address(user.get("html_url")), "id": number if known else 0}
    return found | ({"bot": True} if is_bot(user) else {})


def is_bot(user: Payload | None) -> bool:
    """Tell whether GitHub calls an account a bot: `dependabot[bot]`, and agents such as `Copilot`."""
    user = user or {}
    return user.get("type") == "Bot" or str(user.get("login") or "").endswith("[bot]")


def key_of(one: Item) -> str:
    """Return the key of a person or a team in a set: the id, which no renaming changes."""
    if one.get("is_team"):
        return f"team {one['id'] or one['name']}"
    return str(one["id"]) if one["id"] else GHOST


def asked_of(user: Payload | None, team: Payload | None) -> dict[str, Any]:
    """Return the requested reviewer: a person, or a team (which has neither login nor avatar)."""
    # A team may stand among the people: it is told by its slug.
    if team is None and user and "slug" in user and "login" not in user:
        team = user
    if team:
        return {
            "name": team.get("name") or "",
            "url": web_address(team.get("html_url")),
            "is_team": True,
            "id": team.get("id") or 0,
        }
    asked = person(user)
    return {"name": asked.pop("login"), "is_team": False, **asked}
