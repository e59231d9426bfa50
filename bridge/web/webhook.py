"""`POST /github/webhook`: GitHub's deliveries in."""

from collections.abc import Sequence

import structlog
from aiohttp import web
from redis.exceptions import RedisError

from bridge.core import translate, trouble, webhook
from bridge.core.errors import BridgeError, Malformed, Unavailable, Unsigned
from bridge.core.model import Delivery
from bridge.credentials import GitHubCredentials
from bridge.services import Services
from bridge.web.bodies import one_of_few, read_body
from bridge.web.keys import LOG, SERVICES

MAX_BODY = 25 * 1024 * 1024
"""GitHub's own limit: https://docs.github.com/webhooks/webhook-events-and-payloads#payload-cap"""

log = structlog.get_logger()
routes = web.RouteTableDef()


@routes.post("/github/webhook")
async def receive(request: web.Request) -> web.Response:
    """202 once Redis holds the delivery; see the README for the other answers."""
    metrics = request.app[SERVICES].metrics
    try:
        async with one_of_few(request):
            response = await _receive(request)
    except BridgeError as error:
        metrics.deliveries.labels(answer=str(error.status)).inc()
        raise
    metrics.deliveries.labels(answer=str(response.status)).inc()
    return response


async def _receive(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    body = await read_body(request, limit=MAX_BODY)
    delivery = await _signed(request, body, services.credentials)
    request[LOG] = {
        "delivery": delivery.id,
        "github_event": delivery.event,
        "github_action": delivery.action,
    }
    if delivery.event == "ping":
        await _note_ping(services, delivery)
        return web.json_response({"status": "pong"})
    if not translate.is_needed(delivery):
        await _about_the_app(services, delivery)
        return web.Response(status=204)
    repository_id, number = _subject(delivery)
    try:
        taken = await services.deliveries.enqueue(delivery, repository_id=repository_id, number=number)
    except (RedisError, OSError) as error:
        raise Unavailable(f"Redis cannot take the delivery now ({type(error).__name__})") from None
    if not taken:
        return web.json_response({"status": "duplicate"})
    return web.json_response({"status": "accepted"}, status=202)


async def _signed(request: web.Request, body: bytes, credentials: GitHubCredentials) -> Delivery:
    """The delivery; where no secret fits, another process may have stored another GitHub App."""
    try:
        return _verified(request, body, await credentials.webhook_secrets())
    except Unsigned:
        if not await credentials.changed():
            raise
    return _verified(request, body, await credentials.webhook_secrets())


def _verified(request: web.Request, body: bytes, secrets: Sequence[str]) -> Delivery:
    """The delivery; at an address with `?repository=ID` signed for that repository, and about it."""
    only = request.query.get("repository")
    if only is None:
        return webhook.read_delivery(request.headers, body, secrets=secrets)
    if not only.isascii() or not only.isdecimal() or len(only) > 19:
        raise Malformed("the address names no repository id: copy it from bridge's page once more")
    own = [webhook.repository_secret(secret, int(only)) for secret in secrets]
    delivery = webhook.read_delivery(request.headers, body, secrets=own)
    repository = delivery.payload.get("repository")
    if not isinstance(repository, dict) or repository.get("id") != int(only):
        raise Unsigned("the address is another repository's: each has its own, and its own secret")
    return delivery


async def _note_ping(services: Services, delivery: Delivery) -> None:
    await _order_checkups(services, delivery)
    hook_id = delivery.payload.get("hook_id")
    about = isinstance(delivery.payload.get("repository"), dict)
    if isinstance(hook_id, int) and 0 < hook_id < 2**63:
        await services.store.note_ping(hook_id, repository_id=_subject(delivery)[0] if about else None)


async def _order_checkups(services: Services, delivery: Delivery) -> None:
    """A webhook that was just made or mended: the trouble that there was may be over."""
    if isinstance(delivery.payload.get("repository"), dict):
        repository_id, _ = _subject(delivery)
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


def _subject(delivery: Delivery) -> tuple[int, int]:
    """The repository's id and the pull request's number, 0 where it is about none."""
    repository_id = delivery.payload["repository"].get("id")
    number = translate.subject(delivery) or 0
    if isinstance(repository_id, bool) or not isinstance(repository_id, int) or not 0 < repository_id < 2**63:
        raise Malformed("the payload names no repository id")
    if not 0 <= number < 2**31:
        raise Malformed("the payload's pull request has no number that GitHub gives")
    full_name = delivery.payload["repository"].get("full_name")
    if not isinstance(full_name, str) or full_name.count("/") != 1:
        raise Malformed("the payload names no repository")
    return repository_id, number
