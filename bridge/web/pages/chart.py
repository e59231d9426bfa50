"""The last day's counts as bars: delivered messages above the line, failed ones below it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.storage.delivery_log import HOUR, HOURS, Counts

STEP, WIDTH = 7, 5
LEAST = 2
UP, DOWN = 30, 12
"""The height above the line and below it, in the picture's units."""


@dataclass(frozen=True, kw_only=True)
class Hour:
    """The counts of one hour, `begin` in Unix seconds."""

    begin: int
    posted: int
    skipped: int
    dead: int


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A picture of `width` by `height` with its line at `line`, and the same in words and in figures.

    `bars` are the outlines of the bars (SVG path data) for `posted`, `skipped` and `dead`.
    """

    width: int
    height: int
    line: int
    bars: Mapping[str, str]
    words: str
    posted: int
    skipped: int
    dead: int
    most: int
    """Deliveries in the fullest hour, as high as the chart."""
    worst: int
    """Failed deliveries in the worst hour, as deep as the chart."""
    hours: tuple[Hour, ...]
    """The hours with any count, the newest first."""


def draw(counts: Counts, now: float | None = None) -> Chart:
    """Draw the chart of these counts; the last bar is the present hour."""
    first = (int(time.time() if now is None else now) // HOUR - HOURS + 1) * HOUR
    posted, skipped, dead = sum(counts.posted), sum(counts.skipped), sum(counts.dead)
    hours = [
        Hour(begin=first + at * HOUR, posted=one, skipped=two, dead=three)
        for at, (one, two, three) in enumerate(zip(counts.posted, counts.skipped, counts.dead, strict=True))
    ]
    most = max(1, *(hour.posted + hour.skipped for hour in hours))
    worst = max(1, *counts.dead)
    return Chart(
        width=HOURS * STEP,
        height=UP + 1 + (DOWN if dead else 0),
        line=UP,
        bars=_bars(hours, most, worst),
        words=f"The last 24 hours: {posted} posted, {skipped} skipped, {dead} not delivered.",
        posted=posted,
        skipped=skipped,
        dead=dead,
        most=most,
        worst=worst,
        hours=tuple(hour for hour in reversed(hours) if hour.posted or hour.skipped or hour.dead),
    )


def _bars(hours: Sequence[Hour], most: int, worst: int) -> dict[str, str]:
    bars = {"posted": "", "skipped": "", "dead": ""}
    for at, hour in enumerate(hours):
        x = at * STEP + 1
        skipped = _height(hour.skipped, most, UP)
        posted = min(UP - skipped, _height(hour.posted, most, UP))
        if posted:
            bars["posted"] += _bar(x, UP - posted, posted)
        if skipped:
            bars["skipped"] += _bar(x, UP - posted - skipped, skipped)
        if hour.dead:
            bars["dead"] += _bar(x, UP + 1, _height(hour.dead, worst, DOWN))
    return {kind: outline for kind, outline in bars.items() if outline}


def _height(count: int, most: int, whole: int) -> int:
    """Return the height of a bar for `count` of `most`, at most `whole`; any count is visible."""
    return max(LEAST, round(count / most * whole)) if count else 0


def _bar(x: int, y: int, height: int) -> str:
    return f"M{x} {y}h{WIDTH}v{height}h-{WIDTH}z"
