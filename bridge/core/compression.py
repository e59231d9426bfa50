"""Compression of payloads in the queue and of snapshots.

GitHub's payloads repeat the same addresses: Zstandard (RFC 8878) shrinks them to a seventh. Redis then
receives, keeps and writes fewer bytes, which saves more time than compression takes.
"""

import zstandard

_PARAMETERS = zstandard.ZstdCompressionParameters.from_level(-3, min_match=7, hash_log=11)
"""The quickest, of those measured, that shrink GitHub's payloads to a seventh.

Repeats there are long (addresses, names of fields), so the search skips any under 7 bytes. A table of 2,048
entries stays in the nearest cache.
"""

_KEPT = zstandard.ZstdCompressionParameters.from_level(-1, min_match=5, hash_log=11)
"""For values kept for months: a tenth smaller, for 1 µs more.

Level 1 saves another sixth but takes twice as long both ways: it also compresses text without repeats.
"""

WORTH = 512
"""Bytes of the smallest document worth compressing."""

SHARED = 1024 * 1024
"""Bytes up to which the process's one compressor serves. Larger documents are compressed in threads,
which may not share one."""

_MAGIC = b"\x28\xb5\x2f\xfd"
"""The first bytes of Zstandard's frames, and of no JSON object or MessagePack map (RFC 8878, 3.1.1)."""


def pack(document: bytes, *, to_keep: bool = False) -> bytes:
    """Compress a document if that makes it smaller; `to_keep` prefers size to speed."""
    if len(document) < WORTH:
        return document
    if len(document) > SHARED:
        packed = _compressor(_KEPT if to_keep else _PARAMETERS).compress(document)
    else:
        packed = (_KEEPING if to_keep else _COMPRESSOR).compress(document)
    return packed if len(packed) < len(document) else document


def unpack(data: bytes) -> bytes:
    """Return the document that `pack` took; raises `ValueError` if the frame is broken."""
    if not data.startswith(_MAGIC):
        return data
    try:
        return _DECOMPRESSOR.decompress(data)
    except zstandard.ZstdError as error:
        raise ValueError(f"the compressed data is damaged: {error}") from None


def size(data: bytes) -> int:
    """Return the size of a document before `pack` compressed it."""
    if not data.startswith(_MAGIC):
        return len(data)
    try:
        return int(zstandard.frame_content_size(data))
    except zstandard.ZstdError:
        return len(data)


def _compressor(parameters: zstandard.ZstdCompressionParameters) -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(compression_params=parameters)


_COMPRESSOR = _compressor(_PARAMETERS)
_KEEPING = _compressor(_KEPT)
_DECOMPRESSOR = zstandard.ZstdDecompressor()
