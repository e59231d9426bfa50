"""Tags of messages: `@nick` mentions a member of the flow, whose unread mark it becomes as well."""

import re
from collections.abc import Iterable
from typing import Any

from bridge.inbox.context import Inbox

_PERSON = re.compile(r":(user|unread):([0-9]{1,19})")

MOST = 100
"""Tags of a message."""


def listed(tags: Any) -> list[str] | None:
    """Return the tags of a message as sent, a list or a text with commas; None if they are neither."""
    if isinstance(tags, str):
        tags = [tag.strip() for tag in tags.split(",") if tag.strip()]
    is_list = isinstance(tags or [], list) and all(isinstance(tag, str) and tag for tag in tags or ())
    return list(tags or ()) if is_list else None


async def resolved(inbox: Inbox, flow_id: str, tags: Iterable[str]) -> list[str]:
    """Return the tags with `:user:ID` and `:unread:ID` for each `@nick` of a member; others stay text.

    Such tags of people who may not see the flow are dropped.
    """
    found: list[str] = []
    for given in list(tags)[:MOST]:
        tag = given.removeprefix("#") or given
        named = _PERSON.fullmatch(tag)
        person = await inbox.people.find(tag[1:]) if tag.startswith("@") else None
        person_id = int(named[2]) if named else person.id if person else 0
        sees = bool(person_id) and await inbox.flows.may_see(flow_id, person_id)
        if named:
            found += [tag] if sees else []
        else:
            found += [f":user:{person_id}", f":unread:{person_id}"] if sees else [tag]
    return list(dict.fromkeys(found))
