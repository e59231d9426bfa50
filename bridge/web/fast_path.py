"""A shortcut for usual deliveries: past the router and the middlewares, to an answer written beforehand.

Without this module and its use in `bridge.web.app` no answer changes, and a delivery costs the web process a
third more.
"""

import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from functools import partial
from http import HTTPStatus

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest

from bridge.core.github import header
from bridge.core.github.header import Header
from bridge.core.github.webhook import WEBHOOK_PATH, read_envelope
from bridge.core.model import Envelope
from bridge.process.log import repeated
from bridge.queue.entries import EnqueueResult
from bridge.queue.offload import LARGE
from bridge.settings import Settings
from bridge.web.endpoints import webhook
from bridge.web.endpoints.webhook import Receive, Receiver
from bridge.web.http import middleware
from bridge.web.http.server import Handle


def shortcut(app: web.Application, whole: Handle) -> Handle:
    """Return a handler that answers usual deliveries sooner, and otherwise as `whole`, the application's."""
    receiver = Receiver.of(app)
    services = receiver.services
    headers = middleware.safe_headers(services.settings)
    accepted = PrebuiltResponse(webhook.accepted(), headers)
    note = _noting(services.settings)

    async def otherwise(request: web.Request, receive: Receive) -> web.StreamResponse:
        response = await middleware.respond(request, services, partial(receiver.receive, receive=receive))
        # The application adds its headers only to responses that it sends itself.
        return PrebuiltResponse(response, headers) if isinstance(response, web.Response) else response

    async def handle(request: BaseRequest) -> web.StreamResponse:
        # `isinstance` takes ten times as long for an abstract class.
        if type(request) is not web.Request or not _is_usual(request):
            return await whole(request)
        began = time.perf_counter()
        body = request.content.read_nowait()
        try:
            secrets = await services.credentials.webhook_secrets()
            envelope = read_envelope(request.headers, body, secrets=secrets)
            found = header.read(envelope)
        except Exception:  # The long way fails alike, and answers.
            found = None
        if found is None:
            return await otherwise(request, partial(webhook.verify_and_take, body=body))
        result = await webhook.enqueue(services, envelope, found)
        if result is not EnqueueResult.TAKEN:
            return await otherwise(
                request, partial(webhook.answer, envelope=envelope, found=found, result=result)
            )
        services.metrics.delivery(accepted.status)
        note(request, began, envelope, found)
        return accepted

    return handle


def _noting(settings: Settings) -> Callable[[web.Request, float, Envelope, Header], None]:
    log = repeated("request", method="POST", path=WEBHOOK_PATH, status=202)

    def note(request: web.Request, began: float, envelope: Envelope, found: Header) -> None:
        log(
            client=middleware.client_address(request, settings),
            ms=middleware.milliseconds_since(began),
            delivery=envelope.id,
            github_event=envelope.event,
            github_action=found.action,
        )

    return note


def _is_usual(request: web.Request) -> bool:
    content = request.content
    return (
        request.raw_path == WEBHOOK_PATH
        and request.method == "POST"
        and request.version == HttpVersion11
        and request.keep_alive
        and "Expect" not in request.headers
        and "Content-Encoding" not in request.headers
        # The body is there, and small.
        and content.is_eof()
        and content.exception() is None
        and content.total_bytes <= LARGE
    )


class PrebuiltResponse(web.StreamResponse):
    """A response on a connection that stays open; it can be sent over and over."""

    def __init__(self, response: web.Response, headers: Mapping[str, str]) -> None:
        super().__init__(status=response.status)
        body = (response.text or "").encode()
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            # RFC 9110, 8.6.
            *([] if self.status == HTTPStatus.NO_CONTENT else [f"Content-Length: {len(body)}"]),
            *(f"{name}: {value}" for name, value in {**response.headers, **headers}.items()),
            "Date: ",
        ]
        self._before = "\r\n".join(lines).encode()
        self._after = b"\r\n\r\n" + body
        self._second = 0
        self._bytes = b""

    @property
    def prepared(self) -> bool:
        """Whether it was prepared: never, since each use is the first."""
        return False

    @property
    def keep_alive(self) -> bool:
        """Whether the connection stays open: always."""
        return True

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Write it all; raises `ConnectionResetError` if the client has gone."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has gone")
        if (second := int(time.time())) != self._second:
            self._second = second
            self._bytes = self._before + formatdate(second, usegmt=True).encode() + self._after
        transport.write(self._bytes)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: `prepare` has written it all."""
