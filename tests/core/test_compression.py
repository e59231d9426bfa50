"""Payloads packed for the queue come out as they went in."""

import json

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core import compression
from tests.examples import events, examples


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=3000) | st.binary(min_size=1, max_size=9).map(lambda part: part * 300), st.booleans()
)
def test_a_compressed_document_comes_out_as_it_went_in(document: bytes, to_keep: bool) -> None:
    # JSON in UTF-8 never begins like a frame: what does is no payload.
    if not document.startswith(b"\x28\xb5\x2f\xfd"):
        assert compression.unpack(compression.pack(document, to_keep=to_keep)) == document


def test_githubs_payloads_take_a_fifth_of_their_room_at_most() -> None:
    for event in events():
        for payload in examples(event):
            document = json.dumps(payload).encode()
            if len(document) > 20_000:
                assert len(compression.pack(document)) < len(document) / 5


def test_a_document_compressed_at_another_level_comes_out_too() -> None:
    document = b'{"a": "b"}' * 200
    assert compression.unpack(zstandard.ZstdCompressor(level=-1).compress(document)) == document


@pytest.mark.parametrize("document", [b"", b"{}", b'{"a":"' + b"x" * 500 + b'"}'], ids=len)
def test_a_document_not_worth_compressing_stays_as_it_is(document: bytes) -> None:
    assert compression.pack(document) == document or len(document) >= compression.WORTH


@pytest.mark.parametrize("document", [b"", b"{}", b"[]" * 300, b"x" * (2 * compression.SHARED)], ids=len)
@pytest.mark.parametrize("to_keep", [True, False])
def test_its_size_is_known_while_it_is_packed(document: bytes, to_keep: bool) -> None:
    packed = compression.pack(document, to_keep=to_keep)
    assert compression.size(packed) == len(document)
    assert compression.unpack(packed) == document


def test_a_broken_frame_is_told() -> None:
    packed = compression.pack(b'{"a": "b"}' * 200)
    for broken in (packed[:-3], packed[:6], packed[:4] + b"\xff" * 4 + packed[8:]):
        with pytest.raises(ValueError, match="is damaged"):
            compression.unpack(broken)
