"""How often somebody may ask, in front of every route.

* Pages, OAuth's and linking's addresses, and what does not exist: PAGE_LIMIT a minute for each client
  address.
* Clicks that are verified: ACTION_LIMIT a minute for each Flowdock user (`of_user`).
* Clicks that are refused: PAGE_LIMIT for each address, counted once they are refused. They come from
  Flowdock's few addresses, so what one forger sends must never keep anybody's true click out.
* Guesses at METRICS_TOKEN, by form or at /metrics: a few a minute, whatever is set.

The webhook is not limited by address: GitHub delivers from few addresses, and behind a proxy without
TRUST_PROXY everybody has the proxy's. An unsigned delivery costs a hash over its body; how many large bodies
are read at once is bounded instead (`bridge.web.bodies`). /healthz, /readyz, a rightful /metrics and /static
are free.

Each process counts for itself.
"""

import ipaddress
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from aiohttp import web

from bridge.core.errors import RequestRefused
from bridge.core.limits import Limiter
from bridge.settings import Settings
from bridge.web.keys import LOG, UNLOGGED
from bridge.web.middleware import client_address

GUESSES = 5
"""Tries at METRICS_TOKEN a minute."""

_FREE = ("/healthz", "/readyz", "/static/", "/github/webhook")
_GUESSED = "/github/manifest/operator"

log = structlog.get_logger()


class TooMany(RequestRefused):
    """Somebody asks too often; `retry_after` in whole seconds."""

    status = 429

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.advice = f"Wait {retry_after} seconds, then try again."


@dataclass(kw_only=True)
class Limits:
    """An application's limits; None where one is switched off."""

    pages: Limiter | None
    actions: Limiter | None
    refused: Limiter | None
    guesses: Limiter = field(default_factory=lambda: Limiter(per_minute=GUESSES, burst=GUESSES))
    _told: Limiter = field(default_factory=lambda: Limiter(per_minute=1, burst=1))

    def check(self, limiter: Limiter | None, who: str, *, what: str) -> None:
        """Count one request of `who`; raises `TooMany`, which is logged once for each of them and minute."""
        now = time.monotonic()
        wait = limiter.wait(who, now) if limiter else 0
        if wait:
            if not self._told.wait(f"{what} {who}", now):
                log.warning("limited", who=who, what=what)
            raise TooMany(f"that was too often: {what} are limited", retry_after=wait)


LIMITS = web.AppKey("limits", Limits)


def of_settings(settings: Settings) -> Limits:
    """The limits that an operator set."""
    return Limits(
        pages=_limiter(settings.page_limit),
        actions=_limiter(settings.action_limit),
        refused=_limiter(settings.page_limit),
    )


def _limiter(per_minute: int) -> Limiter | None:
    return Limiter(per_minute=per_minute, burst=max(1, per_minute // 2)) if per_minute else None


@web.middleware
async def by_address(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Before a page, and after a refused click or a wrong bearer: whether this address may."""
    if request.path.startswith(_FREE):
        return await handler(request)
    limits, who = request.app[LIMITS], bucket(client_address(request))
    try:
        if request.path.startswith("/repos/"):
            return await _counting_refusals(request, handler, limits, who)
        if request.path == "/metrics":
            limits.check(limits.guesses, who, what="guesses")
            response = await handler(request)
            limits.guesses.refund(who)
            return response
        limits.check(limits.pages, who, what="pages")
        if request.path == _GUESSED and request.method == "POST":
            limits.check(limits.guesses, who, what="guesses")
        return await handler(request)
    except TooMany:
        request[LOG] = UNLOGGED
        raise


async def _counting_refusals(
    request: web.Request,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    limits: Limits,
    who: str,
) -> web.StreamResponse:
    try:
        return await handler(request)
    except TooMany:
        raise
    except (RequestRefused, web.HTTPClientError):
        limits.check(limits.refused, who, what="refused clicks")
        raise


def of_user(request: web.Request, user: str) -> None:
    """Count a verified click of a Flowdock user; raises `TooMany`."""
    limits = request.app[LIMITS]
    limits.check(limits.actions, f"user {user}", what="clicks")


def bucket(address: str) -> str:
    """Whom an address stands for: with IPv6 the /64 that one customer has."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
