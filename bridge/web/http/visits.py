"""The visitor of a page: handlers note them on the request, for the page's header."""

from typing import NamedTuple

from aiohttp import web


class Visitor(NamedTuple):
    """A person who is signed in to the inbox: their nick for the header, the value for their forms."""

    nick: str
    csrf: str


VISITOR = web.RequestKey("visitor", Visitor)
"""Set once a person is known to be signed in to the inbox."""
