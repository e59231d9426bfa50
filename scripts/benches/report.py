"""The table of all figures, and docs/performance.md with its plots."""

import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import redis

from scripts.benches import svg, tools
from scripts.benches.findings import Figure, Findings
from scripts.sandbox.house import ROOT

PAGE = ROOT / "docs" / "performance.md"
PLOTS = ROOT / "docs" / "performance"
HEAD = ("figure", "bridge", "spread", "beside", "theirs", "ratio", "spread", "goal", "")
WRITTEN_BY_HAND = "<!-- below: written by hand -->"


def table(figures: Sequence[Figure]) -> str:
    """Return all figures, a row each, in Markdown; the spread is the least and the most of the rounds."""
    rows = [HEAD, *map(_row, figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([lines[0], rule, *lines[1:]])


def _row(figure: Figure) -> tuple[str, ...]:
    theirs = figure.peers_value
    return (
        figure.name,
        f"{_number(figure.value)} {figure.unit}",
        _spread(figure.ours),
        figure.peer or "–",
        "–" if theirs is None else f"{_number(theirs)} {figure.unit}",
        "–" if figure.ratio is None else f"{figure.ratio:.2f}",
        _spread(figure.ratios),
        _goal(figure),
        figure.verdict or "–",
    )


def _goal(figure: Figure) -> str:
    if figure.bound is None:
        return "–"
    sign = "≥" if figure.better == "more" else "≤"
    return f"{sign} {figure.bound:g}" + ("" if figure.peer else f" {figure.unit}")


def _spread(values: Sequence[float]) -> str:
    return f"{_number(min(values))}–{_number(max(values))}" if len(values) > 1 else "–"


def _number(value: float) -> str:
    """With three digits that count."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def write(found: Findings, *, quick: bool) -> None:
    """Write the page and its plots; what is written by hand at its end stays."""
    PLOTS.mkdir(exist_ok=True)
    for plot in found.plots:
        (PLOTS / f"{plot.name}.svg").write_text(svg.draw(plot))
    kept = PAGE.read_text().partition(WRITTEN_BY_HAND)[2] if PAGE.exists() else "\n"
    PAGE.write_text(page(found, quick=quick) + WRITTEN_BY_HAND + kept)


def page(found: Findings, *, quick: bool) -> str:
    """Return the page in Markdown, up to what is written by hand."""
    made = f"scripts/bench{' --quick' if quick else ''} --write"
    pictures = "\n".join(f"![{plot.title}](performance/{plot.name}.svg)" for plot in found.plots)
    remarks = "\n".join(f"- {remark}" for remark in found.remarks)
    return f"""# Performance

`{made}` made this page on {time.strftime("%Y-%m-%d")}: {machine()}. Absolute figures move from run to run and
from machine to machine; read them against what stands beside them, taken in turn in the same run. Each is the
median of its rounds; a ratio is the median of the rounds' ratios, a spread the least and the most.

{table(found.figures)}

{pictures}

## How it was measured

{remarks}

"""


def machine() -> str:
    """Return what this machine is, and which versions ran."""
    versions = {
        "Python": platform.python_version(),
        "aiohttp": aiohttp.__version__,
        "redis-py": redis.__version__,
        **tools.versions(),
    }
    told = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    return f"{os.cpu_count()} cores ({_processor()}), {platform.system()} {platform.release()}, {told}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )
