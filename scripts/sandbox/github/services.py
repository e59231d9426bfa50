"""The services behind the routes, under one key of the application."""

from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from .apps import Apps
from .config import Config
from .deeds import Change
from .hookshot import Hookshot
from .limits import Limits
from .model import Repo, World
from .payloads import Json
from .records import User
from .seed import new_world
from .tokens import Vault
from .watch import Watch


class Services:
    """The world with its tokens, rate limits, Apps and webhooks; `reset` begins anew."""

    world: World
    vault: Vault
    apps: Apps
    limits: Limits
    hookshot: Hookshot

    def __init__(self, config: Config, session: aiohttp.ClientSession) -> None:
        self.config = config
        self.watch = Watch()
        self._session = session
        self._begin()

    def change(self, actor: User, repo: Repo) -> Change:
        """`actor` at work in `repo`."""
        return Change(self.world, self._emit, actor, repo, self._emit_aside)

    async def reset(self) -> None:
        """Forget everything and seed again."""
        await self.hookshot.stop()
        self._begin()
        self.watch.bump()

    def _begin(self) -> None:
        self.world = new_world(self.config)
        self.vault = Vault(self.world.clock)
        self.limits = Limits(self.world.clock)
        self.apps = Apps(self.world)
        self.hookshot = Hookshot(self.world, self.apps, self.watch, self._session)

    def _emit(self, repo: Repo, event: str, payload: Json) -> None:
        self.hookshot.emit(repo, event, payload)

    def _emit_aside(self, repo: Repo, event: str, payload: Json) -> None:
        self.hookshot.emit(repo, event, payload, named=True)


SERVICES = web.AppKey("github-services", Services)
CONFIG = web.AppKey("github-config", Config)


async def open_services(app: web.Application) -> AsyncIterator[None]:
    """Open services while the server runs, as a `cleanup_ctx`."""
    # No cookies: many webhooks may go to one receiver.
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        app[SERVICES] = services = Services(app[CONFIG], session)
        yield
        await services.hookshot.stop()
