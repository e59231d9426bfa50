"""Bounds of a delivery's body: its values, and the length and the pieces of a text to be repaired."""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.errors import Malformed
from bridge.core.github import webhook
from tests.kits import sign

SECRET = "s" * 32


def taken(body: bytes) -> bytes:
    """The document of a delivery; raises `Malformed`."""
    headers = {
        "content-type": "application/json",
        "x-github-event": "push",
        "x-github-delivery": "one",
        "x-hub-signature-256": sign.webhook(body, SECRET),
    }
    return webhook.read_envelope(headers, body, secrets=[SECRET]).body


def many_values(count: int) -> bytes:
    """A list of numbers that counts as so many."""
    return b'{"a":[' + b"1.5," * (count - 5) + b"0]}"


def test_as_many_values_as_may_be_are_taken_and_a_text_of_commas_is_no_more_than_it_is() -> None:
    document = many_values(webhook.MAX_VALUES)
    assert len(webhook.read_document(taken(document))["a"]) == webhook.MAX_VALUES - 4
    assert taken(b'{"a":"' + b"," * (webhook.MAX_VALUES - 10) + b'"}')


@pytest.mark.parametrize(
    "document",
    [many_values(webhook.MAX_VALUES + 1), b'{"a":[' + b"{}," * 110_000 + b"0]}" + b" " * 200_000],
    ids=["values", "objects"],
)
def test_more_are_refused_before_they_are_made(document: bytes) -> None:
    with pytest.raises(Malformed, match="more than"):
        taken(document)


def test_half_a_pair_is_mended_in_a_short_document_only() -> None:
    for spare, mended in ((20, True), (0, False)):
        document = b'{"a":"' + b"x" * (webhook.MAX_MENDED - spare) + rb"\ud83d" + b'"}'
        if mended:
            assert webhook.read_document(document)["a"].endswith("x?")
        else:
            with pytest.raises(Malformed, match="not JSON"):
                webhook.read_document(document)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([b"%", b"%4", b"%41", b"%zz", b"+", b"a", b"%c3", b"%a4"])).map(b"".join),
    st.integers(3, 9),
)
def test_a_form_is_unquoted_in_pieces_as_in_one(text: bytes, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(webhook, "PIECE", piece)
        assert webhook._unquoted(text) == unquote_to_bytes(text.replace(b"+", b" "))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=20).map(str.encode) | st.binary(max_size=20), st.integers(1, 5))
def test_a_text_is_checked_in_pieces_as_in_one(text: bytes, piece: int) -> None:
    def is_text(check: Callable[[bytes], object]) -> bool:
        try:
            check(text)
        except UnicodeDecodeError:
            return False
        return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(webhook, "PIECE", piece)
        assert is_text(webhook.check_text) == is_text(bytes.decode)
