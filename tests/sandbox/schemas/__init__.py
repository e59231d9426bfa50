"""GitHub's published schemas of webhooks and of some REST answers, pruned; see README.md beside this file.

`validate("pull_request", payload)` and `validate_answer("GET", "/repos/a/b/pulls/1", 200, answer)` raise
`InvalidPayload`, which says where the payload or the answer departs from its schema.
"""

import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError, best_match

FILE = Path(__file__).with_name("webhooks.schema.json.gz")
OPENAPI = Path(__file__).with_name("openapi.json.gz")


EVERYWHERE = frozenset({301, 307, 400, 401, 403, 404, 422})
"""Refusals that GitHub documents once for all operations."""
BROKEN = 500


class InvalidPayload(AssertionError):
    """A payload or an answer that GitHub would not send."""


def validate(event: str, payload: dict[str, Any]) -> None:
    """Hold `payload` against the schema of its event and action; raises `InvalidPayload`."""
    if (newer := f"{event}_{payload.get('action')}") in _openapi()["webhooks"]:
        schema = {**_openapi()["webhooks"][newer], "definitions": _openapi()["definitions"]}
        if (error := best_match(Draft7Validator(schema).iter_errors(payload))) is not None:
            raise InvalidPayload(f"{newer}: {_explain(error)}")
        return
    name = schema_name(event, payload.get("action"))
    error = best_match(_validator(name).iter_errors(payload))
    if error is not None:
        raise InvalidPayload(f"{name}: {_explain(error)}")


def schema_name(event: str, action: str | None) -> str:
    """The definition for an event and its action; raises `InvalidPayload` if there is none."""
    name = f"{event}${action or 'event'}"
    if name not in _definitions():
        known = sorted(key for key in _definitions() if key.startswith(f"{event}$"))
        raise InvalidPayload(f"no schema is called {name}; there are: {', '.join(known) or 'none like it'}")
    return name


def validate_answer(method: str, path: str, status: int, answer: Any) -> bool:
    """Hold a REST answer against the schema of its operation; False if GitHub describes no such operation."""
    found = next((one for one in _operations() if one[0] == method and one[1].fullmatch(path)), None)
    if found is None:
        return False
    name = f"{method} {path}: {status}"
    if str(status) not in found[2]["answers"]:
        if status in EVERYWHERE or status >= BROKEN:
            return True
        raise InvalidPayload(f"{name} is none of {', '.join(found[2]['answers'])}")
    if (schema := found[2]["answers"][str(status)]) is None:
        return True
    validator = Draft7Validator({**schema, "definitions": _openapi()["definitions"]})
    if (error := best_match(validator.iter_errors(answer))) is not None:
        raise InvalidPayload(f"{name}: {_explain(error)}")
    return True


def on_enterprise_server(method: str, path: str) -> bool:
    """Tell whether Enterprise Server 3.19 has an operation that is kept here."""
    return next(bool(one[2]["ghes"]) for one in _operations() if one[0] == method and one[1].fullmatch(path))


@cache
def _openapi() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(gzip.decompress(OPENAPI.read_bytes()))
    return read


@cache
def _operations() -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    return [
        (method, re.compile(re.sub(r"\{[a-z_]+\}", "[^/?]+", path) + r"(\?.*)?"), operation)
        for name, operation in _openapi()["operations"].items()
        for method, _, path in [name.partition(" ")]
    ]


@cache
def _definitions() -> dict[str, Any]:
    definitions: dict[str, Any] = json.loads(gzip.decompress(FILE.read_bytes()))["definitions"]
    return definitions


@cache
def _validator(name: str) -> Draft7Validator:
    return Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": _definitions()})


def _explain(error: ValidationError) -> str:
    where = "/".join(str(part) for part in error.absolute_path) or "the payload"
    return f"at {where}: {error.message[:300]}"
