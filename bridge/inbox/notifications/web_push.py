"""Web Push: a message is encrypted for one browser, and given to the push service that it subscribed at.

https://www.rfc-editor.org/rfc/rfc8030, and 8291 for the encryption
"""

import os
import struct
from dataclasses import dataclass
from enum import Enum, auto

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from bridge.inbox.notifications.subscriptions import PushSubscription, decoded
from bridge.inbox.notifications.vapid import Vapid

LIVES_SECONDS = 24 * 3600
"""Seconds for which a push service keeps a message for a browser that is away."""
PATIENCE = ClientTimeout(total=10)
RECORD = 4096

log = structlog.get_logger()


class Pushed(Enum):
    """The outcome of a push."""

    TAKEN = auto()
    GONE = auto()
    """The browser is no longer subscribed."""
    REFUSED = auto()
    """Another attempt would be refused as well."""
    FAILED = auto()
    """Another attempt may succeed."""


@dataclass(frozen=True, kw_only=True)
class WebPush:
    """The sender; `http` connects to public addresses alone, since a browser names the push service."""

    http: ClientSession
    vapid: Vapid

    async def push(self, to: PushSubscription, message: bytes, *, topic: str) -> Pushed:
        """Push a message; it replaces one of the same topic that still waits for the browser."""
        body = encrypted(message, p256dh=decoded(to.p256dh), auth=decoded(to.auth))
        headers = {
            "Authorization": await self.vapid.authorization(to.endpoint),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(LIVES_SECONDS),
            "Topic": topic,
        }
        service = URL(to.endpoint).host
        try:
            async with self.http.post(
                URL(to.endpoint, encoded=True),
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=PATIENCE,
            ) as response:
                outcome = understand(response.status)
                if outcome is not Pushed.TAKEN:
                    log.warning("push_failed", service=service, status=response.status)
                return outcome
        except (ClientError, OSError, TimeoutError) as error:
            log.warning("push_failed", service=service, error=type(error).__name__)
            return Pushed.FAILED


def understand(status: int) -> Pushed:
    """Return what a push service's answer means; 406 is Microsoft's way to slow down a sender."""
    if 200 <= status < 300:
        return Pushed.TAKEN
    if status in (404, 410):
        return Pushed.GONE
    return Pushed.FAILED if status in (406, 408, 429) or status >= 500 else Pushed.REFUSED


def encrypted(message: bytes, *, p256dh: bytes, auth: bytes) -> bytes:
    """Encrypt a message for the browser with this public key and this secret (RFC 8291)."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    def derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
        return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)

    own, salt = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
    public = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)
    shared = derived(own.exchange(ec.ECDH(), theirs), auth, b"WebPush: info\0" + p256dh + public, 32)
    key = derived(shared, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = derived(shared, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + struct.pack("!IB", RECORD, len(public)) + public
    # The delimiter of the last record, and no padding.
    return header + AESGCM(key).encrypt(nonce, message + b"\x02", None)
