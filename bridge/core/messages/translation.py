"""The translation of a delivery for one pull request: its messages, addressed, and what is noted of them."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from bridge.core.messages import description, leaving, tags, updates
from bridge.core.messages.addressing import Outgoing, Round, addressed
from bridge.core.messages.events import Said
from bridge.core.model import Connection, Payload
from bridge.core.pulls.model import PullRequest
from bridge.core.pulls.snapshot import Snapshot
from bridge.core.pulls.turn import Turn, since

UNSPOKEN = "it only updates the thread"


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """The snapshot after the delivery, and the messages to post."""

    number: int
    snapshot: Snapshot
    pull: PullRequest | None = None
    """The state for its thread; None if too little is known."""
    outgoing: tuple[Outgoing, ...] = ()
    muted: Mapping[str, str] = msgspec.field(default_factory=dict)
    """The reason why a connection gets no message, by its id."""
    again_in: float = 0
    """Seconds after which the thread has to be brought up to date; 0: it is."""
    due: Payload | None = None
    """A delivery of the event `DUE` to enqueue after a while, so that this one is posted."""
    jobs: tuple[int, ...] = ()
    """Failed jobs to read the logs of."""
    wants_diff: bool = False
    """True if its diff is to be read."""
    silence: str = UNSPOKEN
    """The reason why there is no message; empty if it is of no interest."""


def translation(round_: Round, said: Said | None, merged: Snapshot) -> Translation:
    """Address the message, and a short update to those whose thread would fall behind."""
    pull, again_in, shown = round_.pull, 0.0, updates.shown(round_)
    outgoing, muted = addressed(round_, said, merged, round_.connections) if said else ((), {})
    behind = [one for one in round_.connections if said is None or _is_update_enough(said, one)]
    # A review that is gathered brings the thread up to date.
    if behind and not merged.gathering and (update := updates.update(round_, merged, shown)):
        again_in = updates.wait(round_, merged, shown)
        if not again_in:
            more, silent = addressed(round_, update, merged, behind, part="/update")
            outgoing, muted = (*outgoing, *more), {**muted, **silent}
            merged = merged.saying(updated=round_.now) if more else merged
    if said and not pull.draft:
        merged = merged.saying(ready=True)
    last_words, merged = leaving.last_words(round_, merged, outgoing)
    tagged = [one for each in outgoing for one in each.message.mentions]
    merged = tags.noted(tagged, round_.delivery, round_.sender, merged)
    noted = turn_noted(pull, round_.turn, merged, outgoing, now=round_.now)
    pull = replace(pull, turn_since=noted.said["since"])
    if outgoing:
        noted = noted.saying(shown=shown)
        noted, pull = description.keeping_html(noted, pull)
    return Translation(
        number=pull.number,
        snapshot=noted,
        pull=pull,
        outgoing=(*outgoing, *last_words),
        muted=muted,
        again_in=again_in,
    )


def _is_update_enough(said: Said, connection: Connection) -> bool:
    """Tell whether a connection did not ask for messages about labels, and has to be kept up to date only."""
    return said.group == "labels" and not connection.options.labels


def turn_noted(
    pull: PullRequest,
    found: Turn | None,
    merged: Snapshot,
    outgoing: Sequence[Outgoing] = (),
    *,
    now: float,
) -> Snapshot:
    """Note the holders of the turn, since when, and those tagged for it; the next message tags the others."""
    before, people = list(merged.said.get("turn", ())), [one.id for one in tags.on_turn(found)]
    told = people if outgoing and not merged.gathering else [one for one in before if one in people]
    times = since(pull, found, merged.said.get("since") or {}, now)
    return merged.saying(since=times) if told == before else merged.saying(since=times, turn=told)
