"""What no test does: write to what is private to another object or module, or hope that a while is enough."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kits import order

TESTS = Path(__file__).parent


def _is_private(name: object) -> bool:
    return isinstance(name, str) and name.startswith("_") and not name.startswith("__")


def _foreign(target: ast.expr) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Attribute) and _is_private(node.attr):
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            if not own:
                yield ast.unparse(node)


def _patched(call: ast.Call) -> Iterator[str]:
    """What `monkeypatch.setattr`, `delattr` and their like name."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("setattr", "delattr"):
        for argument in call.args[:2]:
            if isinstance(argument, ast.Constant) and any(map(_is_private, str(argument.value).split("."))):
                yield ast.unparse(call)


def private_writes(text: str) -> list[str]:
    """Where a module writes an attribute with an underscore that is not its own object's."""
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Assign(targets=targets) | ast.Delete(targets=targets):
                found += [one for target in targets for one in _foreign(target)]
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                found += _foreign(target)
            case ast.Call():
                found += _patched(node)
    return found


def hopeful_sleeps(text: str) -> list[str]:
    """Where a module sleeps for a while, other than between two looks at something that it waits for."""
    if "sleep(" not in text:
        return []
    tree = ast.parse(text)
    waits = {id(inner) for loop in ast.walk(tree) if isinstance(loop, ast.While) for inner in ast.walk(loop)}
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("asyncio.sleep", "time.sleep")
        and ast.unparse(node.args[0]) != "0"
        and id(node) not in waits
    ]


@pytest.mark.parametrize(
    "text",
    [
        "house.services._stop = 1",
        "del worker._lease",
        "cache._known['x'] = 1",
        "pair.a, pair._b = 1, 2",
        "monkeypatch.setattr(module, '_hidden', None)",
        "monkeypatch.setattr('bridge.worker._hidden', None)",
        "setattr(one, '_two', 3)",
    ],
)
def test_a_private_write_is_seen(text: str) -> None:
    assert private_writes(text) != []


@pytest.mark.parametrize(
    "text", ["self._own = 1", "one.open = 2", "x = house._seen", "_mine = 1", "a.__dict__ = {}"]
)
def test_nothing_else_is_one(text: str) -> None:
    assert private_writes(text) == []


@pytest.mark.parametrize(
    ("text", "hopes"),
    [
        ("await asyncio.sleep(0.1)", True),
        ("time.sleep(1)", True),
        ("await asyncio.sleep(0)", False),
        ("while not seen:\n    await asyncio.sleep(0.01)", False),
        ("for one in range(3):\n    time.sleep(1)", True),
    ],
)
def test_a_sleep_that_hopes_is_seen(text: str, hopes: bool) -> None:
    assert (hopeful_sleeps(text) != []) is hopes


def test_no_test_writes_what_is_private_or_hopes() -> None:
    texts = {str(path.relative_to(TESTS)): path.read_text() for path in TESTS.rglob("*.py")}
    found = {path: private_writes(text) + hopeful_sleeps(text) for path, text in texts.items()}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize("processes", [1, 2, 4, 7])
def test_the_longest_tests_begin_first_in_processes_of_their_own(processes: int) -> None:
    names = [f"tests/core/test_{at}.py" for at in range(50)]
    names += sorted(f"{place}{at}" for place in order.LONGEST for at in range(3))
    dealt = order.dealt([(name, name) for name in names], processes)
    assert Counter(dealt) == Counter(names)
    begin = 0
    for at, place in enumerate(order.LONGEST[:processes]):
        assert dealt[begin].startswith(place)
        # As pytest-xdist deals them out.
        begin += (len(dealt) - begin) // (processes - at)


def test_the_longest_tests_are_where_they_are_looked_for() -> None:
    assert [place for place in order.LONGEST if not (TESTS.parent / place).exists()] == []
