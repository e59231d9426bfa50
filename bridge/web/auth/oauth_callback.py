"""What every OAuth callback needs: its registered address, and the code that it brings."""

from aiohttp import web

from bridge.core.errors import ClaimRefused, OAuthFailed
from bridge.services import Services


def address(services: Services, service: str) -> str:
    """The callback that is registered with `github` or `flowdock`."""
    return f"{services.settings.web_url}/auth/{service}/callback"


def code(request: web.Request, service: str) -> str:
    """The code in a callback; raises `ClaimRefused` if the person said no, else `OAuthFailed`."""
    if request.query.get("error") == "access_denied":
        raise ClaimRefused(f"You declined at {service}. Nothing was linked.")
    found = request.query.get("code", "")
    if not found or len(found) > 512:
        raise OAuthFailed(f"{service} sent you back without a code.")
    return found
