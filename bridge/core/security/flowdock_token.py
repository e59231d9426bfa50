"""The signed request behind a click: the header FLOWDOCK-TOKEN and what it vouches for.

A JWT keyed with the OAuth application's secret, with `sub` (the Flowdock user), `exp` and `signature` (the
lower-case hex SHA-256 of the raw body).
"""

import hashlib
import hmac
import time
from dataclasses import dataclass

import orjson

from bridge.core.errors import TokenRefused

MAX_LIFETIME = 300
"""Seconds that a token may have left: Flowdock gives 30; the room is for clocks that differ."""

MAX_TOKEN = 4096
LEEWAY = 5


@dataclass(frozen=True, kw_only=True)
class VerifiedClick:
    """A proven click: the Flowdock user's id, and a name for the token that holds until `expires_at`."""

    user: str
    token_id: str
    expires_at: int


def verify(token: str | None, body: bytes, *, secret: str, address: str) -> VerifiedClick:
    """Return the Flowdock user who clicked, once the token matches this body and the body this address.

    `address` is the URL that was called, as bridge offered it. Raises `TokenRefused`. The caller makes
    sure, by `token_id`, that a token serves once.
    """
    claims = _claims(token, secret)
    user = _subject(claims.get("sub"))
    expires_at = _expiry(claims["exp"])
    _check_body(claims.get("signature"), body)
    _check_address(body, address)
    # A JWT's signature can be written in more than one way; what was signed cannot.
    signed, _, _ = str(token).rpartition(".")
    token_id = hashlib.sha256(signed.encode()).hexdigest()
    return VerifiedClick(user=user, token_id=token_id, expires_at=expires_at + LEEWAY)


def _claims(token: str | None, secret: str) -> dict[str, object]:
    if not token:
        raise TokenRefused("the header FLOWDOCK-TOKEN is missing")
    if len(token) > MAX_TOKEN or not token.isascii():
        raise TokenRefused("the FLOWDOCK-TOKEN is not a JWT")
    # Not before a token is there to read: see `bridge.core.security.claims`.
    import jwt

    try:
        claims: dict[str, object] = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            leeway=LEEWAY,
            # `sub` may be a number here, as Flowdock's ids are; PyJWT would insist on a string.
            options={
                "require": ["exp", "sub"],
                "verify_sub": False,
                "verify_aud": False,
                "verify_iat": False,
            },
        )
    except jwt.ExpiredSignatureError:
        raise TokenRefused("the FLOWDOCK-TOKEN has expired: click again") from None
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError):
        raise TokenRefused("the FLOWDOCK-TOKEN is not signed for this application") from None
    return claims


def _subject(subject: object) -> str:
    if isinstance(subject, bool) or not isinstance(subject, str | int):
        raise TokenRefused("the FLOWDOCK-TOKEN names no user")
    user = str(subject)
    if not user or len(user) > 64 or not user.isprintable() or not user.strip():
        raise TokenRefused("the FLOWDOCK-TOKEN names no user")
    return user


def _expiry(expiry: object) -> int:
    if isinstance(expiry, bool) or not isinstance(expiry, int | float):
        raise TokenRefused("the FLOWDOCK-TOKEN's exp is not a time")
    if expiry > time.time() + MAX_LIFETIME:
        raise TokenRefused("the FLOWDOCK-TOKEN is valid for too long")
    return int(expiry)


def _check_body(signature: object, body: bytes) -> None:
    digest = hashlib.sha256(body).hexdigest().encode()
    if not isinstance(signature, str) or not hmac.compare_digest(signature.encode(errors="replace"), digest):
        raise TokenRefused("the FLOWDOCK-TOKEN does not belong to this request's body")


def _check_address(body: bytes, address: str) -> None:
    try:
        action = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise TokenRefused("the body is not the action that was clicked") from None
    target = action.get("target") if isinstance(action, dict) else None
    if not isinstance(target, dict) or target.get("urlTemplate") != address:
        raise TokenRefused("the clicked action has another address than the one called")
    if target.get("httpMethod", "POST") != "POST":
        raise TokenRefused("the action that was clicked is not a POST")
