"""A payload that bridge cannot read: the dead letter names the field by its whole path."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.core.github.payload_errors import unreadable
from bridge.worker.payloads import read_again
from tests.core.messages.test_every_example import shallow
from tests.examples import events, examples
from tests.kits.core.pipeline import delivery

Path = tuple[str | int, ...]
ODD: list[Any] = [None, 7, 1.5, True, "x", ["x"], [None], [7], {}, {"a": 1}]
GONE = object()


def changed(payload: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """The payload with another value there, or without any."""
    copied: dict[str, Any] = shallow(payload, path)
    holder: Any = copied
    for step in path[:-1]:
        holder = holder[step]
    if value is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return copied


def said_of(event: str, payload: dict[str, Any]) -> str | None:
    """The words on the error at a payload; None if there is none."""
    one = delivery(event, payload)
    try:
        read_again(one)
    except Exception as error:
        return unreadable(one, error, read_again)
    return None


@pytest.mark.parametrize(
    ("event", "path", "value", "said"),
    [
        ("pull_request", "pull_request.head", GONE, "no field pull_request.head"),
        ("pull_request", "pull_request.base.ref", GONE, "no field pull_request.base.ref"),
        ("pull_request", "repository.full_name", GONE, "no field repository.full_name"),
        ("pull_request_review", "review", GONE, "no field review"),
        ("pull_request_review_comment", "comment.html_url", GONE, "no field comment.html_url"),
        ("pull_request_review_thread", "thread", GONE, "no field thread"),
        ("pull_request", "pull_request.head", None, "null in the field pull_request.head"),
        ("pull_request", "pull_request.head.repo", "x", "text in the field pull_request.head.repo"),
        ("pull_request", "pull_request.body", 7, "a number in the field pull_request.body"),
        ("pull_request", "pull_request.user", True, "true or false in the field pull_request.user"),
        ("pull_request", "pull_request.base", [], "a list in the field pull_request.base"),
        ("pull_request", "pull_request.body", {"a": 1}, "an object in the field pull_request.body"),
        ("pull_request", "pull_request.labels", [7], "a number in the field pull_request.labels.0"),
        ("check_run", "check_run", None, "null in the field check_run"),
        ("check_run", "check_run.check_suite", 7, "a number in the field check_run.check_suite"),
        ("deployment_status", "deployment", None, "null in the field deployment"),
        ("repository", "repository", None, "null in the field repository"),
    ],
)
def test_a_field_is_named_by_its_path_with_what_is_there(
    event: str, path: str, value: Any, said: str
) -> None:
    steps = tuple(int(step) if step.isdecimal() else step for step in path.split("."))
    assert said_of(event, changed(examples(event)[0], steps, value)) == f"GitHub's payload has {said}"


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in items:
        yield (*path, step)
        yield from paths(inner, (*path, step))


def test_no_other_field_is_ever_named() -> None:
    """Each value of many examples once odd, or gone: seeded, so that a failure can be repeated."""
    chance, named = random.Random(14), 0
    for event in events():
        for payload in examples(event)[:1]:
            for path in paths(payload):
                odd = chance.choice([*ODD, *([] if isinstance(path[-1], int) else [GONE])])
                said = said_of(event, changed(payload, path, odd))
                if said:
                    found, here = said.rpartition(" ")[2], ".".join(map(str, path))
                    assert f"{found}.".startswith(f"{here}.") or f"{here}.".startswith(f"{found}."), (
                        said,
                        odd,
                    )
                    named += 1
    assert named > 30


def test_an_error_of_bridges_own_names_no_field() -> None:
    payload = examples("pull_request")[0]

    def failing(_: Any) -> None:
        {"a": 1}["head"]

    assert unreadable(delivery("pull_request", payload), KeyError("head"), failing) == ""
    assert unreadable(delivery("pull_request", payload), KeyError("head"), read_again) == ""
