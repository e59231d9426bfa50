"""Remember the comments and reviews that a thread has: their deliveries come in any order."""

from typing import Literal

from bridge.core.model import Delivery, Payload
from bridge.core.pulls.lww import moment, seconds_between
from bridge.core.pulls.snapshot import Snapshot

MAX_TOLD = 30
"""Comments, those on lines, and reviews, of each the newest, that are remembered."""

OVERTAKEN_SECONDS = 24 * 3600
"""An edit may have overtaken its comment, which is not remembered yet, if that is not older than this."""

_KINDS = {
    "issue_comment": "comment",
    "pull_request_review_comment": "comment",
    "pull_request_review": "review",
}
_MADE, _CHANGED = ("created", "submitted"), ("edited", "deleted")
_FOR_GOOD = "9999"

Standing = Literal["new", "told", "stale"]
"""`new`: the thread has none of its words yet; `stale`: it has newer ones, or they were deleted."""


def standing(delivery: Delivery, known: Snapshot) -> Standing:
    """Return how a delivery about a comment or review stands to the words that its thread has."""
    about, told = _about(delivery), known.said.get("told", {}).get(delivery.event, {})
    name, at = str(about.get("id")), _at(delivery, about)
    if name in told:
        return "stale" if delivery.action in _MADE or at < told[name] else "told"
    if delivery.action in _MADE:
        return "new"
    is_dropped = len(told) == MAX_TOLD and int(name) < min(map(int, told))
    made = moment(about.get("created_at") or about.get("submitted_at"))
    may_overtake = delivery.action == "edited" and made and at and not is_dropped
    return "new" if may_overtake and seconds_between(made, at) <= OVERTAKEN_SECONDS else "told"


def noted(delivery: Delivery, known: Snapshot) -> Snapshot:
    """Note the comment or review that a delivery is about, if any."""
    is_edit_of_else = delivery.action == "edited" and "body" not in (delivery.payload.get("changes") or {})
    if delivery.event not in _KINDS or delivery.action not in (*_MADE, *_CHANGED) or is_edit_of_else:
        return known
    about, told = _about(delivery), known.said.get("told", {})
    before, name = told.get(delivery.event, {}), str(about.get("id"))
    ours = {**before, name: max(before.get(name, ""), _at(delivery, about))}
    newest = sorted(ours, key=int)[-MAX_TOLD:]
    return known.saying(told={**told, delivery.event: {one: ours[one] for one in newest}})


def _about(delivery: Delivery) -> Payload:
    about: Payload = delivery.payload[_KINDS[delivery.event]]
    return about


def _at(delivery: Delivery, about: Payload) -> str:
    """Return the time of the words in a delivery; of an edited review GitHub tells none."""
    if delivery.action == "deleted":
        return _FOR_GOOD
    if delivery.action in _MADE:
        return moment(about.get("created_at") or about.get("submitted_at"))
    return moment(about.get("updated_at") or delivery.payload.get("pull_request", {}).get("updated_at"))
