"""The HTTP session for all calls out: pooled, with timeouts, following no redirect.

A followed redirect would give the token to another host, and turn a POST into a GET.
"""

import socket
from collections.abc import Mapping

import aiohttp
from aiohttp.connector import AddrInfoType

from bridge.core.urls import is_public

CONNECT_SECONDS = 5
USER_AGENT = "bridge (GitHub to Flowdock)"


class PrivateAddress(OSError):
    """An address that a stranger chose leads into a private network."""


def open_session(*, public_only: bool = False) -> aiohttp.ClientSession:
    """Open a session for outgoing calls; the caller closes it.

    `public_only`, for addresses that people choose, connects neither to this machine nor to private networks.
    """
    factory = _public_socket if public_only else None
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=512, ttl_dns_cache=60, socket_factory=factory),
        timeout=aiohttp.ClientTimeout(total=20, connect=CONNECT_SECONDS),
        headers={"User-Agent": USER_AGENT},
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _public_socket(info: AddrInfoType) -> socket.socket:
    """Make the socket for an address. After this look at it no name is resolved again."""
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        raise PrivateAddress(f"{address[0]} is not a public address")
    return socket.socket(family, kind, protocol)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read a `Retry-After` header in seconds, None if it has none."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None
