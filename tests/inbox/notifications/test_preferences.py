"""What people choose of their notifications, and when their quiet hours end."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.inbox.notifications.clock import SettingRefused, next_at
from bridge.inbox.notifications.preferences import Preferences

NIGHT = Preferences(zone="Europe/Berlin", quiet_from="22:00", quiet_until="07:30")
NOON = Preferences(zone="America/New_York", quiet_from="12:00", quiet_until="13:00")


def at(text: str, zone: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("chosen", "now", "hours"),
    [
        (NIGHT, "2026-11-27T21:59", 0),
        (NIGHT, "2026-11-27T22:00", 9.5),
        (NIGHT, "2026-11-28T06:30", 1),
        (NIGHT, "2026-11-28T07:30", 0),
        (NOON, "2026-11-27T11:59", 0),
        (NOON, "2026-11-27T12:30", 0.5),
        (NOON, "2026-11-27T13:00", 0),
        (Preferences(zone="UTC"), "2026-11-27T03:00", 0),
        # The clock goes back an hour in this night, and forward in that.
        (NIGHT, "2026-10-24T23:30", 9),
        (NIGHT, "2026-03-28T23:30", 7),
    ],
)
def test_quiet_hours_last_by_the_persons_own_clock(chosen: Preferences, now: str, hours: float) -> None:
    assert chosen.quiet_seconds(at(now, chosen.zone)) == hours * 3600


TIMES = st.times().map(lambda one: one.isoformat("minutes"))


@settings(max_examples=50, deadline=None)
@given(
    zone=st.sampled_from(["", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    hours=st.tuples(TIMES, TIMES).filter(lambda one: one[0] != one[1]),
    now=st.integers(1_700_000_000, 2_000_000_000),
)
def test_quiet_hours_end_within_a_day(zone: str, hours: tuple[str, str], now: int) -> None:
    chosen = Preferences.chosen(
        turn=True, mentions=True, zone=zone, quiet_from=hours[0], quiet_until=hours[1]
    )
    wait = chosen.quiet_seconds(now)
    assert 0 <= wait <= 25 * 3600
    # An hour that the clock repeats may be quiet twice.
    assert chosen.quiet_seconds(now + wait) <= 3600


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"zone": "Mars/Olympus"}, "not a time zone"),
        ({"zone": "../../etc/passwd"}, "not a time zone"),
        ({"zone": "\x00"}, "not a time zone"),
        ({"zone": "z" * 400}, "not a time zone"),
        ({"quiet_from": "22:00"}, "a beginning and an end"),
        ({"quiet_from": "25:00", "quiet_until": "07:00"}, "a time of day"),
        ({"quiet_from": "ten", "quiet_until": "07:00"}, "a time of day"),
        ({"quiet_from": "07:00", "quiet_until": "07:00"}, "different times"),
    ],
)
def test_an_impossible_time_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    fields: dict[str, Any] = {"turn": True, "mentions": True, "zone": "", "quiet_from": "", "quiet_until": ""}
    with pytest.raises(SettingRefused, match=sentence):
        Preferences.chosen(**fields | wrong)


@settings(max_examples=50, deadline=None)
@given(
    zone=st.sampled_from(["", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    hour=TIMES,
    after=st.integers(1_700_000_000, 2_000_000_000),
)
def test_a_clock_shows_each_time_of_day_once_a_day(zone: str, hour: str, after: int) -> None:
    first = next_at(hour, zone, after)
    assert after < first <= after + 25 * 3600
    assert 22 * 3600 <= next_at(hour, zone, first) - first <= 26 * 3600
