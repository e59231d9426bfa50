"""The authorization code grant (RFC 6749) with PKCE (RFC 7636), for GitHub and Flowdock."""

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import parse_qsl, urlencode

import aiohttp
import orjson

from bridge.core.errors import OAuthFailed

MAX_SECONDS = 15


def authorize_url(endpoint: str, **parameters: str) -> str:
    """Return the URL to redirect the browser to."""
    return f"{endpoint}?{urlencode(parameters)}"


def code_verifier() -> str:
    """Make a PKCE verifier of 43 characters."""
    return secrets.token_urlsafe(32)


def code_challenge(verifier: str) -> str:
    """Return a verifier's S256 challenge (RFC 7636, 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


async def token_request(
    session: aiohttp.ClientSession, endpoint: str, *, service: str, **fields: str
) -> dict[str, Any]:
    """Ask a token endpoint, and return its answer (JSON or form); raises `OAuthFailed` on any `error`.

    GitHub answers errors with status 200. No error contains the request or the answer.
    """
    try:
        async with session.post(
            endpoint,
            data=fields,
            headers={"Accept": "application/json"},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=MAX_SECONDS),
        ) as response:
            answer = _read(await response.read())
            status = response.status
    except (aiohttp.ClientError, TimeoutError) as error:
        raise OAuthFailed(f"{service} cannot be reached ({type(error).__name__}): try again") from None
    if code := answer.get("error"):
        raise OAuthFailed(f"{service} refused: {_known(str(code))}", code=str(code))
    if status != 200 or not isinstance(answer.get("access_token"), str) or not answer["access_token"]:
        raise OAuthFailed(f"{service} answered {status} without a token: try again")
    return answer


def _read(body: bytes) -> dict[str, Any]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return dict(parse_qsl(body.decode(errors="replace")))
    return answer if isinstance(answer, dict) else {}


_KNOWN = {
    "bad_verification_code": "the code was already used or has expired",
    "incorrect_client_credentials": "its client id or secret in bridge's settings is wrong",
    "invalid_client": "its client id or secret in bridge's settings is wrong",
    "redirect_uri_mismatch": "bridge's callback URL is not registered there",
    "invalid_grant": "the code was already used or has expired",
    "bad_refresh_token": "the account must be linked again",
}


def _known(code: str) -> str:
    # An unknown code may be anything: it is shown only if it looks like one.
    return _KNOWN.get(code) or (code if code.replace("_", "").isalnum() and len(code) < 64 else "error")
