"""The claim: the one-time pass in an authentication challenge's link.

The seed, "Authentication challenge": a JWT with `user` and `exp`, 15 minutes ahead, signed with
COOKIE_SECRET. Its `jti` is remembered with what was clicked; whoever opens the link must still prove
to be `user` through Flowdock's OAuth.
"""

import time
from dataclasses import dataclass

import jwt

from bridge.core.errors import ClaimRefused

LIFETIME = 15 * 60
"""Seconds a claim is good for."""

MAX_CLAIM = 4096


@dataclass(frozen=True, kw_only=True)
class Claim:
    """`user` is the Flowdock id that clicked, `id` the claim's own."""

    user: str
    id: str


def sign(claim: Claim, *, secret: str) -> str:
    """The claim as a JWT that is good for `LIFETIME` seconds from now."""
    payload = {"user": claim.user, "exp": int(time.time()) + LIFETIME, "jti": claim.id}
    return jwt.encode(payload, secret, algorithm="HS256")


def read(token: str, *, secret: str) -> Claim:
    """The claim in a JWT; raises `ClaimRefused` naming what to do."""
    if len(token) > MAX_CLAIM or not token.isascii():
        raise ClaimRefused("This link is damaged.")
    try:
        payload = jwt.decode(
            token, secret, algorithms=["HS256"], options={"require": ["exp", "jti"], "verify_sub": False}
        )
    except jwt.ExpiredSignatureError:
        raise ClaimRefused("This link has expired: it is good for 15 minutes.") from None
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError):
        raise ClaimRefused("This link is damaged.") from None
    user, claim_id = payload.get("user"), payload.get("jti")
    if not (isinstance(user, str) and user and isinstance(claim_id, str) and claim_id):
        raise ClaimRefused("This link is damaged.")
    return Claim(user=user, id=claim_id)
