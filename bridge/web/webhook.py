"""`POST /github/webhook`: GitHub's deliveries in."""

from aiohttp import web
from redis.exceptions import RedisError

from bridge.core import events, webhook
from bridge.core.errors import BridgeError, Malformed, Unavailable
from bridge.core.model import Delivery
from bridge.web.keys import LOG, SERVICES
from bridge.web.middleware import read_body

MAX_BODY = 25 * 1024 * 1024
"""GitHub's own limit: https://docs.github.com/webhooks/webhook-events-and-payloads#payload-cap"""

routes = web.RouteTableDef()


@routes.post("/github/webhook")
async def receive(request: web.Request) -> web.Response:
    """202 once Redis holds the delivery; see the README for the other answers."""
    metrics = request.app[SERVICES].metrics
    try:
        response = await _receive(request)
    except BridgeError as error:
        metrics.deliveries.labels(answer=str(error.status)).inc()
        raise
    metrics.deliveries.labels(answer=str(response.status)).inc()
    return response


async def _receive(request: web.Request) -> web.Response:
    services = request.app[SERVICES]
    body = await read_body(request, limit=MAX_BODY)
    delivery = webhook.read_delivery(request.headers, body, secrets=services.settings.github_webhook_secrets)
    request[LOG] = {
        "delivery": delivery.id,
        "github_event": delivery.event,
        "github_action": delivery.action,
    }
    if delivery.event == "ping":
        return web.json_response({"status": "pong"})
    if not events.is_needed(delivery):
        return web.Response(status=204)
    repository_id, number = _subject(delivery)
    try:
        taken = await services.deliveries.enqueue(delivery, repository_id=repository_id, number=number)
    except (RedisError, OSError) as error:
        raise Unavailable(f"Redis cannot take the delivery now ({type(error).__name__})") from None
    if not taken:
        return web.json_response({"status": "duplicate"})
    return web.json_response({"status": "accepted"}, status=202)


def _subject(delivery: Delivery) -> tuple[int, int]:
    repository_id = delivery.payload["repository"].get("id")
    number = delivery.payload["pull_request"].get("number")
    for value in (repository_id, number):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
            raise Malformed("the payload names no repository id and pull request number")
    full_name = delivery.payload["repository"].get("full_name")
    if not isinstance(full_name, str) or not full_name:
        raise Malformed("the payload names no repository")
    return repository_id, number
