"""What goes through the queue: deliveries, messages, and what becomes of them; how Redis keeps each."""

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
    """The right to work on a partition; `fence` tells this owner from those before and after."""

    partition: int
    fence: str


class EnqueueResult(IntEnum):
    """What became of a delivery at the inbox's door."""

    DUPLICATE = 0
    TAKEN = 1
    REPOSITORY_FULL = 2
    """Its repository has no room left: what it has waiting must go first."""
    QUEUE_FULL = 3
    """All together have none left, and its repository has not little waiting."""
    DAY_FULL = 4
    """Its repository sent as many today as are remembered."""


class IncomingDelivery(NamedTuple):
    """A delivery on its way into the inbox."""

    delivery_id: str
    event: str
    repository_id: int
    number: int
    received_at: float
    """Unix seconds; of a delivery of bridge's own, when to translate it."""
    signer: str
    signature: str
    body: bytes
    """Packed."""

    @property
    def fields(self) -> list[str]:
        """An inbox entry's fields but for the body, each name before its value."""
        return [
            *("delivery_id", self.delivery_id, "event", self.event, "repository_id", str(self.repository_id)),
            *("number", str(self.number), "received_at", str(self.received_at), "signer", self.signer),
        ]

    @classmethod
    def of(cls, envelope: Envelope, *, repository_id: int, number: int) -> "IncomingDelivery":
        """A delivery that came just now, about a pull request or (`number` 0) a repository."""
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
        """Without what it carries."""
        return f"InboxEntry(id={self.id!r}, delivery_id={self.delivery_id!r}, event={self.event!r})"

    @property
    def body(self) -> bytes:
        """The payload's JSON; raises `ValueError` where what Redis keeps is broken."""
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
    """The delivery's; for the journal."""


class OutboxEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A message and its place in the outbox."""

    kind: ClassVar[Kind] = "outbox"

    id: str
    message: OutboxMessage

    @property
    def received_at(self) -> float:
        """When the delivery came, in Unix seconds."""
        return self.message.received_at


Entry = InboxEntry | OutboxEntry


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """An entry of the outbox that this version cannot read: another version wrote it."""

    kind: ClassVar[Kind] = "outbox"

    id: str


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """What was tried in vain: how often, when next (Unix seconds), and what went wrong last."""

    count: int = 0
    next_at: float = 0
    reason: str = ""


class Ack(NamedTuple):
    """A message at its end, and what is to be written then: texts only."""

    entry: OutboxEntry
    writes: Sequence[Write] = ()


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """What could not be delivered, and why; `id` names it for the commands."""

    id: str
    kind: Kind
    reason: str
    detail: str
    dead_since: float
    fields: dict[str, str] = field(repr=False)

    @property
    def dropped(self) -> str:
        """What is to be said of a payload that was too large to keep; empty where it is there."""
        return dropped(self.fields)


def inbox_entry(entry_id: bytes, fields: Mapping[bytes, bytes]) -> InboxEntry:
    """An entry of the inbox as Redis tells it."""
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
    """An entry of the outbox as Redis tells it."""
    try:
        return OutboxEntry(id=entry_id.decode(), message=load_message(fields[b"message"]))
    except (KeyError, msgspec.MsgspecError):
        return Unreadable(id=entry_id.decode())


def dead_letter_entry(partition: int, entry_id: str, fields: Mapping[bytes, bytes]) -> DeadLetter:
    """A dead letter of a partition as Redis tells it."""
    text = legible(fields)
    return DeadLetter(
        id=f"{partition}-{entry_id}",
        kind="inbox" if text.pop("kind") == "inbox" else "outbox",
        reason=text.pop("reason"),
        detail=text.pop("detail"),
        dead_since=int(entry_id.partition("-")[0]) / 1000,
        fields=text,
    )


def legible(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    """An entry's fields as text, its payload unpacked."""
    return {
        name.decode(): (_unpacked(value) if name == b"body" else value).decode(errors="replace")
        for name, value in fields.items()
    }


def dropped(fields: Mapping[str, str]) -> str:
    """What is to be said of a dead letter whose payload was too large to keep; else empty."""
    if "dropped" not in fields:
        return ""
    return (
        f"its payload was dropped, because it was larger than {LARGEST_DEAD:,} bytes"
        f" ({int(fields['dropped']):,} packed): have GitHub send it again,"
        " by Redeliver under the webhook's Recent Deliveries"
    )


def _unpacked(data: bytes) -> bytes:
    try:
        return unpack(data)
    except ValueError as error:
        return str(error).encode()


def redriven(data: str) -> list[str | float]:
    """The fields by which a dead letter goes through the inbox again; raises `BridgeError`."""
    try:
        message = load_message(data.encode())
    except msgspec.MsgspecError:
        raise BridgeError(
            "another version of bridge wrote this dead letter: retry it with that one"
        ) from None
    return [
        *("delivery_id", message.delivery_id, "event", REDRIVEN),
        *("repository_id", message.repository_id, "number", message.number),
        *("received_at", message.received_at, "body", data),
    ]


dump_message = msgspec.json.Encoder().encode
"""A message as the outbox keeps it: JSON."""

_MESSAGES = msgspec.json.Decoder(OutboxMessage)


def load_message(data: bytes) -> OutboxMessage:
    """What `dump_message` wrote; raises msgspec's error for what another version wrote."""
    return _MESSAGES.decode(data)
