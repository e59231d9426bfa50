"""Values that many deliveries tell of, in any order: each settles to the same in the end.

A `Register` keeps the newest word on one value, a `Members` the newest on a set. Both are merged by rules
that do not depend on which side came first, so any interleaving and repetition of deliveries ends alike.

GitHub's clock has whole seconds, and several deliveries of one second are normal. Within a second the
delivery that is *about* a value (`edited` for the title, `labeled` for a label) counts over those that
only carry it along, and `opened`, the oldest there is, counts least.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

OLDEST, CARRIED, ABOUT = -1, 0, 1
"""How much a delivery's word counts within one second."""

Item = Mapping[str, Any]


def moment(text: object) -> str:
    """GitHub's time as text that compares: UTC to the millisecond; empty where there is none to be read.

    Pull requests have whole seconds and `Z`, other objects milliseconds or an offset, some Unix seconds.
    """
    try:
        if isinstance(text, int | float) and not isinstance(text, bool):
            when = datetime.fromtimestamp(text, tz=UTC)
        else:
            when = datetime.fromisoformat(str(text))
            when = when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Register(NamedTuple):
    """One value: when it was told, how much that counts within its second, and what."""

    at: str
    weight: int
    value: Any

    def merge(self, other: "Register") -> "Register":
        """The newer of two; of equals the one with the greater JSON, so that both sides agree."""
        return max(self, other, key=_rank)


def _rank(register: Register) -> tuple[str, int, bytes]:
    return register.at, register.weight, orjson.dumps(register.value, option=orjson.OPT_SORT_KEYS)


class Members(NamedTuple):
    """A set of items by name: those that the newest deliveries list, less those they removed."""

    at: str
    listed: dict[str, Item]
    removed: list[str]

    def merge(self, other: "Members") -> "Members":
        """The newer of two; of one second all that either lists, less what either removed."""
        if self.at != other.at:
            return max(self, other, key=lambda members: members.at)
        sides = (self.listed, other.listed)
        listed = {
            name: max((side[name] for side in sides if name in side), key=_canonical)
            for name in sorted({*self.listed, *other.listed})
        }
        return Members(self.at, listed, sorted({*self.removed, *other.removed}))

    def items(self) -> list[Item]:
        """The members, by name."""
        return [self.listed[name] for name in sorted(self.listed, key=str.lower) if name not in self.removed]


def _canonical(item: Item) -> bytes:
    return orjson.dumps(item, option=orjson.OPT_SORT_KEYS)


def merge_all(known: Mapping[str, Register], told: Mapping[str, Register]) -> dict[str, Register]:
    """Registers by name, merged one by one; what only one side has stays."""
    return {
        name: known[name].merge(told[name])
        if name in known and name in told
        else known.get(name) or told[name]
        for name in {**known, **told}
    }
