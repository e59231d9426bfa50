"""The outcome of each delivery, from the delivery log and the queue, for people.

A delivery is one row, with an end for each pull request it concerns.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from bridge.core.security.redaction import mask_text
from bridge.queue.entries import Kind
from bridge.queue.inspect import DeadLetterSummary, Queued
from bridge.storage.delivery_log import Note

Outcome = Literal["dead", "retrying", "waiting", "posted", "skipped"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""The outcomes of a delivery, the worst first."""


@dataclass(frozen=True, kw_only=True)
class End:
    """The outcome of a delivery for one pull request (`number`; 0 if that is not known).

    Times are Unix seconds. `letter_id` names its dead letter; `past`: a later outcome replaced it.
    """

    outcome: Outcome
    at: float
    number: int
    reason: str = ""
    attempts: int = 0
    next_at: float = 0
    letter_id: str = ""
    kind: Kind = "outbox"
    detail: str = field(default="", repr=False)
    dropped: str = ""
    """The reason why it cannot be retried: its payload is gone."""
    past: bool = False


@dataclass(frozen=True, kw_only=True)
class DeliveryRow:
    """A delivery and its ends, the worst and newest first; `at` is the time of the last one."""

    delivery_id: str
    event: str
    action: str
    sender: str
    """The login of the person or app behind it; empty if that is not known yet."""
    at: float
    ends: tuple[End, ...]

    @property
    def present(self) -> tuple[End, ...]:
        """The ends that still hold."""
        return tuple(end for end in self.ends if not end.past)

    @property
    def outcome(self) -> Outcome:
        """The worst of them."""
        return self.present[0].outcome


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A filter of rows; empty fields and 0 match all."""

    outcome: str = ""
    event: str = ""
    number: int = 0

    def takes(self, row: DeliveryRow) -> bool:
        """Tell whether a row matches: one of its ends must match in full."""
        return self.event in ("", row.event) and any(
            self.outcome in ("", end.outcome) and self.number in (0, end.number) for end in row.present
        )


_Found = tuple[Note | Queued | DeadLetterSummary, End]


def rows(
    notes: Iterable[Note], queued: Iterable[Queued], dead: Sequence[DeadLetterSummary]
) -> list[DeliveryRow]:
    """Return all rows, the newest first; `notes` are the newest first."""
    found: dict[str, list[_Found]] = {}
    for letter in dead:
        found.setdefault(letter.delivery_id, []).append((letter, _of_letter(letter)))
    for entry in queued:
        found.setdefault(entry.delivery_id, []).append((entry, _of_entry(entry)))
    unlogged = {letter.id for letter in dead}
    for note in notes:
        known = found.setdefault(note.delivery_id, [])
        same = [end for _, end in known if note.number == end.number or 0 in (note.number, end.number)]
        if note.outcome == "dead" and (own := {end.letter_id for end in same} & unlogged):
            # The newest line is about the present letter, older ones are about earlier letters.
            unlogged -= own
        else:
            known.append((note, _of_note(note, is_past=bool(same))))
    made = [_row(delivery_id, ends) for delivery_id, ends in found.items()]
    return sorted(made, key=lambda row: -row.at)


def _row(delivery_id: str, found: Sequence[_Found]) -> DeliveryRow:
    ends = sorted((end for _, end in found), key=lambda end: (end.past, OUTCOMES.index(end.outcome), -end.at))
    return DeliveryRow(
        delivery_id=delivery_id,
        event=next((about.event for about, _ in found if about.event), ""),
        action=next((about.action for about, _ in found if about.action), ""),
        sender=next((about.sender for about, _ in found if about.sender), ""),
        at=max(end.at for end in ends),
        ends=tuple(ends),
    )


def _of_letter(letter: DeadLetterSummary) -> End:
    return End(
        outcome="dead",
        at=letter.dead_since,
        number=letter.number,
        reason=mask_text(letter.reason),
        letter_id=letter.id,
        kind=letter.kind,
        detail=mask_text(letter.detail),
        dropped=letter.dropped,
    )


def _of_entry(entry: Queued) -> End:
    if entry.attempts is None:
        return End(outcome="waiting", at=entry.received_at, number=entry.number, kind=entry.kind)
    return End(
        outcome="retrying",
        at=entry.received_at,
        number=entry.number,
        reason=mask_text(entry.attempts.reason),
        attempts=entry.attempts.count,
        next_at=entry.attempts.next_at,
        kind=entry.kind,
    )


def _of_note(note: Note, *, is_past: bool) -> End:
    return End(
        outcome=note.outcome,
        at=note.at,
        number=note.number,
        reason=mask_text(note.reason),
        past=is_past and note.outcome == "dead",
    )
