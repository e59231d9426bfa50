"""Answers that are whole, not yet whole, and never will be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.clients.http_answer import MAX_BYTES, Answer, BadAnswer, read_answer

OK = b"HTTP/1.1 202 Accepted\r\n"
LENGTH = {"content-length": "2"}
CHUNKED = {"transfer-encoding": "chunked"}
CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n"

WHOLE: dict[str, tuple[bytes, Answer]] = {
    "by its length": (OK + b"Content-Length: 2\r\n\r\n{}", Answer(202, LENGTH, b"{}", True)),
    "without a reason": (b"HTTP/1.1 202\r\nContent-Length: 2\r\n\r\n{}", Answer(202, LENGTH, b"{}", True)),
    "in chunks": (
        CHUNKS + b"3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n",
        Answer(202, CHUNKED, b"abc0123456789", True),
    ),
    "with trailers": (CHUNKS + b"0\r\nA: 1\r\nB: 2\r\n\r\n", Answer(202, CHUNKED, b"", True)),
    "in chunks, whatever its length": (
        OK + b"Content-Length: 9\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
        Answer(202, {"content-length": "9", "transfer-encoding": "Chunked"}, b"", True),
    ),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", Answer(204, {}, b"", True)),
    "after others": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        + OK
        + b"Content-Length: 0\r\n\r\n",
        Answer(202, {"content-length": "0"}, b"", True),
    ),
    "the last one": (
        OK + b"Connection: Keep-Alive, Close\r\nContent-Length: 0\r\n\r\n",
        Answer(202, {"connection": "Keep-Alive, Close", "content-length": "0"}, b""),
    ),
    "of HTTP/1.0": (b"HTTP/1.0 202 OK\r\nContent-Length: 2\r\n\r\n{}", Answer(202, LENGTH, b"{}")),
    "with more behind it": (
        OK + b"Content-Length: 2\r\n\r\n{}HTTP/1.1 410 Gone\r\n\r\n",
        Answer(202, LENGTH, b"{}"),
    ),
    "with more behind its chunks": (CHUNKS + b"0\r\n\r\nx", Answer(202, CHUNKED, b"")),
}

ENDS_WITH_ITS_CONNECTION = OK + b"X: \xe9\r\n\r\n<p>"

BAD: dict[str, bytes] = {
    "another protocol": b"SSH-2.0-OpenSSH\r\n\r\n",
    "another version": b"HTTP/2 200\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2020 OK\r\n\r\n",
    "a header without a name": OK + b"x\r\n\r\n",
    "a length that is none": OK + b"Content-Length: -1\r\n\r\n",
    "a length of a thousand digits": OK + b"Content-Length: %b\r\n\r\n" % (b"9" * 1000),
    "another encoding": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "a chunk without a size": CHUNKS + b"x\r\n",
    "a chunk of a negative size": CHUNKS + b"-1\r\n",
    "a chunk of a huge size": CHUNKS + b"123456789\r\n",
    "too large": OK + b"Content-Length: 9999999999\r\n\r\n" + b"x" * MAX_BYTES,
    "headers without an end": b"x" * (MAX_BYTES + 1),
}


@pytest.mark.parametrize(("data", "answer"), WHOLE.values(), ids=WHOLE)
def test_an_answer_is_read_once_it_is_whole(data: bytes, answer: Answer) -> None:
    assert read_answer(data) == answer
    whole = next(size for size in range(len(data) + 1) if read_answer(data[:size]))
    # With more behind it, it is whole before.
    assert read_answer(data[:whole]) == answer._replace(keeps_open=whole < len(data) or answer.keeps_open)
    for size in range(whole):
        with pytest.raises(BadAnswer, match="broke off"):
            read_answer(data[:size], ended=True)


def test_an_answer_may_end_with_its_connection() -> None:
    assert read_answer(ENDS_WITH_ITS_CONNECTION) is None
    assert read_answer(ENDS_WITH_ITS_CONNECTION, ended=True) == Answer(202, {"x": "é"}, b"<p>")


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_bytes_that_cannot_become_an_answer_are_refused_at_once(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        read_answer(data)


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_do_more_than_be_refused(data: bytes, ended: bool) -> None:
    for begun in (b"", OK, CHUNKS):
        try:
            read_answer(begun + data, ended=ended)
        except BadAnswer:
            continue
