"""Tags of messages: `@nick` calls a member of the flow, whose unread mark it becomes as well."""

from collections.abc import Iterable

from bridge.inbox.context import Inbox

MOST = 100
"""Tags of a message."""


async def resolved(inbox: Inbox, flow_id: str, tags: Iterable[str]) -> list[str]:
    """Return the tags with `:user:ID` and `:unread:ID` for each `@nick` of a member; others stay text."""
    found: list[str] = []
    members = await inbox.flows.members(flow_id) if tags else set()
    for tag in list(tags)[:MOST]:
        person = await inbox.people.find(tag[1:]) if tag.startswith("@") else None
        if person and person.id in members:
            found += [f":user:{person.id}", f":unread:{person.id}"]
        else:
            found.append(tag)
    return list(dict.fromkeys(found))
