"""Threads and messages as Redis keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from markupsafe import escape

from bridge.storage.redis import Fields

CHANGED, DELETED = "message-edit", "message-delete"
"""Events of the news that a person changed or deleted a message of their own."""


@dataclass(frozen=True, kw_only=True)
class StoredMessage:
    """A message as a flow keeps it; `content` is what was sent, without a token, with its tags resolved.

    `author` is the person who wrote it in the inbox, 0 if a source posted it.
    """

    id: int
    flow_id: str
    thread_id: str
    sent: int
    """Unix milliseconds."""
    author: int
    content: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class InboxThread:
    """A thread about an item elsewhere; `state` is the `thread` of the last message that carried one."""

    id: str
    external_id: str
    source_id: int
    flow_id: str
    state: Mapping[str, Any]
    told: Mapping[str, Any]
    """The state as it came; in `state` the turn is that of the person to whom somebody passed it on."""
    newest: StoredMessage
    first: int
    """The id of its first message."""
    changed: int = 0
    """The id of the news that a message was changed, 0 if there is none."""
    passed_by: str = ""
    """The name of the person who passed the turn on, or took it."""
    activities: int = 0
    discussions: int = 0
    comments: int = 0
    """Messages that people wrote in the inbox."""
    is_done: bool = False


def with_turn(state: Mapping[str, Any], passed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state in which somebody else has the turn."""
    pull = state["bridge"]
    words = escape(f"{passed['who']} ({passed['why']})")
    fields = [one | {"value": words} if one["label"] == "Turn" else one for one in state.get("fields") or ()]
    return {**state, "fields": fields, "bridge": pull | {"turn": pull["turn"] | passed}}


def load_message(flow_id: str, thread: str, entry: tuple[bytes, Fields]) -> StoredMessage:
    """Read an entry of a thread's stream."""
    place, fields = entry
    return read_message(int(place.split(b"-")[0]), flow_id, thread, fields[b"m"])


def read_message(message_id: int, flow_id: str, thread: str, data: bytes) -> StoredMessage:
    """Read a message's own JSON."""
    place = {"id": message_id, "flow_id": flow_id, "thread_id": thread}
    return msgspec.convert(orjson.loads(data) | place, StoredMessage)


def load_thread(name: str, data: Fields) -> InboxThread | None:
    """Read a thread's hash; None from an empty one."""
    if not data:
        return None
    flow_id, told = data[b"flow"].decode(), orjson.loads(data[b"state"])
    passed = orjson.loads(data[b"passed"]) if b"passed" in data else {}
    passed_by = passed.pop("by", "")
    return InboxThread(
        id=name,
        external_id=data[b"external_id"].decode(),
        source_id=int(data[b"source"]),
        flow_id=flow_id,
        state=with_turn(told, passed) if passed else told,
        told=told,
        passed_by=passed_by,
        newest=read_message(int(data[b"last"]), flow_id, name, data[b"newest"]),
        changed=int(data.get(b"changed", 0)),
        first=int(data[b"first"]),
        activities=int(data.get(b"activities", 0)),
        discussions=int(data.get(b"discussions", 0)),
        comments=int(data.get(b"comments", 0)),
        is_done=data[b"done"] == b"1",
    )


def load_change(flow_id: str, row: tuple[bytes, Fields], now: StoredMessage | None) -> StoredMessage:
    """Read the news of a change; `now` is the message that was changed, None if it was deleted."""
    place, fields = row
    content: dict[str, Any] = {"message": int(fields[b"e"])}
    if now:
        content["updated_content"] = now.content["content"]
    event = CHANGED if now else DELETED
    return StoredMessage(
        id=int(place.split(b"-")[0]),
        flow_id=flow_id,
        thread_id=fields[b"t"].decode(),
        sent=int(fields[b"s"]),
        author=int(fields[b"a"]),
        content={"event": event, "content": content, "tags": []},
    )
