"""People's own words in a thread."""

import re
import time
from collections.abc import Sequence

from bridge.core.names import LOGIN
from bridge.inbox.context import Inbox
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.tags import resolved
from bridge.inbox.threads.stored import StoredMessage

MAX_REPLY = 8096
"""Characters."""

_MENTION = re.compile(rf"(?<![\w@])@({LOGIN})")


async def post_reply(
    inbox: Inbox,
    person: InboxPerson,
    flow: TeamFlow,
    thread_id: str,
    text: str,
    *,
    tags: Sequence[str] = (),
    uuid: str | None = None,
    passed_to: int = 0,
) -> int:
    """Post a person's words in one of the flow's threads, with `tags` and the people whom they mention.

    `passed_to` is the person to whom they pass its turn. Returns the message's id; raises `UnknownThread`.
    """
    every = await _tags(inbox, flow.id, text, tags)
    # The nick of now, for when the person has left.
    author = {"name": person.nick, "avatar": person.avatar}
    content = {"event": "message", "content": text, "tags": every, "author": author}
    if uuid:
        content["uuid"] = uuid
    taken = await inbox.messages.reply(flow.id, thread_id, person.id, content, passed_to=passed_to)
    return taken.id


async def change_reply(
    inbox: Inbox, person: InboxPerson, message: StoredMessage, text: str, *, tags: Sequence[str] = ()
) -> None:
    """Give a person's own message other words; raises as `MessageChanges.change`."""
    every = await _tags(inbox, message.flow_id, text, tags)
    now = int(time.time() * 1000)
    content = {**message.content, "content": text, "tags": every, "edited": now}
    await inbox.changes.change(message, person.id, content)


async def _tags(inbox: Inbox, flow_id: str, text: str, tags: Sequence[str]) -> list[str]:
    named = [f"@{nick}" for nick in dict.fromkeys(_MENTION.findall(text))]
    mentions = [tag for tag in await resolved(inbox, flow_id, named) if tag.startswith(":")]
    return list(dict.fromkeys([*mentions, *await resolved(inbox, flow_id, tags)]))
