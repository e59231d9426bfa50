"""The key pair by which push services know bridge: made once, kept encrypted in Redis.

https://www.rfc-editor.org/rfc/rfc8292
"""

import base64
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.core.security.encryption import Vault
from bridge.core.urls import origin
from bridge.inbox import keys
from bridge.storage.redis import Redis

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

TOKEN_SECONDS = 12 * 3600
"""Push services take at most a day."""


@dataclass(frozen=True, kw_only=True)
class Vapid:
    """bridge's key pair; `contact` is where an operator of a push service finds those who run bridge."""

    redis: Redis
    vault: Vault
    contact: str

    async def public_key(self) -> str:
        """Return the public key as browsers and push services take it."""
        return _public(await self._key())

    async def authorization(self, endpoint: str) -> str:
        """Return the header that proves to a push service who sends."""
        import jwt

        key = await self._key()
        claims = {"aud": origin(endpoint), "exp": int(time.time()) + TOKEN_SECONDS, "sub": self.contact}
        return f"vapid t={jwt.encode(claims, key, algorithm='ES256')}, k={_public(key)}"

    async def _key(self) -> "EllipticCurvePrivateKey":
        """Return the private key; the first to ask makes it. Raises `Undecryptable`."""
        from cryptography.hazmat.primitives.asymmetric import ec

        sealed = await self.redis.get(keys.VAPID)
        if sealed is None:
            number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
            made = self.vault.encrypt(number.to_bytes(32, "big"), aad=keys.VAPID)
            sealed = (
                made if await self.redis.set(keys.VAPID, made, nx=True) else await self.redis.get(keys.VAPID)
            )
        number = int.from_bytes(self.vault.decrypt(sealed or b"", aad=keys.VAPID), "big")
        return ec.derive_private_key(number, ec.SECP256R1())


def _public(key: "EllipticCurvePrivateKey") -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()
