"""A flow as one JSON document, in pieces: no more of it is in memory than a page of messages.

docs/inbox.md documents its shape. There are no tokens in it, and no buttons, which are bridge's own.
"""

from collections.abc import AsyncIterator
from typing import Any

import orjson

from bridge.inbox.api import shapes
from bridge.inbox.context import Inbox
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.threads.stored import InboxThread

VERSION = 1
"""Of the document's shape."""

AT_ONCE = 100


async def exported(inbox: Inbox, flow: TeamFlow) -> AsyncIterator[bytes]:
    """Yield a flow's document, the threads longest without a message first."""
    head = {
        "version": VERSION,
        "flow": {"id": flow.id, "name": flow.name, "path": flow.path, "archived": flow.is_archived},
        "people": [shapes.user(one) | {"owner": one.id in flow.owners} for one in await inbox.members(flow)],
        "sources": [
            {"id": one.id, "name": one.name, "external_url": one.external_url}
            for one in await inbox.sources.of(flow.id)
        ],
    }
    yield orjson.dumps(head)[:-1] + b',"threads":['
    comma = b""
    for name in await inbox.messages.thread_ids(flow.id):
        if thread := await inbox.messages.thread(flow.id, name):
            yield comma
            comma = b",\n"
            async for piece in _thread(inbox, thread):
                yield piece
    yield b"]}\n"


async def _thread(inbox: Inbox, thread: InboxThread) -> AsyncIterator[bytes]:
    shown: dict[str, Any] = {k: v for k, v in shapes.thread(thread).items() if k != "actions"}
    shown["external_thread_id"] = thread.external_id
    yield orjson.dumps(shown)[:-1] + b',"messages":['
    last, comma = 0, b""
    while page := await inbox.messages.messages(thread, after=last, limit=AT_ONCE, newest=False):
        yield comma + b",".join([orjson.dumps(shapes.message(one)) for one in page])
        last, comma = page[-1].id, b","
    yield b"]}"
