"""The claim: the one-time pass in an authentication challenge's link.

A JWT with `user` and `exp`, 15 minutes ahead, signed with COOKIE_SECRET. Its `jti` is kept with the click.
The person who opens the link must still prove to be `user` through Flowdock's OAuth.

PyJWT is loaded with the first claim: it takes 3 MB, which a process that only takes deliveries saves.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridge.core.errors import ClaimRefused

if TYPE_CHECKING:
    from jwt.types import Options

LIFETIME = 15 * 60
"""Seconds a claim is good for."""

MAX_CLAIM = 4096


@dataclass(frozen=True, kw_only=True)
class Claim:
    """`user` is the Flowdock id that clicked, `id` the claim's own."""

    user: str
    id: str


def sign(claim: Claim, *, secret: str) -> str:
    """Sign the claim as a JWT that is valid for `LIFETIME` seconds."""
    import jwt

    payload = {"user": claim.user, "exp": int(time.time()) + LIFETIME, "jti": claim.id}
    return jwt.encode(payload, secret, algorithm="HS256")


def read(token: str, *, secrets: Sequence[str]) -> Claim:
    """Return the claim in a JWT that any of `secrets` signed; raises `ClaimRefused` naming what to do."""
    if len(token) > MAX_CLAIM or not token.isascii():
        raise ClaimRefused("This link is damaged.")
    payload = _payload(token, secrets)
    user, claim_id = payload.get("user"), payload.get("jti")
    if not (isinstance(user, str) and user and isinstance(claim_id, str) and claim_id):
        raise ClaimRefused("This link is damaged.")
    return Claim(user=user, id=claim_id)


def _payload(token: str, secrets: Sequence[str]) -> dict[str, Any]:
    import jwt

    options: Options = {"require": ["exp", "jti"], "verify_sub": False}
    for secret in secrets:
        try:
            return jwt.decode(token, secret, algorithms=["HS256"], options=options)
        except jwt.InvalidSignatureError:
            continue
        except jwt.ExpiredSignatureError:
            raise ClaimRefused("This link has expired. Links are good for 15 minutes.") from None
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError):
            break
    raise ClaimRefused("This link is damaged.")
