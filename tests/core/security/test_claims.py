"""The claim in an authentication challenge's link: whom it names, and what is refused."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.errors import ClaimRefused
from bridge.core.security import claims
from bridge.core.security.claims import Claim
from tests.kits import sign

SECRET = "cookie-secret"
CLAIM = Claim(user="1001", id="once")


def made(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    """A claim made by hand; None leaves a part out."""
    payload = {"user": "1001", "exp": int(time.time()) + 900, "jti": "once"} | changes
    kept = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(kept, secret if algorithm != "none" else "", algorithm=algorithm)


@settings(max_examples=60, deadline=None)
@given(user=st.text(min_size=1, max_size=64), claim_id=st.text(min_size=1, max_size=64))
def test_a_claim_is_read_as_it_was_signed(user: str, claim_id: str) -> None:
    claim = Claim(user=user, id=claim_id)
    assert claims.read(claims.sign(claim, secret=SECRET), secrets=[SECRET]) == claim


def test_a_claim_is_what_the_seed_says_and_good_for_15_minutes() -> None:
    before = int(time.time())
    payload = jwt.decode(claims.sign(CLAIM, secret=SECRET), SECRET, algorithms=["HS256"])
    assert payload["user"] == "1001"
    assert before + 900 <= payload["exp"] <= int(time.time()) + 900
    assert payload["jti"] == "once"


def test_a_claim_fits_into_a_header_and_a_url_as_it_is() -> None:
    token = claims.sign(CLAIM, secret=SECRET)
    assert token.replace(".", "").replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("signed_with", ["new", "old"])
def test_any_secret_verifies_a_claim_and_an_expired_one_is_told_so(signed_with: str) -> None:
    assert claims.read(made(signed_with), secrets=["new", "old"]) == CLAIM
    with pytest.raises(ClaimRefused, match="has expired"):
        claims.read(made(signed_with, exp=1), secrets=["new", "old"])
    with pytest.raises(ClaimRefused, match="is damaged"):
        claims.read(made(signed_with), secrets=["other", "another"])
    with pytest.raises(ClaimRefused, match="is damaged"):
        claims.read(made(signed_with), secrets=[])


DAMAGED = "This link is damaged."
EXPIRED = "This link has expired"
_BODY = b"{}"

REFUSALS = {
    "empty": ("", DAMAGED),
    "no JWT": ("claim", DAMAGED),
    "non-ASCII": ("ä", DAMAGED),
    "lone surrogate": ("\udcff", DAMAGED),
    "endless": (made(more="x" * 4096), DAMAGED),
    "cut": (made()[:-2], DAMAGED),
    "other secret": (made("guess"), DAMAGED),
    "alg none": (made(algorithm="none"), DAMAGED),
    "HS512": (made(algorithm="HS512"), DAMAGED),
    "no exp": (made(exp=None), DAMAGED),
    "exp a word": (made(exp="tomorrow"), DAMAGED),
    "expired": (made(exp=int(time.time()) - 1), EXPIRED),
    "no user": (made(user=None), DAMAGED),
    "empty user": (made(user=""), DAMAGED),
    "user a number": (made(user=1001), DAMAGED),
    "user true": (made(user=True), DAMAGED),
    "user a list": (made(user=["1001"]), DAMAGED),
    "no id": (made(jti=None), DAMAGED),
    "empty id": (made(jti=""), DAMAGED),
    "id a number": (made(jti=1), DAMAGED),
    "not yet valid": (made(nbf=int(time.time()) + 3000), DAMAGED),
    "a FLOWDOCK-TOKEN of the same secret": (sign.flowdock_token(_BODY, SECRET), DAMAGED),
}


@pytest.mark.parametrize(
    ("token", "sentence"), [pytest.param(*row, id=name) for name, row in REFUSALS.items()]
)
def test_a_bad_claim_is_refused_and_says_what_to_do(token: str, sentence: str) -> None:
    with pytest.raises(ClaimRefused) as refused:
        claims.read(token, secrets=[SECRET])
    assert sentence in str(refused.value)
    assert "click the button again" in refused.value.advice
    assert refused.value.status == 403


@settings(max_examples=100, deadline=None)
@given(
    token=st.text(st.characters(), max_size=60) | st.from_regex(r"\A[\w-]{0,20}\.[\w-]{0,20}\.[\w-]{0,20}\Z")
)
def test_an_arbitrary_claim_is_refused(token: str) -> None:
    with pytest.raises(ClaimRefused):
        claims.read(token, secrets=[SECRET])


@settings(max_examples=80, deadline=None)
@given(
    changes=st.dictionaries(
        st.sampled_from(["user", "exp", "jti", "nbf", "iat", "aud", "sub"]),
        st.none()
        | st.integers()
        | st.floats()
        | st.text(st.characters(), max_size=10)
        | st.lists(st.integers()),
    )
)
def test_any_rightly_signed_claim_is_read_or_refused(changes: dict[str, Any]) -> None:
    payload = {"user": "1001", "exp": int(time.time()) + 900, "jti": "once"} | changes
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256"}, payload)]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    mac = base64.urlsafe_b64encode(hmac.digest(SECRET.encode(), signed, hashlib.sha256)).rstrip(b"=")
    try:
        claim = claims.read((signed + b"." + mac).decode(), secrets=[SECRET])
    except ClaimRefused:
        return
    assert (claim.user, claim.id) == (payload["user"], payload["jti"])
