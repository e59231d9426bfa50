"""A delivery to what goes out about it: the new snapshot, and a message for each connection."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.core import events, snapshot
from bridge.core.model import Connection, Delivery, Message
from bridge.core.snapshot import PullRequest

_NAMESPACE = uuid.UUID("6b1d8a52-6a38-4c0e-9a53-2f0c8d1f5b7e")


@dataclass(frozen=True, kw_only=True)
class Translation:
    """The state that stands after the delivery, and what to say in which connection's flow."""

    pull: PullRequest
    messages: tuple[tuple[Connection, str, Message], ...]
    """Connection, the message's uuid, the message."""


def translate(
    delivery: Delivery, known: PullRequest | None, connections: Sequence[Connection]
) -> Translation:
    """What becomes of a `pull_request` delivery, `known` being the snapshot so far."""
    incoming = snapshot.from_payload(delivery.payload)
    messages = [
        (connection, message_uuid(delivery.id, connection.id, index), message)
        for index, message in enumerate(events.messages(delivery))
        for connection in connections
    ]
    return Translation(
        pull=snapshot.newest(known, incoming, action=delivery.action), messages=tuple(messages)
    )


def message_uuid(delivery_id: str, connection_id: str, index: int) -> str:
    """The same for the same message, however often it is sent (UUIDv5, RFC 9562)."""
    return str(uuid.uuid5(_NAMESPACE, f"{delivery_id}:{connection_id}:{index}"))
