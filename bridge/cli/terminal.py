"""Helpers of the commands: parse typed names, print tables."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.core import names
from bridge.core.errors import BridgeError
from bridge.core.printable import printable


class WrongArgument(BridgeError):
    """An argument that is well placed, but malformed: a mistake of usage."""


def repository(typed: str) -> str:
    """Return a repository's full name as it was typed; raises `WrongArgument` if it is none."""
    if not names.is_full_name(typed):
        raise WrongArgument(f"{typed!r} is not a repository: write OWNER/REPO, such as acme/component")
    return typed


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Format rows as aligned columns of text."""
    lines = [[printable(str(cell)) for cell in line] for line in (head, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def moment(seconds: float) -> str:
    """Format a time in Unix seconds, for people."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")


def duration(seconds: float) -> str:
    """Format a length of time in its largest whole unit: `3 h`."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"
