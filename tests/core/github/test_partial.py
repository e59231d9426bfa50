"""Of a narrowed payload the core makes the same as of the whole one: what it reads is all there."""

import copy
from typing import Any, get_type_hints

import orjson
import pytest

from bridge.core.errors import Malformed
from bridge.core.github import partial, webhook
from bridge.core.model import Envelope
from tests.core.messages.test_every_example import nullable, without
from tests.examples import example, examples
from tests.kits.core.pipeline import Bridge, connection

Payload = dict[str, Any]
EXAMPLES = [
    pytest.param(payload, id=f"{payload['action']}-{index}")
    for index, payload in enumerate(examples("pull_request"))
]


def envelope(payload: Payload | bytes, event: str = "pull_request") -> Envelope:
    body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return Envelope(id="72d3162e", event=event, body=body)


def narrowed(payload: Payload) -> Payload:
    return partial.read(envelope(payload)).payload


def assert_the_same_comes_of_both(payload: Payload) -> None:
    whole, narrow_ = Bridge(connection(labels=True)), Bridge(connection(labels=True))
    opened = example("pull_request", "opened")
    opened["pull_request"] |= {"number": payload["number"], "updated_at": "2001-01-01T00:00:00Z"}
    for bridge in (whole, narrow_):
        bridge.tell("pull_request", copy.deepcopy(opened))
    assert whole.tell("pull_request", payload) == narrow_.tell("pull_request", narrowed(payload))
    number = payload["pull_request"]["number"]
    assert whole.snapshot(number) == narrow_.snapshot(number)
    assert whole.thread(number) == narrow_.thread(number)


@pytest.mark.parametrize("payload", EXAMPLES)
def test_the_same_comes_of_an_example_narrowed_and_whole(payload: Payload) -> None:
    assert_the_same_comes_of_both(payload)


@pytest.mark.parametrize("payload", EXAMPLES)
def test_the_same_comes_of_it_with_any_nullable_field_null_or_missing(payload: Payload) -> None:
    for path in nullable(payload):
        for null in (True, False) if len(path) < 3 else (True,):
            assert_the_same_comes_of_both(without(payload, path, null=null))


def test_most_of_a_payload_is_passed_over() -> None:
    payload = example("pull_request", "opened")
    assert len(orjson.dumps(narrowed(payload))) < len(orjson.dumps(payload)) / 4


class Watched(dict[str, Any]):
    """An object that notes which of its fields were looked at, as `object.field`."""

    def __init__(self, name: str, fields: Payload, seen: set[str]) -> None:
        super().__init__({key: watched(key, value, seen) for key, value in fields.items()})
        self.name, self.seen = name, seen

    def __getitem__(self, key: str) -> Any:
        self.seen.add(f"{self.name}.{key}")
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.seen.add(f"{self.name}.{key}")
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.seen.add(f"{self.name}.{key}")
        return super().__contains__(key)


def watched(name: str, value: Any, seen: set[str]) -> Any:
    if isinstance(value, dict):
        return Watched(name, value, seen)
    return [watched(name, one, seen) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("payload", EXAMPLES)
def test_no_field_is_looked_at_that_is_passed_over(payload: Payload) -> None:
    """Also one that no example has: a field that is passed over would never be found."""
    seen: set[str] = set()
    Bridge(connection(labels=True)).tell("pull_request", watched("payload", payload, seen))
    looked_at = [(name, field) for name, _, field in (one.partition(".") for one in seen)]
    passed_over = [(name, field) for name, field in looked_at if field not in FIELDS.get(name, {field})]
    assert passed_over == [("payload", "read_at")]
    assert ("pull_request", "title") in looked_at


USERS = ("user", "sender", "assignee", "assignees", "requested_reviewer", "requested_reviewers")
FIELDS = {
    name: frozenset(get_type_hints(kind))
    for name, kind in {
        "payload": partial.Narrowed,
        "pull_request": partial.Pull,
        "head": partial.Side,
        "base": partial.Side,
        "repo": partial.Repository,
        "repository": partial.Repository,
        **dict.fromkeys((*USERS, "requested_team", "requested_teams"), partial.User),
    }.items()
}


ODD = {
    "a pull request that is none": {"pull_request": 5},
    "a head that is null": {"pull_request": {"number": 1, "head": None}},
    "people that are words": {"pull_request": {"number": 1, "assignees": ["ann"]}},
    "no object": ["pull_request"],
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_is_odd_is_read_whole(odd: Any) -> None:
    read = envelope(orjson.dumps(odd))
    if isinstance(odd, dict):
        assert partial.read(read) == webhook.whole(read)
    else:
        with pytest.raises(Malformed):
            partial.read(read)


def test_half_a_surrogate_pair_is_read_as_the_whole_way_reads_it() -> None:
    body = rb'{"action":"edited","number":1,"pull_request":{"number":1,"title":"\ud83d"}}'
    assert partial.read(envelope(body)).payload["pull_request"]["title"] == "?"


def test_other_events_are_read_whole() -> None:
    payload = example("pull_request_review", "submitted")
    assert partial.read(envelope(payload, "pull_request_review")).payload == payload
