"""For machines: `/healthz`, `/readyz`, `/metrics`."""

from contextlib import suppress

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST
from redis.exceptions import RedisError

from bridge.core.errors import NotFound
from bridge.web.auth import operator
from bridge.web.context import SERVICES

routes = web.RouteTableDef()


@routes.get("/healthz")
async def healthz(request: web.Request) -> web.Response:
    """Answer 200 as long as the process answers."""
    return web.json_response({"status": "alive"})


@routes.get("/readyz")
async def readyz(request: web.Request) -> web.Response:
    """Answer 200 if Redis answers and bridge is not shutting down, else 503."""
    services = request.app[SERVICES]
    if services.stop.is_set():
        return web.json_response({"status": "shutting down"}, status=503)
    try:
        await services.redis.ping()
    except (RedisError, OSError):
        return web.json_response({"status": "Redis does not answer"}, status=503)
    return web.json_response({"status": "ready"})


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """Answer in Prometheus's text format; see `operator.may_read_metrics`."""
    if not operator.may_read_metrics(request):
        raise NotFound("there is nothing at this address")
    services = request.app[SERVICES]
    # Without Redis the gauge keeps its last value.
    with suppress(RedisError, OSError):
        services.metrics.waiting.set(await services.queue.backlog.read())
    return web.Response(body=services.metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})
