"""The ids of messages, by which a receiver can tell a repeated one."""

import hashlib
import uuid

_NAMESPACE = uuid.UUID("6b1d8a52-6a38-4c0e-9a53-2f0c8d1f5b7e")
_BEGUN = hashlib.sha1(_NAMESPACE.bytes, usedforsecurity=False)


def message_uuid(delivery_id: str, connection_id: str, number: int, part: str = "") -> str:
    """Return a message's UUID, the same however often it is sent (UUIDv5, RFC 9562).

    `part` tells further messages of one delivery apart: a review may be told early, its thread updated later.
    """
    name = f"{delivery_id}:{connection_id}:{number}{part}"
    # `uuid.uuid5` takes five times as long: it looks SHA-1 up each time, and makes an object of no use here.
    begun = _BEGUN.copy()
    begun.update(name.encode())
    digest = begun.hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
