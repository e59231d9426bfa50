"""The command behind `scripts/bench`; see there, or `--help`."""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

from scripts.benches import click, intake, report, scale, start, worker
from scripts.benches.findings import Findings
from scripts.benches.rig import say
from scripts.sandbox.house import Broken

PARTS: dict[str, Callable[[bool], Awaitable[Findings]]] = {
    "intake": intake.measure,
    "worker": worker.measure,
    "click": click.measure,
    "scale": scale.measure,
    "start": start.measure,
}


def main(arguments: list[str]) -> int:
    """0 once all is measured; 1 if something broke or, with --check, a bound was missed."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measures bridge beside what others do, and prints one table."
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--write", action="store_true", help="keep the figures in docs/performance.md")
    parser.add_argument("--check", action="store_true", help="fail if a bound is missed")
    options = parser.parse_args(arguments)
    try:
        found = asyncio.run(_measure(options.only or list(PARTS), quick=options.quick))
    except Broken as broken:
        print(f"bench: {broken}", file=sys.stderr)
        return 1
    print(report.table(found.figures))
    if options.write:
        report.write(found, quick=options.quick)
    missed = [figure for figure in found.figures if figure.verdict == "missed"]
    return 1 if options.check and missed else 0


async def _measure(parts: list[str], *, quick: bool) -> Findings:
    found = Findings()
    for part in parts:
        began = time.monotonic()
        one = await PARTS[part](quick)
        found.figures.extend(one.figures)
        found.plots.extend(one.plots)
        found.remarks.extend(one.remarks)
        say(f"{part}: measured in {time.monotonic() - began:.0f} s")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
