"""Forms in Rails' notation, which Flowdock took as well as JSON."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from bridge.core.errors import Malformed

MOST_FIELDS = 1000
LONGEST_KEY = 200
"""Characters: a stranger's form is read before its token."""


class MalformedForm(Malformed):
    """The form's keys make no object."""


def read(form: str) -> dict[str, Any]:
    """Make the object that Rails makes of a form; raises as `nest`."""
    try:
        return nest(parse_qsl(form, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise MalformedForm(f"The form has more than {MOST_FIELDS} fields.") from None


def nest(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Make the object that Rails makes of a form; raises `MalformedForm` where keys contradict one another.

    In a list of objects (`fields[][label]`), a name that the last object has already begins the next one.
    """
    body: dict[str, Any] = {}
    for key, value in pairs:
        if len(key) > LONGEST_KEY:
            raise MalformedForm(f"A key of the form is longer than {LONGEST_KEY} characters.")
        names = [key.split("[", 1)[0], *re.findall(r"\[([^\]]*)\]", key)]
        if len(names) > 8:
            raise MalformedForm("The form nests too deeply.")
        try:
            _put(body, names, value)
        except (TypeError, AttributeError):
            raise MalformedForm("Two fields of the form contradict each other.") from None
    return body


def _put(holder: dict[str, Any], names: list[str], value: str) -> None:
    name, *rest = names
    if not rest:
        holder[name] = value
    elif rest[0]:
        _put(holder.setdefault(name, {}), rest, value)
    elif not rest[1:]:
        holder.setdefault(name, []).append(value)
    else:
        items: list[Any] = holder.setdefault(name, [])
        if not items or rest[1] in items[-1]:
            items.append({})
        _put(items[-1], rest[1:], value)
