"""The day's chart."""

import re

import pytest

from bridge.storage.delivery_log import HOUR, HOURS, Counts
from bridge.web.pages.chart import DOWN, UP, draw

NOW = 1_800_000_000.0


def counts(**given: dict[int, int]) -> Counts:
    """By hours before the present one."""
    columns = [
        tuple(given.get(name, {}).get(HOURS - 1 - at, 0) for at in range(HOURS))
        for name in ("posted", "skipped", "dead")
    ]
    return Counts(*columns)


def test_bars_stand_on_the_line_and_what_died_hangs_below_it() -> None:
    chart = draw(counts(posted={0: 3, 5: 1}, skipped={0: 3}, dead={0: 2}), NOW)
    assert chart.bars == {
        "posted": f"M{18 * 7 + 1} {UP - 5}h5v5h-5zM{23 * 7 + 1} {UP - 15}h5v15h-5z",
        "skipped": f"M{23 * 7 + 1} 0h5v15h-5z",
        "dead": f"M{23 * 7 + 1} {UP + 1}h5v{DOWN}h-5z",
    }
    assert (chart.most, chart.worst) == (6, 2), "as the axes say"
    assert draw(counts(posted={0: 3}), NOW).height == UP + 1, "no gap below where nothing failed"
    assert chart.words == "The last 24 hours: 4 posted, 3 skipped, 2 not delivered."


@pytest.mark.parametrize("kind", ["posted", "skipped", "dead"])
@pytest.mark.parametrize("most", [1, 10_000])
def test_no_bar_leaves_the_picture_and_none_is_too_small_to_see(kind: str, most: int) -> None:
    chart = draw(counts(**{kind: {0: most, 7: 1, 23: 1}}), NOW)
    bars = re.findall(r"M(\d+) (\d+)h5v(\d+)h-5z", chart.bars[kind])
    assert len(bars) == 3
    for x, y, height in (map(int, bar) for bar in bars):
        assert height >= 2
        assert y + height <= chart.height
        assert x <= chart.width - 5


def test_an_hour_that_is_nearly_all_posted_still_shows_what_was_skipped() -> None:
    chart = draw(counts(posted={0: 10_000}, skipped={0: 1}), NOW)
    assert chart.bars["posted"] == f"M{23 * 7 + 1} 2h5v28h-5z"
    assert chart.bars["skipped"] == f"M{23 * 7 + 1} 0h5v2h-5z"


def test_the_hours_in_figures_are_those_in_which_something_happened() -> None:
    chart = draw(counts(posted={2: 1}, dead={0: 4}), NOW)
    present = int(NOW) // HOUR * HOUR
    assert [(hour.begin, hour.posted, hour.skipped, hour.dead) for hour in chart.hours] == [
        (present, 0, 0, 4),
        (present - 2 * HOUR, 1, 0, 0),
    ]
    assert draw(counts(), NOW).bars == {}
