"""The inbox: taking messages, pages beside many threads, and live streams."""

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import msgspec

from bridge.inbox import keys
from bridge.inbox.context import API, PAGES
from bridge.inbox.flows.flows import FlowStore, TeamFlow
from bridge.inbox.flows.sources import SourceStore
from bridge.inbox.people.api_tokens import ApiTokenStore
from bridge.inbox.people.people import PeopleStore
from bridge.inbox.people.sessions import COOKIE, SessionStore
from bridge.inbox.threads.extension import MEMBER, Account, Holder, Pull, PullTurn
from bridge.inbox.threads.messages import MessageStore
from scripts.benches import processes, tools
from scripts.benches import rig as rigs
from scripts.benches.findings import Figure, Findings
from scripts.benches.peer.messages import STREAM
from scripts.benches.rig import REPOSITORY, Rig, expect, say
from scripts.sandbox.house import Broken

CONNECTIONS = 32
FEW, MANY = 100, 10_000
TITLE = "Wait until all checks of the branch pass"
OPEN = 100
"""Threads that are not done, of few or many alike; it is the reader's turn in a tenth of them."""
STREAMS = 300
WATCHERS = 6
"""People who have them: one may have 100."""
SECONDS = 60
"""Until a stream is given up."""

_POSTED = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A person alone in a flow, with the flow token of its source."""

    flow: TeamFlow
    flow_token: str
    cookie: str
    token: str

    @property
    def page(self) -> str:
        """Return the path of the flow's first page."""
        return f"{PAGES}/flows/{self.flow.path}"


async def measure(quick: bool) -> Findings:
    """Messages a second, the time of a page, the memory and the delay of live streams, all in one run."""
    rounds, seconds, times = (3, 1, 20) if quick else (5, 5, 100)
    async with rigs.open_rig(inbox=True) as rig:
        web = await rig.start_web()
        few = await _reader(rig, 1001, "few", threads=FEW)
        many = await _reader(rig, 1002, "many", threads=MANY)
        pages = await _pages(rig, few, many, rounds=rounds, times=times)
        posts = await _posts(rig, few, rounds=rounds, seconds=seconds)
        streams = await _streams(rig, web.pid, few, rounds=rounds)
        resident = processes.resident_mb(web.pid)
    memory = Figure(name="inbox, web, RSS", unit="MB", ours=[resident], bound=90, better="less")
    return Findings(
        figures=[posts, *pages, *streams, memory],
        remarks=[
            f"Inbox: messages of {len(_body('x')):,} bytes for 1,000 threads, {CONNECTIONS} connections,"
            f" {rounds} rounds of {seconds} s, in turn; Redis is asked how many it holds. Its pages: {times}"
            f" requests, one after the other, by someone whose flow has {MANY:,} threads and by someone"
            f" whose flow has {FEW}, {OPEN} of each open. Live streams: half of them pages', half the API's,"
            f" all of one flow's {WATCHERS} members; memory is RSS after less RSS before, the delay from the"
            " request to the last stream. RSS of the web half at the end of all this.",
        ],
    )


async def _reader(rig: Rig, person: int, name: str, *, threads: int) -> Reader:
    say(f"inbox: a flow with {threads:,} threads")
    people, flows = PeopleStore(rig.redis), FlowStore(rig.redis)
    await people.put(person, nick=name, name="", avatar="", admitted_by="operator")
    flow = await flows.make(organization="team", slug=name, name=name, owner=person)
    if flow is None:
        raise Broken("the flow was not made")
    source, flow_token = await SourceStore(rig.redis).make(
        flow.id, name=REPOSITORY, external_url="", client_id="", creator=person
    )
    store = MessageStore(redis=rig.redis)
    for begin in range(0, threads, 100):
        numbers = range(begin, begin + 100)
        await asyncio.gather(
            *(store.post(flow.id, source.id, _message(n, person, every=threads // OPEN)) for n in numbers)
        )
    return await _signed_in(rig, person, flow, flow_token)


async def _signed_in(rig: Rig, person: int, flow: TeamFlow, flow_token: str) -> Reader:
    sessions = SessionStore(rig.redis, signed_by=[rig.house.environ["COOKIE_SECRET"]])
    return Reader(
        flow=flow,
        flow_token=flow_token,
        cookie=f"{COOKIE}={await sessions.begin(person, browser='')}",
        token=await ApiTokenStore(rig.redis).make(person, label="bench", scopes=("flow",)),
    )


async def _watchers(rig: Rig, reader: Reader) -> list[Reader]:
    """Add people to a reader's flow."""
    people, flows, found = PeopleStore(rig.redis), FlowStore(rig.redis), list[Reader]()
    for person in range(2001, 2001 + WATCHERS):
        await people.put(person, nick=f"watcher-{person}", name="", avatar="", admitted_by="operator")
        await flows.join(reader.flow.id, person)
        found.append(await _signed_in(rig, person, reader.flow, reader.flow_token))
    return found


def _message(number: int, person: int, *, every: int = 1) -> dict[str, Any]:
    """Make a message about a pull request, of the size that bridge's have; one in `every` is open."""
    is_open = number % every == 0
    author = Account(id=9, login="dee-gh")
    holders = (Holder(id=person, login="me", since=1_800_000_000_000),) if number % (10 * every) == 0 else ()
    turn = PullTurn(kind="review", who="@me", why="a review was requested", people=holders)
    pull = Pull(repository=REPOSITORY, number=number, author=author, turn=turn if is_open else None)
    url = f"https://github.com/{REPOSITORY}/pull/{number}"
    return {
        "event": "activity",
        "title": f'pushed <a href="{url}/commits">2 commits</a>',
        "author": {"name": "Dee", "avatar": "https://github.com/dee-gh.png"},
        "external_thread_id": f"github:{REPOSITORY}:pr:THREAD-{number:03d}",
        "thread": {
            "title": f"#{number} {TITLE}",
            "body": "<p>The thread waits until its reviewers have said what they think.</p>" * 8,
            "external_url": url,
            "status": {"color": "green", "value": "open"}
            if is_open
            else {"color": "purple", "value": "merged"},
            "fields": [
                {"label": f"Field {at}", "value": f'<a href="{url}">some value</a>'} for at in range(8)
            ],
            "actions": [{"@type": "ViewAction", "name": f"View {at}", "url": url} for at in range(6)],
            MEMBER: msgspec.to_builtins(pull),
        },
        "tags": ["pull-request"],
    }


def _body(flow_token: str) -> bytes:
    return rigs.dump({**_message(0, 1), "flow_token": flow_token})


async def _posts(rig: Rig, reader: Reader, *, rounds: int, seconds: int) -> Figure:
    """Messages a second, beside a handler that checks the token and does one XADD."""
    bare = await rig.start_peer("messages", flow_token=reader.flow_token)
    body = rig.folder / "message"
    body.write_bytes(_body(reader.flow_token))
    ours, theirs = [], []
    for at in range(rounds):
        ours.append(await _loaded(rig.house.bridge, body, seconds, lambda: _newest(rig)))
        theirs.append(await _loaded(bare, body, seconds, lambda: rig.redis.xlen(STREAM)))
        say(f"inbox: round {at + 1} of {rounds}: {ours[-1]:,.0f} messages/s, bare {theirs[-1]:,.0f}")
    return Figure(
        name="inbox, POST /messages",
        unit="messages/s",
        ours=ours,
        peer="bare, token, XADD",
        theirs=theirs,
        bound=0.5,
    )


async def _newest(rig: Rig) -> int:
    return int(await rig.redis.get(keys.LAST_MESSAGE) or 0)


async def _loaded(url: str, body: Path, seconds: int, held: Callable[[], Any]) -> float:
    before = await held()
    load = await tools.run_script("messages.lua", url, str(body), seconds=seconds, connections=CONNECTIONS)
    taken = await held() - before
    expect(
        load.requests <= taken <= load.requests + 2 * CONNECTIONS,
        f"{url} answered {load.requests} messages and took {taken}",
    )
    return load.rate


async def _pages(rig: Rig, few: Reader, many: Reader, *, rounds: int, times: int) -> list[Figure]:
    """Milliseconds of a page, beside the same page of a flow with few threads."""
    names = ("inbox, front page", "inbox, a flow's first page")
    taken: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for reader, (name, path) in itertools.product((many, few), zip(names, (PAGES, ""), strict=True)):
            took = await _timed(rig, path or reader.page, reader.cookie, times)
            taken.setdefault((name, reader.flow.slug), []).append(took)
    for name in names:
        say(f"{name}: {median(taken[name, 'many']):.1f} ms, {median(taken[name, 'few']):.1f} ms beside few")
    return [
        Figure(
            name=f"{name}, {MANY:,} threads",
            unit="ms",
            ours=taken[name, "many"],
            peer=f"{FEW} threads",
            theirs=taken[name, "few"],
            bound=1.5,
            better="less",
        )
        for name in names
    ]


async def _timed(rig: Rig, path: str, cookie: str, times: int) -> float:
    """Return the median of the milliseconds that a page takes."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        async with rig.house.http.get(rig.house.bridge + path, headers={"Cookie": cookie}) as response:
            text = await response.text()
        taken.append((time.perf_counter() - began) * 1000)
        expect(response.status == 200 and TITLE in text, f"{path}: {response.status}")
    return median(taken)


async def _streams(rig: Rig, pid: int, reader: Reader, *, rounds: int) -> list[Figure]:
    """Memory of many live streams, and seconds until each has a message."""
    watchers = await _watchers(rig, reader)
    before, delays = processes.resident_mb(pid), []
    whole = aiohttp.ClientTimeout(total=None, sock_read=SECONDS)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=whole) as http:
        position = {"Last-Event-ID": str(await _newest(rig))}
        streams = [
            await _opened(http, rig.house.bridge, watchers[at % WATCHERS], position, of_page=at % 4 < 2)
            for at in range(STREAMS)
        ]
        for _ in range(rounds):
            delays.append(await _delay(rig, reader, streams))
        cost = processes.resident_mb(pid) - before
        for stream in streams:
            stream.close()
    say(f"inbox: {STREAMS} streams: {cost:.1f} MB, {median(delays):.2f} s until all have a message")
    return [
        Figure(name=f"inbox, {STREAMS} live streams", unit="MB", ours=[cost], bound=50, better="less"),
        Figure(name="inbox, a message in all of them", unit="s", ours=delays, bound=1, better="less"),
    ]


async def _opened(
    http: aiohttp.ClientSession, url: str, reader: Reader, position: dict[str, str], *, of_page: bool
) -> aiohttp.ClientResponse:
    of_api = {"Authorization": f"Bearer {reader.token}", "Accept": "text/event-stream"}
    path = f"{reader.page}/events" if of_page else f"{API}/stream/flows/{reader.flow.path}"
    headers = {"Cookie": reader.cookie} if of_page else of_api
    response = await http.get(url + path, headers={**headers, **position})
    expect(response.status == 200, f"a stream: {response.status}")
    return response


async def _delay(rig: Rig, reader: Reader, streams: list[aiohttp.ClientResponse]) -> float:
    """Post a message; return the seconds until all streams have it."""
    mark = f"mark {next(_POSTED)}."
    body = {**_message(1, 1), "flow_token": reader.flow_token}
    body["thread"] |= {"title": mark}
    began = time.perf_counter()
    async with rig.house.http.post(f"{rig.house.bridge}{API}/messages", json=body) as response:
        expect(response.status == 202, f"a message: {response.status}")
    await asyncio.gather(*(_has(stream, mark.encode()) for stream in streams))
    return time.perf_counter() - began


async def _has(stream: aiohttp.ClientResponse, mark: bytes) -> None:
    async for line in stream.content:
        if line.startswith(b"data:") and mark in line:
            return
    expect(False, "a stream ended")
