"""A review whose parts are still coming in.

GitHub sends a review and each of its comments as separate events, in any order. The parts are registers, so
that any order ends in the same review.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from bridge.core.model import Payload
from bridge.core.pulls.lww import LwwRegister, merge_all

MAX_REMARKS = 20
"""Comments whose words are kept, the first in reading order; the rest is counted."""

REVIEW = "review"
"""The name of the part that is the review itself; the others have their comments' ids for names."""

DUE = "bridge.review"
"""An event of bridge's own: no more of a review came since the delivery that it names."""

REVIEW_SECONDS = 5.0
"""Seconds to wait for more parts of a review, after the last one that came."""

Parts = Mapping[str, LwwRegister]


class Gathering(msgspec.Struct, frozen=True):
    """The parts that came so far; `due` is the payload that has them told, if no more come."""

    parts: Parts = msgspec.field(default_factory=dict)
    due: Payload = msgspec.field(default_factory=dict)

    def add(self, parts: Parts, due: Payload) -> "Gathering":
        """Return the gathering with another delivery's part."""
        return Gathering(_bounded(merge_all(self.parts, parts)), due)

    @property
    def review(self) -> Mapping[str, Any] | None:
        """The review itself, None if it did not come."""
        return self.parts[REVIEW].value if REVIEW in self.parts else None

    @property
    def remarks(self) -> list[Mapping[str, Any]]:
        """The comments in reading order, those that were deleted left out."""
        return [one.value for one in _in_order(self.parts).values() if not one.value["gone"]]


def _bounded(parts: Parts) -> Parts:
    # Those that were deleted count, too: else it would matter when they were.
    late = list(_in_order(parts))[MAX_REMARKS:]
    return {**parts, **{name: _without_words(parts[name]) for name in late}}


def _without_words(part: LwwRegister) -> LwwRegister:
    return LwwRegister(part.at, part.weight, {**part.value, "body": "", "code": []})


def _in_order(parts: Parts) -> dict[str, LwwRegister]:
    comments = [(name, part) for name, part in parts.items() if name != REVIEW]
    return dict(sorted(comments, key=lambda one: (one[1].value["path"], one[1].value["order"], int(one[0]))))
