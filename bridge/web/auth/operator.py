"""Access for bridge's operator: by SETUP_SECRET, by the first owner's address, or from bridge's own machine.

METRICS_TOKEN may lie on many machines that scrape: it opens /metrics, and nothing here.
"""

import ipaddress
import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import structlog
from aiohttp import HttpVersion11, web

from bridge.core.errors import RequestRefused
from bridge.core.security import signing
from bridge.storage.keys import hash_of
from bridge.web.context import SERVICES
from bridge.web.http import cookies

COOKIE = "bridge_operator"
SECONDS = 3600

PROXIED = re.compile(
    r"x-(?!prometheus-|requested-with$).*|forwarded.*|via|.*proxy.*|cf-.*|cdn-.*"
    r"|.*(?:client|real|remote|connecting|source)-?(?:ip|addr).*",
    re.IGNORECASE,
)
"""The headers that proxies add. Browsers, curl and Prometheus send none of them."""

OWN_NAME = re.compile(r"(?:localhost|\d+(?:\.\d+){3}|\[[0-9a-f:.]+\])(?::\d+)?", re.IGNORECASE)
"""Names that always mean this machine: any other may be a web page's that points here (DNS rebinding)."""

log = structlog.get_logger()


class NotTheOperator(RequestRefused):
    """This page is for bridge's operator."""

    status = 403


class SecretAsked(RequestRefused):
    """This page needs SETUP_SECRET; a form asks for it."""

    status = 401


@dataclass(frozen=True, kw_only=True)
class Operator:
    """The operator's browser; `is_new`: it has no cookie yet.

    `may_replace`: also an App that is there. The first owner's address is good for the first App alone, as
    someone else may have opened it before the owner did.
    """

    cookie: str = field(repr=False)
    is_new: bool = False
    may_replace: bool = True

    def name(self, state: str) -> str:
        """Return the name of this browser's one-time value in Redis; nobody else can guess it."""
        return hash_of(f"{self.cookie}:{state}")


def may_read_metrics(request: web.Request) -> bool:
    """Tell whether a client may read the metrics: METRICS_TOKEN's bearer or, without one, this machine."""
    token = request.app[SERVICES].settings.metrics_token
    if token is not None:
        given = request.headers.get("Authorization", "")
        return signing.equal(given, f"Bearer {token}")
    own = urlsplit(request.app[SERVICES].settings.web_url).netloc
    return _at_the_machine(request) and (request.host == own or bool(OWN_NAME.fullmatch(request.host)))


async def required(request: web.Request) -> Operator:
    """Return the operator; raises `SecretAsked` or `NotTheOperator`."""
    services = request.app[SERVICES]
    cookie = cookies.read(request, COOKIE)
    secret = services.settings.setup_secret
    known = await services.one_time.peek("operator", hash_of(cookie)) if cookie else None
    # Bound to the secret: a new secret ends all that the old one opened.
    if known is not None and known["secret"] == hash_of(secret or ""):
        return Operator(cookie=cookie, may_replace=known["may_replace"])
    if secret is not None:
        raise SecretAsked("enter SETUP_SECRET to open this page")
    if not _at_the_machine(request):
        raise NotTheOperator(
            "this page is for bridge's operator",
            advice="Set SETUP_SECRET, and this page asks for it. Without it, the page opens only on bridge's"
            " own machine, without a proxy.",
        )
    # Another name may be that of a stranger's page, and point here (DNS rebinding).
    if request.host != urlsplit(services.settings.web_url).netloc:
        advice = f"Open {services.settings.web_url}{request.path}."
        raise NotTheOperator("this page opens only at WEB_URL", advice=advice)
    return Operator(cookie=cookie or secrets.token_urlsafe(32), is_new=not cookie)


async def admitted(request: web.Request, response: web.Response, *, given: str) -> bool:
    """Sign a browser in for an hour if it knows SETUP_SECRET; returns whether it does."""
    services = request.app[SERVICES]
    secret = services.settings.setup_secret
    if secret is None or not signing.equal(given, secret):
        log.warning("operator_sign_in_refused")
        return False
    await sign_in(request, response)
    return True


async def sign_in(request: web.Request, response: web.Response, *, may_replace: bool = True) -> None:
    """Sign in a browser that has proved to be the operator's, for an hour."""
    services, operator = request.app[SERVICES], Operator(cookie=secrets.token_urlsafe(32))
    value = {"secret": hash_of(services.settings.setup_secret or ""), "may_replace": may_replace}
    await services.one_time.put("operator", hash_of(operator.cookie), value, seconds=SECONDS)
    log.info("operator_signed_in")
    remember(request, response, operator)


def remember(request: web.Request, response: web.Response, operator: Operator) -> None:
    """Give the browser its cookie."""
    cookies.keep(request, response, COOKIE, operator.cookie, seconds=SECONDS)


def _at_the_machine(request: web.Request) -> bool:
    # Behind a proxy on this machine all come from loopback. A proxy that adds no header speaks HTTP/1.0.
    if request.version < HttpVersion11 or any(map(PROXIED.fullmatch, request.headers)):
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
