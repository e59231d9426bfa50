"""Write an entry's outcome into the delivery log."""

import time

from bridge.queue.entries import Entry, OutboxEntry, OutboxMessage
from bridge.storage import delivery_log
from bridge.storage.delivery_log import Note
from bridge.storage.writes import Write


def outcome_writes(
    entry: Entry | OutboxMessage, outcome: delivery_log.Outcome, reason: str = ""
) -> list[Write]:
    """Return the writes that add an entry's outcome to the delivery log."""
    about = entry.message if isinstance(entry, OutboxEntry) else entry
    action, connection_id, sender = "", "", ""
    if isinstance(about, OutboxMessage):
        action, connection_id, sender = about.action, about.connection_id, about.sender
    line = Note(
        time.time(),
        about.delivery_id,
        about.event,
        action,
        about.number,
        connection_id,
        outcome,
        reason,
        sender,
    )
    return delivery_log.note(about.repository_id, line)
