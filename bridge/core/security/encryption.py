"""Encryption of tokens at rest: AES-256-GCM, bound to the place where a value is kept.

A value moved to another place in Redis (one user's token under another user's name) does not decrypt.
"""

import base64
import hashlib
import os
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from bridge.core.errors import BridgeError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MIN_KEY = 32
_NONCE = 12
_KEY_ID = 4
_SHORTEST = _KEY_ID + _NONCE + 16
"""Bytes of an encrypted empty value: key id, nonce and the cipher's tag."""


class Undecryptable(BridgeError):
    """No key in ENCRYPTION_KEY decrypts the value."""


class Vault:
    """Encrypts with the first key, decrypts with any (so that keys can be rotated).

    Each key is any secret of `MIN_KEY` characters or more; the cipher's key is derived from it (HKDF,
    RFC 5869). An encrypted value is URL-safe base64 of key id, nonce and ciphertext.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys or any(len(key) < MIN_KEY for key in keys):
            raise ValueError(f"an encryption key has at least {MIN_KEY} characters")
        self._keys = tuple(keys)

    @cached_property
    def _ciphers(self) -> "dict[bytes, AESGCM]":
        """By key id, in the order of the keys; made at the first use.

        The library takes 9 MB, an eighth of a web process: one that only takes deliveries never loads it.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        derived = [_derive(key) for key in self._keys]
        return {_key_id(key): AESGCM(key) for key in derived}

    @property
    def _first(self) -> bytes:
        return next(iter(self._ciphers))

    @property
    def key_names(self) -> tuple[str, ...]:
        """Names that tell the keys apart, the first key's first, and reveal nothing of them."""
        return tuple(key.hex() for key in self._ciphers)

    def encrypt(self, value: bytes, *, aad: str) -> bytes:
        """Encrypt `value`, bound to `aad`: the name under which it will be kept."""
        nonce, first = os.urandom(_NONCE), self._first
        ciphertext = self._ciphers[first].encrypt(nonce, value, aad.encode())
        return base64.urlsafe_b64encode(first + nonce + ciphertext)

    def decrypt(self, encrypted: bytes, *, aad: str) -> bytes:
        """Decrypt what was encrypted with the same `aad`; raises `Undecryptable`."""
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.urlsafe_b64decode(encrypted)
            if base64.urlsafe_b64encode(raw) != encrypted:
                raise ValueError("not as it was written")
            cipher = self._ciphers[raw[:_KEY_ID]]
            return cipher.decrypt(raw[_KEY_ID : _KEY_ID + _NONCE], raw[_KEY_ID + _NONCE :], aad.encode())
        except (KeyError, ValueError, InvalidTag):
            # Of `inbox:{main}:application` the part that says what it is.
            kind = next(one for one in aad.split(":") if one not in ("bridge", "inbox") and one[:1] != "{")
            raise Undecryptable(
                f"a secret in Redis ({kind}) cannot be decrypted: ENCRYPTION_KEY was changed without keeping"
                " the old key after the new one"
            ) from None

    def is_newest(self, encrypted: bytes) -> bool:
        """Tell whether a value was encrypted with the first key."""
        return key_name(encrypted) == self._first.hex()


def key_name(encrypted: bytes) -> str:
    """Return the name of the key that encrypted a value, as in `Vault.key_names`; empty if none did."""
    try:
        raw = base64.b64decode(encrypted, altchars=b"-_", validate=True)
    except ValueError:
        return ""
    return raw[:_KEY_ID].hex() if len(raw) >= _SHORTEST else ""


def _derive(secret: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"bridge tokens at rest").derive(
        secret.encode()
    )


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"bridge key id" + key).digest()[:_KEY_ID]
