"""A person's choice of notifications: about what, and at which hours none."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import msgspec
import orjson

from bridge.inbox import keys
from bridge.inbox.notifications import clock
from bridge.inbox.notifications.clock import SettingRefused
from bridge.storage.redis import Redis


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """The choice; the quiet hours are times of day in `zone`, none where both are empty."""

    turn: bool = True
    mentions: bool = True
    zone: str = ""
    """Empty: UTC."""
    quiet_from: str = ""
    quiet_until: str = ""

    @classmethod
    def chosen(cls, *, turn: bool, mentions: bool, zone: str, quiet_from: str, quiet_until: str) -> Self:
        """Return what a form chooses; raises `SettingRefused`."""
        clock.zone(zone)
        hours = [clock.time_of_day(text) if text else None for text in (quiet_from, quiet_until)]
        if hours.count(None) == 1:
            raise SettingRefused("quiet hours need a beginning and an end")
        if hours[0] and hours[0] == hours[1]:
            raise SettingRefused("quiet hours begin and end at different times")
        begin, end = (one.isoformat("minutes") if one else "" for one in hours)
        return cls(turn=turn, mentions=mentions, zone=zone, quiet_from=begin, quiet_until=end)

    def quiet_seconds(self, now: float) -> float:
        """Return the seconds until the quiet hours end, 0 outside of them; `now` is a Unix time."""
        if not self.quiet_from:
            return 0
        begin, end = clock.time_of_day(self.quiet_from), clock.time_of_day(self.quiet_until)
        at = datetime.fromtimestamp(now, clock.zone(self.zone)).time()
        is_quiet = begin <= at < end if begin < end else at >= begin or at < end
        return clock.next_at(self.quiet_until, self.zone, now) - now if is_quiet else 0


@dataclass(frozen=True, kw_only=True)
class PreferenceStore:
    """Everybody's choice, in Redis."""

    redis: Redis

    async def of(self, person_id: int) -> Preferences:
        """Return a person's choice."""
        found = await self.redis.get(keys.personal("notify", person_id))
        return msgspec.json.decode(found, type=Preferences) if found else Preferences()

    async def keep(self, person_id: int, chosen: Preferences) -> None:
        """Keep a person's choice."""
        await self.redis.set(keys.personal("notify", person_id), orjson.dumps(chosen))
