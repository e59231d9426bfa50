"""Cookies that scripts cannot read, and that other sites can neither send along with a form nor set.

Over https their names begin with `__Host-`: a browser takes them from this very host alone, not from other
hosts of the domain, nor from an unencrypted connection.
https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-the-__host-prefix
"""

from aiohttp import web

from bridge.services import Services
from bridge.web.context import SERVICES


def name(services: Services, base: str) -> str:
    """Return a cookie's full name at bridge's address."""
    return f"__Host-{base}" if _is_https(services) else base


def read(request: web.Request, base: str) -> str:
    """Return a cookie's value; empty if the browser sent none."""
    return request.cookies.get(name(request.app[SERVICES], base), "")


def keep(services: Services, response: web.StreamResponse, base: str, value: str, *, seconds: int) -> None:
    """Set a cookie."""
    response.set_cookie(
        name(services, base),
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        # Lax: it must come along when GitHub and Flowdock send the browser back.
        samesite="Lax",
        secure=_is_https(services),
    )


def forget(services: Services, response: web.StreamResponse, base: str) -> None:
    """Delete a cookie."""
    response.del_cookie(
        name(services, base), path="/", secure=_is_https(services), httponly=True, samesite="Lax"
    )


def _is_https(services: Services) -> bool:
    return services.settings.web_url.startswith("https:")
