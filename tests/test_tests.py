"""No test writes to private attributes of another object or module, or fails by chance.

A machine may be so busy that anything takes seconds. So nothing is hoped to be over, or still under way,
after a while; no limit of a test is short; and a story looks at a page only once it is there.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.kits import controls, order

TESTS = Path(__file__).parent


@lru_cache(maxsize=1)
def _nodes(text: str) -> list[ast.AST]:
    """All of a module's syntax; each module is asked several questions in turn."""
    return [*ast.walk(ast.parse(text))]


def _is_private(name: object) -> bool:
    return isinstance(name, str) and name.startswith("_") and not name.startswith("__")


def _foreign(target: ast.expr) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Attribute) and _is_private(node.attr):
            own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            if not own:
                yield ast.unparse(node)


def _patched(call: ast.Call) -> Iterator[str]:
    """The names in `monkeypatch.setattr`, `delattr` and their like."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("setattr", "delattr", "unguarded"):
        for argument in call.args[:2]:
            if isinstance(argument, ast.Constant) and any(map(_is_private, str(argument.value).split("."))):
                yield ast.unparse(call)


def private_writes(text: str) -> list[str]:
    """Where a module writes an attribute with an underscore that is not its own object's."""
    found: list[str] = []
    for node in _nodes(text):
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
    loops = (node for node in _nodes(text) if isinstance(node, ast.While))
    waits = {id(inner) for loop in loops for inner in ast.walk(loop)}
    return [
        ast.unparse(node)
        for node in _nodes(text)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("asyncio.sleep", "time.sleep")
        and ast.unparse(node.args[0]) != "0"
        and id(node) not in waits
    ]


def hasty_words(text: str) -> list[str]:
    """Where a module asserts that a page says "just now": after ten seconds it says how many."""
    return [
        ast.unparse(node)
        for node in (_nodes(text) if "just now" in text else ())
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Constant)
        if node.left.value != "just now" in str(node.left.value)
    ]


LEAST_PATIENCE = 30
"""Seconds: a shorter limit ends tests of a machine that is busy."""


def hasty_limits(text: str) -> list[str]:
    """Where a module gives what must come, or a call that is held, only a short time, written as a number."""
    if not any(word in text for word in ("timeout(", "wait_for(", "eventually(", "Fault(")):
        return []
    return [
        ast.unparse(node)
        for node in _nodes(text)
        if isinstance(node, ast.Call)
        for limit in _limits(node)
        if isinstance(limit, ast.Constant) and isinstance(limit.value, int | float)
        if 0 < limit.value < LEAST_PATIENCE
    ]


def _limits(call: ast.Call) -> list[ast.expr]:
    named = {word.arg: word.value for word in call.keywords}
    match ast.unparse(call.func):
        case "asyncio.timeout":
            return call.args
        case "asyncio.wait_for":
            return [*call.args[1:], *named.values()]
        case "eventually":
            return [*named.values()]
        case "Fault" if "delay" in named:
            return [named["delay"]]
    return []


LOOKS_ONCE = ("is_visible", "is_hidden", "is_enabled", "is_checked", "count", "all_inner_texts")
"""Playwright's questions that wait for nothing, or for less than their answer."""


def hasty_looks(text: str) -> list[str]:
    """Where a story asks a page only once, or goes on after a button without a look at its effect.

    A form asks whether bridge is there before it goes: for a while, its page is still shown, and can be used.
    """
    found: list[str] = []
    for function in _nodes(text):
        if isinstance(function, ast.AsyncFunctionDef):
            found += _acts_too_soon(function.body, None)
            waits = {id(one) for loop in ast.walk(function) for one in _of_loop(loop)}
            asked = (node for node in ast.walk(function) if id(node) not in waits)
            found += [ast.unparse(node) for node in asked if _looks_once(node)]
    return found


def _of_loop(node: ast.AST) -> Iterator[ast.AST]:
    """A loop asks again, and so does what `eventually` is given."""
    if isinstance(node, ast.While) or (isinstance(node, ast.AsyncFunctionDef) and not node.args.args):
        yield from ast.walk(node)


def _looks_once(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LOOKS_ONCE
        and not node.args
    )


def _acts_too_soon(body: Sequence[ast.stmt], after: ast.stmt | None) -> Iterator[str]:
    for statement, following in zip(body, [*body[1:], after], strict=True):
        inner = getattr(statement, "body", [])
        is_awaited = isinstance(statement, ast.AsyncWith) and "expect_navigation" in ast.unparse(statement)
        if inner and not is_awaited and not isinstance(statement, ast.AsyncFunctionDef):
            yield from _acts_too_soon(inner, following)
        if _sends(statement) and following and not ast.unparse(following).startswith(_WAITS):
            yield ast.unparse(statement)


_WAITS = ("await expect(", "await eventually(", "await page.wait_for_", "await seen(", "assert page.url")


def _sends(statement: ast.stmt) -> bool:
    """Whether it clicks a button, or presses Enter."""
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Await)):
        return False
    done = ast.unparse(statement)
    return ("get_by_role('button'" in done and "click()" in done) or done.endswith("press('Enter')")


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
        "unguarded('bridge.worker._hidden', str)",
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


@pytest.mark.parametrize(
    ("text", "is_hasty"),
    [
        ("asyncio.timeout(5)", True),
        ("asyncio.timeout(PATIENCE)", False),
        ("asyncio.timeout(60)", False),
        ("asyncio.wait_for(x, 1)", True),
        ("asyncio.wait_for(x, timeout=1)", True),
        ("eventually(x, seconds=2)", True),
        ("Fault(path='/x', delay=0.5)", True),
        ("Fault(path='/x', delay=PATIENCE)", False),
    ],
)
def test_a_short_limit_is_seen(text: str, is_hasty: bool) -> None:
    assert (hasty_limits(text) != []) is is_hasty


def test_a_word_that_is_true_for_seconds_only_is_seen() -> None:
    assert hasty_words("assert 'Made just now' in text(page)") != []
    assert hasty_words("assert re.search(f'Made {SHORTLY_AGO}', text(page))") == []


@pytest.mark.parametrize(
    ("lines", "is_hasty"),
    [
        (["if await page.get_by_text('x').is_visible(): y"], True),
        (["while await page.get_by_text('x').is_visible(): y"], False),
        (["async def there(): return await row.is_visible()", "await eventually(there)"], False),
        (["assert 'x'.count('y')"], False),
        (["await page.get_by_role('button').click()", "await page.get_by_role('button').click()"], True),
        (["await page.get_by_role('button').click()", "await looks(page, 'x')"], True),
        (["await page.keyboard.press('Enter')", "await page.keyboard.press('j')"], True),
        (["await page.get_by_role('button').click()", "await expect(page).to_have_url('x')"], False),
        (["if x:", "    await page.get_by_role('button').click()", "await expect(y).to_be_visible()"], False),
        (["if x:", "    await page.get_by_role('button').click()", "await looks(page, 'x')"], True),
        (
            [
                "async with page.expect_navigation():",
                "    await page.get_by_role('button').click()",
                "await looks()",
            ],
            False,
        ),
        (["await page.get_by_role('link').click()", "await looks(page, 'x')"], False),
    ],
)
def test_a_look_or_an_act_too_soon_is_seen(lines: list[str], is_hasty: bool) -> None:
    text = "async def test(page):\n" + "\n".join(f"    {line}" for line in lines)
    assert (hasty_looks(text) != []) is is_hasty


def test_no_test_writes_what_is_private_or_fails_by_chance() -> None:
    texts = {str(path.relative_to(TESTS)): path.read_text() for path in TESTS.rglob("*.py")}
    found = {
        path: private_writes(text)
        + hopeful_sleeps(text)
        + hasty_limits(text)
        + hasty_words(text)
        + (hasty_looks(text) if path.startswith("stories/") else [])
        for path, text in texts.items()
    }
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


@pytest.mark.parametrize(
    ("raised", "ends"),
    [
        (None, pytest.fail.Exception),
        (AssertionError(), StopIteration),
        (TypeError("broken"), TypeError),
    ],
)
def test_a_control_fails_where_its_test_passes_or_is_broken(
    raised: Exception | None, ends: type[BaseException]
) -> None:
    mark = controls.unguarded("json.dumps", str).mark
    item: Any = SimpleNamespace(callspec=SimpleNamespace(params={"take_guard_away": mark}))
    running = controls.pytest_pyfunc_call(item)
    next(running)
    with pytest.raises(ends):
        running.throw(raised) if raised else running.send(None)
