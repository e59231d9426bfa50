"""Name the field of a payload that bridge's rules could not read: its path, and what was found there."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from bridge.core.model import Delivery

_MISSING = object()
_KINDS = {type(None): "null", bool: "true or false", int: "a number", float: "a number", str: "text"}


def unreadable(delivery: Delivery, error: Exception, read: Callable[[Delivery], object]) -> str:
    """Return the words for the field at which `read` fails with `error`; empty if it fails by another cause.

    The payload is read once more, and each step is noted: this takes time, and only what failed needs it.
    """
    steps: list[_Step] = []
    payload = _Object(delivery.payload, "", steps)
    try:
        read(Delivery(id=delivery.id, event=delivery.event, payload=payload, body=b""))
    except Exception as again:
        return _words(again, steps) if type(again) is type(error) and steps else ""
    return ""


class _Step(NamedTuple):
    """A read of a field: its path and its last part, and the value there."""

    path: str
    name: object
    found: Any


def _noted(steps: "list[_Step]", path: str, name: object, found: Any) -> Any:
    path = f"{path}.{name}" if path else str(name)
    if isinstance(found, dict):
        found = _Object(found, path, steps)
    elif isinstance(found, list):
        found = _List(found, path, steps)
    steps.append(_Step(path, name, found))
    return found


class _Object(dict[str, Any]):
    def __init__(self, fields: dict[str, Any], path: str, steps: list[_Step]) -> None:
        super().__init__(fields)
        self._path, self._steps = path, steps

    def __getitem__(self, name: str) -> Any:
        found = self.get(name, _MISSING)
        if found is _MISSING:
            raise KeyError(name)
        return found

    def get(self, name: str, default: Any = None) -> Any:
        found = super().get(name, _MISSING)
        found = _noted(self._steps, self._path, name, found)
        return default if found is _MISSING else found


class _List(list[Any]):
    def __init__(self, items: list[Any], path: str, steps: list[_Step]) -> None:
        super().__init__(items)
        self._path, self._steps = path, steps

    def __iter__(self) -> Iterator[Any]:
        return (_noted(self._steps, self._path, at, one) for at, one in enumerate(super().__iter__()))

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return found if isinstance(at, slice) else _noted(self._steps, self._path, at, found)


def _words(error: Exception, steps: Sequence[_Step]) -> str:
    last = steps[-1]
    if isinstance(error, KeyError):
        is_it = last.found is _MISSING and error.args == (last.name,)
        return f"GitHub's payload has no field {last.path}" if is_it else ""
    if isinstance(error, AttributeError):
        # Other fields may have been read since; of two with the same value only the last one is sure.
        same = {one.path: one for one in steps if one.found is error.obj}
        at = last if last.found is error.obj else same.popitem()[1] if len(same) == 1 else None
    else:
        at = last if str(error) in set(_misuses(last.found)) else None
    return f"GitHub's payload has {_kind(at.found)} in the field {at.path}" if at else ""


def _misuses(found: Any) -> Iterator[str]:
    uses: tuple[Callable[[Any], object], ...] = (
        lambda it: it[""],
        lambda it: it[:1],
        "{:020}".format,
        iter,
    )
    for use in uses:
        try:
            use(found)
        except TypeError as error:
            yield str(error)
        except KeyError:
            pass


def _kind(found: object) -> str:
    return _KINDS.get(type(found), "a list" if isinstance(found, list) else "an object")
