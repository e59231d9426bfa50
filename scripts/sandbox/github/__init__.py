"""The stand-in for GitHub: REST, OAuth, webhooks and pages over real sockets.

`create_app(Config(web_url=...))` makes the server; `python -m scripts.sandbox.github` runs it.
"""

from functools import cache

import aiohttp_jinja2
import jinja2
from aiohttp import web

from scripts.sandbox import faults

from . import (  # noqa: F401 - many are imported for the endpoints and deeds that they register
    checks,
    graphql,
    merge_requests,
    merging,
    oauth,
    pages,
    pages_apps,
    pages_hooks,
    pages_pull,
    people,
    rest,
    rest_apps,
    rest_checks,
    rest_commits,
    rest_hooks,
    rest_installations,
    rest_jobs,
    rest_merging,
    rest_pulls,
    rest_repos,
    rest_reviews,
    rest_users,
    rest_waiting,
    reviews,
    sandbox,
    show,
    stacks,
    talk,
)
from .config import Config
from .services import CONFIG, SERVICES, open_services

__all__ = ["SERVICES", "Config", "create_app"]


def create_app(config: Config) -> web.Application:
    """Return a stand-in GitHub, seeded, with the sandbox's faults and driver routes."""
    app = web.Application(client_max_size=32 * 1024**2)
    app[CONFIG] = config
    app.cleanup_ctx.append(open_services)
    faults.install(app)
    app.middlewares.append(pages.middleware)
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader(__name__),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        filters=show.FILTERS,
    )
    app.on_shutdown.append(pages.end_streams)
    for resource in _resources():
        app.router.register_resource(resource)
    return app


@cache
def _resources() -> tuple[web.AbstractResource, ...]:
    """Make all addresses, once: compiling their patterns takes longer than the rest of a start."""
    router = web.UrlDispatcher()
    rest.install(router)
    graphql_route = rest.Route("POST", "/api/graphql", "", graphql.graphql)
    router.add_post(graphql_route.path, rest.handler(graphql_route))
    sandbox.install(router)
    oauth.install(router)
    rest_jobs.install(router)
    pages_apps.install_pages(router)
    pages_hooks.install(router)
    pages_pull.install(router)
    pages.install(router)
    return tuple(router.resources())
