"""The table of faults: what came of a load under each."""

import time
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from tests.faults.row import TOTAL, Row

PROPERTY = "fault"
ROWS: list[dict[str, Any]] = []
"""The rows of the test that runs; its report carries them to the table."""

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"
COLUMNS = (
    *("fault", "left at each", "deliveries", "lost", "repeated"),
    *("out of order", "stale", "dead letters", "skipped"),
)

_PREFACE = """# Faults

Each row follows {total} deliveries (20 pull requests in 10 repositories) while something breaks midway:
real processes, a real Redis with an append-only file, and a Flowdock that takes 0.1 s for each post. *Left at
each* counts the deliveries not posted yet, at each break. *Repeated* posts carry the `uuid` of the first, by
which a receiver can tell; they happen only if Flowdock's answer was lost. A test in `tests/faults/` asserts
each row: lost, out of order and stale are 0, repeats stay below their bound, dead letters are exactly those
that Flowdock refused, and skipped those for a source that its flow had removed, each with that reason.

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
