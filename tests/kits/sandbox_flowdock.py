"""Helpers for the tests of Flowdock's stand-in: it runs on a real socket, next to an application to click."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import ClientResponse, ClientSession, DummyCookieJar, web
from yarl import URL

from scripts.sandbox.flowdock import Config, create_app
from scripts.sandbox.flowdock.config import WORLD
from scripts.sandbox.flowdock.state import World

REDIRECT = "http://127.0.0.1:9/auth/flowdock/callback"
CLIENT = {"client_id": "flowdock-client", "client_secret": "flowdock-secret"}


@dataclass(kw_only=True)
class Application:
    """An application whose button is clicked: answers as told, and keeps what it was asked."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    answer: str = "{}"
    calls: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.calls.append((request.method, request.path_qs, headers, await request.read()))
        return web.Response(status=self.status, headers=self.headers, text=self.answer)


@dataclass(kw_only=True)
class Sandbox:
    """The running stand-in, and the steps that most tests begin with."""

    url: str
    web: ClientSession
    world: World
    application: Application

    async def add_source(self, flow: str = "acme/main", name: str = "acme/component") -> dict[str, Any]:
        body = {"flow": flow, "name": name, "external_url": f"https://github.com/{name}"}
        async with self.web.post("/_sandbox/sources", json=body) as response:
            assert response.status == 201
            return dict(await response.json())

    async def post(self, message: dict[str, Any], **options: Any) -> ClientResponse:
        response = await self.web.post("/messages", json=message, **options)
        await response.read()
        return response

    async def get(self, path: str, **options: Any) -> Any:
        async with self.web.get(path, **options) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def authorize(self, scope: str = "flow integration", user: object = 1001, **more: str) -> URL:
        """Where consent leads: the redirect with its code."""
        fields = {
            "client_id": CLIENT["client_id"],
            "redirect_uri": REDIRECT,
            "response_type": "code",
            "scope": scope,
            "state": "s t&a",
            "user": str(user),
            **more,
        }
        async with self.web.post("/oauth/authorize", data=fields, allow_redirects=False) as response:
            assert response.status == 303
            return URL(response.headers["Location"])

    async def token(self, **fields: str) -> tuple[int, dict[str, str]]:
        async with self.web.post("/oauth/token", data={**CLIENT, **fields}) as response:
            if response.content_type == "application/json":
                return response.status, await response.json()
            return response.status, dict(parse_qsl(await response.text()))

    async def sign_in(self, scope: str = "flow integration", user: int = 1001) -> dict[str, str]:
        """The headers of somebody who consented."""
        code = (await self.authorize(scope, user)).query["code"]
        _, answer = await self.token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT)
        return {"Authorization": f"Bearer {answer['access_token']}"}


def message(flow_token: str, **changes: Any) -> dict[str, Any]:
    """A valid message after the documents' example, with changes; None leaves a field out."""
    content = {
        "flow_token": flow_token,
        "event": "activity",
        "author": {"name": "Ann", "avatar": "https://avatars.example/ann.png"},
        "title": "opened pull request",
        "external_thread_id": "github:component:pr:42",
        "thread": thread(),
        **changes,
    }
    return {name: value for name, value in content.items() if value is not None}


def thread(**changes: Any) -> dict[str, Any]:
    return {
        "title": "Fix bug in thread API",
        "external_url": "https://github.com/acme/component/pull/42",
        "status": {"color": "green", "value": "open"},
        "fields": [{"label": "Assignee", "value": '<a href="https://github.com/ann">ann</a>'}],
        "actions": [button("https://app.example/assign-to-me")],
        **changes,
    }


def button(url: str, name: str = "Assign to me", method: str = "POST") -> dict[str, Any]:
    target = {"@type": "EntryPoint", "urlTemplate": url, "httpMethod": method}
    return {"@type": "UpdateAction", "name": name, "target": target}


@asynccontextmanager
async def sandbox() -> AsyncIterator[Sandbox]:
    """A stand-in and an application, each on a free port, and a client that keeps no cookies."""
    async with AsyncExitStack() as stack:
        application = Application()
        upstream = web.Application()
        upstream.router.add_route("*", "/{path:.*}", application.handle)
        application.url = await stack.enter_async_context(running(lambda _: upstream))
        apps: list[web.Application] = []

        def build(url: str) -> web.Application:
            setup, configure = f"{application.url}/setup", f"{application.url}/configure"
            apps.append(
                create_app(
                    Config(web_url=url, redirect_uris=(REDIRECT,), setup_uri=setup, configure_uri=configure)
                )
            )
            return apps[0]

        url = await stack.enter_async_context(running(build))
        client = await stack.enter_async_context(ClientSession(url, cookie_jar=DummyCookieJar()))
        yield Sandbox(url=url, web=client, world=apps[0][WORLD], application=application)


@asynccontextmanager
async def running(build: Callable[[str], web.Application]) -> AsyncIterator[str]:
    """Serve what `build` makes of its own address, which is bound first."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    runner = web.AppRunner(build(url), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        yield url
    finally:
        await runner.cleanup()
