"""`POST /github/webhook`: GitHub's deliveries in."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from aiohttp import web
from redis.exceptions import RedisError

from bridge.clients.github_credentials import GitHubCredentials
from bridge.core.errors import BridgeError, Malformed, QueueFull, Unavailable, Unsigned
from bridge.core.github import app_manifest, header, health, webhook
from bridge.core.github.header import Header
from bridge.core.github.webhook import WEBHOOK_PATH
from bridge.core.messages import translate
from bridge.core.messages.events.table import given
from bridge.core.model import MAX_LOGIN, Delivery, Envelope, Signer
from bridge.queue.entries import EnqueueResult
from bridge.queue.offload import off_loop
from bridge.services import Services
from bridge.storage.webhook_keys import WebhookKey
from bridge.web.context import LOG, SERVICES
from bridge.web.http.bodies import BODIES, Bodies, read_body, turn

MAX_BODY = 25 * 1024 * 1024
"""GitHub's own limit: https://docs.github.com/webhooks/webhook-events-and-payloads#payload-cap"""


_LATER = "the worker must catch up first; bridge then asks GitHub to redeliver"
_FULL = {
    EnqueueResult.REPOSITORY_FULL: f"this repository's queue is full (REPOSITORY_BYTES): {_LATER}",
    EnqueueResult.DAY_FULL: "this repository sent too many deliveries today: raise REPOSITORY_BYTES,"
    " or check its webhook; bridge then asks GitHub to redeliver",
    EnqueueResult.QUEUE_FULL: f"the queue is full (QUEUE_BYTES): {_LATER}",
}

Receive = Callable[[web.Request, "Receiver"], Awaitable[web.StreamResponse]]

log = structlog.get_logger()
routes = web.RouteTableDef()


def accepted() -> web.Response:
    """Answer a delivery that the queue took."""
    return web.json_response({"status": "accepted"}, status=202)


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """Receives the deliveries of one application."""

    services: Services
    bodies: Bodies

    @classmethod
    def of(cls, app: web.Application) -> "Receiver":
        """Make the receiver of an application."""
        return cls(services=app[SERVICES], bodies=app[BODIES])

    async def receive(self, request: web.Request, receive: Receive) -> web.StreamResponse:
        """Receive a delivery and count the answer."""
        metrics = self.services.metrics
        try:
            async with turn(request, self.bodies):
                response = await receive(request, self)
        except BridgeError as error:
            metrics.delivery(error.status)
            raise
        metrics.delivery(response.status)
        return response


@routes.post(WEBHOOK_PATH)
async def receive(request: web.Request) -> web.StreamResponse:
    """Answer 202 once Redis holds the delivery; docs/operating.md lists the other answers."""
    return await Receiver.of(request.app).receive(request, of_operator)


@routes.post(f"{WEBHOOK_PATH}/{{key:[A-Za-z0-9_-]{{20,64}}}}")
async def receive_for_one(request: web.Request) -> web.StreamResponse:
    """Answer alike at the webhook of one repository, whose secret speaks for that repository alone."""
    return await Receiver.of(request.app).receive(request, _of_one_repository)


async def of_operator(request: web.Request, receiver: Receiver) -> web.StreamResponse:
    """Receive a delivery that the operator's or the App's secret signed."""
    if request.query_string:
        raise Malformed("the webhook's address has a query: repair the webhook on bridge's page")
    return await verify_and_take(request, receiver, await read_body(request, receiver.bodies, limit=MAX_BODY))


async def verify_and_take(request: web.Request, receiver: Receiver, body: bytes) -> web.Response:
    """Receive a delivery of the operator or the App, whose body is read."""
    envelope, found = await _signed(request, body, receiver.services.credentials)
    return await _process(request, receiver, envelope, found)


async def _of_one_repository(request: web.Request, receiver: Receiver) -> web.StreamResponse:
    services = receiver.services
    try:
        key = await services.webhook_keys.find(request.match_info["key"])
    except (RedisError, OSError) as error:
        raise Unavailable(f"Redis does not answer ({type(error).__name__})") from None
    if key is None:
        raise Unsigned("this webhook is out of date: repair it on bridge's page")
    request[LOG] = {"webhook_of": str(key.repository_id)}
    body = await read_body(request, receiver.bodies, limit=MAX_BODY)
    envelope, found = await off_loop(
        len(body), _verified, request.headers, body, secrets=[key.secret], signer="repository"
    )
    return await _process(request, receiver, envelope, found, key=key)


async def _process(
    request: web.Request,
    receiver: Receiver,
    envelope: Envelope,
    found: Header | None,
    *,
    key: WebhookKey | None = None,
) -> web.Response:
    """Process a verified delivery; one with a `key` of a repository speaks for that repository alone."""
    services = receiver.services
    if found is not None:
        if key:
            hold_to(key, found.repository_id)
        result = await enqueue(services, envelope, found)
        return await answer(request, receiver, envelope=envelope, found=found, result=result)
    if envelope.event in translate.EVENTS:
        _note(request, envelope, None)
        return web.Response(status=204)
    delivery = await off_loop(len(envelope.body), webhook.whole, envelope)
    _note(request, delivery, delivery)
    if delivery.event == "ping":
        if key:
            repository = delivery.payload.get("repository")
            hold_to(key, repository.get("id") if isinstance(repository, dict) else None)
        await _note_ping(services, delivery)
        return web.json_response({"status": "pong"})
    if key is None:
        await _about_the_app(services, delivery)
    return web.Response(status=204)


def hold_to(key: WebhookKey, repository_id: object) -> None:
    """Raise `Unsigned` if a delivery is about another repository than its webhook's key."""
    if repository_id != key.repository_id:
        raise Unsigned(
            "this address belongs to another repository: each webhook has its own address and secret"
        )


async def enqueue(services: Services, envelope: Envelope, found: Header) -> EnqueueResult | Unavailable:
    """Enqueue a verified delivery; return the result, or the error if Redis fails."""
    try:
        return await services.producer.enqueue(
            envelope, repository_id=found.repository_id, number=found.number
        )
    except (RedisError, OSError) as error:
        return Unavailable(f"Redis cannot store the delivery ({type(error).__name__})")


async def answer(
    request: web.Request,
    receiver: Receiver,
    *,
    envelope: Envelope,
    found: Header,
    result: EnqueueResult | Unavailable,
) -> web.Response:
    """Answer a delivery by its result; raises `Unavailable` or `QueueFull`."""
    _note(request, envelope, found)
    if isinstance(result, Unavailable):
        raise result
    if result in _FULL:
        receiver.services.metrics.refuse(result.name.removesuffix("_FULL").lower())
        raise QueueFull(_FULL[result])
    return accepted() if result is EnqueueResult.TAKEN else web.json_response({"status": "duplicate"})


def _note(request: web.Request, envelope: Envelope, about: Header | Delivery | None) -> None:
    """Add the delivery to the request's line in the log."""
    request[LOG] = {
        "delivery": envelope.id,
        "github_event": envelope.event,
        "github_action": about.action if about else "",
    }


def _verified(
    headers: Mapping[str, str], body: bytes, *, secrets: Sequence[str], signer: Signer = "operator"
) -> tuple[Envelope, Header | None]:
    """Return the verified delivery, and its header if its event is one that bridge translates."""
    envelope = webhook.read_envelope(headers, body, secrets=secrets, signer=signer)
    return envelope, header.read(envelope) if envelope.event in translate.EVENTS else None


async def _signed(
    request: web.Request, body: bytes, credentials: GitHubCredentials
) -> tuple[Envelope, Header | None]:
    """Return the verified delivery; if no secret matches, look for an App that another process stored."""
    secrets = await credentials.webhook_secrets()
    try:
        return await off_loop(len(body), _verified, request.headers, body, secrets=secrets)
    except Unsigned:
        if not await credentials.changed():
            raise
    secrets = await credentials.webhook_secrets()
    return await off_loop(len(body), _verified, request.headers, body, secrets=secrets)


async def _note_ping(services: Services, delivery: Delivery) -> None:
    """Record a ping, and check the connections: a new or repaired webhook may solve their problem."""
    has_repository = isinstance(delivery.payload.get("repository"), dict)
    repository_id = header.about(delivery).repository_id if has_repository else 0
    if repository_id:
        connections = await services.connections.by_repository_id(repository_id)
        await services.checkups.schedule(connections, hint=health.hint_of(delivery))
    hook_id = delivery.payload.get("hook_id")
    if isinstance(hook_id, int) and 0 < hook_id < 2**63:
        await services.webhook_keys.note_ping(hook_id, repository_id=repository_id)


async def _about_the_app(services: Services, delivery: Delivery) -> None:
    """Handle events of an App or an organization: revoked grants, changed installations, changed teams.

    https://docs.github.com/webhooks/webhook-events-and-payloads#github_app_authorization
    """
    if "repository" in delivery.payload:
        # No event of an App has one: this is another event's signed body under a false name.
        return
    sender = delivery.payload.get("sender") or {}
    if (delivery.event, delivery.action) == ("github_app_authorization", "revoked"):
        if isinstance(sender.get("id"), int):
            await services.accounts.revoked(sender["id"])
    elif delivery.event in ("installation", "installation_repositories"):
        removed = delivery.payload.get("repositories_removed") or []
        log.warning(
            f"{delivery.event}_{delivery.action}",
            delivery=delivery.id,
            by=sender.get("login"),
            removed=[repository.get("full_name") for repository in removed],
        )
        await _order_installation_checkups(services, delivery)
    elif delivery.event in app_manifest.TEAM_EVENTS:
        organization = given(delivery.payload, "organization", "login")
        team = given(delivery.payload, "team", "id")
        if isinstance(organization, str) and type(team) is int and 0 < team <= header.MAX_ID:
            await services.pulls.watches.members(organization[:MAX_LOGIN], team)


async def _order_installation_checkups(services: Services, delivery: Delivery) -> None:
    """Check the connected repositories among the thousands that an installation may name."""
    if named := health.changed_installation(delivery):
        connections = await services.connections.all()
        await services.checkups.schedule(
            one for one in connections if (one.repository_id or one.repository.lower()) in named
        )
