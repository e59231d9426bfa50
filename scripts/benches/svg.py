"""Curves as SVG: a logarithmic axis across, a linear or logarithmic one up, readable on light and dark."""

import math
from collections.abc import Sequence
from html import escape

from scripts.benches.findings import Plot

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 36, 48
COLOURS = ("#0969da", "#d1242f", "#1a7f37", "#8250df", "#9a6700")
# Not by colour alone: one symbol a curve.
SYMBOLS = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
    "M-4-4h8v8h-8z",
    "M0-5l5 9h-10z",
    "M0-5l5 5l-5 5l-5-5z",
    "M-4-4l8 8m0-8l-8 8",
)


class Axis:
    """The mapping of values to places between `begin` and `end` (in the picture's units)."""

    def __init__(self, values: Sequence[float], begin: float, end: float, *, log: bool) -> None:
        self._log = log
        self._begin, self._end = begin, end
        self.ticks = _decades(min(values), max(values)) if log else _steps(max(values))
        self._low, self._high = self._scaled(self.ticks[0]), self._scaled(self.ticks[-1])

    def at(self, value: float) -> float:
        """Return the place of a value."""
        share = (self._scaled(value) - self._low) / ((self._high - self._low) or 1)
        return round(self._begin + share * (self._end - self._begin), 1)

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self._log else value


def draw(plot: Plot) -> str:
    """Return the picture, whole; every curve has a name, and a title tells what is shown."""
    points = [point for line in plot.lines.values() for point in line]
    across = Axis([x for x, _ in points], LEFT, WIDTH - RIGHT, log=True)
    up = Axis([y for _, y in points], HEIGHT - BOTTOM, TOP, log=plot.log_up)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        ' font-family="sans-serif" font-size="12">',
        f"<title>{escape(plot.title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(LEFT, 20, plot.title, weight="bold"),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, plot.across, anchor="middle"),
        f'<g transform="translate(14 {(TOP + HEIGHT - BOTTOM) / 2:g}) rotate(-90)">'
        f"{_text(0, 0, plot.up, anchor='middle')}</g>",
        *_grid(across, up),
    ]
    for at, (name, line) in enumerate(plot.lines.items()):
        parts += _curve(name, [(across.at(x), up.at(y)) for x, y in line], at)
    return "\n".join([*parts, "</svg>", ""])


def _grid(across: Axis, up: Axis) -> list[str]:
    lines = []
    for tick in across.ticks:
        x = across.at(tick)
        lines.append(f'<path d="M{x} {TOP}V{HEIGHT - BOTTOM}" stroke="#d0d7de"/>')
        lines.append(_text(x, HEIGHT - BOTTOM + 16, f"{tick:,g}", anchor="middle"))
    for tick in up.ticks:
        y = up.at(tick)
        lines.append(f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#d0d7de"/>')
        lines.append(_text(LEFT - 6, y + 4, f"{tick:,g}", anchor="end"))
    return lines


def _curve(name: str, places: list[tuple[float, float]], at: int) -> list[str]:
    colour, symbol = COLOURS[at % len(COLOURS)], SYMBOLS[at % len(SYMBOLS)]
    path = "M" + "L".join(f"{x} {y}" for x, y in places)
    mark = f'<path d="{symbol}" fill="{colour}" stroke="{colour}"'
    y = TOP + 10 + 20 * at
    return [
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *(f'{mark} transform="translate({x} {y})"/>' for x, y in places),
        f'{mark} transform="translate({WIDTH - RIGHT + 16} {y})"/>',
        _text(WIDTH - RIGHT + 26, y + 4, name),
    ]


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-weight="{weight}" fill="#1f2328">'
        f"{escape(text)}</text>"
    )


def _decades(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]


def _steps(high: float) -> list[float]:
    """About five round steps from 0 to beyond `high`."""
    rough = high / 5 or 1
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * part for part in (1, 2, 5, 10) if power * part >= rough)
    return [step * at for at in range(math.ceil(high / step) + 1 if high else 2)]
