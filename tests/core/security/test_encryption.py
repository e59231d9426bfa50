"""Tokens at rest: only the right key, the right place and the untouched value open."""

import base64

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.security.encryption import Undecryptable, Vault, key_name
from tests.kits.controls import unguarded

OLD = "old key " * 4
NEW = "new key " * 4
PLACE = "account:1001"

VAULT = Vault([NEW, OLD])


@settings(max_examples=60, deadline=None)
@given(value=st.binary(max_size=200), place=st.text(max_size=40))
def test_an_encrypted_value_decrypts_in_its_place(value: bytes, place: str) -> None:
    assert VAULT.decrypt(VAULT.encrypt(value, aad=place), aad=place) == value


def test_a_value_encrypted_by_an_earlier_version_decrypts() -> None:
    """Change what a key becomes, or how a value is laid out, and every installation loses its tokens."""
    sealed = b"JLskOoZ59sW6V1kLD7c27W-_tjhN6JIMk0ZoMxVF1WSWAQEUO6UesaE="
    assert Vault(["x" * 32]).decrypt(sealed, aad="account:1001") == b"gho_token"


def test_the_first_key_seals_and_any_opens() -> None:
    sealed = VAULT.encrypt(b"token", aad=PLACE)
    assert Vault([NEW]).decrypt(sealed, aad=PLACE) == b"token"
    with pytest.raises(Undecryptable):
        Vault([OLD]).decrypt(sealed, aad=PLACE)
    assert VAULT.decrypt(Vault([OLD]).encrypt(b"token", aad=PLACE), aad=PLACE) == b"token"


class _Unbound:
    """The cipher without the bond to a place."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def encrypt(self, nonce: bytes, value: bytes, _: bytes) -> bytes:
        return self._cipher.encrypt(nonce, value, None)

    def decrypt(self, nonce: bytes, sealed: bytes, _: bytes) -> bytes:
        return self._cipher.decrypt(nonce, sealed, None)


@unguarded("cryptography.hazmat.primitives.ciphers.aead.AESGCM", _Unbound)
def test_a_value_moved_to_another_place_does_not_open() -> None:
    vault = Vault([NEW])
    sealed = vault.encrypt(b"token", aad=PLACE)
    with pytest.raises(Undecryptable):
        vault.decrypt(sealed, aad="account:1002")


def test_the_same_value_is_never_sealed_alike_and_shows_nothing() -> None:
    sealed = {VAULT.encrypt(b"gho_token", aad=PLACE) for _ in range(50)}
    assert len(sealed) == 50
    assert not any(b"gho_token" in base64.urlsafe_b64decode(one) for one in sealed)


@settings(max_examples=150, deadline=None)
@given(value=st.binary(max_size=20), position=st.integers(0, 1000), other=st.integers(0, 255))
def test_a_value_with_any_byte_changed_does_not_open(value: bytes, position: int, other: int) -> None:
    sealed = VAULT.encrypt(value, aad=PLACE)
    position %= len(sealed)
    changed = sealed[:position] + bytes([other]) + sealed[position + 1 :]
    if changed == sealed:
        return
    with pytest.raises(Undecryptable):
        VAULT.decrypt(changed, aad=PLACE)


def test_every_other_last_character_is_noticed() -> None:
    """Base64 has bits to spare at its end: they are not to spare here."""
    sealed = VAULT.encrypt(b"12", aad=PLACE)
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=\n"
    end = len(sealed.rstrip(b"="))
    for last in alphabet:
        changed = sealed[: end - 1] + bytes([last]) + sealed[end:]
        if changed != sealed:
            with pytest.raises(Undecryptable):
                VAULT.decrypt(changed, aad=PLACE)


SEALED = VAULT.encrypt(b"token", aad=PLACE)


@pytest.mark.parametrize(
    "sealed",
    [
        *(
            pytest.param(SEALED[:length], id=f"the first {length}")
            for length in (0, 1, 4, 8, 20, 40, len(SEALED) - 1)
        ),
        pytest.param(SEALED + b"AAAA", id="more behind it"),
        pytest.param(SEALED + b"\n", id="a line end behind it"),
        pytest.param(b"\xff" * 80, id="other bytes"),
        pytest.param(b"gho_token", id="a token in clear"),
    ],
)
def test_a_value_that_is_not_encrypted_does_not_decrypt(sealed: bytes) -> None:
    with pytest.raises(Undecryptable):
        VAULT.decrypt(sealed, aad=PLACE)


@settings(max_examples=80, deadline=None)
@given(sealed=st.binary(max_size=120) | st.binary(max_size=80).map(base64.urlsafe_b64encode))
def test_arbitrary_bytes_do_not_open(sealed: bytes) -> None:
    with pytest.raises(Undecryptable):
        VAULT.decrypt(sealed, aad=PLACE)


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("account:dee@example.com", "account"),
        ("bridge:github-app", "github-app"),
        ("inbox:{people}:rights:dee", "rights"),
        ("inbox-mail", "inbox-mail"),
    ],
)
def test_the_error_says_what_to_do_and_not_whose_value_it_was(place: str, kind: str) -> None:
    with pytest.raises(Undecryptable) as error:
        VAULT.decrypt(b"", aad=place)
    assert str(error.value).startswith(f"a secret in Redis ({kind}) cannot be decrypted: ENCRYPTION_KEY")
    assert "dee" not in str(error.value)


@pytest.mark.parametrize("keys", [[], [""], ["x" * 31], [NEW, "x" * 31]], ids=repr)
def test_a_vault_without_long_enough_keys_is_none(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="at least 32 characters"):
        Vault(keys)


def test_the_key_of_a_value_is_told_without_decrypting_it() -> None:
    old, both = Vault([OLD]), Vault([NEW, OLD])
    sealed = old.encrypt(b"token", aad=PLACE)
    assert key_name(sealed) == old.key_names[0] == both.key_names[1]
    assert (old.is_newest(sealed), both.is_newest(sealed)) == (True, False)
    assert both.is_newest(both.encrypt(b"", aad=PLACE))
    assert OLD not in str(both.key_names)


@pytest.mark.parametrize("odd", [b"", b"{}", b"token", b"\xff" * 60, b"=" * 60, b"A" * 41])
def test_a_value_that_no_key_encrypted_names_no_key(odd: bytes) -> None:
    assert key_name(odd) == ""
    assert not VAULT.is_newest(odd)
