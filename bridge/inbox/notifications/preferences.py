"""A person's choice of notifications: about what, and at which hours none."""

from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from typing import Self
from zoneinfo import ZoneInfo

import orjson

from bridge.core.errors import RequestRefused
from bridge.inbox import keys
from bridge.storage.redis import Redis


class PreferencesRefused(RequestRefused):
    """A form names no such hour or time zone."""

    status = 422
    advice = "Go back and correct it: nothing was changed."


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """The choice; the quiet hours are times of day in `zone`, none where both are empty."""

    turn: bool = True
    calls: bool = True
    zone: str = ""
    """Empty: UTC."""
    quiet_from: str = ""
    quiet_until: str = ""

    @classmethod
    def chosen(cls, *, turn: bool, calls: bool, zone: str, quiet_from: str, quiet_until: str) -> Self:
        """Return what a form chooses; raises `PreferencesRefused`."""
        _zone(zone)
        hours = [_hour(text) if text else None for text in (quiet_from, quiet_until)]
        if hours.count(None) == 1:
            raise PreferencesRefused("quiet hours need a beginning and an end")
        if hours[0] and hours[0] == hours[1]:
            raise PreferencesRefused("quiet hours begin and end at different times")
        begin, end = (one.isoformat("minutes") if one else "" for one in hours)
        return cls(turn=turn, calls=calls, zone=zone, quiet_from=begin, quiet_until=end)

    @cached_property
    def _clock(self) -> ZoneInfo:
        return _zone(self.zone)

    def quiet_seconds(self, now: float) -> float:
        """Return the seconds until the quiet hours end, 0 outside of them; `now` is a Unix time."""
        if not self.quiet_from:
            return 0
        begin, end, here = (
            _hour(self.quiet_from),
            _hour(self.quiet_until),
            datetime.fromtimestamp(now, self._clock),
        )
        at = here.time()
        if not (begin <= at < end if begin < end else at >= begin or at < end):
            return 0
        day = here.date() + timedelta(days=at >= end)
        return max(1, datetime.combine(day, end, self._clock).timestamp() - now)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, LookupError):
        raise PreferencesRefused(f"{name[:60]!r} is not a time zone such as Europe/Berlin") from None


def _hour(text: str) -> time:
    try:
        return time.fromisoformat(text[:5])
    except ValueError:
        raise PreferencesRefused("a time of day is written like 22:00") from None


@dataclass(frozen=True, kw_only=True)
class PreferenceStore:
    """Everybody's choice, in Redis."""

    redis: Redis

    async def of(self, person_id: int) -> Preferences:
        """Return a person's choice."""
        found = await self.redis.get(keys.personal("notify", person_id))
        return Preferences(**orjson.loads(found)) if found else Preferences()

    async def keep(self, person_id: int, chosen: Preferences) -> None:
        """Keep a person's choice."""
        await self.redis.set(keys.personal("notify", person_id), orjson.dumps(asdict(chosen)))
