"""bridge's addresses, as aiohttp's route table has them."""

import re
from collections.abc import Iterable

from aiohttp import web

_PATTERN = re.compile(r"\{(\w+):[^}]*(?:\{[^}]*\})?[^}]*\}")


def addresses(app: web.Application) -> Iterable[tuple[str, str]]:
    """Method and path of each route, such as `("GET", "/connections/{id}")`; HEAD goes without saying."""
    for route in app.router.routes():
        if route.resource is not None and route.method != "HEAD":
            yield route.method, _PATTERN.sub(r"{\1}", route.resource.canonical)
