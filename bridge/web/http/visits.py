"""The key of a request by which a handler says who looks at its page."""

from typing import NamedTuple

from aiohttp import web


class Visitor(NamedTuple):
    """Somebody who is signed in to the inbox, as the header shows them, and the value for their forms."""

    nick: str
    csrf: str


VISITOR = web.RequestKey("visitor", Visitor)
"""Set once somebody is known to be signed in to the inbox."""
