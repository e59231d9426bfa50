"""What the routes find in the application."""

from aiohttp import web

from bridge.services import Services

SERVICES = web.AppKey("services", Services)
