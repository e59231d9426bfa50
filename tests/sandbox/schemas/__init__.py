"""GitHub's published webhook schemas, pruned; see README.md beside this file.

`validate("pull_request", payload)` raises `InvalidPayload`, which says where the payload departs from
the schema of its event and action.
"""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError, best_match

FILE = Path(__file__).with_name("webhooks.schema.json.gz")


class InvalidPayload(AssertionError):
    """A payload that GitHub would not send."""


def validate(event: str, payload: dict[str, Any]) -> None:
    """Hold `payload` against the schema of its event and action; raises `InvalidPayload`."""
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
