"""A flow's export, for its owners."""

import structlog
from aiohttp import web

from bridge.core.errors import BridgeError
from bridge.inbox.context import INBOX
from bridge.inbox.export import exported
from bridge.inbox.pages.flow_settings import owned
from bridge.inbox.pages.places import FLOW, opened

log = structlog.get_logger()
routes = web.RouteTableDef()


@routes.get(f"{FLOW}/export")
async def export(request: web.Request) -> web.StreamResponse:
    """Send a flow as JSON, for as long as the person owns it: a slow reader is asked about on the way."""
    person, flow = await owned(opened(request))
    log.info("inbox_flow_exported", flow=flow.path, by=person.id)
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/json",
            "Content-Disposition": f'attachment; filename="{flow.slug}.json"',
        }
    )
    await response.prepare(request)
    async for piece in exported(request.app[INBOX], flow):
        await response.write(piece)
        try:
            await owned(opened(request))
        except (BridgeError, web.HTTPException):
            # Broken off, so that nobody takes it for whole.
            if request.transport:
                request.transport.abort()
            break
    return response
