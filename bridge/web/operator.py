"""Whoever runs bridge: they know METRICS_TOKEN or, where there is none, sit at the machine itself."""

import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from bridge.core.errors import RequestRefused
from bridge.services import Services
from bridge.web import cookies
from bridge.web.keys import SERVICES

COOKIE = "bridge_operator"
SECONDS = 3600

log = structlog.get_logger()


class NotTheOperator(RequestRefused):
    """This page is for whoever runs bridge."""

    status = 403


class TokenAsked(RequestRefused):
    """This page is for whoever knows METRICS_TOKEN: a form asks for it."""

    status = 401


@dataclass(frozen=True, kw_only=True)
class Operator:
    """The operator's browser; `is_new`: it has yet to be given its cookie."""

    cookie: str = field(repr=False)
    is_new: bool = False

    def name(self, state: str) -> str:
        """Under which name a one-time value of this browser lies in Redis: nobody else knows it."""
        return _digest(f"{self.cookie}:{state}")


def may_read_metrics(request: web.Request) -> bool:
    """With METRICS_TOKEN its bearer may, without it whoever is on this machine."""
    token = request.app[SERVICES].settings.metrics_token
    if token is not None:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(errors="replace"), f"Bearer {token}".encode())
    return _at_the_machine(request)


async def required(request: web.Request) -> Operator:
    """The operator; raises `TokenAsked` or `NotTheOperator`."""
    services = request.app[SERVICES]
    cookie = cookies.read(request, COOKIE)
    if services.settings.metrics_token is not None:
        known = await services.store.look_once("operator", _digest(cookie)) if cookie else None
        # Bound to the token: whoever changes it ends all that it had opened.
        if known is None or known["token"] != _digest(services.settings.metrics_token):
            raise TokenAsked("bridge asks for METRICS_TOKEN here: whoever runs it knows it")
        return Operator(cookie=cookie)
    if not _at_the_machine(request):
        refusal = NotTheOperator("this page is for whoever runs bridge")
        refusal.advice = (
            "Set METRICS_TOKEN: this page then asks for it. Without it, it opens on bridge's own machine."
        )
        raise refusal
    # Another name for this machine may be a stranger's page that points here (DNS rebinding).
    if request.host != urlsplit(services.settings.web_url).netloc:
        refusal = NotTheOperator("this page opens at WEB_URL alone")
        refusal.advice = f"Open {services.settings.web_url}{request.path}."
        raise refusal
    return Operator(cookie=cookie or secrets.token_urlsafe(32), is_new=not cookie)


async def admitted(services: Services, response: web.Response, *, given: str) -> bool:
    """Let a browser in that knows METRICS_TOKEN, for an hour; False if it does not."""
    token = services.settings.metrics_token
    if token is None or not hmac.compare_digest(given.encode(errors="replace"), token.encode()):
        log.warning("operator_refused")
        return False
    operator = Operator(cookie=secrets.token_urlsafe(32))
    value = {"token": _digest(token)}
    await services.store.put_once("operator", _digest(operator.cookie), value, seconds=SECONDS)
    log.info("operator_admitted")
    remember(services, response, operator)
    return True


def remember(services: Services, response: web.Response, operator: Operator) -> None:
    """Give the browser its cookie."""
    cookies.keep(services, response, COOKIE, operator.cookie, seconds=SECONDS)


def _at_the_machine(request: web.Request) -> bool:
    # Behind a proxy on the same machine everybody comes from loopback.
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


def _digest(text: str) -> str:
    # Only a hash lies in Redis: who reads a dump opens nothing with it.
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
