"""Cookies that no script sees, that no other site sends along with a form, and that no neighbour plants.

Over https their names begin with `__Host-`: a browser then takes them from this very host alone, so that no
other host of the same domain, and nobody on an unencrypted connection, gives it one of theirs.
https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-the-__host-prefix
"""

from aiohttp import web

from bridge.services import Services
from bridge.web.context import SERVICES


def name(services: Services, base: str) -> str:
    """How a cookie is called at bridge's own address."""
    return f"__Host-{base}" if _is_https(services) else base


def read(request: web.Request, base: str) -> str:
    """A cookie's value; empty if the browser sent none."""
    return request.cookies.get(name(request.app[SERVICES], base), "")


def keep(services: Services, response: web.StreamResponse, base: str, value: str, *, seconds: int) -> None:
    """Give the browser a cookie."""
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
    """Have the browser forget a cookie."""
    response.del_cookie(
        name(services, base), path="/", secure=_is_https(services), httponly=True, samesite="Lax"
    )


def _is_https(services: Services) -> bool:
    return services.settings.web_url.startswith("https:")
