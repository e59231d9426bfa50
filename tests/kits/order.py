"""The order of the tests: what takes longest begins first, each in another process of pytest-xdist."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

Test = TypeVar("Test")

LONGEST = (
    "tests/stories/",
    "tests/deployment/",
    "tests/faults/test_kill.py",
    "tests/faults/test_trouble.py",
    "tests/cli/test_rotation.py",
    "tests/storage/test_cluster.py",
    "tests/cli/test_supervisor.py",
    "tests/monitor/test_redelivery.py",
    "tests/attacks/test_secrets.py",
)
"""Their folders, the longest first. Tests of one folder stay together, as they share processes."""


def dealt(tests: Iterable[tuple[str, Test]], processes: int) -> list[Test]:
    """Order tests, each with its id, for processes of which each takes an equal part of the list, in turn.

    The longest are at the beginning of a part. The others may be stolen from its end.
    """
    found: dict[str, list[Test]] = {place: [] for place in (*LONGEST, "")}
    for name, test in tests:
        found[next(place for place in found if name.startswith(place))].append(test)
    others = found.pop("")
    longest: list[list[Test]] = [[] for _ in range(processes)]
    for at, part in enumerate(found.values()):
        longest[at % processes] += part
    return _filled(longest, others)


def _filled(longest: Sequence[list[Test]], others: list[Test]) -> list[Test]:
    left = sum(map(len, longest)) + len(others)
    ordered: list[Test] = []
    for at, part in enumerate(longest):
        size = left // (len(longest) - at)
        taken = max(size - len(part), 0)
        ordered += [*part, *others[:taken]]
        del others[:taken]
        left -= len(part) + taken
    return ordered
