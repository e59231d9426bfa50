"""People's own words in a thread."""

import re
from collections.abc import Sequence

from bridge.inbox.context import Inbox
from bridge.inbox.flows import TeamFlow
from bridge.inbox.people import InboxPerson
from bridge.inbox.tags import resolved

MAX_REPLY = 8096
"""Characters."""

_MENTION = re.compile(r"(?<![\w@])@([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))")


async def post_reply(
    inbox: Inbox,
    person: InboxPerson,
    flow: TeamFlow,
    thread_id: str,
    text: str,
    *,
    tags: Sequence[str] = (),
    uuid: str | None = None,
) -> int:
    """Post a person's words in one of the flow's threads, with `tags` and the people whom they call.

    Returns the message's id; raises `UnknownThread`.
    """
    called = [f"@{nick}" for nick in dict.fromkeys(_MENTION.findall(text))]
    mentions = [tag for tag in await resolved(inbox, flow.id, called) if tag.startswith(":")]
    every = list(dict.fromkeys([*mentions, *await resolved(inbox, flow.id, tags)]))
    # The name of now, for when the person has left.
    author = {"name": person.name, "avatar": person.avatar}
    content = {"event": "message", "content": text, "tags": every, "author": author}
    if uuid:
        content["uuid"] = uuid
    return (await inbox.messages.reply(flow.id, thread_id, person.id, content)).id
