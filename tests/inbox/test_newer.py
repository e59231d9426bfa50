"""Redis as a newer version of bridge left it: this one leaves out the fields that it does not know."""

from collections.abc import Callable

import orjson
import pytest

from bridge.inbox.flows.flows import TeamFlow, dump, load
from bridge.inbox.people.people import load_person
from bridge.inbox.threads.stored import read_message

FLOW = TeamFlow(id="f", organization="team", slug="main", name="Main", owners=(1003, 2**53 + 1), made_at=1.5)
PERSON = (
    b'{"id": "1003", "nick": "cy", "name": "Cy", "avatar": "", "admitted_by": "operator",'
    b' "joined": 1, "valid_from": 0}'
)

KEPT: list[tuple[Callable[[bytes], object], bytes]] = [
    (load, dump(FLOW)),
    (load, orjson.dumps(orjson.loads(dump(FLOW)) | {"owners": {}})),
    (lambda data: load_person(data, owner=True, seen=None), PERSON),
    (
        lambda data: read_message(7, "f", "t", data),
        b'{"sent": 1, "author": 0, "content": {"event": "message"}}',
    ),
]


@pytest.mark.parametrize(("read", "data"), KEPT, ids=["flow", "flow without owners", "person", "message"])
def test_a_field_of_a_newer_version_is_left_out(read: Callable[[bytes], object], data: bytes) -> None:
    assert read(orjson.dumps(orjson.loads(data) | {"of_a_newer_version": [1]})) == read(data)


def test_a_flow_is_read_as_it_was_written() -> None:
    assert load(dump(FLOW)) == FLOW
