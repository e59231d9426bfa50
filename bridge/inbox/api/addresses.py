"""The API's addresses as old clients build them: at the root of a host, or with doubled slashes.

Flowdock's API had a host of its own. npm's `flowdock` replaces the path of the base address that it is given;
PyPI's `aioflowdock` joins base and path with a slash too many.
"""

import re

from aiohttp import web

from bridge.inbox.context import API
from bridge.web.http.server import Handle

AT_ROOT = {
    *("comments", "files", "flows", "messages", "oauth", "organizations", "private", "sources", "stream"),
    *("user", "users", "v1"),
}
"""First names of the API's addresses, also of those left out, which are answered by a sentence."""


def canonical(path: str) -> str:
    """Return the address of the API that a client means, and any other path as it is."""
    merged = re.sub("//+", "/", path) if "//" in path else path
    if merged.startswith(f"{API}/"):
        return merged
    return API + merged if merged[1:].partition("/")[0] in AT_ROOT else path


def at_root(handle: Handle) -> Handle:
    """Handle requests as `handle` does, with the API's addresses as clients mean them.

    This is done before routing: rate limits, bounds and the log's masks know the one address.
    """

    async def renamed(request: web.BaseRequest) -> web.StreamResponse:
        came = request.rel_url.raw_path
        if (path := canonical(came)) == came:
            return await handle(request)
        meant = request.clone(rel_url=request.rel_url.with_path(path, encoded=True, keep_query=True))
        # The request as it came has no route: aiohttp would add none of the application's headers.
        try:
            response = await handle(meant)
        except web.HTTPException as error:
            await error.prepare(meant)
            raise
        await response.prepare(meant)
        return response

    return renamed
