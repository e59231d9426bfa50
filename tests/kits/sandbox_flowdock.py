"""Helpers for the tests of Flowdock's stand-in: it runs on a real socket, next to an application to click."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, DummyCookieJar, web

from bridge.inbox.context import API
from scripts.sandbox.flowdock import Config, create_app
from tests.kits import redis_of_flowdock


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
    application: Application

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status, and the JSON or text of the answer."""
        async with self.web.request(method, path, json=body) as response:
            is_json = response.content_type == "application/json"
            return response.status, await (response.json() if is_json else response.text())

    async def get(self, path: str) -> Any:
        status, found = await self.call("GET", path)
        assert status == 200, found
        return found

    async def add_source(self, flow: str = "acme/main") -> dict[str, Any]:
        body = {"flow": flow, "name": "acme/component", "external_url": "https://github.com/acme/component"}
        status, made = await self.call("POST", "/_sandbox/sources", body)
        assert status == 201
        return dict(made)

    async def post(self, flow_token: str, **changes: Any) -> int:
        """The status of the answer to a valid message with changes."""
        content = {
            "flow_token": flow_token,
            "event": "activity",
            "author": {"name": "Ann"},
            "title": "opened pull request",
            "external_thread_id": "pr:42",
            "thread": {"title": "Fix bug in thread API"},
        }
        return (await self.call("POST", f"{API}/messages", content | changes))[0]


def button(url: str, name: str) -> dict[str, Any]:
    target = {"@type": "EntryPoint", "urlTemplate": url, "httpMethod": "POST"}
    return {"@type": "UpdateAction", "name": name, "target": target}


@asynccontextmanager
async def sandbox() -> AsyncIterator[Sandbox]:
    """A stand-in and an application, each on a free port, and a client that keeps no cookies."""
    async with AsyncExitStack() as stack:
        application = Application()
        upstream = web.Application()
        upstream.router.add_route("*", "/{path:.*}", application.handle)
        application.url = await stack.enter_async_context(running(lambda _: upstream))

        def build(url: str) -> web.Application:
            redis_url = redis_of_flowdock.url()
            return create_app(Config(web_url=url, application_url=application.url, redis_url=redis_url))

        url = await stack.enter_async_context(running(build))
        client = await stack.enter_async_context(ClientSession(url, cookie_jar=DummyCookieJar()))
        yield Sandbox(url=url, web=client, application=application)


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
