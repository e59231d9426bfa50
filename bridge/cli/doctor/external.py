"""The checks of GitHub, Flowdock and bridge's own public address."""

import hashlib
import hmac
import secrets
from contextlib import suppress

import aiohttp
import orjson

from bridge.cli.doctor.rows import Finding
from bridge.clients.github_credentials import NoCredentials
from bridge.clients.session import open_session
from bridge.core.errors import GitHubFailing, OAuthFailed
from bridge.core.github.webhook import WEBHOOK_PATH
from bridge.inbox.notifications.mail import MailFailed, MailServer
from bridge.services import Services

_MADE_UP = "made-up-by-doctor"
_CODE_UNKNOWN = frozenset({"bad_verification_code", "invalid_grant"})
"""The answers to a made-up code where client id and secret are right."""


async def github(services: Services) -> Finding:
    """Check that GitHub's API answers."""
    url = services.settings.github_api_url
    try:
        version = await services.github.reach()
    except GitHubFailing as error:
        return "wrong", f"{error}: check the network, and GITHUB_API_URL ({url})"
    return "fine", " ".join(filter(None, [url, version]))


async def github_client(services: Services) -> Finding:
    """Check that GitHub knows bridge's client id and secret.

    A made-up code is exchanged: GitHub looks at the client first, and says what it finds wrong.
    https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
    """
    try:
        credentials = await services.credentials.current()
    except NoCredentials as error:
        return "wrong", f"{error}: create it at {services.settings.web_url}/github/manifest"
    whose = f"of the GitHub App {credentials.app.name}" if credentials.app else "of the OAuth App"
    try:
        await services.github.exchange(_MADE_UP, verifier=_MADE_UP)
    except OAuthFailed as error:
        advice = (
            "generate a new client secret on GitHub, and run `bridge app-secret client-secret -`"
            if credentials.app
            else "copy GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET again"
        )
        return _of_client(whose, error, advice)
    return "warn", "GitHub accepted a made-up code: is GITHUB_URL really GitHub?"


async def flowdock_client(services: Services) -> Finding:
    """Check that Flowdock answers, and knows bridge's client id and secret (RFC 6749, 5.2)."""
    try:
        await services.flowdock_oauth.exchange(_MADE_UP)
    except OAuthFailed as error:
        advice = "copy FLOWDOCK_CLIENT_ID and FLOWDOCK_CLIENT_SECRET again, and check FLOWDOCK_API_URL"
        return _of_client("of the application", error, advice)
    return "warn", "Flowdock accepted a made-up code: is FLOWDOCK_API_URL really Flowdock?"


async def mail_server(services: Services) -> Finding:
    """Check that the inbox's mail server takes bridge's login."""
    chosen = services.settings
    try:
        await MailServer(url=chosen.smtp_url, sender=chosen.mail_from).reach()
    except MailFailed as error:
        return "wrong", f"{error}; check SMTP_URL"
    return "fine", f"sends from {chosen.mail_from}"


def _of_client(whose: str, error: OAuthFailed, advice: str) -> Finding:
    return ("fine", whose) if error.code in _CODE_UNKNOWN else ("wrong", f"{error}; {advice}")


async def public_address(services: Services) -> Finding:
    """Check that WEB_URL leads to a bridge that has this secret and this Redis."""
    url = services.settings.web_url
    unseen = "it may work from outside; a webhook's ping shows that"
    async with open_session() as session:
        try:
            async with session.get(f"{url}/healthz", allow_redirects=False) as response:
                status, body = response.status, await response.content.read(1000)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return "warn", f"{url} cannot be reached from here ({type(error).__name__}): {unseen}"
        if status != 200 or not _is_alive(body):
            words = f"{url} answers, but not as bridge ({status}): check WEB_URL and the proxy in front of it"
            return "warn", words
        return await _same(url, services, session)


def _is_alive(body: bytes) -> bool:
    """Tell whether this is the answer of a bridge's `/healthz`."""
    with suppress(orjson.JSONDecodeError):
        found = orjson.loads(body)
        return isinstance(found, dict) and found.get("status") == "alive"
    return False


async def _same(url: str, services: Services, session: aiohttp.ClientSession) -> Finding:
    """Send a ping as GitHub signs it: a bridge with this secret accepts it, and records it in its Redis."""
    known = await services.credentials.webhook_secrets()
    if not known:
        return "fine", url
    hook_id = secrets.randbelow(2**52) + 1
    body = orjson.dumps({"zen": "Is this bridge?", "hook_id": hook_id})
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "ping",
        "X-GitHub-Delivery": f"doctor-{hook_id}",
        "X-Hub-Signature-256": f"sha256={hmac.new(known[0].encode(), body, hashlib.sha256).hexdigest()}",
    }
    address = url + WEBHOOK_PATH
    async with session.post(address, data=body, headers=headers, allow_redirects=False) as response:
        status = response.status
    if status == 401:
        return "wrong", f"the bridge at {url} has a different GITHUB_WEBHOOK_SECRET"
    if status != 200:
        return "wrong", f"{address} answers a signed ping with {status}: see its log"
    if not await services.webhook_keys.pinged_at(hook_id):
        return "wrong", f"the bridge at {url} uses a different Redis: check REDIS_URL"
    await services.webhook_keys.forget_ping(hook_id)
    return "fine", url
