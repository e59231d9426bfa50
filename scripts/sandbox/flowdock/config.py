"""The stand-in's configuration, and the inbox that it is."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bridge.inbox.context import Inbox
from bridge.inbox.threads.messages import Accepted, MessageStore


@dataclass(frozen=True, kw_only=True)
class Config:
    """The stand-in's own address, that of its one application, and the Redis that it has for itself."""

    web_url: str
    application_url: str
    redis_url: str
    client_id: str = "flowdock-client"
    client_secret: str = "flowdock-secret"


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A message that the inbox took; of a repeat, the id is that of the message that came first."""

    flow_id: str
    source_id: int
    content: Mapping[str, Any]
    accepted: Accepted
    sent: int = field(default_factory=lambda: int(time.time() * 1000))


@dataclass(kw_only=True)
class RecordingStore(MessageStore):
    """Messages as everywhere; and all that sources sent, as it came, with the repeats."""

    taken: list[Taken] = field(default_factory=list)

    async def post(self, flow_id: str, source_id: int, content: Mapping[str, Any]) -> Accepted:
        """Take a source's message, and remember it."""
        accepted = await super().post(flow_id, source_id, content)
        self.taken.append(Taken(flow_id=flow_id, source_id=source_id, content=content, accepted=accepted))
        return accepted


@dataclass(kw_only=True)
class RecordingInbox(Inbox):
    """An inbox whose messages are recorded."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.messages: RecordingStore = RecordingStore(redis=self.redis, bounds=self.bounds)


STAND_IN = web.AppKey("stand_in", RecordingInbox)
