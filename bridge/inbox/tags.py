"""Tags of messages: `@nick` calls a member of the flow, whose unread mark it becomes as well."""

from collections.abc import Iterable
from typing import Any

from bridge.inbox.context import Inbox

MOST = 100
"""Tags of a message."""


def listed(tags: Any) -> list[str] | None:
    """Return the tags of a message as sent, a list or a text with commas; None if they are neither."""
    if isinstance(tags, str):
        tags = [tag.strip() for tag in tags.split(",") if tag.strip()]
    is_list = isinstance(tags or [], list) and all(isinstance(tag, str) and tag for tag in tags or ())
    return list(tags or ()) if is_list else None


async def resolved(inbox: Inbox, flow_id: str, tags: Iterable[str]) -> list[str]:
    """Return the tags with `:user:ID` and `:unread:ID` for each `@nick` of a member; others stay text."""
    found, every = list[str](), list(tags)[:MOST]
    members = await inbox.flows.members(flow_id) if any(tag.startswith("@") for tag in every) else set()
    for tag in every:
        person = await inbox.people.find(tag[1:]) if tag.startswith("@") else None
        if person and person.id in members:
            found += [f":user:{person.id}", f":unread:{person.id}"]
        else:
            found.append(tag.removeprefix("#") or tag)
    return list(dict.fromkeys(found))
