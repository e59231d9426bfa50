"""What a browser keeps for bridge until it comes back: sealed, so that nobody else makes it, and with an end.

So nothing is stored for a stranger, however often one asks.
"""

import time
from typing import Any

import orjson

from bridge.core.security.encryption import Undecryptable, Vault

LONGEST = 4096
"""Characters: browsers keep no longer cookies."""


def seal(vault: Vault, kind: str, value: dict[str, Any], *, seconds: int) -> str:
    """A cookie's value that holds `value` for so long."""
    content = orjson.dumps([time.time() + seconds, value])
    return vault.encrypt(content, aad=_place(kind)).decode()


def opened(vault: Vault, kind: str, cookie: str) -> dict[str, Any] | None:
    """What `seal` put into a cookie of this kind; None if it did not make it, or its time is over."""
    if not cookie.isascii() or len(cookie) > LONGEST:
        return None
    try:
        ends_at, value = orjson.loads(vault.decrypt(cookie.encode(), aad=_place(kind)))
    except Undecryptable:
        return None
    return dict(value) if time.time() < ends_at else None


def _place(kind: str) -> str:
    # No name in Redis begins so: what is sealed for one is not taken for the other.
    return f"cookie:{kind}"
