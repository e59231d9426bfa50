"""Values that many deliveries report, in any order: each converges.

A `LwwRegister` keeps the newest report of one value, a `LwwSet` that of a set. Both are merged by rules
that do not depend on which side came first, so any interleaving and repetition of deliveries ends alike.

GitHub's clock has whole seconds, and several deliveries of one second are normal. Within a second the
delivery that is *about* a value (`edited` for the title, `labeled` for a label) counts over those that
only carry it along, and `opened`, the oldest there is, counts least. Where two are about the same value
(closed and reopened), it went back to what it was: only what was said before that second can tell.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import orjson

OLDEST, CARRIED, ABOUT, READ = -1, 0, 1, 2
"""The rank of a delivery's value within one second; GitHub's answer, once that is over, ranks highest."""

Item = Mapping[str, Any]


def moment(text: object) -> str:
    """Return GitHub's time as text that compares: UTC to the millisecond; empty if it cannot be read.

    Pull requests have whole seconds and `Z`, other objects milliseconds or an offset, some Unix seconds.
    """
    # A repository's own time is told again with each of its deliveries.
    return _moment(text) if isinstance(text, str) else _from_number(text)


@lru_cache(maxsize=1024)
def _moment(text: str) -> str:
    try:
        when = datetime.fromisoformat(text)
        if len(text) == 20 and text[4:20:3] == "--T::Z":
            # As GitHub writes nearly all of them: right as it stands, but for the milliseconds.
            return f"{text[:-1]}.000Z"
        return _told(when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return ""


def _from_number(seconds: object) -> str:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return ""
    try:
        return _told(datetime.fromtimestamp(seconds, tz=UTC))
    except (ValueError, OverflowError, OSError):
        return ""


def seconds_between(one: str, other: str) -> float:
    """Return the seconds between two moments."""
    return abs((datetime.fromisoformat(one) - datetime.fromisoformat(other)).total_seconds())


def _told(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Switching = tuple[tuple[str, Any], ...]
"""The values that deliveries of the newest few seconds gave a two-valued field, with their times."""
_SECONDS_KEPT = 4


class LwwRegister(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One value with its time, and its rank within that second.

    `switched` settles a value that changes back and forth within one second.
    """

    at: str
    weight: int
    value: Any
    switched: Switching = ()

    def merge(self, other: "LwwRegister") -> "LwwRegister":
        """Return the newer of two; of equals the one with the greater JSON, so that both sides agree."""
        mine, theirs = (self.at, self.weight), (other.at, other.weight)
        if mine != theirs:
            newest = self if mine > theirs else other
        else:
            newest = self if self == other else max(self, other, key=lambda one: _canonical(one.value))
        if not (self.switched or other.switched):
            return newest
        switched = _newest_seconds((*self.switched, *other.switched))
        return LwwRegister(newest.at, newest.weight, newest.value, switched)

    def settled(self, at_birth: Any) -> Any:
        """Return the value; if its second switched it there and back, the one before (`at_birth`: none)."""
        if self.weight == READ or not self._both(self.at):
            return self.value
        before = [value for at, value in self.switched if at < self.at and not self._both(at)]
        return before[0] if before else at_birth

    def _both(self, second: str) -> bool:
        return sum(at == second for at, _ in self.switched) > 1


def _newest_seconds(said: Switching) -> Switching:
    seconds = sorted({at for at, _ in said})[-_SECONDS_KEPT:]
    each = {(at, _canonical(value)): (at, value) for at, value in said if at in seconds}
    return tuple(each[key] for key in sorted(each, reverse=True))


class LwwSet(msgspec.Struct, frozen=True, array_like=True):
    """A set of items by name: those that the newest deliveries list, less those they removed."""

    at: str
    listed: dict[str, Item]
    removed: list[str]

    def merge(self, other: "LwwSet") -> "LwwSet":
        """Return the newer of two; of one second, all members of both, less those that either removed."""
        if self.at != other.at:
            return max(self, other, key=lambda members: members.at)
        sides = (self.listed, other.listed)
        listed = {
            name: max((side[name] for side in sides if name in side), key=_canonical)
            for name in sorted({*self.listed, *other.listed})
        }
        return LwwSet(self.at, listed, sorted({*self.removed, *other.removed}))

    def items(self) -> list[Item]:
        """Return the members, by name."""
        if not self.listed:
            return []
        return [self.listed[name] for name in sorted(self.listed, key=str.lower) if name not in self.removed]


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def merge_all(known: Mapping[str, LwwRegister], told: Mapping[str, LwwRegister]) -> dict[str, LwwRegister]:
    """Merge registers by name; one that only one side has stays."""
    merged = dict(known)
    for name, register in told.items():
        before = merged.get(name)
        # Nearly all are simply newer: then there is nothing to merge.
        if before is None or (register.at > before.at and not register.switched and not before.switched):
            merged[name] = register
        else:
            merged[name] = before.merge(register)
    return merged
