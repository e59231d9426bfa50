"""Read an HTTP/1.1 answer from the bytes of its connection."""

import re
from collections.abc import Mapping
from typing import NamedTuple

MAX_BYTES = 256 * 1024
"""An answer's, headers included."""

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?")
_LENGTH = re.compile(r"\d{1,10}", re.ASCII)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
_TRAILERS = re.compile(rb"(?:[^\r\n]+\r\n)*\r\n")

Body = tuple[bytes, int]
"""A body, and where it ends."""


class BadAnswer(OSError):
    """The bytes that came are no whole HTTP/1.1 answer."""


class Answer(NamedTuple):
    """An answer; the names of its headers are in lower case.

    `keeps_open` tells whether the connection may be used again.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    keeps_open: bool = False


def read_answer(data: bytes, *, ended: bool = False) -> Answer | None:
    """Read the answer to a POST from all bytes so far; None if more must come, which it cannot once `ended`.

    Raises `BadAnswer`.
    """
    answer, at = None, 0
    while answer is None and (end := data.find(b"\r\n\r\n", at)) >= 0:
        version, status, headers = _head(data[at:end])
        at = end + 4
        if status >= 200:
            answer = _answer(data, at, status, headers, is_newer=version == b"1", ended=ended)
            break
        # The answer proper is yet to come.
    if answer is None and (ended or len(data) > MAX_BYTES):
        raise BadAnswer("the answer broke off" if ended else f"the answer has more than {MAX_BYTES:,} bytes")
    return answer


def _head(head: bytes) -> tuple[bytes, int, dict[str, str]]:
    first, *lines = head.split(b"\r\n")
    if not (found := _STATUS.fullmatch(first)):
        raise BadAnswer("this is no answer of HTTP/1.1")
    headers = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise BadAnswer("a header has no name")
        headers[name.strip().lower()] = value.strip()
    return found[1], int(found[2]), headers


def _answer(
    data: bytes, at: int, status: int, headers: Mapping[str, str], *, is_newer: bool, ended: bool
) -> Answer | None:
    if status not in (204, 304) and not headers.keys() & {"transfer-encoding", "content-length"}:
        return Answer(status, headers, data[at:]) if ended else None
    if (found := _body(data, at, status, headers)) is None:
        return None
    body, end = found
    # Nobody asked for what comes behind: the next answer must not begin with it.
    keeps_open = is_newer and end == len(data) and "close" not in headers.get("connection", "").lower()
    return Answer(status, headers, body, keeps_open)


def _body(data: bytes, at: int, status: int, headers: Mapping[str, str]) -> Body | None:
    if status in (204, 304):
        return b"", at
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].lower() != "chunked":
            raise BadAnswer("its Transfer-Encoding is not chunked")
        return _chunks(data, at)
    length = headers["content-length"]
    if not _LENGTH.fullmatch(length):
        raise BadAnswer("its Content-Length is no number")
    end = at + int(length)
    return (data[at:end], end) if end <= len(data) else None


def _chunks(data: bytes, at: int) -> Body | None:
    parts: list[bytes] = []
    while data.find(b"\r\n", at) >= 0:
        if not (line := _CHUNK.match(data, at)):
            raise BadAnswer("a chunk has no size")
        if not (size := int(line[1], 16)):
            found = _TRAILERS.match(data, line.end())
            return (b"".join(parts), found.end()) if found else None
        parts.append(data[line.end() : line.end() + size])
        at = line.end() + size + 2
    return None
