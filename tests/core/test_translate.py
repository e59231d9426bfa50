"""A delivery to what goes out about it."""

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core import snapshot, translate
from bridge.core.model import Connection, Delivery
from tests.core.story import Story, payload_of


def connection(connection_id: str, repository: str = "acme/component") -> Connection:
    return Connection(
        id=connection_id,
        repository=repository,
        repository_id=1296269,
        name=repository,
        flow_token="flow-token",
        created_at=0,
    )


MAIN, OPS = connection("main"), connection("ops")


def delivery(payload: dict[str, Any], delivery_id: str = "72d3162e") -> Delivery:
    return Delivery(id=delivery_id, event="pull_request", payload=payload, body=b"")


def test_a_delivery_becomes_a_message_for_each_connection() -> None:
    payload = payload_of("opened")
    result = translate.translate(delivery(payload), None, [MAIN, OPS])
    assert [where for where, _, _ in result.messages] == [MAIN, OPS]
    assert {message.title for _, _, message in result.messages} == {"Opened pull request"}
    assert len({uuid for _, uuid, _ in result.messages}) == 2
    assert result.pull == snapshot.from_payload(payload)


def test_a_late_delivery_is_still_told_but_does_not_turn_the_state_back() -> None:
    story = Story()
    story.do("close")
    opened, closed = story.payloads
    known = translate.translate(delivery(closed), None, [MAIN]).pull
    late = translate.translate(delivery(opened), known, [MAIN])
    assert late.pull == known
    assert [message.title for _, _, message in late.messages] == ["Opened pull request"]


def test_an_action_without_words_changes_the_state_and_says_nothing() -> None:
    story = Story()
    known = snapshot.from_payload(story.payload)
    payload = story.do("label", label="bug") | {"action": "an_action_of_tomorrow"}
    result = translate.translate(delivery(payload), known, [MAIN])
    assert result.messages == ()
    assert result.pull == snapshot.from_payload(payload) != known


def test_without_a_connection_the_state_is_kept() -> None:
    result = translate.translate(delivery(payload_of("closed")), None, [])
    assert result.messages == ()
    assert result.pull.state == "closed"


def test_a_repeated_delivery_has_the_same_uuid() -> None:
    first, again = (
        translate.translate(delivery(payload_of("opened")), None, [MAIN]).messages[0][1] for _ in range(2)
    )
    assert first == again


def test_a_message_has_the_uuid_that_earlier_versions_gave_it() -> None:
    """Change it, and a delivery under way during an upgrade is no longer known as a repeat."""
    assert (
        translate.message_uuid("72d3162e-cc78-11e3-81ab-4c9367dc0958", "main", 0)
        == "663a69e4-01eb-522d-8ef0-a09191203ca4"
    )


@settings(max_examples=60, deadline=None)
@given(
    one=st.tuples(st.uuids().map(str), st.text("0123456789abcdef", max_size=12), st.integers(0, 9)),
    other=st.tuples(st.uuids().map(str), st.text("0123456789abcdef", max_size=12), st.integers(0, 9)),
)
def test_a_uuid_tells_messages_apart(one: tuple[str, str, int], other: tuple[str, str, int]) -> None:
    first, second = translate.message_uuid(*one), translate.message_uuid(*other)
    assert (first == second) == (one == other)
    assert uuid.UUID(first).version == 5


@pytest.mark.parametrize(
    ("repository", "thread_id"),
    [("acme/component", "github:component:pr:42"), ("acme/.github", "github:.github:pr:42")],
)
def test_a_thread_is_named_after_the_repository_when_it_was_connected(
    repository: str, thread_id: str
) -> None:
    assert connection("main", repository).thread_id(42) == thread_id
