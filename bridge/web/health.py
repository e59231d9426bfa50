"""For machines: `/healthz`, `/readyz`, `/metrics`."""

import hmac
import ipaddress

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError

from bridge.core.errors import NotFound
from bridge.web.keys import SERVICES

routes = web.RouteTableDef()


@routes.get("/healthz")
async def healthz(request: web.Request) -> web.Response:
    """200 as long as the process answers."""
    return web.json_response({"status": "alive"})


@routes.get("/readyz")
async def readyz(request: web.Request) -> web.Response:
    """200 if Redis answers and bridge is not shutting down, else 503."""
    services = request.app[SERVICES]
    if services.stop.is_set():
        return web.json_response({"status": "shutting down"}, status=503)
    try:
        await services.store.ping()
    except (RedisError, OSError):
        return web.json_response({"status": "Redis does not answer"}, status=503)
    return web.json_response({"status": "ready"})


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """Prometheus's text format; with METRICS_TOKEN for its bearer, without it only on this machine."""
    if not _may_read(request):
        raise NotFound("there is nothing at this address")
    text = generate_latest(request.app[SERVICES].metrics.registry)
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _may_read(request: web.Request) -> bool:
    token = request.app[SERVICES].settings.metrics_token
    if token is not None:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(errors="replace"), f"Bearer {token}".encode())
    # Behind a proxy on the same machine everybody comes from loopback.
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
