"""Shared by the inbox's tests: a real Redis, emptied, and bridge with an inbox of its own on a socket."""

import html
import json
import secrets
import socket
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import aiohttp
import pytest
from aiohttp import web

from bridge import settings
from bridge.inbox import keys
from bridge.inbox.context import INBOX, Inbox
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.people.grants import Grant
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.people.sessions import COOKIE, SESSIONS, SessionStore
from bridge.services import Services, open_services
from bridge.web.app import create_app, make_runner
from tests.kits import hygiene

ALL_SCOPES = "flow private profile integration offline_access"


async def read_all(redis: Any, *, but: Collection[str] = ()) -> dict[bytes, Any]:
    """All that Redis keeps of flows, in an order that does not hang on how it does, as that of DUMP would."""
    found: dict[bytes, Any] = {}
    for key in set(await redis.keys("inbox:{main}:*")) - {one.encode() for one in but}:
        match await redis.type(key):
            case b"zset":
                found[key] = sorted(await redis.zrange(key, 0, -1, withscores=True))
            case b"hash":
                found[key] = sorted((await redis.hgetall(key)).items())
            case b"stream":
                found[key] = await redis.xrange(key)
            case b"set":
                found[key] = sorted(await redis.smembers(key))
            case _:
                found[key] = await redis.get(key)
    return dict(sorted(found.items()))


class Answer(NamedTuple):
    """An answer, read."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(kw_only=True)
class Team:
    """bridge with its inbox at `url`: Ann, Bob, Cy, and the flow team/main with Ann, its owner, and Bob."""

    url: str
    services: Services
    inbox: Inbox
    app_sessions: SessionStore
    app: web.Application
    http: aiohttp.ClientSession
    people: dict[str, InboxPerson] = field(default_factory=dict)
    flow: TeamFlow = field(init=False)
    flow_token: str = ""
    """Of the first source, for a test to keep."""

    @property
    def api(self) -> str:
        return f"{self.url}/inbox/api"

    async def token(self, nick: str = "ann", scopes: str = ALL_SCOPES) -> str:
        """An access token of a person, as OAuth gives it."""
        inbox = self.inbox
        grant = Grant(
            person_id=self.people[nick].id,
            client_id=inbox.client_id,
            scopes=tuple(scopes.split()),
            redirect_uri=inbox.redirect_uri,
        )
        answer = await inbox.grants.redeem(
            await inbox.grants.new_code(grant), client_id=inbox.client_id, redirect_uri=inbox.redirect_uri
        )
        assert answer
        return str(answer["access_token"])

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Call the API; return the status and the JSON."""
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.http.request(
            method, f"{self.api}{path}", json=body, headers={**bearer, **(headers or {})}
        ) as response:
            found = await response.json() if response.content_type == "application/json" else None
            return response.status, found

    async def headers(self, nick: str) -> tuple[dict[str, str], str]:
        """The cookie of a new session of a person, and what its forms must bring; nothing for nobody."""
        if not nick:
            return {}, ""
        cookie = await self.app_sessions.begin(self.people[nick].id, browser="")
        return {"Cookie": f"{COOKIE}={cookie}"}, cookie.csrf

    async def visit(
        self, nick: str, method: str, path: str, form: Mapping[str, str] | None = None, *, csrf: str = ""
    ) -> Answer:
        """Ask for a page, or send a form, as a person; a stream is left at once."""
        headers, good = await self.headers(nick)
        data = None if form is None else {**form, "csrf": csrf or good}
        async with self.http.request(
            method, self.url + html.unescape(path), data=data, headers=headers, allow_redirects=False
        ) as response:
            is_stream = response.content_type == "text/event-stream"
            text = "" if is_stream else await response.text()
            return Answer(status=response.status, headers=dict(response.headers), text=text)

    @asynccontextmanager
    async def stream(self, nick: str, path: str, *, last: str) -> AsyncIterator[AsyncIterator[Any]]:
        """The data of server-sent events, as they come."""
        headers, _ = await self.headers(nick)
        async with self.http.get(self.url + path, headers={**headers, "Last-Event-ID": last}) as response:
            assert response.status == 200

            async def data() -> AsyncIterator[Any]:
                async for line in response.content:
                    if line.startswith(b"data: "):
                        yield json.loads(line[6:])

            yield data()

    async def dump(self) -> dict[bytes, Any]:
        """All that Redis keeps of flows."""
        return await read_all(self.services.redis)

    async def dump_of(self, flow_id: str) -> set[bytes]:
        """The keys about one flow, and the lists of flows that name it."""
        redis: Any = self.services.redis
        lists = (keys.FLOWS, keys.ENDING, keys.DELETING)
        listed = {key.encode() for key in lists if await redis.hexists(key, flow_id)}
        return listed | set(await redis.keys(f"*{flow_id}*"))

    async def source(self, nick: str = "ann", name: str = "acme/component") -> dict[str, Any]:
        """A new source of the flow, as the API shows it once."""
        body = {"name": name, "external_url": f"https://github.com/{name}"}
        path = f"/flows/{self.flow.path}/sources"
        status, made = await self.call("POST", path, body, token=await self.token(nick))
        assert status == 201, made
        return dict(made)


@pytest.fixture
async def team(redis_url: str) -> AsyncIterator[Team]:
    async with open_team(redis_url) as opened:
        yield opened


@asynccontextmanager
async def open_team(
    redis_url: str,
    *,
    outside: aiohttp.ClientSession | None = None,
    more: Mapping[str, str] | None = None,
) -> AsyncIterator[Team]:
    """bridge with `more` settings, and the team; `outside` is the session for addresses of their choice."""
    async with AsyncExitStack() as closing:
        listener = closing.enter_context(socket.create_server(("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        chosen = settings.read(environ(url) | dict(more or {}))
        hygiene.know_settings(chosen)
        services = await closing.enter_async_context(open_services(chosen, redis_url=redis_url, for_web=True))
        if outside:
            await services.outside.close()
            services.outside = outside
        app = create_app(services)
        runner = make_runner(app, shutdown_timeout=1)
        await runner.setup()
        closing.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listener).start()
        http = await closing.enter_async_context(aiohttp.ClientSession())
        made = Team(
            url=url, services=services, inbox=app[INBOX], app_sessions=app[SESSIONS], app=app, http=http
        )
        await _move_in(made)
        yield made


def environ(url: str) -> dict[str, str]:
    """An environment without any of Flowdock's settings."""
    return {
        "WEB_URL": url,
        "GITHUB_CLIENT_ID": "github-client",
        "GITHUB_CLIENT_SECRET": "github-secret",
        "GITHUB_WEBHOOK_SECRET": secrets.token_hex(16),
        "COOKIE_SECRET": secrets.token_hex(16),
        "ENCRYPTION_KEY": secrets.token_hex(16),
        "PAGE_LIMIT": "60000",
        "ACTION_LIMIT": "60000",
    }


async def _move_in(team: Team) -> None:
    people = team.inbox.people
    for number, nick in enumerate(("ann", "bob", "cy"), start=1001):
        team.people[nick] = await people.put(
            number, nick=nick, name=nick.title(), avatar="", admitted_by="operator"
        )
    flow = await team.inbox.flows.make(organization="team", slug="main", name="Main", owner=1001)
    assert flow
    await team.inbox.flows.join(flow.id, 1002)
    team.flow = flow
