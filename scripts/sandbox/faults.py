"""Record the calls to a stand-in, and inject faults, for tests.

`install(app)` adds a middleware and these routes (JSON in and out, meant for tests on loopback):

* `GET /_sandbox/calls` lists the calls so far, `DELETE /_sandbox/calls` forgets them.
* `POST /_sandbox/faults` adds a `Fault` (its fields as JSON), `GET` lists them with the times left,
  `DELETE` removes all.

Routes below `/_sandbox/` are neither recorded nor broken.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(kw_only=True)
class Fault:
    """One thing that goes wrong, for the next `times` calls that match.

    `delay` (seconds) alone slows a call down, at most until `released` is set; `status` answers in the
    server's stead; `cut` closes the connection, "before" or "after" the call took effect. The first `skip`
    matching calls go well: `{"path": "/messages", "skip": 2, "status": 503}` breaks the third.
    """

    path: str = ".*"
    method: str = ".*"
    body: str = ".*"
    times: int = 1
    skip: int = 0
    delay: float = 0
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    answer: str = ""
    cut: Literal["", "before", "after"] = ""

    def __post_init__(self) -> None:
        self.released = asyncio.Event()

    def takes(self, method: str, path: str, body: str) -> bool:
        """Tell whether the fault is left and concerns this call; the patterns are regular expressions."""
        return (
            self.times > 0
            and re.fullmatch(self.method, method) is not None
            and re.fullmatch(self.path, path) is not None
            and re.search(self.body, body) is not None
        )


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call that a stand-in got; `status` is 0 where the connection was cut."""

    method: str
    path: str
    status: int
    body: str


@dataclass
class Journal:
    """The calls to a stand-in so far, and the faults to come."""

    below: str = ""
    """The beginning of paths that is left out of them."""
    calls: list[Call] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def take_fault(self, method: str, path: str, body: str) -> Fault | None:
        """Return the first fault that concerns this call, used up once; None if it is to go well.

        A fault that still lets calls go leaves this one to the faults after it.
        """
        for fault in self.faults:
            if not fault.takes(method, path, body):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.times -= 1
            return fault
        return None


JOURNAL = web.AppKey("journal", Journal)


def install(app: web.Application, *, below: str = "") -> Journal:
    """Add the middleware and the routes to `app`; returns the journal, also at `app[JOURNAL]`.

    Paths of faults and calls are those `below` an address.
    """
    app[JOURNAL] = journal = Journal(below=below)
    app.middlewares.append(_middleware)
    app.router.add_get("/_sandbox/calls", _list_calls)
    app.router.add_delete("/_sandbox/calls", _forget_calls)
    app.router.add_post("/_sandbox/faults", _add_fault)
    app.router.add_get("/_sandbox/faults", _list_faults)
    app.router.add_delete("/_sandbox/faults", _remove_faults)
    return journal


@web.middleware
async def _middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith("/_sandbox/"):
        return await handler(request)
    journal = request.app[JOURNAL]
    body = (await request.read()).decode(errors="replace")
    path = request.path.removeprefix(journal.below)
    fault = journal.take_fault(request.method, path, body)
    status = 0
    try:
        response = await (_broken(request, handler, fault) if fault else handler(request))
        status = response.status
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        journal.calls.append(Call(method=request.method, path=path, status=status, body=body))
    return response


async def _broken(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    if fault.delay:
        with suppress(TimeoutError):
            async with asyncio.timeout(fault.delay):
                await fault.released.wait()
    if fault.status is not None:
        return web.Response(status=fault.status, headers=fault.headers, text=fault.answer)
    if fault.cut != "before":
        response = await handler(request)
        if fault.cut != "after":
            return response
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError("cut by a fault")


async def _list_calls(request: web.Request) -> web.Response:
    return web.json_response([asdict(call) for call in request.app[JOURNAL].calls])


async def _forget_calls(request: web.Request) -> web.Response:
    request.app[JOURNAL].calls.clear()
    return web.Response(status=204)


async def _add_fault(request: web.Request) -> web.Response:
    fields: dict[str, Any] = await request.json()
    try:
        request.app[JOURNAL].faults.append(Fault(**fields))
    except TypeError as error:
        raise web.HTTPBadRequest(text=f"no such field of a fault: {error}") from error
    return web.Response(status=201)


async def _list_faults(request: web.Request) -> web.Response:
    return web.json_response([asdict(fault) for fault in request.app[JOURNAL].faults])


async def _remove_faults(request: web.Request) -> web.Response:
    request.app[JOURNAL].faults.clear()
    return web.Response(status=204)
