"""The command behind `scripts/bench`; see there, or `--help`."""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

from scripts.benches import click, inbox, intake, memory, report, scale, start, worker
from scripts.benches.findings import Findings
from scripts.benches.rig import say
from scripts.sandbox.house import Broken

PARTS: dict[str, Callable[[bool], Awaitable[Findings]]] = {
    "intake": intake.measure,
    "worker": worker.measure,
    "click": click.measure,
    "inbox": inbox.measure,
    "scale": scale.measure,
    "memory": memory.measure,
    "start": start.measure,
}


def main(arguments: list[str]) -> int:
    """Return 0 once all is measured; 1 if something broke or, with --check, a bound was missed."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measures bridge beside what others do, and prints one table."
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--write", action="store_true", help="keep the figures in docs/performance.md")
    parser.add_argument("--check", action="store_true", help="fail if a bound is missed")
    options = parser.parse_args(arguments)
    if options.only and options.write:
        parser.error("the page covers all parts: --write goes without --only")
    found, broken = asyncio.run(_measure(options.only or list(PARTS), quick=options.quick))
    print(report.table(found.figures))
    if broken:
        return 1
    if options.write:
        report.write(found, quick=options.quick)
    missed = [figure for figure in found.figures if figure.verdict == "missed"]
    return 1 if options.check and missed else 0


async def _measure(parts: list[str], *, quick: bool) -> tuple[Findings, list[str]]:
    """Return the findings, and the parts that broke: the others are measured all the same."""
    found, broken = Findings(), []
    for part in parts:
        began = time.monotonic()
        try:
            one = await PARTS[part](quick)
        except Broken as reason:
            say(f"bench: {part}: {reason}")
            broken.append(part)
            continue
        found.figures.extend(one.figures)
        found.plots.extend(one.plots)
        found.remarks.extend(one.remarks)
        say(f"{part}: measured in {time.monotonic() - began:.0f} s")
    return found, broken


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
