"""The entries of the queue, and how Redis stores them."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar, Literal, NamedTuple

import msgspec

from bridge.core.budgets import LARGEST_DEAD
from bridge.core.compression import pack, unpack
from bridge.core.errors import BridgeError
from bridge.core.model import Envelope, Message, Signer
from bridge.storage.writes import Write

REDRIVEN = "bridge.message"
"""The event of an inbox entry whose body is a redriven message: no webhook of GitHub's has this name."""

Kind = Literal["inbox", "outbox"]


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to work on a partition; `fence` tells its owner from earlier and later ones."""

    partition: int
    fence: str


class EnqueueResult(IntEnum):
    """The result of enqueueing a delivery."""

    DUPLICATE = 0
    TAKEN = 1
    REPOSITORY_FULL = 2
    """The backlog of its repository is full."""
    QUEUE_FULL = 3
    """The whole backlog is full, and its repository is not among those with little waiting."""
    DAY_FULL = 4
    """Its repository has sent the most deliveries that are taken in a day."""


class IncomingDelivery(msgspec.Struct, frozen=True):
    """A delivery to enqueue."""

    delivery_id: str
    event: str
    repository_id: int
    number: int
    received_at: float
    """Unix seconds; of a delivery of bridge's own, when to translate it."""
    signer: str
    signature: str
    body: bytes
    """Compressed."""

    @property
    def fields(self) -> list[str]:
        """An inbox entry's fields but for the body, each name before its value."""
        return [
            *("delivery_id", self.delivery_id, "event", self.event, "repository_id", str(self.repository_id)),
            *("number", str(self.number), "received_at", str(self.received_at), "signer", self.signer),
        ]

    @classmethod
    def of(cls, envelope: Envelope, *, repository_id: int, number: int) -> "IncomingDelivery":
        """Make a delivery of this moment, about a pull request or (`number` 0) a repository."""
        return cls(
            envelope.id,
            envelope.event,
            repository_id,
            number,
            time.time(),
            envelope.signer,
            envelope.signature,
            pack(envelope.body),
        )


class InboxEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery to translate."""

    kind: ClassVar[Kind] = "inbox"

    id: str
    delivery_id: str
    event: str
    repository_id: int
    number: int
    received_at: float
    packed: bytes
    signer: Signer = "repository"

    def __repr__(self) -> str:
        """Omit the payload."""
        return f"InboxEntry(id={self.id!r}, delivery_id={self.delivery_id!r}, event={self.event!r})"

    @property
    def body(self) -> bytes:
        """The payload's JSON; raises `ValueError` if it is damaged."""
        return unpack(self.packed)


class OutboxMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message for one connection; the thread is drawn from the snapshot when it is posted."""

    connection_id: str
    repository_id: int
    number: int
    uuid: str
    delivery_id: str
    received_at: float
    content: Message
    event: str = ""
    action: str = ""
    sender: str = ""
    """The delivery's; for the delivery log."""


class OutboxEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A message and its place in the outbox."""

    kind: ClassVar[Kind] = "outbox"

    id: str
    message: OutboxMessage

    @property
    def received_at(self) -> float:
        """The time of the delivery, in Unix seconds."""
        return self.message.received_at


Entry = InboxEntry | OutboxEntry


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """An outbox entry that this version cannot read: another version wrote it."""

    kind: ClassVar[Kind] = "outbox"

    id: str


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """Failed attempts: how many, when the next is due (Unix seconds), and why the last failed."""

    count: int = 0
    next_at: float = 0
    reason: str = ""


class Ack(NamedTuple):
    """A message that is done, and what to write with its removal: texts only."""

    entry: OutboxEntry
    writes: Sequence[Write] = ()


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """An entry that failed for good, and why; commands name it by `id`."""

    id: str
    kind: Kind
    reason: str
    detail: str
    dead_since: float
    fields: dict[str, str] = field(repr=False)

    @property
    def dropped(self) -> str:
        """The reason why it cannot be redriven; empty if it can."""
        return dropped(self.fields)


def inbox_entry(entry_id: bytes, fields: Mapping[bytes, bytes]) -> InboxEntry:
    """Read an inbox entry."""
    return InboxEntry(
        id=entry_id.decode(),
        delivery_id=fields[b"delivery_id"].decode(),
        event=fields[b"event"].decode(),
        repository_id=int(fields[b"repository_id"]),
        number=int(fields[b"number"]),
        received_at=float(fields[b"received_at"]),
        packed=fields[b"body"],
        signer="operator" if fields.get(b"signer") == b"operator" else "repository",
    )


def outbox_entry(entry_id: bytes, fields: Mapping[bytes, bytes]) -> OutboxEntry | Unreadable:
    """Read an outbox entry."""
    try:
        return OutboxEntry(id=entry_id.decode(), message=load_message(fields[b"message"]))
    except (KeyError, msgspec.MsgspecError):
        return Unreadable(id=entry_id.decode())


def dead_letter_entry(partition: int, entry_id: str, fields: Mapping[bytes, bytes]) -> DeadLetter:
    """Read a dead letter, its payload decompressed."""
    text = {
        name.decode(): (_unpacked(value) if name == b"body" else value).decode(errors="replace")
        for name, value in fields.items()
    }
    return DeadLetter(
        id=f"{partition}-{entry_id}",
        kind="inbox" if text.pop("kind") == "inbox" else "outbox",
        reason=text.pop("reason"),
        detail=text.pop("detail"),
        dead_since=int(entry_id.partition("-")[0]) / 1000,
        fields=text,
    )


def dropped(fields: Mapping[str, str]) -> str:
    """Return why a dead letter cannot be redriven: its payload was too large to keep. Empty otherwise."""
    if "dropped" not in fields:
        return ""
    return (
        f"its payload was dropped, because it was larger than {LARGEST_DEAD:,} bytes"
        f" ({int(fields['dropped']):,} compressed): have GitHub send it again,"
        " by Redeliver under the webhook's Recent Deliveries"
    )


def _unpacked(data: bytes) -> bytes:
    try:
        return unpack(data)
    except ValueError as error:
        return str(error).encode()


def dead_message(data: str) -> "OutboxMessage":
    """Read the message of a dead letter; raises `BridgeError` for one of another version."""
    try:
        return load_message(data.encode())
    except msgspec.MsgspecError:
        raise BridgeError(
            "another version of bridge wrote this dead letter: retry it with that one"
        ) from None


def redriven(message: "OutboxMessage", data: str) -> list[str | float]:
    """Return the inbox entry that redrives a dead message, `data` as it was stored."""
    return [
        *("delivery_id", message.delivery_id, "event", REDRIVEN),
        *("repository_id", message.repository_id, "number", message.number),
        *("received_at", message.received_at, "body", data),
    ]


dump_message = msgspec.json.Encoder().encode
"""Write a message as the outbox stores it: JSON."""

_MESSAGES = msgspec.json.Decoder(OutboxMessage)


def load_message(data: bytes) -> OutboxMessage:
    """Read what `dump_message` wrote; raises msgspec's error for a message of another version."""
    return _MESSAGES.decode(data)
