"""Messages and threads of the stand-in's inbox, as tests and demos look at them."""

from typing import Any

from bridge.inbox.threads.stored import InboxThread
from scripts.sandbox.flowdock.config import RecordingInbox, Taken
from scripts.sandbox.flowdock.people import FLOWS, PEOPLE, flow_id

ALL = 1_000_000

_NICKS = {f":user:{one.id}": f"@{one.nick}" for one in PEOPLE}


def messages(inbox: RecordingInbox, flow: str | None = None) -> list[dict[str, Any]]:
    """Return every accepted message, of one flow or of all, in order, its fields as sent."""
    return [_message(one) for one in inbox.messages.taken if flow is None or flow_id(flow) == one.flow_id]


async def threads(inbox: RecordingInbox, flow: str | None = None) -> list[dict[str, Any]]:
    """Return every thread of one flow or of all in its current state, the newest activity first."""
    return [
        _thread(path, one)
        for path in ([flow] if flow else FLOWS)
        for one in await inbox.messages.threads(flow_id(path), limit=ALL)
    ]


def _message(one: Taken) -> dict[str, Any]:
    tags = [tag for tag in one.content["tags"] if not tag.startswith(":unread:")]
    return {
        **one.content,
        "tags": [_NICKS.get(tag, tag) for tag in tags],
        "user_tags": [tag for tag in tags if tag in _NICKS],
        "id": one.accepted.id,
        "sent": one.sent,
        "source": one.source_id,
        "repeat": one.accepted.is_repeat,
    }


def _thread(flow: str, one: InboxThread) -> dict[str, Any]:
    return {
        "fields": [],
        "actions": [],
        **one.state,
        "id": one.id,
        "external_thread_id": one.external_id,
        "source": one.source_id,
        "flow": flow,
        "messages": one.activities + one.discussions,
    }
