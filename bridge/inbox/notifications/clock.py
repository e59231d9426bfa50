"""A person's clock: times of day in their own zone."""

from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from bridge.core.errors import RequestRefused


class SettingRefused(RequestRefused):
    """A form of the settings holds no such time, zone or address."""

    status = 422
    advice = "Go back and correct it: nothing was changed."


def zone(name: str) -> tzinfo:
    """Return a time zone by its name, UTC for an empty one; raises `SettingRefused`."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ValueError, OSError, LookupError):
        raise SettingRefused(f"{name[:60]!r} is not a time zone such as Europe/Berlin") from None


def time_of_day(text: str) -> time:
    """Read a time of day such as 22:00; raises `SettingRefused`."""
    try:
        return time.fromisoformat(text[:5])
    except ValueError:
        raise SettingRefused("write a time of day like 22:00") from None


def next_at(hour: str, zone_name: str, after: float) -> float:
    """Return the first Unix time later than `after` at which a clock shows `hour`."""
    here, wanted = datetime.fromtimestamp(after, zone(zone_name)), time_of_day(hour)
    days = (here.date() + timedelta(days=number) for number in range(3))
    moments = (datetime.combine(day, wanted, here.tzinfo).timestamp() for day in days)
    return next(moment for moment in moments if moment > after)
