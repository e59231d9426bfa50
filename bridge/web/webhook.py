"""`POST /github/webhook`: GitHub's deliveries in."""

from collections.abc import Sequence

import structlog
from aiohttp import web
from redis.exceptions import RedisError

from bridge.core import heading, translate, trouble, webhook
from bridge.core.errors import BridgeError, Malformed, Unavailable, Unsigned
from bridge.core.heading import Heading
from bridge.core.model import Delivery, Envelope
from bridge.credentials import GitHubCredentials
from bridge.off_loop import off_loop
from bridge.services import Services
from bridge.web.bodies import may_be_large, one_of_few, read_body
from bridge.web.keys import LOG, SERVICES
from bridge.web.ready import ReadyAnswer

PATH = "/github/webhook"

MAX_BODY = 25 * 1024 * 1024
"""GitHub's own limit: https://docs.github.com/webhooks/webhook-events-and-payloads#payload-cap"""

_ACCEPTED = ReadyAnswer(202, b'{"status": "accepted"}')
_DUPLICATE = ReadyAnswer(200, b'{"status": "duplicate"}')

log = structlog.get_logger()
routes = web.RouteTableDef()


@routes.post(PATH)
async def receive(request: web.Request) -> web.StreamResponse:
    """202 once Redis holds the delivery; see the README for the other answers."""
    services = request.app[SERVICES]
    try:
        if may_be_large(request):
            async with one_of_few(request):
                response = await _receive(request, services)
        else:
            response = await _receive(request, services)
    except BridgeError as error:
        services.metrics.delivery(error.status)
        raise
    services.metrics.delivery(response.status)
    return response


async def _receive(request: web.Request, services: Services) -> web.StreamResponse:
    body = await read_body(request, limit=MAX_BODY)
    envelope = await _signed(request, body, services.credentials)
    if envelope.event not in translate.EVENTS:
        delivery = await off_loop(len(body), webhook.whole, envelope)
        return await _not_for_a_thread(request, services, delivery)
    # Who signs for one repository alone is not taken at a glance.
    found = await off_loop(len(body), heading.read_whole if request.query_string else heading.read, envelope)
    _note(request, envelope, found)
    if found is None:
        return web.Response(status=204)
    try:
        taken = await services.intake.take(envelope, repository_id=found.repository_id, number=found.number)
    except (RedisError, OSError) as error:
        raise Unavailable(f"Redis cannot take the delivery now ({type(error).__name__})") from None
    return (_ACCEPTED if taken else _DUPLICATE).to(request)


def _note(request: web.Request, envelope: Envelope, about: Heading | Delivery | None) -> None:
    request[LOG] = {
        "delivery": envelope.id,
        "github_event": envelope.event,
        "github_action": about.action if about else "",
    }


async def _not_for_a_thread(request: web.Request, services: Services, delivery: Delivery) -> web.Response:
    _note(request, delivery, delivery)
    if delivery.event == "ping":
        await _note_ping(services, delivery)
        return web.json_response({"status": "pong"})
    await _about_the_app(services, delivery)
    return web.Response(status=204)


async def _signed(request: web.Request, body: bytes, credentials: GitHubCredentials) -> Envelope:
    """The delivery; where no secret fits, another process may have stored another GitHub App."""
    try:
        return await off_loop(len(body), _verified, request, body, await credentials.webhook_secrets())
    except Unsigned:
        if not await credentials.changed():
            raise
    return await off_loop(len(body), _verified, request, body, await credentials.webhook_secrets())


def _verified(request: web.Request, body: bytes, secrets: Sequence[str]) -> Envelope:
    """The delivery; at an address with `?repository=ID` signed for that repository, and about it."""
    only = request.query.get("repository") if request.query_string else None
    if only is None:
        return webhook.read_envelope(request.headers, body, secrets=secrets)
    if not only.isascii() or not only.isdecimal() or len(only) > 19:
        raise Malformed("the address names no repository id: copy it from bridge's page once more")
    own = [webhook.repository_secret(secret, int(only)) for secret in secrets]
    envelope = webhook.read_envelope(request.headers, body, secrets=own)
    repository = webhook.read_document(envelope.body).get("repository")
    if not isinstance(repository, dict) or repository.get("id") != int(only):
        raise Unsigned("the address is another repository's: each has its own, and its own secret")
    return envelope


async def _note_ping(services: Services, delivery: Delivery) -> None:
    await _order_checkups(services, delivery)
    hook_id = delivery.payload.get("hook_id")
    about = heading.about(delivery) if isinstance(delivery.payload.get("repository"), dict) else None
    if isinstance(hook_id, int) and 0 < hook_id < 2**63:
        await services.store.note_ping(hook_id, repository_id=about.repository_id if about else None)


async def _order_checkups(services: Services, delivery: Delivery) -> None:
    """A webhook that was just made or mended: the trouble that there was may be over."""
    if isinstance(delivery.payload.get("repository"), dict):
        repository_id = heading.about(delivery).repository_id
        full_name = delivery.payload["repository"]["full_name"]
        connections = await services.store.connections_for(repository_id, full_name)
        await services.checkups.order(connections, hint=trouble.hint_of(delivery))


async def _about_the_app(services: Services, delivery: Delivery) -> None:
    """Events of a GitHub App's own: a revoked grant removes the link, a changed installation is looked into.

    https://docs.github.com/webhooks/webhook-events-and-payloads#github_app_authorization
    """
    sender = delivery.payload.get("sender") or {}
    if (delivery.event, delivery.action) == ("github_app_authorization", "revoked"):
        await services.accounts.revoked(sender.get("id") or 0, str(sender.get("login") or ""))
    elif delivery.event in ("installation", "installation_repositories"):
        removed = delivery.payload.get("repositories_removed") or []
        log.warning(
            f"{delivery.event}_{delivery.action}",
            by=sender.get("login"),
            removed=[repository.get("full_name") for repository in removed],
        )
        await _order_installation_checkups(services, delivery)


async def _order_installation_checkups(services: Services, delivery: Delivery) -> None:
    """An installation may name thousands of repositories: only those that are connected are looked up."""
    told = trouble.changed_installation(delivery)
    hints: dict[int | str, trouble.Hint] = {repository_id: hint for hint, repository_id, _ in told}
    hints |= {full_name.lower(): hint for hint, _, full_name in told}
    for connection in await services.store.connections() if told else ():
        if hint := hints.get(connection.repository_id or connection.repository.lower()):
            await services.checkups.order([connection], hint=hint)
