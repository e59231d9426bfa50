"""The translation of a batch of deliveries: the writes of its commit, the messages to post, the errors."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from bridge.core.compression import pack
from bridge.core.messages.addressing import Outgoing
from bridge.core.messages.translation import Translation
from bridge.core.model import Connection, Delivery, Payload
from bridge.core.pulls.gathering import DUE
from bridge.core.pulls.model import PullKey, PullRequest
from bridge.core.pulls.snapshot import Snapshot
from bridge.queue.entries import InboxEntry, IncomingDelivery, OutboxMessage
from bridge.storage import delivery_log, keys
from bridge.storage.writes import Write


@dataclass(kw_only=True)
class TranslatedBatch:
    """The translation of a batch, to be committed together."""

    review_seconds: float = 0
    """Seconds that a review waits for more of its parts."""

    deliveries: list[InboxEntry] = field(default_factory=list)
    """Those that were translated."""
    writes: list[Write] = field(default_factory=list)
    messages: list[OutboxMessage] = field(default_factory=list)
    later: list[IncomingDelivery] = field(default_factory=list)
    """Deliveries of bridge's own, to be translated after a while."""
    pulls: dict[PullKey, PullRequest] = field(default_factory=dict)
    """The pull requests they are about, as their threads show them after the commit."""
    snapshots: dict[PullKey, Snapshot] = field(default_factory=dict)
    """Those snapshots as Redis holds them after the commit."""
    connections: list[Connection] = field(default_factory=list)
    """Connections of their repositories that were read beforehand, `read_at` by the monotonic clock."""
    read_at: float = 0
    errors: dict[str, Exception] = field(default_factory=dict)
    """The reasons why deliveries were not translated, by the entry's id."""

    def skip(self, entry: InboxEntry) -> None:
        """Add a delivery that nobody is connected for: its id is forgotten, so that it may come again."""
        seen = keys.seen(keys.partition_of(entry.repository_id), entry.delivery_id)
        self.writes.append(Write("DEL", seen, "", 0))
        self.deliveries.append(entry)

    def add(
        self,
        entry: InboxEntry,
        delivery: Delivery,
        translation: Translation,
        connections: Sequence[Connection],
    ) -> None:
        """Add what a delivery becomes in the thread of one pull request."""
        self.writes += _skipped(entry, delivery, translation, connections)
        self.messages += [_message(entry, delivery, one) for one in translation.outgoing]
        if translation.due is not None:
            self.later.append(_later(entry, translation.due, self.review_seconds))
        if translation.pull is not None:
            self.pulls[entry.repository_id, translation.number] = translation.pull


def _skipped(
    entry: InboxEntry, delivery: Delivery, translation: Translation, connections: Sequence[Connection]
) -> list[Write]:
    """Return the delivery log's lines about connections that get no message."""
    if len(translation.outgoing) == len(connections):
        return []
    receivers = {one.connection.id for one in translation.outgoing}
    reasons = {
        one.id: translation.muted.get(one.id, translation.silence)
        for one in connections
        if one.id not in receivers and (one.id in translation.muted or translation.silence)
    }
    return delivery_log.skipped(entry.repository_id, delivery, translation.number, connections, reasons)


def _message(entry: InboxEntry, delivery: Delivery, outgoing: Outgoing) -> OutboxMessage:
    return OutboxMessage(
        connection_id=outgoing.connection.id,
        repository_id=entry.repository_id,
        number=outgoing.number,
        uuid=outgoing.uuid,
        delivery_id=entry.delivery_id,
        event=entry.event,
        action=delivery.action,
        sender=delivery.sender,
        received_at=entry.received_at,
        content=outgoing.message,
    )


def _later(entry: InboxEntry, payload: Payload, seconds: float) -> IncomingDelivery:
    return IncomingDelivery(
        delivery_id=entry.delivery_id,
        event=DUE,
        repository_id=entry.repository_id,
        number=entry.number,
        received_at=entry.received_at + seconds,
        signer=entry.signer,
        signature="",
        body=pack(orjson.dumps(payload)),
    )
