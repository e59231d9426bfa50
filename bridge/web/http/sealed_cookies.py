"""Encrypted cookies with an expiry: a sign-in's state lies in the browser, so strangers cost no storage."""

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
    """Leave a sign-in that begins with the browser; `begun` has the `state` that the answer must bring."""
    sealed = seal(vault, kind, begun, seconds=SECONDS)
    cookies.keep(request, response, kind, sealed, seconds=SECONDS)


def answered(request: web.Request, vault: Vault, kind: str) -> dict[str, Any] | None:
    """Return what this browser began and a callback answers; None if it began no such sign-in."""
    begun = opened(vault, kind, cookies.read(request, kind))
    return begun if begun and signing.equal(request.query.get("state", ""), begun["state"]) else None


def seal(vault: Vault, kind: str, value: dict[str, Any], *, seconds: int) -> str:
    """Return a cookie's value that holds `value` for `seconds`."""
    content = orjson.dumps([time.time() + seconds, value])
    return vault.encrypt(content, aad=_place(kind)).decode()


def opened(vault: Vault, kind: str, cookie: str) -> dict[str, Any] | None:
    """Return the value in a cookie of this kind; None if `seal` did not make it, or it has expired."""
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
