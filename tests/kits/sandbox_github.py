"""Shared by the tests of the stand-in GitHub: the running server, and a receiver of webhooks."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from scripts.sandbox.github import Config, create_app
from tests.sandbox.schemas import validate_answer

SECRET = "It's a Secret to Everybody"
PULL = "/repos/acme/component/pulls/1"
ISSUE = "/repos/acme/component/issues/1"


@dataclass(frozen=True)
class Reply:
    """An answer, read."""

    status: int
    headers: dict[str, str]
    text: str
    json: Any


@dataclass
class GitHub:
    """A running stand-in and a client that speaks to it."""

    url: str
    session: aiohttp.ClientSession

    async def call(
        self, method: str, path: str, *, token: str = "", body: Any = None, **options: Any
    ) -> Reply:
        """A REST call; `path` is below /api/v3. The answer is held against GitHub's description of it."""
        headers = {"User-Agent": "test", **options.pop("headers", {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            options["json"] = body
        reply = await self.ask(method, f"/api/v3{path}", headers=headers, **options)
        if "X-GitHub-Api-Version" not in headers:
            validate_answer(method, path, reply.status, reply.json)
        return reply

    async def ask(self, method: str, path: str, **options: Any) -> Reply:
        """Any call; does not follow redirects."""
        async with self.session.request(
            method, self.url + path, allow_redirects=False, **options
        ) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            headers = dict(response.headers)
            return Reply(response.status, headers, text, await response.json() if is_json else None)

    async def drive(self, path: str, /, **body: Any) -> Any:
        """A driver route that is to succeed."""
        reply = await self.ask("POST", f"/_sandbox{path}", json=body)
        assert reply.status == 200, reply.text
        return reply.json

    async def act(self, who: str, do: str, number: int | None = None, **fields: Any) -> Any:
        """Somebody does something to a pull request of acme/component."""
        return await self.drive("/act", **{"as": who, "do": do, "number": number, **fields})

    async def token(self, user: str, scopes: str = "repo") -> str:
        """A token of that user."""
        token: str = (await self.drive("/tokens", user=user, scopes=scopes))["token"]
        return token

    async def idle(self) -> None:
        """Wait until no webhook is on its way."""
        assert (await self.ask("GET", "/_sandbox/webhooks/idle")).json == {"idle": True}


@dataclass(frozen=True)
class Received:
    """A webhook as it came."""

    headers: dict[str, str]
    body: bytes
    event: str
    guid: str


@dataclass
class Receiver:
    """A server that takes webhooks; `answers` are given in turn, then 202."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[web.StreamResponse | Any] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Note what came."""
        headers = dict(request.headers)
        body = await request.read()
        event, guid = (request.headers.get(f"X-GitHub-{name}", "") for name in ("Event", "Delivery"))
        self.received.append(Received(headers, body, event, guid))
        answer = self.answers.pop(0) if self.answers else None
        if callable(answer):
            await answer()
            answer = None
        return answer or web.json_response({"status": "accepted"}, status=202)


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[GitHub]:
    """A stand-in on a free port."""
    bound = socket.create_server(("127.0.0.1", 0))
    config = Config(web_url=f"http://127.0.0.1:{bound.getsockname()[1]}", **options)
    server = TestServer(create_app(config), socket_factory=lambda *_: bound)
    async with server, aiohttp.ClientSession() as session:
        yield GitHub(config.web_url, session)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()
    app = web.Application(client_max_size=32 * 1024**2)
    app.router.add_post("/github/webhook", receiver.take)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/github/webhook"))
        yield receiver
