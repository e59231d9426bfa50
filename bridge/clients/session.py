"""The HTTP session for all calls out: pooled, with timeouts, following no redirect.

A followed redirect would give the token to another host, and turn a POST into a GET.
"""

from collections.abc import Mapping

import aiohttp

CONNECT_SECONDS = 5
USER_AGENT = "bridge (GitHub to Flowdock)"


def open_session() -> aiohttp.ClientSession:
    """Open the session for all outgoing calls; the caller closes it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=512, ttl_dns_cache=60),
        timeout=aiohttp.ClientTimeout(total=20, connect=CONNECT_SECONDS),
        headers={"User-Agent": USER_AGENT},
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read a `Retry-After` header in seconds, None if it has none."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None
