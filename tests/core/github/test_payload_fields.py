"""Of a pull request's deliveries only the fields that bridge reads are decoded, and none is missed."""

from typing import Any

import orjson
import pytest

from bridge.core.errors import Malformed
from bridge.core.github import payload_fields, webhook
from bridge.core.messages import translate
from bridge.core.model import Delivery, Envelope
from bridge.core.pulls import extract, talk
from bridge.core.pulls.snapshot import Snapshot
from tests.core.messages.test_every_example import EXAMPLES
from tests.kits.core import samples
from tests.kits.core.pipeline import connection

OF_PULLS = [one for one in EXAMPLES if one.values[0] in payload_fields.EVENTS]


def envelope(payload: Any, event: str = "pull_request") -> Envelope:
    body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return Envelope(id="1", event=event, body=body, signer="operator", signature="s")


def translated(delivery: Delivery) -> Any:
    merged = Snapshot().merge(extract.delta(delivery))
    talk.noted(delivery, merged)
    return translate.translate_pull(delivery, Snapshot(), merged, (), [connection(labels=True)], now=0)


@pytest.mark.parametrize(("event", "payload"), OF_PULLS)
def test_a_delivery_says_the_same_as_if_it_was_decoded_whole(event: str, payload: dict[str, Any]) -> None:
    one = envelope(payload, event)
    assert translated(payload_fields.read(one)) == translated(webhook.whole(one))


def test_fields_that_bridge_never_reads_are_left_out() -> None:
    payload = {
        "repository": {"id": 1, "forks": 2},
        "pull_request": {"number": 3, "_links": {}},
        "sender": None,
    }
    delivery = payload_fields.read(envelope(payload))
    assert delivery.payload == {"repository": {"id": 1}, "pull_request": {"number": 3}, "sender": None}
    assert (delivery.id, delivery.event, delivery.signer, delivery.signature) == (
        *("1", "pull_request"),
        *("operator", "s"),
    )


@pytest.mark.parametrize("event", ["issue_comment", "check_run", "push", "bridge.review"])
def test_other_events_are_decoded_whole(event: str) -> None:
    payload = samples.on_pull("opened") | {"anything": [1]}
    assert payload_fields.read(envelope(payload, event)).payload == payload


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b'{"sender":1,"forks":2}', id="a number in place of an account"),
        pytest.param(b'{"pull_request":null,"forks":2}', id="no pull request"),
        pytest.param(b'{"action":"\\ud83d","forks":2}', id="half a surrogate pair"),
        pytest.param(b'{"forks":"\\ud83d"}', id="half of one in a field that is not read"),
    ],
)
def test_an_odd_delivery_is_decoded_whole(document: bytes) -> None:
    assert payload_fields.read(envelope(document)) == webhook.whole(envelope(document))


@pytest.mark.parametrize("document", [b"[]", b"{", b'{"action":"\xff"}', b'{"action":1e999}'])
def test_a_broken_delivery_is_refused_in_the_same_words(document: bytes) -> None:
    with pytest.raises(Malformed) as whole:
        webhook.whole(envelope(document))
    with pytest.raises(Malformed, match=str(whole.value)):
        payload_fields.read(envelope(document))
