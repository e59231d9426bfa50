"""Notices: what a form did, shown once on the page that it leads to.

A cookie carries the notice's name; its words are the page's own.
"""

from aiohttp import web

from bridge.web import render
from bridge.web.http import cookies

COOKIE = "bridge-notice"
SECONDS = 60


def redirect(request: web.Request, url: str, notice: str) -> web.Response:
    """Redirect to another page of bridge's, which shows the notice."""
    response = render.redirect(url)
    cookies.keep(request, response, COOKIE, notice, seconds=SECONDS)
    return response


def pop(request: web.Request) -> str:
    """Return the name of the notice to show once; empty if there is none. A reload does not show it."""
    if notice := cookies.read(request, COOKIE):
        request[cookies.SPENT] = COOKIE
    return notice
