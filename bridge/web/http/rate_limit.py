"""Rate limits, in front of every route.

* Pages, the addresses of OAuth and linking, and unknown addresses: PAGE_LIMIT a minute for each client
address, four times that for an IPv6 network (/48), 40 times that for all browsers that were never signed
in: a client with endless addresses still leaves room for those that were.
* Pages of a person who was signed in to bridge's own inbox: PAGE_LIMIT a minute, wherever they are. A
team behind one address need not share it.
* Verified clicks: ACTION_LIMIT a minute for each Flowdock user (`of_user`).
* Refused clicks and calls of the inbox's API: PAGE_LIMIT for each address and network, counted once they
are refused. Clicks come from Flowdock's few addresses, so forged ones must not keep real ones out.
* Other calls of the inbox's API: five times PAGE_LIMIT for each token of a person, and for each source that
is not bridge's own (`of_caller`): bridge posts as its queue does.
* Guesses at SETUP_SECRET and METRICS_TOKEN: a few a minute, whatever is set.

The webhook has no limit by address: GitHub delivers from few addresses, and behind a proxy without
TRUST_PROXY all clients have the proxy's. An unsigned delivery costs a hash over its body, and
`bridge.web.http.bodies` bounds large bodies. /healthz, /readyz, /static/ and an authorized /metrics are free.

Each process counts for itself.
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Sequence

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.core.errors import RequestRefused
from bridge.core.github.webhook import WEBHOOK_PATH
from bridge.settings import INBOX_API
from bridge.web.auth import sessions
from bridge.web.context import LOG, SERVICES, UNLOGGED
from bridge.web.http.middleware import client_address

GUESSES = 5
"""Guesses at SETUP_SECRET or METRICS_TOKEN a minute."""

NETWORK = 4
"""The limit of a network, in multiples of an address's."""

CALLS = 5
"""The limit of calls with one token, in multiples of an address's."""

STRANGERS = 40
"""The limit of all strangers together, in multiples of an address's."""

MAX_REMEMBERED = 10_000
"""Clients that a limiter remembers."""

_FREE = ("/healthz", "/readyz", "/static/", WEBHOOK_PATH)
_AUTHORIZE = f"{INBOX_API}/oauth/authorize"
"""The API's one page: each visit of a signed-in person leaves a code."""
_GUESSED = "/github/manifest/operator"

log = structlog.get_logger()


class TooMany(RequestRefused):
    """A client is over its limit; `retry_after` in whole seconds."""

    status = 429

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message, advice=f"Wait {retry_after} seconds, then try again.")
        self.retry_after = retry_after


class Limiter:
    """A token bucket for each client (https://en.wikipedia.org/wiki/Token_bucket).

    `per_minute` requests each, of which `burst` may come at once, by default half of them; 0 is no limit. The
    number of clients is bounded: the one that asked longest ago is forgotten, since its bucket is fullest.
    """

    def __init__(self, per_minute: int, *, burst: int | None = None) -> None:
        self._per_minute = per_minute
        self._burst = max(1, per_minute // 2) if burst is None else burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Tokens left, and as of when, by client."""

    def wait(self, who: str, now: float) -> int:
        """Take a token; returns 0 if there was one, else the whole seconds to wait. `now` is in seconds."""
        if not self._per_minute:
            return 0
        tokens, before = self._buckets.pop(who, (float(self._burst), now))
        tokens = min(self._burst, tokens + max(0, now - before) * self._per_minute / 60)
        allowed = tokens >= 1 - 1e-9
        self._buckets[who] = (tokens - 1 if allowed else tokens, max(now, before))
        if len(self._buckets) > MAX_REMEMBERED:
            self._buckets.popitem(last=False)
        return 0 if allowed else max(1, math.ceil((1 - tokens) * 60 / self._per_minute - 1e-6))

    def refund(self, who: str) -> None:
        """Give back the token of a request that needed none."""
        if who in self._buckets:
            tokens, when = self._buckets[who]
            self._buckets[who] = (min(self._burst, tokens + 1), when)


class Limits:
    """An application's limits; a setting of 0 switches off those that it sets."""

    def __init__(self, *, page_limit: int = 0, action_limit: int = 0) -> None:
        self.pages = _of_clients(page_limit)
        self.refused = _of_clients(page_limit)
        self.strangers = Limiter(STRANGERS * page_limit)
        self.calls = Limiter(CALLS * page_limit)
        self.actions = Limiter(action_limit)
        self.guesses = _of_clients(GUESSES, burst=GUESSES)
        self._logged = Limiter(1)

    def check_client(self, limiters: Sequence[Limiter], address: str, *, what: str) -> None:
        """Count one request of an address and of its network; raises as `check` does."""
        for limiter, who in zip(limiters, buckets(address), strict=False):
            self.check(limiter, who, what=what)

    def refund_client(self, limiters: Sequence[Limiter], address: str) -> None:
        """Give back a request of an address and of its network."""
        for limiter, who in zip(limiters, buckets(address), strict=False):
            limiter.refund(who)

    def check(self, limiter: Limiter, who: str, *, what: str) -> None:
        """Count one request of `who`; raises `TooMany`, which is logged once a minute for each client."""
        now = time.monotonic()
        if wait := limiter.wait(who, now):
            if not self._logged.wait(f"{what} {who}", now):
                log.warning("rate_limited", who=who, what=what)
            raise TooMany(f"too many {what} in a short time", retry_after=wait)


LIMITS = web.AppKey("limits", Limits)


def _of_clients(per_minute: int, *, burst: int | None = None) -> tuple[Limiter, Limiter]:
    """Return the limiters of an address and of its network."""
    return Limiter(per_minute, burst=burst), Limiter(NETWORK * per_minute, burst=burst and NETWORK * burst)


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
            limits.refund_client(limits.guesses, address)
            return response
        if person := request.app[sessions.FLOWDOCK_SIGN_IN].known_user(request):
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
    request: web.Request, handler: Handler, limits: Limits, address: str
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
    """Count a call of the inbox's API with a valid token; raises `TooMany`."""
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
