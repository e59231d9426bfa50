"""Controls: an attack's test runs once more with its guard taken away, and must fail there."""

from collections.abc import Generator, Sequence
from typing import Any

import pytest

from bridge.storage import lua_scripts


def unguarded(target: str, without: object, *, row: str = "") -> pytest.MarkDecorator:
    """Run a test, or its row with this id, once more with `without` in place of `target`, as `module.name`.

    It must fail there: that shows that the attack works, and that this guard stops it.
    """
    return pytest.mark.unguarded(target, without, row)


@pytest.fixture(autouse=True)
def take_guard_away(request: pytest.FixtureRequest) -> None:
    """Take away the guard of a control, before the test's other fixtures make something that has it."""
    if mark := getattr(request, "param", None):
        target, without, _ = mark.args
        request.getfixturevalue("monkeypatch").setattr(target, without)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Add the controls that a test is marked with."""
    marks = list(metafunc.definition.iter_markers("unguarded"))
    if not marks:
        return
    rows = [pytest.param(None, id="guarded"), *(pytest.param(mark, id=_id(mark)) for mark in marks)]
    metafunc.parametrize("take_guard_away", rows, indirect=True)


def _id(mark: Any) -> str:
    return f"without {mark.args[0].rpartition('.')[2]}"


def _mark_of(item: Any) -> Any:
    return item.callspec.params.get("take_guard_away") if hasattr(item, "callspec") else None


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Turn a control's failure into its success."""
    if _mark_of(pyfuncitem) is None:
        return (yield)
    try:
        yield
    except (AssertionError, pytest.fail.Exception):
        return True
    pytest.fail("the test passes without its guard, so it shows nothing of it")


def without_other_rows(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Leave out the controls of rows that their marks do not name."""

    def is_wanted(item: Any) -> bool:
        mark = _mark_of(item)
        if mark is None or not mark.args[2]:
            return True
        name = item.callspec.id
        return bool(name.removeprefix(f"{_id(mark)}-").removesuffix(f"-{_id(mark)}") == mark.args[2])

    return list(filter(is_wanted, items))


def always(*_: object, **__: object) -> bool:
    """Say yes, in a guard's place."""
    return True


async def yes(*_: object, **__: object) -> bool:
    """Say yes, in the place of a guard that is awaited."""
    return True


def lua(old: str, new: str) -> tuple[str, Any]:
    """Return target and substitute of `unguarded`: all scripts of Redis with `new` in place of `old`."""
    whole = lua_scripts.source
    return "bridge.storage.lua_scripts.source", lambda *name: whole(*name).replace(old, new)
