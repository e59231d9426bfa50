"""Signatures of GitHub and Flowdock, made independently of bridge's own code."""

import hashlib
import hmac
import json
import time
from typing import Any

import jwt


def webhook(body: bytes, secret: str, *, algorithm: str = "sha256") -> str:
    """The value of X-Hub-Signature-256 (or, with sha1, of the legacy header)."""
    return f"{algorithm}={hmac.new(secret.encode(), body, algorithm).hexdigest()}"


def action_body(address: str, *, name: str = "Assign to me", method: str = "POST") -> bytes:
    """The body of a click, as Flowdock sends it."""
    return json.dumps(
        {
            "@type": "UpdateAction",
            "name": name,
            "target": {"@type": "EntryPoint", "urlTemplate": address, "httpMethod": method},
            "agent": {"@type": "Person", "name": "Ann Ames", "image": "http://example.com/ann.png"},
        }
    ).encode()


def flowdock_token(body: bytes, secret: str = "flowdock-secret", **changes: Any) -> str:
    """The header FLOWDOCK-TOKEN; `changes` replace claims, None leaves one out."""
    claims: dict[str, Any] = {
        "sub": "1001",
        "exp": int(time.time()) + 30,
        "signature": hashlib.sha256(body).hexdigest(),
    } | changes
    return jwt.encode(
        {name: value for name, value in claims.items() if value is not None}, secret, algorithm="HS256"
    )
