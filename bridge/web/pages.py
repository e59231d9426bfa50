"""The pages that people see, besides linking: the home page and every error."""

import aiohttp_jinja2
from aiohttp import web

from bridge.core import translate
from bridge.web.keys import SERVICES

_HEADINGS = {
    403: "This cannot go on",
    404: "There is nothing here",
    405: "Not like this",
    429: "Too many at once",
    502: "The other side did not answer as it should",
    503: "Not now",
    504: "The other side is slow",
}

routes = web.RouteTableDef()


@routes.get("/", name="home")
async def home(request: web.Request) -> web.Response:
    """What bridge is, and how this installation is set."""
    settings = request.app[SERVICES].settings
    return aiohttp_jinja2.render_template(
        "home.html",
        request,
        {"settings": settings, "events": sorted(translate.EVENTS - {translate.MERGEABLE})},
    )


def error(request: web.Request, *, status: int, sentence: str, advice: str) -> web.Response:
    """An error as a page: what happened, what to do."""
    heading = _HEADINGS.get(status, "That did not work")
    context = {"heading": heading, "sentence": sentence[:1].upper() + sentence[1:], "advice": advice}
    return aiohttp_jinja2.render_template("error.html", request, context, status=status)


def redirect(url: str) -> web.Response:
    """On to another page, by GET."""
    return web.Response(status=303, headers={"Location": url})
