"""Filters for the templates: times, texts that may hold a secret, whole sentences."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from markupsafe import Markup

from bridge.core.security.redaction import mask_text
from bridge.web.render import whole

_ACTIONS = {"synchronize": "pushed to"}
_UNITS = ((1, 60, "s"), (60, 3600, "min"), (3600, 86400, "h"), (86400, 86400 * 60, "days"))
"""Each unit's seconds, the seconds up to which it is used, and its name."""


def exact(seconds: float) -> str:
    """Format Unix seconds for people: `24 Nov 2026, 22:10 UTC`."""
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%-d %b %Y, %H:%M} UTC"


def words(seconds: float, now: float) -> str:
    """Format a time relative to `now`: `just now`, `5 min ago`, `in 20 s`; a date if it is long ago."""
    distance = abs(now - seconds)
    if distance < 1 or (distance < 10 and seconds <= now):
        return "just now"
    for length, limit, unit in _UNITS:
        if distance < limit:
            count = int(distance // length)
            name = "day" if (unit, count) == ("days", 1) else unit
            return f"{count} {name} ago" if seconds <= now else f"in {count} {name}"
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%-d %b %Y}"


def ago(seconds: float) -> Markup:
    """Make a `<time>` that shows Unix seconds relative to now: so it is right in every time zone."""
    machine = f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        machine, exact(seconds), words(seconds, time.time())
    )


def event_name(event: str, action: str = "") -> str:
    """Name a delivery's event and action in words: `Check run completed`."""
    # The events that bridge makes itself begin so.
    name = f"{event.removeprefix('bridge.')} {_ACTIONS.get(action, action)}".replace("_", " ").strip()
    return (name or "delivery").capitalize()


FILTERS: dict[str, Callable[..., str]] = {
    "ago": ago,
    "event_name": event_name,
    "masked": mask_text,
    "whole": whole,
}
"""For the templates."""
