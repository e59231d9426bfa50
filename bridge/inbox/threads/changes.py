"""Edits and deletions of people's own messages."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from bridge.core.budgets import InboxBounds
from bridge.core.errors import NotFound, RequestRefused
from bridge.inbox import keys
from bridge.inbox.threads import placing, search
from bridge.inbox.threads.stored import StoredMessage
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis


class NotYourMessage(RequestRefused):
    """The message is another person's, or a source's."""

    status = 403
    sentence = "only the person who wrote a message may change or delete it"


@dataclass(kw_only=True)
class MessageChanges:
    """Changes of messages in Redis."""

    redis: Redis
    bounds: InboxBounds = field(default_factory=InboxBounds)

    def __post_init__(self) -> None:
        self._change = load_script(self.redis, "bridge.inbox", "change_message")

    async def change(self, message: StoredMessage, person_id: int, content: Mapping[str, Any] | None) -> None:
        """Give a message other content, or delete it (None); raises `NotYourMessage` or `NotFound`."""
        if message.author != person_id:
            raise NotYourMessage
        old, flow, thread = message.content, message.flow_id, message.thread_id
        before = placing.mentioned(old, author=person_id)
        mentioned = [one for one in placing.mentioned(content or {}, author=person_id) if one not in before]
        stored = {"sent": message.sent, "author": message.author}
        deleted = {"event": "activity", "title": "deleted a message", "author": old.get("author") or {}}
        done = await self._change(
            keys=[
                *(keys.thread(thread), keys.entries(thread), keys.edited(thread), keys.messages(flow)),
                *(keys.NEWS, keys.LAST_MESSAGE, keys.usage(flow), keys.FLOWS),
                *(keys.NOTIFICATIONS, keys.NOTIFICATION_NOTES),
            ],
            args=[
                *(flow, thread, message.id, person_id, int(time.time() * 1000)),
                orjson.dumps(stored | {"content": content}) if content else "",
                orjson.dumps(stored | {"content": deleted}),
                *(search.said(old), search.said(content) if content else ""),
                *(self.bounds.threads * 10, orjson.dumps(mentioned), keys.MENTIONS),
            ],
        )
        if not done:
            raise NotFound("the message was deleted already, or is no longer kept")
