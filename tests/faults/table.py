"""The table of faults: what came of a load under each."""

import time
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from tests.faults.row import TOTAL, Row

PROPERTY = "fault"
ROWS: list[dict[str, Any]] = []
"""The rows of the test that runs; its report carries them to whoever draws the table."""

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"
COLUMNS = (
    *("fault", "left at each", "deliveries", "lost", "repeated"),
    *("out of order", "stale", "dead letters", "skipped"),
)

_PREFACE = """# Faults

What became of {total} deliveries (20 pull requests in 10 repositories) while something broke in the middle of
them: real processes, a real Redis with an append-only file, Flowdock taking 0.1 s for each post. *Left at
each* is how many were not posted when it broke, each time. *Repeated* posts carry the `uuid` of the first, by
which a receiver can tell; they happen only where Flowdock's answer was lost. Each row is asserted by a test
in `tests/faults/`: lost, out of order and stale must be 0, repeats below their bound, dead letters just those
that Flowdock refused, skipped just those for a source that its flow had removed, each with that reason.

`scripts/test --write-docs` made this page on {day}.

"""


def check(row: Row, *, repeats: int = 0, dead: int = 0, skipped: int = 0) -> None:
    """Nothing is lost or out of order; repeats (which their uuid tells) only where a note was lost."""
    ROWS.append(asdict(row))
    assert (row.deliveries, row.lost, row.out_of_order, row.stale) == (TOTAL, 0, 0, 0)
    assert row.repeated <= repeats
    assert (row.dead, row.skipped) == (dead, skipped)
    assert min(row.left) > 0, "the fault came after the load"


def draw(rows: list[dict[str, Any]]) -> str:
    """The table in Markdown, by the faults' names."""
    names = [field.name for field in fields(Row)]
    lines = [COLUMNS, ("---", *["---:"] * (len(COLUMNS) - 1))]
    for row in sorted(rows, key=lambda row: str(row["fault"])):
        lines.append(tuple(_cell(row[name]) for name in names))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def write(table: str) -> None:
    """Keep the table in the documents."""
    DOCUMENT.write_text(_PREFACE.format(total=TOTAL, day=time.strftime("%Y-%m-%d")) + table)


def _cell(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
