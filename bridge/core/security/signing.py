"""Signatures by bridge's own secrets, and the comparison of secrets."""

import hashlib
import hmac
from collections.abc import Sequence


def signatures(text: str, secrets: Sequence[str]) -> list[str]:
    """Return a text's signature by each secret."""
    about = text.encode(errors="replace")
    return [hmac.new(secret.encode(), about, hashlib.sha256).hexdigest() for secret in secrets]


def equal(given: str, secret: str) -> bool:
    """Tell in constant time whether `given`, which may be any text, is the secret."""
    return hmac.compare_digest(given.encode(errors="replace"), secret.encode())
