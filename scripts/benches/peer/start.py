"""A bare aiohttp app that imports what bridge does, and answers one route."""

import argparse

from aiohttp import web

import bridge.services
import bridge.web.app

IMPORTED = (bridge.web.app, bridge.services)


async def ready(_: web.Request) -> web.Response:
    """Always 200."""
    return web.json_response({"status": "ready"})


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    app = web.Application()
    app.router.add_get("/readyz", ready)
    web.run_app(app, host="127.0.0.1", port=options.port, access_log=None, print=lambda *_: None)


if __name__ == "__main__":
    main()
