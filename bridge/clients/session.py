"""The HTTP session for all calls out: pooled, with timeouts, following no redirect.

A redirect followed with a token would hand the token to another host, and turn a POST into a GET.
"""

from collections.abc import Mapping

import aiohttp

CONNECT_SECONDS = 5
USER_AGENT = "bridge (GitHub to Flowdock)"


def open_session() -> aiohttp.ClientSession:
    """A session for all outside calls; to be closed by the caller."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=512, ttl_dns_cache=60),
        timeout=aiohttp.ClientTimeout(total=20, connect=CONNECT_SECONDS),
        headers={"User-Agent": USER_AGENT},
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds in a `Retry-After` header, None where there are none that can be read."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None
