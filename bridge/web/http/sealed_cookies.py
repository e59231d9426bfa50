"""Encrypted cookies with an expiry: the browser keeps a sign-in's state, so strangers cost no storage."""

import time
from typing import Any

import orjson
from aiohttp import web

from bridge.core.security import signing
from bridge.core.security.encryption import Undecryptable, Vault
from bridge.web.http import cookies

SECONDS = 15 * 60
NOT_BEGUN = f"This browser did not start this sign-in, or it has expired. {cookies.NEEDED}"
LONGEST = 4096
"""Characters of a cookie: browsers keep no longer ones."""


def keep(
    request: web.Request, response: web.StreamResponse, vault: Vault, kind: str, begun: dict[str, Any]
) -> None:
    """Have the browser keep a sign-in that begins; `begun` has the `state` that the answer must bring."""
    sealed = seal(vault, kind, begun, seconds=SECONDS)
    cookies.keep(request, response, kind, sealed, seconds=SECONDS)


def answered(request: web.Request, vault: Vault, kind: str) -> dict[str, Any] | None:
    """Return the sign-in that a callback answers; None if it has expired or began elsewhere."""
    cookie = cookies.read(request, kind)
    if not cookie.isascii() or len(cookie) > LONGEST:
        return None
    try:
        ends_at, begun = orjson.loads(vault.decrypt(cookie.encode(), aad=_place(kind)))
    except Undecryptable:
        return None
    is_answered = signing.equal(request.query.get("state", ""), begun["state"])
    return dict(begun) if is_answered and time.time() < ends_at else None


def seal(vault: Vault, kind: str, value: dict[str, Any], *, seconds: int) -> str:
    """Return a cookie's value that holds `value` for `seconds`."""
    content = orjson.dumps([time.time() + seconds, value])
    return vault.encrypt(content, aad=_place(kind)).decode()


def _place(kind: str) -> str:
    # No key in Redis begins so: a sealed value of Redis does not open as a cookie, nor the other way round.
    return f"cookie:{kind}"
