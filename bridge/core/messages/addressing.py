"""Address messages to connections, and give the reason where one gets none."""

import hashlib
import uuid
from collections.abc import Sequence

import msgspec

from bridge.core.messages import tags
from bridge.core.messages.events import Said
from bridge.core.model import Author, Connection, Delivery, Message
from bridge.core.options import Group
from bridge.core.printable import visible
from bridge.core.pulls.accounts import person
from bridge.core.pulls.model import Person, PullRequest
from bridge.core.pulls.snapshot import Snapshot
from bridge.core.pulls.turn import Turn, next_action
from bridge.core.urls import web_address

_NAMESPACE = uuid.UUID("6b1d8a52-6a38-4c0e-9a53-2f0c8d1f5b7e")
_BEGUN = hashlib.sha1(_NAMESPACE.bytes, usedforsecurity=False)


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One message for one connection."""

    connection: Connection
    number: int
    uuid: str
    message: Message


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery with everything that its messages depend on."""

    delivery: Delivery
    pull: PullRequest
    connections: Sequence[Connection]
    now: float
    nobody: str
    """The author's name in messages that nobody caused, such as those about checks; else empty."""
    sender: Person
    """The account that caused the delivery."""
    turn: Turn | None
    """The pull request's turn."""

    @classmethod
    def of(
        cls,
        delivery: Delivery,
        pull: PullRequest,
        connections: Sequence[Connection],
        now: float,
        nobody: str = "",
    ) -> "Round":
        """Find the sender and the turn, once for all messages."""
        return cls(
            delivery=delivery,
            pull=pull,
            connections=connections,
            now=now,
            nobody=nobody,
            sender=Person(login="") if nobody else Person(**person(delivery.payload.get("sender"))),
            turn=next_action(pull),
        )

    @property
    def author(self) -> Author:
        """The author of its messages, as Flowdock shows it."""
        if self.nobody:
            return Author(name=self.nobody)
        sender = self.delivery.payload.get("sender") or {}
        return Author(name=visible(self.sender.login), avatar=web_address(sender.get("avatar_url")))


def addressed(
    round_: Round, said: Said, merged: Snapshot, connections: Sequence[Connection], *, part: str = ""
) -> tuple[tuple[Outgoing, ...], dict[str, str]]:
    """Address a message to connections; returns it with the reasons why others get none."""
    pull = round_.pull
    before = merged.said.get("turn", ())
    # A review that is gathered may have changed the turn, and tags them itself.
    on_turn = () if merged.gathering else tags.on_turn(round_.turn)
    turned = [one for one in on_turn if one.id not in before]
    found = tags.mentions(pull, round_.sender, people=(*said.people, *turned), logins=said.mentions)
    message = Message(
        event=said.kind,
        title=said.title,
        author=round_.author,
        body=said.body,
        mentions=tags.anew(found, round_.delivery, round_.sender, merged),
    )
    muted = {
        one.id: reason
        for one in connections
        if (reason := _muted(one, said.group, round_.sender.bot, merged, pull))
    }
    receivers = [one for one in connections if one.id not in muted]
    return tuple(outgoing(round_, message, one, part=part) for one in receivers), muted


def outgoing(round_: Round, message: Message, connection: Connection, *, part: str = "") -> Outgoing:
    """Address a message to one connection; `part` as in `message_uuid`."""
    number = round_.pull.number
    known_by = message_uuid(round_.delivery.id, connection.id, number, part)
    return Outgoing(connection=connection, number=number, uuid=known_by, message=message)


def message_uuid(delivery_id: str, connection_id: str, number: int, part: str = "") -> str:
    """Return a message's UUID, the same however often it is sent (UUIDv5, RFC 9562).

    `part` tells further messages of one delivery apart: a review may be told early, its thread updated later.
    """
    name = f"{delivery_id}:{connection_id}:{number}{part}"
    # `uuid.uuid5` takes five times as long: it looks SHA-1 up each time, and makes an object of no use here.
    begun = _BEGUN.copy()
    begun.update(name.encode())
    digest = begun.hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def is_shown(known: Snapshot, connection_id: str) -> bool:
    """Tell whether a connection's flow has a thread of a pull request that may change yet."""
    return connection_id in known.said.get("shown_to", ())


def left_out(connection: Connection, pull: PullRequest) -> str:
    """Return why a flow sees nothing of a pull request, as part of a sentence; empty if it sees it."""
    if connection.paused:
        return "the connection is paused"
    return connection.options.leaves_out(base=pull.target, of_bot=pull.author.bot)


def _muted(connection: Connection, group: Group, by_bot: bool, merged: Snapshot, pull: PullRequest) -> str:
    """Return why a connection gets no message; empty if it gets one."""
    # A thread that it shows must not fall behind: a draft was ready, or the option is new.
    is_followed = merged.said.get("ready") or is_shown(merged, connection.id)
    return left_out(connection, pull) or connection.options.mutes(
        group=group,
        base=pull.target,
        is_quiet=pull.draft and (group != "status" or not is_followed),
        by_bot=by_bot,
        of_bot=pull.author.bot,
    )
