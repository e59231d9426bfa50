"""Calls to the outside go to the configured hosts alone: no redirect is followed, by any method of a client.

A redirect followed with a token hands the token to whoever is named there; with 302 a POST becomes a GET.
"""

import inspect
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bridge import settings
from bridge.cli.doctor import external
from bridge.clients.flowdock import Flowdock
from bridge.clients.flowdock_oauth import FlowdockOAuth
from bridge.clients.github import GitHub
from bridge.core.actions import Call
from bridge.core.errors import BridgeError
from bridge.core.model import Author, GitHubToken, Message, Target
from bridge.services import Services
from scripts.sandbox.faults import Fault
from tests.conftest import House

TOKEN = GitHubToken(access="gho_x", refresh="ghr_x", expires_at=None, scopes=("repo",))
TARGET = Target(owner="acme", repo="component", number=1, action="close")
CALL = {"token": "gho_x", "subject": "it"}
MESSAGE = Message(event="activity", author=Author(name="Ann"), title="said", body="")
POSTED: dict[str, Any] = {"flow_token": "t", "thread_id": "1", "thread": {}, "uuid": "u"}
SOURCE = {"name": "x", "external_url": "https://github.com/acme/x"}

Ask = Callable[[Services], Awaitable[Any]]


def github(method: str) -> Ask:
    data = {"query": "{ viewer { login } }"} if method == "GRAPHQL" else {"a": "b"}
    url = data.pop("query", "/repos/acme/x")
    return lambda of: of.github.call(Call(method=method, url=url, data=data), **CALL)


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "GRAPHQL")

# By client and method: every way in which bridge calls out.
CALLS: dict[str, Ask] = {
    **{f"GitHub.call {method}": github(method) for method in METHODS},
    "GitHub.pages": lambda of: of.github.pages(Call(method="GET", url="/user/repos"), most=9, **CALL),
    "GitHub.pull": lambda of: of.github.pull(TARGET, token="gho_x"),
    "GitHub.user": lambda of: of.github.user(TOKEN),
    "GitHub.exchange": lambda of: of.github.exchange("code", verifier="v"),
    "GitHub.refresh": lambda of: of.github.refresh("ghr_x"),
    "GitHub.revoke": lambda of: of.github.revoke(TOKEN),
    "GitHub.revoke_grant": lambda of: of.github.revoke_grant(TOKEN),
    "GitHub.reach": lambda of: of.github.reach(),
    "GitHub.public_user": lambda of: of.github.public_user("ann-gh"),
    "GitHub.convert": lambda of: of.github.convert("code"),
    "Flowdock.post": lambda of: of.flowdock.post(MESSAGE, **POSTED),
    "FlowdockOAuth.exchange": lambda of: of.flowdock_oauth.exchange("code"),
    "FlowdockOAuth.user": lambda of: of.flowdock_oauth.user("token"),
    "Flowdock.flows": lambda of: of.flowdock.flows("token"),
    "Flowdock.flow": lambda of: of.flowdock.flow("acme/main", "token"),
    "Flowdock.find_flow": lambda of: of.flowdock.find_flow("1", "token"),
    "Flowdock.create_source": lambda of: of.flowdock.create_source("acme/main", "token", **SOURCE),
    "Flowdock.source": lambda of: of.flowdock.source("token"),
    "Flowdock.source_ids": lambda of: of.flowdock.source_ids("acme/main", "token", external_url="x"),
    "Flowdock.delete_source": lambda of: of.flowdock.delete_source("acme/main", "1", "token"),
    "Flowdock.set_problem": lambda of: of.flowdock.set_problem("token", "broken"),
}  # fmt: skip

DOCTOR: dict[str, Ask] = {
    "external.github": external.github,
    "external.github_client": external.github_client,
    "external.flowdock_client": external.flowdock_client,
}
"""The doctor's calls, by functions of `bridge.cli.doctor.external`; `public_address` has its own test."""

NO_CALLS = {
    "GitHub.perform": "is made of GitHub.call",
    "GitHub.authorize_url": "an address for a browser",
    "GitHub.location": "returns the address of a redirect, and goes nowhere",
    "FlowdockOAuth.authorize_url": "an address for a browser",
}


@dataclass
class Elsewhere:
    """A third server, which nothing may reach."""

    address: str
    reached: list[str] = field(default_factory=list)


@asynccontextmanager
async def serving(answer: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    """A server that answers everything so; its address."""
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await web.SockSite(runner, listener).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        await runner.cleanup()


@pytest.fixture
async def elsewhere() -> AsyncIterator[Elsewhere]:
    async def reached(request: web.Request) -> web.Response:
        third.reached.append(f"{request.method} {request.path}")
        return web.json_response({})

    async with serving(reached) as address:
        third = Elsewhere(address)
        yield third


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_call_follows_a_redirect(house: House, elsewhere: Elsewhere, status: int) -> None:
    for name, ask in (CALLS | DOCTOR).items():
        journals = (house.github_journal, house.flowdock_journal)
        for journal in journals:
            journal.calls.clear()
            journal.faults[:] = [
                Fault(path=".*", times=99, status=status, headers={"Location": f"{elsewhere.address}/x"})
            ]
        with suppress(BridgeError):
            await ask(house.services)
        calls = [call.method for journal in journals for call in journal.calls]
        assert len(calls) == 1, (name, "one call, and none that a redirect made of it", calls)
        assert elsewhere.reached == [], name
    async with house.http.get(elsewhere.address) as response:
        assert response.status == 200, "it can be reached"
    assert elsewhere.reached == ["GET /"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("redirected", ["GET /healthz", "POST /github/webhook"])
async def test_the_doctor_follows_no_redirect_of_the_public_address(
    house: House, elsewhere: Elsewhere, status: int, redirected: str
) -> None:
    """Its ping is signed with the webhook's secret; whoever gets it could send it again."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.path}")
        if asked[-1] == redirected:
            return web.Response(status=status, headers={"Location": f"{elsewhere.address}/x"})
        return web.json_response({"status": "alive"})

    async with serving(answer) as address:
        chosen = replace(house.services.settings, web_url=address)
        known = house.services
        services = Services(chosen, known.redis, known.session, outside=known.outside)
        state, to_do = await external.public_address(services)
    assert state in ("warn", "wrong")
    assert str(status) in to_do
    assert asked[-1] == redirected, "nothing is asked after it"
    assert elsewhere.reached == []


def test_every_question_of_the_doctor_is_in_a_table() -> None:
    questions = {
        f"external.{name}"
        for name, _ in inspect.getmembers(external, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }
    assert questions == {*DOCTOR, "external.public_address", "external.mail_server"}, "SMTP knows no redirect"


def test_every_way_to_call_is_in_the_table() -> None:
    methods = {
        f"{client.__name__}.{name}"
        for client in (GitHub, Flowdock, FlowdockOAuth)
        for name, _ in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_")
    }
    assert methods == {name.split()[0] for name in CALLS} | set(NO_CALLS)


def test_nothing_else_makes_a_session_of_its_own() -> None:
    """So the bounds of `bridge.clients.session.open_session` hold for every call."""
    makers = {
        path.name
        for path in Path(settings.__file__).parent.rglob("*.py")
        if "ClientSession(" in path.read_text() or "urlopen(" in path.read_text()
    }
    assert makers == {"session.py"}


async def test_nothing_waits_for_ever() -> None:
    from bridge.clients.session import open_session

    async with open_session() as session:
        assert 0 < (session.timeout.total or 0) <= 20
        assert isinstance(session.timeout, aiohttp.ClientTimeout)
