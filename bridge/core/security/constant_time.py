"""Comparison of secrets, in the same time for a wrong one wherever it differs."""

import hmac


def equal(given: str, secret: str) -> bool:
    """Tell whether somebody gave the secret; `given` may be any text."""
    return hmac.compare_digest(given.encode(errors="replace"), secret.encode())
