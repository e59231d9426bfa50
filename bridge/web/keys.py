"""What the routes find in the application and in a request."""

from aiohttp import web

from bridge.services import Services

SERVICES = web.AppKey("services", Services)
LOG = web.RequestKey("log", dict[str, str])
"""What the request's line in the log says besides."""
