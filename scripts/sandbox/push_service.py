"""A stand-in push service, and the browsers that subscribe at it: it takes what a real one takes, no more.

https://www.rfc-editor.org/rfc/rfc8030 (delivery), 8291 (encryption), 8292 (who sends)
"""

import base64
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MOST_BYTES = 4096
MOST_TOKEN_SECONDS = 24 * 3600
_VAPID = re.compile(r"vapid t=([\w-]+\.[\w-]+\.[\w-]+), ?k=([\w-]+)")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")


def encoded(data: bytes) -> str:
    """Encode as URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Decode it."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(kw_only=True)
class SubscribedBrowser:
    """A browser that subscribed, for one sender alone, and what it was told."""

    endpoint: str
    sender: str
    """The public key of the one that may push."""
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False
    )
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)
    shown: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """Answers to give first, in place of the right ones."""
    is_gone: bool = False

    @property
    def public(self) -> bytes:
        """Return the browser's public key."""
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def form(self) -> dict[str, str]:
        """Return the subscription as the browser hands it to a page."""
        return {"endpoint": self.endpoint, "p256dh": encoded(self.public), "auth": encoded(self.auth)}

    def decrypt(self, body: bytes) -> bytes:
        """Decrypt a message as RFC 8291 says; raises `ValueError` if it is none for this browser."""
        salt, record, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        public, sealed = body[21 : 21 + length], body[21 + length :]
        if length != 65 or record < 18 or len(sealed) > record:
            raise ValueError("the header is none of one record")
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
        key_info = b"WebPush: info\x00" + self.public + public
        shared = _derived(self.auth, self.key.exchange(ec.ECDH(), theirs), key_info, 32)
        key = _derived(salt, shared, b"Content-Encoding: aes128gcm\x00", 16)
        nonce = _derived(salt, shared, b"Content-Encoding: nonce\x00", 12)
        try:
            plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\x00")
        except InvalidTag:
            raise ValueError("it is encrypted for another browser") from None
        if not plain.endswith(b"\x02"):
            raise ValueError("the last record has another end")
        return plain[:-1]


def _derived(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


@dataclass(kw_only=True)
class PushService:
    """The service at `url`, an origin."""

    url: str
    browsers: dict[str, SubscribedBrowser] = field(default_factory=dict)

    def subscribe(self, sender: str) -> SubscribedBrowser:
        """Subscribe a browser, for the sender with this public key."""
        name = secrets.token_hex(8)
        self.browsers[name] = SubscribedBrowser(endpoint=f"{self.url}/push/{name}", sender=sender)
        return self.browsers[name]

    def create_app(self) -> web.Application:
        """Make the application."""
        app = web.Application(client_max_size=1 << 20)
        app.add_routes([web.post("/push/{name}", self._push)])
        return app

    async def _push(self, request: web.Request) -> web.Response:
        browser = self.browsers.get(request.match_info["name"])
        if browser is None or browser.is_gone:
            return web.Response(status=410 if browser else 404)
        if browser.answers:
            headers = {"Location": "/elsewhere"}
            return web.Response(status=browser.answers.pop(0), headers=headers)
        body = await request.read()
        if refusal := self._refusal(request.headers, body, browser):
            return web.Response(status=refusal[0], text=refusal[1])
        try:
            shown = json.loads(browser.decrypt(body))
        except (ValueError, IndexError) as error:
            return web.Response(status=400, text=str(error))
        browser.shown.append(shown | {"topic": request.headers.get("Topic", "")})
        return web.Response(status=201, headers={"Location": f"{self.url}/message/{secrets.token_hex(8)}"})

    def _refusal(
        self, headers: Mapping[str, str], body: bytes, browser: SubscribedBrowser
    ) -> tuple[int, str] | None:
        if len(body) > MOST_BYTES:
            return 413, "the message is too long"
        if not headers.get("TTL", "").isdecimal():
            return 400, "there is no TTL"
        if headers.get("Content-Encoding") != "aes128gcm":
            return 400, "the encoding is another"
        if "Topic" in headers and not _TOPIC.fullmatch(headers["Topic"]):
            return 400, "this is no topic"
        found = _VAPID.fullmatch(headers.get("Authorization", ""))
        if found is None:
            return 401, "nobody says who sends"
        return (
            None if self._is_sender(found[1], found[2], browser) else (403, "this sender may not push here")
        )

    def _is_sender(self, token: str, key: str, browser: SubscribedBrowser) -> bool:
        try:
            public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(key))
            claims = jwt.decode(
                token, public, algorithms=["ES256"], audience=self.url, options={"require": ["exp", "aud"]}
            )
        except (jwt.PyJWTError, ValueError):
            return False
        is_known = str(claims.get("sub", "")).startswith(("mailto:", "https://", "http://127.0.0.1"))
        return key == browser.sender and is_known and claims["exp"] <= time.time() + MOST_TOKEN_SECONDS
