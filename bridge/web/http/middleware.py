"""Middleware around every request: one log line, safe headers, errors as JSON or as a page."""

import errno
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from redis.exceptions import RedisError

from bridge.core.errors import BridgeError, NotFound, RequestRefused, SignedOut, TooLarge, Unavailable
from bridge.core.github.webhook import WEBHOOK_PATH
from bridge.core.urls import avatar_origins, origin
from bridge.services import Services
from bridge.settings import Settings
from bridge.web import render
from bridge.web.auth import sessions
from bridge.web.context import FOR_MACHINES, FORM_TARGET, LOG, REQUEST_ID, SERVICES, UNLOGGED
from bridge.web.http import bodies, cookies
from bridge.web.http.server import BEGUN

_FOR_MACHINES = ("/github/", "/repos/", "/healthz", "/readyz", "/metrics")
_FOR_PEOPLE = ("/github/manifest",)
_NOTHING: dict[str, str] = {}
_SECRET_PART = re.compile(
    r"((?:handover|inbox/+invitation|mail/+(?:confirm|unsubscribe)|github/+webhook|messages/+(?:team_inbox|chat))/+)[^/]+",
    re.IGNORECASE,
)
"""The secret in an address, also of one that is misspelt: with doubled slashes, or in capitals."""
GONE = 499
"""Logged where the client hung up before its answer, as nginx does."""
_NOWHERE = "there is nothing at this address"
_CALLER = re.compile(r"[\w:.,-]{8,100}", re.ASCII)
_QUIET = ("/healthz", "/readyz", "/metrics", "/static/")

log = structlog.get_logger()


@web.middleware
async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Respond to every request; all that is logged meanwhile carries its id."""
    services = request.app[SERVICES]
    if request.path.startswith(WEBHOOK_PATH):
        return await respond(request, services, handler)
    request[REQUEST_ID] = secrets.token_hex(4)
    named = {"request_id": request[REQUEST_ID]}
    # The caller's own id, such as a proxy's. Anybody may write it, so it is logged and means nothing else.
    if _CALLER.fullmatch(caller := request.headers.get("X-Request-Id", "")):
        named["caller"] = caller
    # Takes half the time of `bound_contextvars`.
    tokens = structlog.contextvars.bind_contextvars(**named)
    try:
        return await respond(request, services, handler)
    finally:
        structlog.contextvars.reset_contextvars(**tokens)


async def respond(request: web.Request, services: Services, handler: Handler) -> web.StreamResponse:
    """Answer every error, and log one line a request; the query, which may hold a claim, is left out."""
    began = time.perf_counter()
    try:
        bodies.refuse_encoded(request)
        response = await handler(request)
    except Exception as error:
        answer = web.Response(status=GONE) if _is_gone(request, error) else await _answer_to(request, error)
        response = _cut_off(request) or answer
    if spent := request.get(cookies.SPENT):
        cookies.forget(request, response, spent)
    besides = request.get(LOG, _NOTHING)
    if besides is not UNLOGGED and not request.path.startswith(_QUIET):
        log.info(
            "request",
            method=request.method,
            path=masked(request.path),
            status=response.status,
            client=client_address(request, services.settings),
            ms=milliseconds_since(began),
            **besides,
        )
    return response


def milliseconds_since(began: float) -> float:
    """Return the time since that `time.perf_counter()`."""
    return round((time.perf_counter() - began) * 1000, 1)


def masked(path: str) -> str:
    """Return a path with its secrets masked: a handover link's id, the key in a webhook's address."""
    return _SECRET_PART.sub(r"\1*", path)


def client_address(request: web.Request, settings: Settings) -> str:
    """Return the client's address: with TRUST_PROXY, the last one that X-Forwarded-For names.

    The proxy writes the last; the client may have written the others, in that line or in further ones.
    """
    if settings.trust_proxy and (lines := request.headers.getall("X-Forwarded-For", None)):
        return lines[-1].rpartition(",")[2].strip()[:64] or request.remote or ""
    return request.remote or ""


def _is_gone(request: web.Request, raised: Exception) -> bool:
    """Tell whether an error only says that the client has hung up."""
    return isinstance(raised, ConnectionResetError) and (
        request.transport is None or request.transport.is_closing()
    )


def _cut_off(request: web.Request) -> web.StreamResponse | None:
    """Cut off a response that has begun: an error's answer would be taken for a part of its body."""
    begun = request.get(BEGUN)
    if begun is not None and request.transport is not None:
        request.transport.abort()
    return begun


async def _answer_to(request: web.Request, raised: Exception) -> web.StreamResponse:
    match raised:
        case web.HTTPRequestEntityTooLarge():
            return _refusal(request, TooLarge("what you sent is too large"))
        case web.HTTPNotFound():
            return _refusal(request, NotFound(_NOWHERE))
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(raised.allowed_methods))
            answer = _answer(request, 405, f"this address accepts only {allowed}")
            answer.headers["Allow"] = allowed
            return answer
        case web.HTTPRedirection():
            return render.redirect(raised.headers["Location"])
        case web.HTTPException():
            raise raised
        case SignedOut() | sessions.SignInNeeded():
            return await sessions.answer(request, raised)
        case BridgeError():
            return _refusal(request, raised)
        case OSError(errno=errno.ENAMETOOLONG):
            # Of /static/: the name is longer than any file's.
            return _answer(request, 404, _NOWHERE)
        case RedisError() | OSError():
            request[LOG] = {**request.get(LOG, _NOTHING), "error": type(raised).__name__}
            return _refusal(request, Unavailable())
    log.error("unexpected_error", path=masked(request.path), exc_info=raised)
    return _answer(request, 500, "something went wrong in bridge", advice="Try again in a moment.")


def _refusal(request: web.Request, error: BridgeError) -> web.Response:
    if error.status >= 400 and isinstance(error, RequestRefused):
        besides = request.get(LOG, _NOTHING)
        request[LOG] = UNLOGGED if besides is UNLOGGED else {**besides, "refused": str(error)}
    answer = _answer(request, error.status, str(error), advice=error.advice)
    if retry_after := getattr(error, "retry_after", None):
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def _answer(request: web.Request, status: int, sentence: str, *, advice: str = "") -> web.Response:
    for_machines = request.path.startswith(_FOR_MACHINES) and not request.path.startswith(_FOR_PEOPLE)
    if for_machines or request.app.get(FOR_MACHINES):
        named = {"request_id": request[REQUEST_ID]} if REQUEST_ID in request else {}
        return web.json_response({"error": render.as_sentence(sentence), **named}, status=status)
    return render.error(request, status=status, sentence=sentence, advice=advice)


def safe_headers(settings: Settings) -> dict[str, str]:
    """Return the headers that keep bridge's pages safe in a browser."""
    # The avatars of a Flowdock elsewhere may be anywhere.
    others = () if settings.inbox else ("https:", origin(settings.flowdock_api_url))
    pictures = " ".join((*avatar_origins(settings.github_url), *others))
    policy = (
        f"default-src 'none'; style-src 'self'; img-src 'self' data: {pictures}; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    if settings.inbox:
        policy += "; script-src 'self'; connect-src 'self'; manifest-src 'self'"
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        # Claims and codes are in addresses: no other site may see them.
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    if settings.web_url.startswith("https:"):
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def add_headers(headers: Mapping[str, str]) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Make the signal that adds `headers` to every response."""

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        if not isinstance(response, web.Response):
            request[BEGUN] = response
        response.headers.update(headers)
        # aiohttp's names the versions that bridge runs on.
        response.headers.popall("Server", None)
        if target := request.get(FORM_TARGET):
            policy = headers["Content-Security-Policy"]
            response.headers["Content-Security-Policy"] = policy.replace(
                "form-action 'self'", f"form-action 'self' {target}"
            )
            # Without a referrer a browser says that the form comes from nowhere (`Origin: null`).
            response.headers["Referrer-Policy"] = "strict-origin"
        if request.path.startswith("/static/"):
            response.headers.popall("Cache-Control", None)

    return add
