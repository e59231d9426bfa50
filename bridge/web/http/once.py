"""Forms that a browser sends twice: the second gets the first's answer, and nothing is done twice.

Without JavaScript a double click sends a form twice, and the browser shows the second answer alone. The forms
of each page carry a value of their own (`csrf`, `state`): two that are equal to the byte come from one page.
"""

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.core.errors import BridgeError, RequestRefused
from bridge.storage.keys import hash_of
from bridge.web.context import SERVICES, UNSENT
from bridge.web.http import bodies, cookies, notices
from bridge.web.http.forms import is_of_this_site

ANSWER_SECONDS = 60
"""People who click again do so sooner."""
PENDING_SECONDS = 600
LOOKS, LOOK_SECONDS = 200, 0.1
"""Attempts to read the first's answer, and the seconds between: 20 in all, as proxies wait for 30."""
LARGEST = 64 * 1024
"""The most characters of a page to keep for the second."""

_KIND = "form"
_NAME = web.RequestKey("form_name", str)
_CLAIMED = web.RequestKey("claimed_form", bool)


class StillUnderWay(RequestRefused):
    """The first has no answer yet, or its process died."""

    status = 409
    advice = "Reload this page to check. Nothing is done twice."
    sentence = "your first click is still under way, or was interrupted"


class _Answered(Exception):
    def __init__(self, response: web.Response) -> None:
        self.response = response


async def claim(request: web.Request) -> None:
    """Keep a form from being processed again; call it once the form is known to be its session's own.

    A script's requests are exempt: it sees each answer, and may send one form several times.
    """
    if _NAME not in request or _CLAIMED in request or "script" in await request.post():
        return
    store, name = request.app[SERVICES].one_time, request[_NAME]
    while not await store.put(_KIND, name, {}, seconds=PENDING_SECONDS, if_new=True):
        if response := await _first(request, name):
            raise _Answered(response)
    request[_CLAIMED] = True


@web.middleware
async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a form once; the same form again gets that answer."""
    if not bodies.is_form(request):
        return await handler(request)
    request[_NAME] = name = await _name(request)
    if first := await _first(request, name):
        return first
    try:
        response = await handler(request)
    except _Answered as known:
        return known.response
    except (BridgeError, web.HTTPException):
        if is_of_this_site(request):
            request[UNSENT] = str((await request.post()).get("content", ""))
        if _CLAIMED in request:
            await request.app[SERVICES].one_time.pop(_KIND, name)
        raise
    if _CLAIMED in request and isinstance(response, web.Response):
        value = _kept(request, response)
        await request.app[SERVICES].one_time.put(_KIND, name, value, seconds=ANSWER_SECONDS)
    return response


async def _name(request: web.Request) -> str:
    """Name a form by its whole content and its browser, so that nobody else gets its answer."""
    notice = cookies.name(request.app, notices.COOKIE)
    browser = sorted((name, value) for name, value in request.cookies.items() if name != notice)
    return hash_of(f"{request.path_qs}\n{browser}\n{await request.text()}")


async def _first(request: web.Request, name: str) -> web.Response | None:
    """Wait for the answer to the same form; None if none is under way."""
    for _ in range(LOOKS):
        found = await request.app[SERVICES].one_time.peek(_KIND, name)
        if found is None:
            return None
        if found:
            return _again(request, found)
        await asyncio.sleep(LOOK_SECONDS)
    raise StillUnderWay


def _kept(request: web.Request, response: web.Response) -> dict[str, Any]:
    text, notice = response.text or "", response.cookies.get(cookies.name(request.app, notices.COOKIE))
    return {
        "status": response.status,
        "location": response.headers.get("Location", ""),
        "text": text if len(text) <= LARGEST else "Done.",
        "type": response.content_type,
        "notice": notice.value if notice else "",
    }


def _again(request: web.Request, kept: dict[str, Any]) -> web.Response:
    headers = {"Location": kept["location"]} if kept["location"] else {}
    response = web.Response(
        status=kept["status"], text=kept["text"], content_type=kept["type"], headers=headers
    )
    if kept["notice"]:
        cookies.keep(request, response, notices.COOKIE, kept["notice"], seconds=notices.SECONDS)
    return response
