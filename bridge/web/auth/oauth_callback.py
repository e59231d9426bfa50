"""OAuth callbacks: GitHub's address for all sign-ins, and the code that an answer brings."""

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.core.errors import ClaimRefused, OAuthFailed

GITHUB_CALLBACKS = web.AppKey("github_callbacks", dict[str, Handler])
"""Handlers of GitHub's answers by the prefix of their states; the one of "" takes the others.

GitHub sends browsers to registered addresses alone, to a GitHub App's exactly: all sign-ins share one.
"""

routes = web.RouteTableDef()


@routes.get("/auth/github/callback")
async def github_callback(request: web.Request) -> web.StreamResponse:
    """Take GitHub's answer to any sign-in."""
    callbacks = request.app[GITHUB_CALLBACKS]
    prefix, dot, _ = request.query.get("state", "").partition(".")
    return await callbacks.get(prefix + dot, callbacks[""])(request)


def code(request: web.Request, service: str) -> str:
    """Return a callback's code; raises `ClaimRefused` if the user declined, else `OAuthFailed`."""
    if request.query.get("error") == "access_denied":
        raise ClaimRefused(f"You declined at {service}. Nothing was linked.")
    found = request.query.get("code", "")
    if not found or len(found) > 512:
        raise OAuthFailed(f"{service} sent you back without a code.")
    return found
