"""Cookies that scripts cannot read, and that other sites can neither send along with a form nor set.

Over https their names begin with `__Host-`: a browser takes them from this very host alone, not from other
hosts of the domain, nor from an unencrypted connection.
https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-the-__host-prefix
"""

from aiohttp import web

HTTPS = web.AppKey("https", bool)
"""True if bridge's own address is https."""
NEEDED = "bridge needs cookies: if this browser refuses them, allow them for this address."
SPENT = web.RequestKey("spent", str)
"""The cookie that this request used up, whatever the answer."""


def name(app: web.Application, base: str) -> str:
    """Return a cookie's full name at bridge's address."""
    return f"__Host-{base}" if app[HTTPS] else base


def read(request: web.Request, base: str) -> str:
    """Return a cookie's value; empty if the browser sent none."""
    return request.cookies.get(name(request.app, base), "")


def keep(request: web.Request, response: web.StreamResponse, base: str, value: str, *, seconds: int) -> None:
    """Set a cookie."""
    response.set_cookie(
        name(request.app, base),
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        # Lax: browsers must send it when GitHub and Flowdock redirect back.
        samesite="Lax",
        secure=request.app[HTTPS],
    )


def forget(request: web.Request, response: web.StreamResponse, base: str) -> None:
    """Delete a cookie."""
    response.del_cookie(
        name(request.app, base), path="/", secure=request.app[HTTPS], httponly=True, samesite="Lax"
    )
