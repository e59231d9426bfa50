"""The stand-in's configuration, and the keys of its application."""

from dataclasses import dataclass

from aiohttp import ClientSession, web

from scripts.sandbox.flowdock.grants import Grants
from scripts.sandbox.flowdock.state import World


@dataclass(frozen=True, kw_only=True)
class Config:
    """The stand-in's own address, and the one OAuth application that is registered with it.

    `web_url` has no trailing slash. `redirect_uris`, `setup_uri` and `configure_uri` are what a developer
    enters when registering an application (Flowdock's API documents, "Production-grade integration").
    """

    web_url: str
    client_id: str = "flowdock-client"
    client_secret: str = "flowdock-secret"
    redirect_uris: tuple[str, ...] = ()
    application_name: str = "bridge"
    setup_uri: str = ""
    configure_uri: str = ""


CONFIG = web.AppKey("config", Config)
WORLD = web.AppKey("world", World)
GRANTS = web.AppKey("grants", Grants)
HTTP = web.AppKey("http", ClientSession)
