"""Rate limits, in front of every route.

* Pages, the addresses of OAuth and linking, and unknown addresses: PAGE_LIMIT a minute for each client
address, four times that for an IPv6 network (/48), 40 times that for all browsers that were never signed
in: a client with endless addresses still leaves room for those that were.
* Pages of a person who was signed in to bridge's own inbox: PAGE_LIMIT a minute, wherever they are. A
team behind one address need not share it.
* Verified clicks: ACTION_LIMIT a minute for each Flowdock user (`of_user`).
* Refused clicks and calls of the inbox's API: PAGE_LIMIT for each address and network, counted once they
are refused. Clicks come from Flowdock's few addresses, so a forger's must never keep a true one out.
* Other calls of the inbox's API: five times PAGE_LIMIT for each token of a person, and for each source that
is not bridge's own (`of_caller`): bridge posts as its queue does.
* Guesses at SETUP_SECRET and METRICS_TOKEN: a few a minute, whatever is set.

The webhook has no limit by address: GitHub delivers from few addresses, and behind a proxy without
TRUST_PROXY all clients have the proxy's. An unsigned delivery costs a hash over its body, and
`bridge.web.http.bodies` bounds large bodies. /healthz, /readyz, /static/ and an authorized /metrics are free.

Each process counts for itself.
"""

import ipaddress
import time
from dataclasses import dataclass, field

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.core.errors import RequestRefused
from bridge.core.github.webhook import WEBHOOK_PATH
from bridge.settings import INBOX_API, Settings
from bridge.web.auth import sessions
from bridge.web.context import LOG, SERVICES, UNLOGGED
from bridge.web.http.middleware import client_address
from bridge.web.http.token_bucket import Limiter

GUESSES = 5
"""Guesses at SETUP_SECRET or METRICS_TOKEN a minute."""

NETWORK = 4
"""The limit of a network, in multiples of an address's."""

CALLS = 5
"""The limit of calls with one token, in multiples of an address's."""

STRANGERS = 40
"""The limit of all strangers together, in multiples of an address's."""

_FREE = ("/healthz", "/readyz", "/static/", WEBHOOK_PATH)
_AUTHORIZE = f"{INBOX_API}/oauth/authorize"
"""The API's one page: each visit of somebody who is signed in leaves a code."""
_GUESSED = "/github/manifest/operator"

log = structlog.get_logger()


class TooMany(RequestRefused):
    """A client is over its limit; `retry_after` in whole seconds."""

    status = 429

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message, advice=f"Wait {retry_after} seconds, then try again.")
        self.retry_after = retry_after


class ByAddress:
    """A limit for each address, and for each network of many addresses."""

    def __init__(self, *, per_minute: int, burst: int) -> None:
        self.limiters = (
            Limiter(per_minute=per_minute, burst=burst),
            Limiter(per_minute=NETWORK * per_minute, burst=NETWORK * burst),
        )

    def each(self, address: str) -> list[tuple[Limiter, str]]:
        """Return the limiters that count a client, each with the client's name there."""
        return list(zip(self.limiters, buckets(address), strict=False))


@dataclass(kw_only=True)
class Limits:
    """An application's limits; None where one is switched off."""

    pages: ByAddress | None = None
    strangers: Limiter | None = None
    actions: Limiter | None = None
    calls: Limiter | None = None
    refused: ByAddress | None = None
    guesses: ByAddress = field(default_factory=lambda: ByAddress(per_minute=GUESSES, burst=GUESSES))
    _told: Limiter = field(default_factory=lambda: Limiter(per_minute=1, burst=1))

    def check_client(self, limit: ByAddress | None, address: str, *, what: str) -> None:
        """Count one request of a client; raises as `check` does."""
        for limiter, who in limit.each(address) if limit else ():
            self.check(limiter, who, what=what)

    def check(self, limiter: Limiter | None, who: str, *, what: str) -> None:
        """Count one request of `who`; raises `TooMany`, which is logged once a minute for each client."""
        now = time.monotonic()
        wait = limiter.wait(who, now) if limiter else 0
        if wait:
            if not self._told.wait(f"{what} {who}", now):
                log.warning("rate_limited", who=who, what=what)
            raise TooMany(f"too many {what} in a short time", retry_after=wait)


LIMITS = web.AppKey("limits", Limits)


def of_settings(settings: Settings) -> Limits:
    """Return the limits of these settings."""
    return Limits(
        pages=_by_address(settings.page_limit),
        strangers=_limiter(STRANGERS * settings.page_limit),
        actions=_limiter(settings.action_limit),
        calls=_limiter(CALLS * settings.page_limit),
        refused=_by_address(settings.page_limit),
    )


def _limiter(per_minute: int) -> Limiter | None:
    return Limiter(per_minute=per_minute, burst=_burst(per_minute)) if per_minute else None


def _by_address(per_minute: int) -> ByAddress | None:
    return ByAddress(per_minute=per_minute, burst=_burst(per_minute)) if per_minute else None


def _burst(per_minute: int) -> int:
    return max(1, per_minute // 2)


@web.middleware
async def by_address(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Limit pages by address beforehand, refused clicks and wrong bearers afterwards."""
    if request.path.startswith(_FREE):
        return await handler(request)
    limits = request.app[LIMITS]
    address = client_address(request, request.app[SERVICES].settings)
    try:
        if request.path.startswith(("/repos/", f"{INBOX_API}/")) and request.path != _AUTHORIZE:
            return await _counting_refusals(request, handler, limits, address)
        if request.path == "/metrics":
            limits.check_client(limits.guesses, address, what="guesses")
            response = await handler(request)
            for limiter, who in limits.guesses.each(address):
                limiter.refund(who)
            return response
        if person := request.app[sessions.FLOWDOCK_SIGN_IN].known(request):
            limits.check_client(limits.pages, f"person {person}", what="pages")
        else:
            limits.check_client(limits.pages, address, what="pages")
        if not sessions.is_of_a_session(request):
            limits.check(limits.strangers, "all strangers", what="pages")
        if request.path == _GUESSED and request.method == "POST":
            limits.check_client(limits.guesses, address, what="guesses")
        return await handler(request)
    except TooMany:
        request[LOG] = UNLOGGED
        raise


async def _counting_refusals(
    request: web.Request,
    handler: Handler,
    limits: Limits,
    address: str,
) -> web.StreamResponse:
    try:
        response = await handler(request)
    except TooMany:
        raise
    except (RequestRefused, web.HTTPClientError):
        limits.check_client(limits.refused, address, what="refused calls")
        raise
    is_refused = 400 <= response.status < 500 and response.status != TooMany.status
    if is_refused and request.path.startswith(INBOX_API):
        limits.check_client(limits.refused, address, what="refused calls")
    return response


def of_user(request: web.Request, user: str) -> None:
    """Count a verified click of a Flowdock user; raises `TooMany`."""
    limits = request.app[LIMITS]
    limits.check(limits.actions, f"user {user}", what="clicks")


def of_caller(request: web.Request, who: str) -> None:
    """Count a call of the inbox's API with a token that is good; raises `TooMany`."""
    limits = request.app[LIMITS]
    limits.check(limits.calls, who, what="calls")


def buckets(address: str) -> tuple[str, ...]:
    """Return the names that an address counts under; for IPv6 its /64 (a customer) and /48 (a site)."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return (address,)
    if isinstance(parsed, ipaddress.IPv4Address):
        return (str(parsed),)
    if parsed.ipv4_mapped is not None:
        return (str(parsed.ipv4_mapped),)
    return tuple(str(ipaddress.ip_network((parsed, length), strict=False)) for length in (64, 48))
